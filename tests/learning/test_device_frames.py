"""Frames on the learner's device: the same batches, updates and checkpoints as in the host's."""

import copy
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_helpers import Quiet, tiny_settings
from test_device import HAS_GPU
from test_replay import NUM_ENVS, Player, layout_of

from f1_rl.learning import device_frames
from f1_rl.learning.agent import Agent
from f1_rl.learning.checkpoints import Checkpoints
from f1_rl.learning.device import DeviceMemoryError, import_tensorflow
from f1_rl.learning.device_frames import DeviceFrames
from f1_rl.learning.frames import HostFrames
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.prioritized_replay import PrioritizedReplay
from f1_rl.learning.replay import Replay
from f1_rl.learning.replays import make_replay
from f1_rl.learning.settings import (
    AgentSettings,
    AugmentationSettings,
    NetworkSettings,
    PrioritySettings,
    TrainingSettings,
)
from f1_rl.learning.training import start_run
from f1_rl.settings import SettingsError

tf = import_tensorflow()

needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="there is no GPU")
DEVICES = ["/CPU:0", pytest.param("/GPU:0", marks=needs_gpu)]
# Whether each environment's episode terminates or is truncated in a step, and interruptions.
STEPS = st.lists(
    st.one_of(
        st.just("interrupt"),
        st.tuples(*[st.sampled_from(["goes on", "terminated", "truncated", "fault"])] * NUM_ENVS),
    ),
    min_size=6,
    max_size=60,
)


def two_replays(slots: int, stack: int, n_step: int, device: str = "/CPU:0") -> list[Replay]:
    return [
        Replay(
            slots * NUM_ENVS,
            NUM_ENVS,
            layout_of(stack),
            n_step=n_step,
            gamma=0.8,
            make_frames=make_frames,
        )
        for make_frames in (HostFrames, partial(DeviceFrames, device=device))
    ]


def play(replays, steps, stack: int, rng) -> None:
    """Store the same steps in all replays."""

    def observe():
        frames = rng.integers(0, 256, (NUM_ENVS, 2, 3, stack), dtype=np.uint8)
        return frames, rng.normal(size=(NUM_ENVS, 1)).astype(np.float32)

    for step in steps:
        if step == "interrupt":
            arguments = (observe(),)
        else:
            words = np.array(step)
            fault = words == "fault"
            arguments = (
                rng.integers(0, 9, NUM_ENVS),
                rng.normal(size=NUM_ENVS),
                words == "terminated",
                (words == "truncated") | fault,
                observe(),
                fault,
            )
        for replay in replays:
            (replay.interrupt if step == "interrupt" else replay.add)(*arguments)


def observations_of(batch):
    """The observations of a batch, read on the device where they lie there."""
    if batch.frames is None:
        return list(batch.observations)
    return [part.numpy() for part in batch.frames.read(batch.observations)]


def check_same(ours, theirs) -> None:
    for mine, other in zip(observations_of(ours), observations_of(theirs), strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)
    for name in ("actions", "rewards", "discounts"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=12)
@given(
    steps=STEPS,
    stack=st.integers(1, 4),
    n_step=st.integers(1, 5),
    slots=st.integers(12, 30),
    seed=st.integers(0, 99),
)
def test_batches_are_bit_for_bit_those_of_the_host(device, steps, stack, n_step, slots, seed):
    host, on_device = two_replays(slots, stack, n_step, device)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (NUM_ENVS, 2, 3, stack), dtype=np.uint8), np.zeros((NUM_ENVS, 1))
    for replay in (host, on_device):
        replay.begin(first)
    for part in (steps[:-5], steps[-5:]):
        play((host, on_device), part, stack, rng)
        assert len(host) == len(on_device)
        if not host.holds_transitions:
            continue
        batches = [r.sample(2, 16, np.random.default_rng(seed)) for r in (host, on_device)]
        assert batches[1].frames is not None
        assert batches[1].observations[0].shape == (2, 16, 2, stack)
        check_same(*batches)


def test_a_prioritised_replay_draws_the_same_too():
    shape, rest = (23 * NUM_ENVS, NUM_ENVS, layout_of(2)), {"n_step": 3, "gamma": 0.8}
    replays = [
        PrioritizedReplay(*shape, **rest, priorities=PrioritySettings(), make_frames=make_frames)
        for make_frames in (HostFrames, partial(DeviceFrames, device="/CPU:0"))
    ]
    for replay in replays:
        playing = Player(replay, 2, np.random.default_rng(0))
        playing.begin()
        for _ in range(60):
            playing.step()
    batches = [replay.sample(2, 16, np.random.default_rng(1)) for replay in replays]
    check_same(*batches)
    np.testing.assert_array_equal(batches[0].priorities.weights, batches[1].priorities.weights)


@pytest.mark.parametrize("steps", [7, 60])
@pytest.mark.parametrize("written_on", ["host", "device"])
def test_a_checkpoint_goes_from_one_memory_to_the_other(monkeypatch, tmp_path, steps, written_on):
    monkeypatch.setattr(device_frames, "_CHUNK", 10)
    writers, readers = two_replays(23, 2, 3), two_replays(23, 2, 3)
    which = ["host", "device"].index(written_on)
    playing = Player(writers[which], 2, np.random.default_rng(0))
    playing.begin()
    for _ in range(steps):
        playing.step()
    Checkpoints(tmp_path).save(1, playing.replay.state())
    for reader in readers:
        reader.restore(Checkpoints(tmp_path).load_latest())
    for replay in (*readers, writers[which]):
        again = copy.copy(playing)
        again.rng, again.replay = np.random.default_rng(5), replay
        again.everything = dict(playing.everything)
        for _ in range(9):
            again.step()
    expected = writers[which].sample(2, 16, np.random.default_rng(3))
    for reader in readers:
        check_same(reader.sample(2, 16, np.random.default_rng(3)), expected)


PICTURES = gym.spaces.Box(0, 255, (8, 8, 2), np.uint8)


def picture_agent(device: str, **changes) -> Agent:
    network = NetworkSettings(filters=(4,), kernels=((3, 3),), strides=((2, 2),), units=(8,))
    made = AgentSettings(network=network, batch_size=24, n_step=1, gamma=0.9, **changes)
    return Agent(ObservationLayout(PICTURES, 2), 3, made, seed=0, device=device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "changes", [{}, {"algorithm": "c51"}, {"xla": True}], ids=["double_dqn", "c51", "xla"]
)
def test_updates_are_the_same_wherever_the_frames_lie(device, changes):
    agents = [picture_agent(device, **changes) for _ in range(2)]
    replays = [
        make_replay(
            agents[0].layout,
            agents[0].settings,
            TrainingSettings(num_envs=4, replay_capacity=400, replay_device=where),
            device,
        )
        for where in ("host", "learner")
    ]
    rng = np.random.default_rng(0)
    for replay in replays:
        replay.begin([np.zeros((4, 8, 8, 2), np.uint8)])
    for _ in range(30):
        step = (
            rng.integers(0, 3, 4),
            rng.normal(size=4),
            rng.random(4) < 0.1,
            rng.random(4) < 0.1,
            [rng.integers(0, 256, (4, 8, 8, 2), dtype=np.uint8)],
        )
        for replay in replays:
            replay.add(*step)
    weights = np.linspace(0.5, 1.0, 3 * 24, dtype=np.float32).reshape(3, 24)
    for agent, replay in zip(agents, replays, strict=True):
        batches = [replay.sample(3, 24, np.random.default_rng(seed)) for seed in range(4)]
        losses = [agent.train(batch) for batch in batches]
        _, errors = agent.train_weighted(batches[0], weights)
        agent.outcome = (losses, errors)
    (losses, errors), (other_losses, other_errors) = (agent.outcome for agent in agents)
    exact = {"rtol": 0, "atol": 0} if device == "/CPU:0" and not changes.get("xla") else {}
    np.testing.assert_allclose(losses, other_losses, **(exact or {"rtol": 1e-4}))
    np.testing.assert_allclose(errors, other_errors, **(exact or {"rtol": 1e-3, "atol": 1e-4}))
    for mine, other in zip(agents[0].weights(), agents[1].weights(), strict=True):
        np.testing.assert_allclose(mine, other, **(exact or {"rtol": 1e-3, "atol": 1e-5}))


def test_a_run_is_the_same_and_goes_on_in_the_other_memory(tmp_path, monkeypatch):
    # Takes longer than all else here.
    monkeypatch.setattr(Agent, "save_greedy_policy", lambda self, folder: folder.mkdir())
    monkeypatch.setattr(Agent, "tflite_model", lambda self: b"")

    def run(name, where, env_steps, resume=False):
        made = tiny_settings(
            # Nothing may depend on where the run is to end.
            agent={"final_learning_rate": None},
            training={"replay_device": where, "env_steps": env_steps, "evaluate_every": 10_000},
        )
        trainer = start_run(made, tmp_path / name, Quiet(), device="cpu", resume=resume)
        trainer.run()
        trainer.close()
        return trainer._agent.weights()

    host = run("host", "host", 300)
    run("moved", "learner", 200)
    for mine, other in zip(run("moved", "host", 300, resume=True), host, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_the_device_keeps_each_frame_once():
    frames = DeviceFrames(60, layout_of(4), device="/CPU:0")
    assert [copied.shape for copied in frames.first(60)] == [(60, 2, 3, 1), (60, 1)]


def choose(device, *, demonstrated=False, agent=None, **changes) -> Replay:
    training = TrainingSettings(num_envs=NUM_ENVS, replay_capacity=200, **changes)
    return make_replay(
        layout_of(2), agent or AgentSettings(), training, device, demonstrated=demonstrated
    )


def lies_on_device(replay: Replay) -> bool:
    return isinstance(replay._frames, DeviceFrames)


def test_on_a_cpu_the_host_keeps_the_frames_unless_told_otherwise():
    assert not lies_on_device(choose("/CPU:0"))
    assert lies_on_device(choose("/CPU:0", replay_device="learner"))


def test_a_gpu_keeps_them_where_it_can(monkeypatch):
    """Without a GPU, TensorFlow places nothing on one: the choice is looked at alone."""
    monkeypatch.setattr(device_frames.tf, "device", lambda name: tf.name_scope("device"))
    assert lies_on_device(choose("/GPU:0"))
    assert lies_on_device(choose("/GPU:0", prioritized_replay=PrioritySettings()))
    assert not lies_on_device(choose("/GPU:0", replay_device="host"))
    assert not lies_on_device(choose("/GPU:0", demonstrated=True))
    shifted = AgentSettings(augmentation=AugmentationSettings(shift=2))
    assert not lies_on_device(choose("/GPU:0", agent=shifted))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"demonstrated": True}, "demonstrations lie in the host's memory"),
        (
            {"agent": AgentSettings(augmentation=AugmentationSettings(mirror=True))},
            "agent.augmentation changes pictures",
        ),
        ({"agent": AgentSettings(algorithm="tabular")}, "a table is learned by the host"),
    ],
)
def test_what_needs_the_host_is_refused_on_the_device_with_what_to_do(options, reason):
    with pytest.raises(SettingsError, match=rf"replay_device: {reason}.*set it to host"):
        choose("/CPU:0", replay_device="learner", **options)


def test_a_device_without_room_leaves_the_frames_to_the_host_or_is_named(monkeypatch, caplog):
    def zeros(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    monkeypatch.setattr(device_frames.tf, "zeros", zeros)
    monkeypatch.setattr(device_frames.tf, "device", lambda name: tf.name_scope("device"))
    with pytest.raises(DeviceMemoryError, match=r"/CPU:0 has no room for 60 frames"):
        DeviceFrames(60, layout_of(2), device="/CPU:0")
    with pytest.raises(SettingsError, match=r"no room for 198 frames; lower training.replay_cap"):
        choose("/CPU:0", replay_device="learner")
    assert not lies_on_device(choose("/GPU:0"))
    assert "no room for 198 frames" in caplog.text
    assert "The host keeps them now." in caplog.text


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(
    "operation", ["ResourceGather", "ResourceScatterUpdate", "Transpose", "Fill"]
)
def test_a_gpu_can_do_what_the_frames_need(operation, dtype):
    """TensorFlow lists its kernels also where there is no GPU, if it was built for one."""
    if not tf.test.is_built_with_cuda():
        pytest.skip("this TensorFlow was built without CUDA")
    kernels = pytest.importorskip("tensorflow.python.framework.kernels")
    types = {
        tf.dtypes.as_dtype(number).name
        for kernel in kernels.get_registered_kernels_for_op(operation).kernel
        if kernel.device_type == "GPU"
        for constraint in kernel.constraint
        for number in constraint.allowed_values.list.type
    }
    assert dtype in types
