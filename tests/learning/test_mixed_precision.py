"""Hidden layers of 16 bits: the same answers to their precision, and nothing else of 16 bits."""

import copy

import gymnasium as gym
import numpy as np
import pytest
from test_agent import ANSWER, ONE_HOT, chain_batch, make_agent
from test_device import HAS_GPU

from f1_rl.learning.agent import Agent
from f1_rl.learning.device import import_tensorflow
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch
from f1_rl.learning.settings import AgentSettings, NetworkSettings

tf = import_tensorflow()

PRECISIONS = ["bfloat16", "float16"]
needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="there is no GPU")
DEVICES = ["/CPU:0", pytest.param("/GPU:0", marks=needs_gpu)]
SPACE = gym.spaces.Dict(
    {
        "frames": gym.spaces.Box(0, 255, (8, 8, 2), np.uint8),
        "speed": gym.spaces.Box(-np.inf, np.inf, (1,), np.float32),
    }
)


def picture_agent(precision, device="/CPU:0", *, dueling=False, noisy=False, **changes) -> Agent:
    network = NetworkSettings(
        filters=(8,),
        kernels=((3, 3),),
        strides=((2, 2),),
        units=(16,),
        dueling=dueling,
        noisy=noisy,
    )
    settings = AgentSettings(
        network=network, batch_size=24, n_step=1, mixed_precision=precision, **changes
    )
    return Agent(ObservationLayout(SPACE, 2), 3, settings, seed=0, device=device)


def picture_batch(updates: int, scale: float = 1.0) -> Batch:
    rng = np.random.default_rng(0)
    return Batch(
        observations=(
            rng.integers(0, 256, (updates, 24, 2, 8, 8, 2), np.uint8),
            rng.normal(size=(updates, 24, 2, 1)).astype(np.float32),
        ),
        actions=rng.integers(0, 3, (updates, 24)).astype(np.int32),
        rewards=(scale * rng.normal(size=(updates, 24))).astype(np.float32),
        discounts=np.full((updates, 24), 0.5, np.float32),
    )


def states(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (count, 8, 8, 2), np.uint8)
    return [frames, rng.normal(size=(count, 1)).astype(np.float32)]


def in_both_precisions(precision, device="/CPU:0", **changes) -> list[Agent]:
    """An agent of 32 bits, and one that begins with the same weights."""
    agents = [picture_agent(each, device, **changes) for each in ("none", precision)]
    agents[1].restore(agents[0].state())
    return agents


@pytest.mark.parametrize("precision", PRECISIONS)
def test_values_of_a_chain_become_the_analytic_ones(precision):
    agent = make_agent(mixed_precision=precision)
    for seed in range(18):
        if seed == 12:
            agent.set_learning_rate(5e-4)
        agent.train(chain_batch(50, 24, seed))
    np.testing.assert_allclose(agent.q_values([ONE_HOT]), ANSWER, atol=0.04)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "changes",
    [{}, {"dueling": True, "noisy": True}, {"algorithm": "c51"}, {"xla": True}],
    ids=["double_dqn", "dueling-noisy", "c51", "xla"],
)
def test_it_learns_what_32_bits_learn_to_its_precision(precision, device, changes):
    plain, mixed = in_both_precisions(precision, device, **changes)
    np.testing.assert_allclose(mixed.q_values(states(8)), plain.q_values(states(8)), atol=0.02)
    losses = [agent.train(picture_batch(6)) for agent in (plain, mixed)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    values = [agent.q_values(states(8)) for agent in (plain, mixed)]
    assert values[1].dtype == np.float32
    np.testing.assert_allclose(values[1], values[0], atol=0.03)
    # As a whole: a single loss may come out the same by chance.
    assert not np.array_equal(values[1], values[0])
    assert {weights.dtype for weights in mixed.weights()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_all_but_the_output_computes_in_16_bits(precision):
    network = picture_agent(precision, dueling=True)._q_network
    computes = {
        layer.name: layer.compute_dtype
        for layer in network.submodules
        if isinstance(layer, (tf.keras.layers.Conv2D, tf.keras.layers.Dense))
    }
    outputs = {"advantage_output", "value_output"}
    assert outputs < set(computes)
    assert {computes[name] for name in outputs} == {"float32"}
    assert {dtype for name, dtype in computes.items() if name not in outputs} == {precision}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("changes", [{}, {"dueling": True}], ids=["plain", "dueling"])
def test_saved_policies_have_32_bits_and_the_same_values(precision, changes, tmp_path):
    from tf_agents.trajectories import time_step

    plain, mixed = in_both_precisions(precision, **changes)
    mixed.train(picture_batch(6))
    plain.set_weights(mixed.weights())
    interpreter = tf.lite.Interpreter(model_content=mixed.tflite_model())
    interpreter.allocate_tensors()
    inputs = sorted(interpreter.get_input_details(), key=lambda details: details["name"])
    expected = plain.q_values(states(8))
    np.testing.assert_allclose(mixed.q_values(states(8)), expected, atol=0.02)
    for index, values in enumerate(expected):
        for details, part in zip(inputs, states(8), strict=True):
            interpreter.set_tensor(details["index"], part[index : index + 1])
        interpreter.invoke()
        told = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
        assert told.dtype == np.float32
        np.testing.assert_allclose(told, values, atol=1e-5)
    mixed.save_greedy_policy(tmp_path / "policy")
    policy = tf.saved_model.load(str(tmp_path / "policy"))
    observations = mixed.layout.join([tf.constant(part) for part in states(40)])
    actions = policy.action(time_step.restart(observations, batch_size=40), ()).action
    np.testing.assert_array_equal(actions.numpy(), plain.q_values(states(40)).argmax(axis=1))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_restored_agent_goes_on_bit_for_bit(precision):
    original, restored = picture_agent(precision), picture_agent(precision)
    # In float16 the second overflows, which changes the loss scale.
    original.train(picture_batch(3))
    original.train(picture_batch(3, 1e4))
    restored.restore(copy.deepcopy(original.state()))
    assert restored.train(picture_batch(3)) == original.train(picture_batch(3))
    for mine, other in zip(restored.weights(), original.weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert restored.state()["loss_scale"] == original.state()["loss_scale"]


def test_an_update_whose_gradients_overflow_is_left_out_and_the_next_scaled_less():
    agent = picture_agent("float16", loss="squared", gradient_clipping=None)
    before, (scale, _) = agent.weights(), agent.state()["loss_scale"]
    agent.train(picture_batch(1, 1e4))
    for mine, other in zip(agent.weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert agent.state()["loss_scale"][0] == scale / 2
    agent.reset_dense_layers()
    assert agent.state()["loss_scale"][0] == scale / 2


def test_gradients_too_small_for_16_bits_are_learned_from():
    """Without the loss scale they would all be zero, float16 ending at 6e-8."""
    agents = in_both_precisions("float16", adam_epsilon=1e-12, gradient_clipping=None)
    changed = []
    for agent in agents:
        weights = agent.weights()
        weights[-2] = weights[-2] * 1e-6
        agent.set_weights(weights)
        agent.train(picture_batch(1))
        changed.append(agent.weights()[0] - weights[0])
    # Some filters answer to no picture.
    learned = changed[0] != 0.0
    assert learned.mean() > 0.5
    assert (np.sign(changed[0]) == np.sign(changed[1]))[learned].mean() > 0.9
