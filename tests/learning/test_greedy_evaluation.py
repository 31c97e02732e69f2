"""Greedy evaluation: laps and episodes, scores and summaries."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from f1_rl.driving.classical import LineFollower
from f1_rl.driving.environment import observation_space
from f1_rl.driving.laps import LapDrive
from f1_rl.driving.racing_line import RacingLineDriver
from f1_rl.driving.settings import TaskSettings
from f1_rl.learning.environments import make_environments, make_evaluation_environments
from f1_rl.learning.evaluation import (
    EpisodeEvaluator,
    LapEvaluator,
    summarise_drives,
)
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.runs import RunSettings, run_settings
from f1_rl.learning.settings import TrainingSettings
from f1_rl.learning.training import _evaluator

OVAL = TaskSettings(circuits=("oval",))


def layout_of(lap: LapDrive) -> ObservationLayout:
    return ObservationLayout(observation_space(lap.task), OVAL.observation.frame_stack)


def test_a_policy_that_completes_more_or_goes_further_or_is_faster_scores_higher():
    lap = LapDrive(OVAL, 2)
    good = summarise_drives(lap.drive(LineFollower(lap.task)))

    class Straight:
        def commands(self, observations):
            return np.tile([3.0, 0.0], (2, 1))

    class Slow(LineFollower):
        def commands(self, observations):
            return super().commands(observations) * 0.7

    slow, bad = summarise_drives(lap.drive(Slow(lap.task))), summarise_drives(lap.drive(Straight()))
    assert (good.solved, slow.solved, bad.solved) == (True, True, False)
    assert good.score > slow.score > bad.score
    assert "2 of 2 full laps" in good.summary
    assert "s a lap" in good.summary
    assert "0 of 2 full laps" in bad.summary
    assert "% of the way" in bad.summary


def test_between_policies_that_complete_as_much_the_reward_or_the_lap_time_decides():
    lap = LapDrive(OVAL, 2)
    drives = lap.drive(RacingLineDriver(lap.task))
    middle = lap.drive(LineFollower(lap.task))
    assert summarise_drives(middle).score > summarise_drives(drives).score
    by_time = [summarise_drives(each, "lap_time") for each in (middle, drives)]
    assert by_time[1].score > by_time[0].score
    # Without a lap there is no time; who comes further is better still.
    lost = {
        share: [
            replace(each, report=replace(each.report, ending="off_road", completion=share))
            for each in drives
        ]
        for share in (0.4, 0.5)
    }
    further, less_far = (summarise_drives(lost[share], "lap_time").score for share in (0.5, 0.4))
    assert by_time[0].score > further > less_far


@pytest.mark.parametrize("best_by", ["reward", "lap_time"])
def test_a_run_compares_its_policies_as_it_is_set_to(best_by):
    training = {"best_by": best_by, "evaluation_episodes": 1, "num_envs": 1}
    run = run_settings("embedded", [{"task": {"circuits": ["oval"]}, "training": training}])
    environments = make_environments(run)
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    evaluator = _evaluator(run, layout, environments)
    evaluation = evaluator.evaluate(lambda parts: np.tile(np.eye(1, 7), (1, 1)))
    assert evaluation.successes == 0
    assert (evaluation.score[2] == -np.inf) == (best_by == "lap_time")


def test_laps_are_evaluated_greedily_from_every_start_the_same_each_time():
    lap = LapDrive(OVAL, 3)
    layout = layout_of(lap)
    evaluator = LapEvaluator(OVAL, layout, 3)
    seen = []

    def straight_on(parts):
        seen.append(parts[0].shape)
        return np.tile(np.arange(len(lap.task.actions), 0, -1.0), (3, 1))

    first, second = evaluator.evaluate(straight_on), evaluator.evaluate(straight_on)
    # As text, since a lap time that is not a number equals nothing.
    assert str(first.rows) == str(second.rows)
    assert len(first.rows) == 3
    assert seen[0] == (3, *layout.parts[0].shape)
    starts = [row["start_arc_length_m"] for row in first.rows]
    length_m = lap.task.cars.circuits[0].length_m
    np.testing.assert_allclose(starts, np.arange(3) * length_m / 3)


def episodes_of(env_id, count):
    training = TrainingSettings(evaluation_episodes=count)
    return make_evaluation_environments(RunSettings(env=env_id, training=training))


def angle_policy(parts):
    """Push the cart to the side that the pole falls to: a policy that balances for a while."""
    observations = parts[0]
    right = observations[:, 2] + 0.5 * observations[:, 3] > 0.0
    return np.stack([~right, right], axis=1).astype(np.float32)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCar-v0"])
def test_returns_of_episodes_are_those_of_single_environments(env_id):
    single = gym.make(env_id)
    layout = ObservationLayout(single.observation_space)
    evaluator = EpisodeEvaluator(episodes_of(env_id, 4), layout, seed=5)
    policy = (
        angle_policy
        if env_id.startswith("CartPole")
        else (lambda parts: np.tile([0.0, 0.0, 1.0], (len(parts[0]), 1)))
    )
    evaluation = evaluator.evaluate(policy)
    again = evaluator.evaluate(policy)
    assert evaluation.rows == again.rows
    assert evaluation.score == (np.mean([row["episode_return"] for row in evaluation.rows]),)
    for row in evaluation.rows:
        # Both give a fixed reward for each step.
        assert abs(row["episode_return"]) == row["steps"]
        assert row["steps"] <= single.spec.max_episode_steps
    assert [row["episode"] for row in evaluation.rows] == [0, 1, 2, 3]
    if env_id == "MountainCar-v0":
        # Pushing to the right alone does not reach the flag: cut by the time limit.
        assert [row["steps"] for row in evaluation.rows] == [200] * 4


def test_an_environment_is_solved_at_its_threshold():
    layout = ObservationLayout(gym.make("CartPole-v1").observation_space)
    evaluator = EpisodeEvaluator(episodes_of("CartPole-v1", 3), layout, seed=0)

    def balance(parts):
        observations = parts[0]
        push = observations @ np.array([0.1, 0.5, 3.0, 1.0]) > 0.0
        return np.stack([~push, push], axis=1).astype(np.float32)

    good, bad = evaluator.evaluate(balance), evaluator.evaluate(lambda parts: -balance(parts))
    assert good.solved
    assert good.successes == 3
    assert not bad.solved
    assert "mean return 500.0 over 3 episodes" in good.summary


def test_some_actions_of_an_evaluation_are_random_where_that_is_set_the_same_each_time():
    layout = ObservationLayout(gym.make("CartPole-v1").observation_space)
    greedy, seldom = (
        EpisodeEvaluator(episodes_of("CartPole-v1", 4), layout, seed=0, epsilon=epsilon)
        for epsilon in (0.0, 0.3)
    )
    rows = seldom.evaluate(angle_policy).rows
    assert rows != greedy.evaluate(angle_policy).rows
    assert rows == seldom.evaluate(angle_policy).rows
