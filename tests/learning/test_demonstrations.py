"""Recorded drives are learned from: beside a run's own steps, before them, and without any."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from learning_helpers import Quiet, read_rows, tiny_settings
from recorded_drives import drive, task_settings, write_bag

from f1_rl.bags.episodes import Episode
from f1_rl.learning.agent import Agent
from f1_rl.learning.checkpoints import CheckpointError
from f1_rl.learning.demonstrations import (
    Demonstrations,
    load_episodes,
    sample_mixed,
    save_episodes,
)
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Replay
from f1_rl.learning.run_folder import RunFolder
from f1_rl.learning.runs import run_settings
from f1_rl.learning.training import start_run
from f1_rl.policy import load_policy
from f1_rl.settings import SettingsError, merge

gymnasium = pytest.importorskip("gymnasium")
SHAPE = (2, 3, 1)
STACK = 2
FIRST = 100


def layout(speed=False):
    frames = gymnasium.spaces.Box(0, 255, (2, 3, STACK), np.uint8)
    if not speed:
        return ObservationLayout(frames, STACK)
    box = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    return ObservationLayout(gymnasium.spaces.Dict({"frames": frames, "speed": box}), STACK)


def episode(first, length, *, terminated, speed=False):
    """An episode whose frames, actions and rewards all tell their number."""
    numbers = np.arange(first, first + length + 1)
    return Episode(
        frames=np.broadcast_to(numbers[:, None, None, None], (length + 1, *SHAPE)).astype(np.uint8),
        speed=(numbers[:, None] / 256).astype(np.float32) if speed else None,
        actions=numbers[:-1].astype(np.int32),
        rewards=numbers[:-1].astype(np.float32),
        terminated=terminated,
        reason="off_road" if terminated else "gap",
    )


EPISODES = [
    episode(0, 1, terminated=False),
    episode(10, 4, terminated=True),
    episode(20, 3, terminated=False),
]


@pytest.mark.parametrize("n_step", [1, 3, 10])
@pytest.mark.parametrize("speed", [False, True])
def test_every_transition_is_drawn_as_it_was_recorded_and_nothing_else(n_step, speed):
    episodes = [
        replace(e, speed=e.frames[:, 0, 0].astype(np.float32)) if speed else e for e in EPISODES
    ]
    demonstrations = Demonstrations(
        episodes, layout(speed), num_actions=40, n_step=n_step, gamma=0.5
    )
    assert len(demonstrations) == 8
    batch = demonstrations.sample(4, 500, np.random.default_rng(0))
    assert set(batch.actions.ravel()) == {0, 10, 11, 12, 13, 20, 21, 22}
    frames = batch.observations[0]
    for index in np.ndindex(batch.actions.shape):
        action = int(batch.actions[index])
        own = next(e for e in EPISODES if action in e.actions)
        start = action - int(own.actions[0])
        end = min(start + n_step, len(own))
        rewards = own.rewards[start:end]
        assert batch.rewards[index] == pytest.approx(
            (rewards * 0.5 ** np.arange(len(rewards))).sum()
        )
        is_failure = own.terminated and end == len(own)
        assert batch.discounts[index] == (0.0 if is_failure else 0.5 ** (len(rewards) - 1))
        for which, number in enumerate((start, end)):
            stack = frames[index][which][0, 0]
            first = int(own.frames[0, 0, 0, 0])
            assert list(stack) == [max(first, first + number - 1), first + number]
    if speed:
        np.testing.assert_array_equal(
            batch.observations[1][..., 0], frames[..., 0, 0, -1].astype(np.float32)
        )


def own_replay(steps):
    replay = Replay(1_000, 1, layout(), n_step=1, gamma=0.5)
    observation = [np.full((1, 2, 3, STACK), 255, np.uint8)]
    replay.begin(observation)
    for _ in range(steps):
        no = np.zeros(1, bool)
        replay.add(np.array([FIRST]), np.zeros(1), no, no, observation)
    return replay


@pytest.mark.parametrize(("share", "recorded"), [(0.0, 0), (0.25, 16), (0.5, 32), (1.0, 64)])
def test_a_fixed_share_of_each_batch_is_demonstrations(share, recorded):
    demonstrations = Demonstrations(EPISODES, layout(), num_actions=40, n_step=1, gamma=0.5)
    batch = sample_mixed(own_replay(20), demonstrations, share, 3, 64, np.random.default_rng(0))
    assert batch.actions.shape == batch.rewards.shape == batch.discounts.shape == (3, 64)
    assert batch.observations[0].shape == (3, 64, 2, 2, 3, STACK)
    own = batch.actions == FIRST
    assert (own.sum(axis=1) == 64 - recorded).all()
    np.testing.assert_array_equal(own, batch.observations[0][:, :, 0, 0, 0, 0] == 255)


def test_while_a_run_has_no_steps_of_its_own_all_samples_are_demonstrations():
    demonstrations = Demonstrations(EPISODES, layout(), num_actions=40, n_step=1, gamma=0.5)
    batch = sample_mixed(own_replay(0), demonstrations, 0.1, 1, 64, np.random.default_rng(0))
    assert (batch.actions < FIRST).all()


def test_where_a_run_was_only_interrupted_all_samples_are_demonstrations():
    """Evaluations with the training cars begin episodes anew before the run has a step."""
    demonstrations = Demonstrations(EPISODES, layout(), num_actions=40, n_step=2, gamma=0.5)
    own = Replay(1_000, 1, layout(), n_step=2, gamma=0.5)
    observation = [np.full((1, 2, 3, STACK), 255, np.uint8)]
    own.begin(observation)
    for _ in range(4):
        own.interrupt(observation)
        batch = sample_mixed(own, demonstrations, 0.1, 1, 64, np.random.default_rng(0))
        assert (batch.actions < FIRST).all()


@pytest.mark.parametrize("speed", [False, True])
def test_episodes_are_read_back_as_they_were_written(tmp_path, speed):
    episodes = [
        episode(3, 4, terminated=True, speed=speed),
        episode(50, 1, terminated=False, speed=speed),
    ]
    save_episodes(tmp_path / "demonstrations.npz", episodes)
    assert [path.name for path in tmp_path.iterdir()] == ["demonstrations.npz"]
    for before, after in zip(episodes, load_episodes(tmp_path / "demonstrations.npz"), strict=True):
        for name in ("frames", "speed", "actions", "rewards"):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
        assert (after.terminated, after.reason) == (before.terminated, before.reason)


def test_demonstrations_that_a_run_has_lost_are_missed(tmp_path):
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    for name in ("none.npz", "cut.npz"):
        with pytest.raises(
            CheckpointError, match=f"{name}: the run's demonstrations cannot be read"
        ):
            load_episodes(tmp_path / name)


def losses_with(algorithm, weight_name, advice=None, **agent):
    """Return the losses of one batch by the weight of a term, the batch, and its values (B, A)."""
    demonstrations = Demonstrations(
        [replace(EPISODES[1], actions=EPISODES[1].actions % 4)],
        layout(),
        num_actions=4,
        n_step=1,
        gamma=0.5,
    )
    batch = demonstrations.sample(1, 32, np.random.default_rng(0))
    if advice is not None:
        batch = replace(batch, advice=advice)
    network = {"filters": [], "kernels": [], "strides": [], "units": [8]}
    agent |= {"algorithm": algorithm, "network": network, "reward_scale": 0.01}
    losses = {}
    for weight in (0.0, 0.7):
        settings = tiny_settings(agent={**agent, weight_name: weight}).agent
        learner = Agent(layout(), 4, settings, seed=3, device="/CPU:0")
        values = learner.q_values([batch.observations[0][0, :, 0]])
        losses[weight] = learner.train(batch)
    return losses, batch, values


@pytest.mark.parametrize("algorithm", ["dqn", "double_dqn"])
def test_the_conservative_term_is_that_of_the_paper(algorithm):
    """The loss differs from TF-Agents' own by alpha (logsumexp Q - Q of the action taken)."""
    losses, batch, values = losses_with(algorithm, "conservative_weight")
    taken = values[np.arange(32), batch.actions[0]]
    gap = (np.log(np.exp(values).sum(axis=1)) - taken).mean()
    assert losses[0.7] - losses[0.0] == pytest.approx(0.7 * gap, rel=1e-4)


@pytest.mark.parametrize("algorithm", ["dqn", "double_dqn"])
def test_advised_actions_are_to_be_valued_most(algorithm):
    """The loss differs by weight (T logsumexp(Q / T) - Q of the advised actions, in shares)."""
    advice = np.random.default_rng(1).dirichlet(np.ones(4), (1, 32)).astype(np.float32)
    advice[:, ::3] = 0.0
    losses, _, values = losses_with(algorithm, "advice_weight", advice, advice_temperature=0.3)
    highest = 0.3 * np.log(np.exp(values / 0.3).sum(axis=1))
    gap = (advice[0] * (highest[:, None] - values)).sum(axis=1).mean()
    assert losses[0.7] - losses[0.0] == pytest.approx(0.7 * gap, rel=1e-4)


@pytest.mark.parametrize("xla", [False, True])
def test_without_advice_its_weight_moves_nothing(xla):
    demonstrations = Demonstrations(EPISODES, layout(), num_actions=40, n_step=1, gamma=0.5)
    batch = replace(demonstrations.sample(1, 32, np.random.default_rng(0)), advice=None)
    network = {"filters": [], "kernels": [], "strides": [], "units": [8]}
    weights = []
    for weight in (0.0, 5.0):
        settings = tiny_settings(agent={"network": network, "advice_weight": weight, "xla": xla})
        learner = Agent(layout(), 40, settings.agent, seed=3, device="/CPU:0")
        begun = learner.weights()
        for _ in range(3):
            learner.train(batch)
        assert any((new != old).any() for new, old in zip(learner.weights(), begun, strict=True))
        weights.append(learner.weights())
    for other, own in zip(*weights, strict=True):
        np.testing.assert_allclose(other, own, atol=1e-6)


def test_what_was_demonstrated_is_advice_and_what_the_run_did_is_not():
    demonstrations = Demonstrations(EPISODES, layout(), num_actions=40, n_step=1, gamma=0.5)
    own = Replay(100, 1, layout(), n_step=1, gamma=0.5)
    own.begin([np.zeros((1, *part.shape), part.dtype) for part in layout().parts])
    for _ in range(5):
        nothing = np.zeros(1)
        frames = [np.zeros((1, *part.shape), part.dtype) for part in layout().parts]
        own.add(nothing, nothing, nothing > 0, nothing > 0, frames)
    rng = np.random.default_rng(0)
    assert own.sample(1, 8, rng).advice is None
    batch = sample_mixed(own, demonstrations, 0.25, 2, 8, rng)
    assert batch.advice is not None
    np.testing.assert_array_equal(batch.advice[:, :2], np.eye(40)[batch.actions[:, :2]])
    assert (batch.advice[:, 2:] == 0.0).all()


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """The classical driver with noise on the oval, 20 s."""
    samples = drive(task_settings(), 20.0, noise=(0.05, 0.15))
    return write_bag(tmp_path_factory.mktemp("bags") / "noisy", samples)


@pytest.fixture
def quick_saving(monkeypatch):
    """Leave the models out of saved policies, which take longer than all else here."""
    monkeypatch.setattr(Agent, "save_greedy_policy", lambda self, folder: folder.mkdir())
    monkeypatch.setattr(Agent, "tflite_model", lambda self: b"")


def demonstrated(bag, **changes):
    given = {
        "task": {"camera": {"width": 192, "height": 144}, "actions": "racing"},
        "demonstrations": {"bags": [str(bag)]},
        "agent": {"conservative_weight": 1.0},
        "training": {"env_steps": 0, "offline_updates": 60, "offline_evaluate_every": 20},
    }
    return tiny_settings(**merge(given, changes))


def run(path, settings, *, resume=False, listener=None):
    trainer = start_run(settings, path, listener or Quiet(), device="cpu", resume=resume)
    trainer.run()
    trainer.close()
    return trainer


def test_an_offline_run_takes_no_step_and_leaves_what_every_run_leaves(bag, tmp_path, caplog):
    path = tmp_path / "run"
    with caplog.at_level(logging.INFO):
        trainer = run(path, demonstrated(bag))
    assert "judged by circuit oval" in caplog.text
    assert trainer.env_steps == 0
    rows = read_rows(path / "evaluations.csv")
    assert sorted({int(row["update"]) for row in rows}) == [20, 40, 60]
    assert {row["env_step"] for row in rows} == {"0"}
    (account,) = read_rows(path / "demonstrations.csv")
    assert int(account["transitions"]) == len(trainer.demonstrations)
    assert load_policy(path / "policy").task_settings == trainer_task(path)
    metrics = read_rows(path / "metrics.csv")
    assert metrics[-1]["update"] == "60"
    # The last learning rate is reached, as in a run with steps.
    assert float(trainer._agent.state()["learning_rate"]) == pytest.approx(1e-4, rel=0.2)


def trainer_task(path):
    values = RunFolder(path).read_config()
    values.pop("versions")
    return run_settings("embedded", [values]).task


def test_an_offline_run_goes_on_where_it_was_stopped_without_its_bags(bag, tmp_path, quick_saving):
    """Stopped after 30 updates, and with the bag gone, it ends with the same weights."""
    moved = tmp_path / "bag"
    moved.mkdir()
    for file in Path(bag).iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    settings = demonstrated(moved, training={"offline_updates": 40, "offline_evaluate_every": 10})
    whole = run(tmp_path / "whole", settings)

    def stop(progress):
        if progress.update == 20:
            trainer.request_stop()

    trainer = start_run(settings, tmp_path / "cut", Quiet(stop), device="cpu")
    trainer.run()
    for file in moved.iterdir():
        file.unlink()
    resumed = run(tmp_path / "cut", settings, resume=True)
    for ours, theirs in zip(resumed._agent.weights(), whole._agent.weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    updates = [int(row["update"]) for row in read_rows(tmp_path / "cut" / "evaluations.csv")]
    assert sorted(set(updates)) == [10, 20, 30, 40]
    assert len(updates) == 8


def test_a_run_learns_from_demonstrations_first_and_from_both_then(bag, tmp_path, quick_saving):
    settings = demonstrated(bag, training={"env_steps": 200, "offline_updates": 20})
    trainer = run(tmp_path / "run", settings)
    assert trainer.env_steps >= 200
    assert trainer._agent.updates > 20
    rows = read_rows(tmp_path / "run" / "evaluations.csv")
    assert (rows[0]["env_step"], rows[0]["update"]) == ("0", "20")
    resumed = run(
        tmp_path / "run",
        demonstrated(bag, training={"env_steps": 300, "offline_updates": 20}),
        resume=True,
    )
    assert resumed.env_steps >= 300
    assert len(resumed.demonstrations) == len(trainer.demonstrations)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"demonstrations": {"bags": []}}, "needs recorded drives; give bags with --demonst"),
        ({"env": "CartPole-v1"}, "nothing can be learned for CartPole-v1"),
    ],
)
def test_a_run_whose_demonstrations_do_not_fit_is_refused(bag, tmp_path, changes, reason):
    with pytest.raises(SettingsError, match=reason):
        start_run(demonstrated(bag, **changes), tmp_path / "run", Quiet(), device="cpu")
    assert not (tmp_path / "run").exists()


def laps_learned_offline(bags, folder, weight, seed):
    """Return the most full laps, of 8, that a policy learned from the bags drove."""
    listener = Quiet()
    settings = run_settings(
        "offline",
        [
            {
                "task": task_settings(circuits=["simple"]).as_dict(),
                "agent": {"conservative_weight": weight},
                "training": {"offline_updates": 600, "offline_evaluate_every": 200},
                "demonstrations": {"bags": [str(path) for path in bags]},
                "seed": seed,
            }
        ],
    )
    run(folder, settings, listener=listener)
    return max(evaluation.successes for _, evaluation, _ in listener.evaluations)


@pytest.mark.slow
def test_a_policy_learned_from_bags_alone_drives_full_laps_where_plain_dqn_does_not(
    tmp_path, quick_saving
):
    task = task_settings(circuits=["simple"])
    bags = [
        write_bag(tmp_path / f"bag{seed}", drive(task, 50.0, noise=(0.05, 0.15), seed=seed))
        for seed in range(2)
    ]
    conservative = laps_learned_offline(bags, tmp_path / "conservative", 1.0, 0)
    plain = laps_learned_offline(bags, tmp_path / "plain", 0.0, 0)
    assert conservative == 8
    assert plain < conservative
