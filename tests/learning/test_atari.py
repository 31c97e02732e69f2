"""Atari games: preprocessing, lives, scores, and training on them."""

import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing
from learning_helpers import Quiet, read_rows

from f1_rl.learning.agent import Agent
from f1_rl.learning.atari import AtariGames, AtariOptions
from f1_rl.learning.environments import make_environments, make_evaluation_environments
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.progress import EpisodeStatistics
from f1_rl.learning.replay import Replay
from f1_rl.learning.runs import ATARI_PRESET, preset_for, run_settings
from f1_rl.learning.training import start_run
from f1_rl.settings import SettingsError

ale_py = pytest.importorskip("ale_py", reason="ale-py is not installed")

BREAKOUT = "ALE/Breakout-v5"
NOOP = 0
QUICK = AtariOptions(noop_max=0, num_threads=1)
TINY = {
    "env_options": {"max_num_frames_per_episode": 160, "num_threads": 1},
    "agent": {
        "network": {
            "filters": [2, 2, 2],
            "kernels": [[8, 8], [4, 4], [3, 3]],
            "strides": [[4, 4], [4, 4], [1, 1]],
            "units": [8],
        },
        "batch_size": 8,
    },
    "training": {
        "num_envs": 4,
        "env_steps": 300,
        "replay_capacity": 600,
        "learning_starts": 100,
        "epsilon_steps": 200,
        "evaluate_from": 0,
        "evaluate_every": 200,
        "evaluation_episodes": 2,
    },
}


def play(games, steps, policy, seed=0):
    """Return the first observations and what came of every step."""
    first, _ = games.reset(seed=seed)
    return first, [games.step(policy(games.num_envs)) for _ in range(steps)]


def do_nothing(num_envs):
    return np.full(num_envs, NOOP)


def at_random(seed, num_actions):
    rng = np.random.default_rng(seed)
    return lambda num_envs: rng.integers(0, num_actions, num_envs)


def test_a_game_looks_and_scores_as_through_the_wrappers_of_gymnasium():
    options = AtariOptions(noop_max=0, use_fire_reset=False, num_threads=1)
    games = AtariGames(BREAKOUT, 1, options, training=False)
    gym.register_envs(ale_py)
    plain = gym.make(BREAKOUT, frameskip=1, repeat_action_probability=0.0)
    single = AtariPreprocessing(plain, noop_max=0, frame_skip=4, screen_size=84)
    observation, _ = games.reset(seed=0)
    frame, _ = single.reset(seed=0)
    np.testing.assert_array_equal(observation[0], np.stack([frame] * 4, axis=-1))
    rng, score = np.random.default_rng(1), 0.0
    for _ in range(2_000):
        action = int(rng.integers(0, 4))
        observation, rewards, terminated, _, infos = games.step(np.array([action]))
        frame, reward, over, _, _ = single.step(action)
        score += float(reward)
        assert (rewards[0], terminated[0]) == (reward, over)
        if over:
            break
        np.testing.assert_array_equal(observation[0, ..., -1], frame)
    assert over
    assert score > 0
    assert infos["_episode"][0]
    assert infos["episode"]["r"][0] == score


def test_a_life_ends_an_episode_of_learning_and_fire_begins_the_next():
    training = AtariGames(BREAKOUT, 1, QUICK, training=True)
    whole = AtariGames(BREAKOUT, 1, QUICK, training=False)
    _, lives = play(training, 150, do_nothing)
    _, games = play(whole, 150, do_nothing)
    ends = [t for t, step in enumerate(lives) if step[2][0]]
    over = [t for t, step in enumerate(games) if step[2][0]]
    # Five balls fall, each as long after FIRE as the others, then another game begins.
    assert len(ends) == 6
    assert np.ptp(np.diff(ends)) <= 1
    assert over == [ends[4]]
    # The same game either way.
    for one, other in zip(lives, games, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    assert [t for t, step in enumerate(lives) if step[4]["_episode"][0]] == over


def test_without_fire_no_ball_is_in_play():
    options = AtariOptions(noop_max=0, use_fire_reset=False, num_threads=1)
    _, steps = play(AtariGames(BREAKOUT, 1, options, training=True), 150, do_nothing)
    assert not any(step[2][0] for step in steps)


def test_lives_end_no_episode_where_they_shall_not():
    options = AtariOptions(noop_max=0, episodic_life=False, num_threads=1)
    _, steps = play(AtariGames(BREAKOUT, 1, options, training=True), 150, do_nothing)
    assert sum(int(step[2][0]) for step in steps) == 1


@pytest.mark.parametrize("episodic_life", [True, False])
def test_what_is_learned_at_a_new_life_is_what_was_acted_on_and_done(episodic_life):
    options = AtariOptions(noop_max=0, episodic_life=episodic_life, num_threads=1)
    games = AtariGames(BREAKOUT, 1, options, training=True)
    layout = ObservationLayout(games.single_observation_space, games.frame_stack)
    replay = Replay(900, 1, layout, n_step=1, gamma=0.99)
    observation, _ = games.reset(seed=0)
    replay.begin(layout.split(observation))
    acted_on, opened, cut = set(), 0, 0
    for step in range(300):
        # RIGHT and LEFT alone: FIRE comes from the games.
        action = np.array([2 + step % 2])
        opens = bool(games._begins[0])
        opened += opens
        if not opens:
            acted_on.add((observation.tobytes(), int(action[0])))
        observation, rewards, terminated, truncated, _ = games.step(action)
        cut += int(truncated[0])
        replay.add(action, rewards, terminated, truncated, layout.split(observation))
    assert opened > 5
    assert (cut > 5) == (not episodic_life)
    batch = replay.sample(1, 2_000, np.random.default_rng(0))
    stacks, actions = batch.observations[0][0, :, 0], batch.actions[0]
    learned = {(s.tobytes(), int(a)) for s, a in zip(stacks, actions, strict=True)}
    assert learned <= acted_on


def test_the_replay_rebuilds_what_was_seen():
    games = AtariGames(BREAKOUT, 3, AtariOptions(num_threads=1), training=True)
    layout = ObservationLayout(games.single_observation_space, games.frame_stack)
    replay = Replay(900, 3, layout, n_step=3, gamma=0.99)
    policy = at_random(0, 4)
    observations, _ = games.reset(seed=0)
    replay.begin(layout.split(observations))
    seen = {observation.tobytes() for observation in observations}
    ended = 0
    for _ in range(250):
        actions = policy(3)
        observations, rewards, terminated, truncated, _ = games.step(actions)
        ended += int(terminated.sum())
        seen |= {observation.tobytes() for observation in observations}
        replay.add(actions, rewards, terminated, truncated, layout.split(observations))
    assert ended > 15
    batch = replay.sample(4, 200, np.random.default_rng(0))
    assert all(o.tobytes() in seen for o in batch.observations[0].reshape(-1, 84, 84, 4))


def test_rewards_are_clipped_in_training_and_the_score_is_not():
    options = AtariOptions(max_num_frames_per_episode=400, num_threads=1)
    rewards, scores = {}, {}
    for training in (True, False):
        games = AtariGames("ALE/MsPacman-v5", 2, options, training=training)
        _, steps = play(games, 100, at_random(0, 9))
        rewards[training] = np.array([step[1] for step in steps])
        _, _, _, truncated, infos = steps[-1]
        assert truncated.all()
        assert infos["_episode"].all()
        assert infos["episode"]["l"].tolist() == [100, 100]
        scores[training] = infos["episode"]["r"]
    assert rewards[False].max() >= 10
    np.testing.assert_array_equal(rewards[True], np.clip(rewards[False], -1, 1))
    np.testing.assert_array_equal(scores[True], rewards[False].sum(axis=0))
    np.testing.assert_array_equal(scores[True], scores[False])


def test_a_seed_decides_the_games_sticky_actions_included():
    options = AtariOptions(repeat_action_probability=0.25, num_threads=1)
    outcomes = []
    for seed in (5, 5, 6):
        games = AtariGames(BREAKOUT, 2, options, training=True)
        _, steps = play(games, 60, at_random(0, 4), seed=seed)
        outcomes.append(np.array([step[0] for step in steps]))
    np.testing.assert_array_equal(outcomes[0], outcomes[1])
    assert (outcomes[0] != outcomes[2]).any()
    # Games beside each other begin differently.
    assert (outcomes[0][:, 0] != outcomes[0][:, 1]).any()


def test_observations_are_not_overwritten_by_the_next_step():
    games = AtariGames(BREAKOUT, 2, QUICK, training=True)
    first, _ = games.reset(seed=0)
    kept = first.copy()
    games.step(do_nothing(2))
    np.testing.assert_array_equal(first, kept)


def test_every_game_is_played_with_the_same_preset(capfd):
    assert preset_for(BREAKOUT) == preset_for("ALE/Pong-v5") == ATARI_PRESET
    settings = run_settings(preset_for("ALE/Pong-v5"), [{"env": "ALE/Pong-v5"}, TINY])
    environments = make_environments(settings)
    assert environments.num_actions == 6
    _, steps = play(environments.vector, 60, at_random(0, 6))
    assert steps[-1][0].shape == (4, 84, 84, 4)
    # Neither the emulator nor its ROMs have anything to say.
    assert capfd.readouterr() == ("", "")


def test_options_reach_training_and_evaluation():
    changes = {"env_options": {"frameskip": 8, "stack_num": 2, "full_action_space": True}}
    settings = run_settings(ATARI_PRESET, [TINY, changes])
    for made in (make_environments(settings), make_evaluation_environments(settings)):
        assert made.observation_space.shape == (84, 84, 2)
        assert (made.num_actions, made.frame_stack) == (18, 2)
        assert made.max_episode_steps == 20


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"env_options": {"sticky": 0.25}}, "env_options: .*no setting 'sticky'"),
        ({"env_options": {"frameskip": 0}}, "env_options: frameskip is 0; give a whole number"),
        ({"env": "ALE/Breakdown-v5"}, "env ALE/Breakdown-v5: .*doesn't exist"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(changes, reason):
    with pytest.raises(SettingsError, match=reason):
        make_environments(run_settings(ATARI_PRESET, [changes]))


def test_without_ale_py_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(SettingsError, match=r"pip install 'f1_rl\[games\]'"):
        AtariGames(BREAKOUT, 1, training=True)


def test_statistics_count_whole_games_where_the_environment_does():
    statistics = EpisodeStatistics(2)
    life, nothing = np.array([True, False]), {"r": np.zeros(2), "l": np.zeros(2, np.int64)}
    infos = {"episode": nothing, "_episode": np.array([False, False])}
    assert statistics.follow(np.ones(2), life, infos) == 2
    assert statistics.finished == 0
    # The step after a life is no step of learning.
    game = {"r": np.array([0.0, 40.0]), "l": np.array([0, 900])}
    infos = {"episode": game, "_episode": np.array([False, True])}
    assert statistics.follow(np.ones(2), ~life, infos) == 1
    assert (statistics.finished, statistics.mean_return, statistics.mean_length) == (1, 40.0, 900)


def test_a_killed_run_goes_on_with_new_games(tmp_path, monkeypatch):
    # What takes longest, and is tested elsewhere.
    monkeypatch.setattr(
        Agent, "save_greedy_policy", lambda self, folder: folder.mkdir(exist_ok=True)
    )
    settings = run_settings(ATARI_PRESET, [TINY])
    trainer = start_run(settings, tmp_path / "run", Quiet(), device="cpu")
    trainer.run()
    assert trainer.env_steps >= 300
    rows = read_rows(tmp_path / "run" / "evaluations.csv")
    assert [float(row["episode_return"]) >= 0 for row in rows] == [True] * len(rows)
    assert float(rows[-1]["steps"]) == 40
    longer = run_settings(ATARI_PRESET, [TINY, {"training": {"env_steps": 500}}])
    # As after a kill: nothing but the folder is left of the run before.
    resumed = start_run(longer, tmp_path / "run", Quiet(), device="cpu", resume=True)
    assert resumed.env_steps == trainer.env_steps
    resumed.run()
    assert resumed.env_steps >= 500
    last = read_rows(tmp_path / "run" / "metrics.csv")[-1]
    assert int(last["update"]) > 100
    assert int(last["episodes"]) > 0
