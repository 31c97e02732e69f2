"""Time to solve: the same evaluation for all, and runs that fail count with the whole budget."""

import io
import json

import gymnasium as gym
import numpy as np
import pytest

from f1_rl.benchmark import solve, systems
from f1_rl.benchmark.channel import Channel
from f1_rl.benchmark.solving import Trial, greedy_returns
from f1_rl.benchmark.systems import ours
from f1_rl.learning import training

TOLD = {"env": "CartPole-v1", "system": "sb3", "seed": 3, "budget": 50_000}


def evaluation(env_steps: int, seconds: float, mean_return: float) -> dict[str, float]:
    return {"env_steps": env_steps, "seconds": seconds, "mean_return": mean_return}


def test_a_run_that_reaches_the_threshold_counts_as_it_is():
    run = solve.judge([evaluation(500, 4.0, 20.0), evaluation(1000, 6.0, 475.0)], **TOLD)
    assert run == solve.Run("CartPole-v1", "sb3", 3, True, 1000, 6.0)


def test_a_run_that_does_not_counts_with_the_budget_at_its_pace():
    run = solve.judge([evaluation(500, 4.0, 20.0), evaluation(10_000, 30.0, 474.9)], **TOLD)
    assert run == solve.Run("CartPole-v1", "sb3", 3, False, 50_000, 150.0)


def test_reaching_it_beyond_the_budget_is_too_late():
    run = solve.judge([evaluation(50_500, 100.0, 500.0)], **TOLD)
    assert run == solve.Run("CartPole-v1", "sb3", 3, False, 50_000, 100.0)


def test_only_the_first_episode_of_each_environment_counts():
    envs = gym.make_vec("CartPole-v1", num_envs=8)
    returns = greedy_returns(envs, lambda seen: np.zeros(len(seen), np.int64), seed=0)
    # Pushed to one side alone, the pole falls within 8 to 11 steps, and not in all at once.
    assert returns.shape == (8,)
    assert 8.0 <= returns.min() < returns.max() <= 11.0
    again = greedy_returns(envs, lambda seen: np.zeros(len(seen), np.int64), seed=0)
    np.testing.assert_array_equal(returns, again)


def test_a_trial_evaluates_when_it_is_time():
    output = io.StringIO()
    trial = Trial(Channel(output), "CartPole-v1", evaluate_every=100, episodes=4, seed=0)
    for env_steps in range(90, 320, 10):
        trial.look(env_steps, lambda seen: (seen[:, 2] > 0).astype(np.int64))
    messages = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [message["env_steps"] for message in messages] == [100, 200, 300]
    assert all(message["mean_return"] > 15.0 for message in messages)


def test_the_systems_take_turns_with_each_seed(monkeypatch):
    seconds = {"ours": 5.0, "tf-agents": 100.0, "sb3": 20.0, "sbx": 10.0}
    order = []

    def run(env, system, seed, options):
        order.append((env, system, seed))
        return solve.Run(env, system, seed, system != "sb3", 1000 + seed, seconds[system])

    monkeypatch.setattr(solve, "_run", run)
    monkeypatch.setattr(systems, "missing", lambda *_: {"sbx": "SBX is skipped."})
    said = []
    outcome = solve.measure_solve(solve.Options((0,), seeds=2, say=said.append))
    assert said[0] == "SBX is skipped."
    present = ["ours", "tf-agents", "sb3"]
    assert order == [
        (env, system, seed) for env in solve.THRESHOLDS for seed in (0, 1) for system in present
    ]
    table = outcome.tables[1]
    assert "475" in table.title
    assert [row[1] for row in table.rows] == ["2 of 2", "2 of 2", "0 of 2"]
    assert [row[-1] for row in table.rows] == ["1.00", "20.0", "4.00"]


def test_ours_may_take_as_many_steps_as_the_others(monkeypatch):
    told = []

    class Run:
        def run(self):
            """Do nothing."""

    def start_run(settings, *_, **__):
        told.append(settings)
        return Run()

    monkeypatch.setattr(training, "start_run", start_run)
    output = io.StringIO()
    for budget in (300, 50_000):
        trial = {"env": "CartPole-v0", "seed": 1, "evaluate_every": 150, "episodes": 4}
        ours.solve(Channel(output), budget=budget, **trial)
        assert told[-1].training.env_steps == budget
        assert told[-1].training.replay_capacity == 1200
    assert output.getvalue().count("ended") == 2


def test_nothing_cannot_be_judged():
    with pytest.raises(ValueError, match="nothing was evaluated"):
        solve.judge([], **TOLD)
