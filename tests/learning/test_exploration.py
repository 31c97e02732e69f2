"""Epsilon-greedy exploration: schedule, held actions, reproducibility."""

import json

import numpy as np
import pytest

from f1_rl.learning.exploration import Exploration
from f1_rl.learning.settings import TrainingSettings


def exploration(seed: int = 0, **changes) -> Exploration:
    settings = {"num_envs": 50, "epsilon_start": 1.0, "epsilon_end": 0.1, "epsilon_steps": 1_000}
    return Exploration(TrainingSettings(**{**settings, **changes}), 5, seed)


@pytest.mark.parametrize(
    ("step", "epsilon"), [(0, 1.0), (500, 0.55), (1_000, 0.1), (1_001, 0.1), (10**6, 0.1)]
)
def test_epsilon_falls_linearly_and_stays(step, epsilon):
    assert exploration().epsilon(step) == pytest.approx(epsilon)


@pytest.mark.parametrize(
    ("step", "epsilon"), [(0, 1.0), (500, 10**-0.5), (1_000, 0.1), (1_001, 0.1), (10**6, 0.1)]
)
def test_epsilon_can_fall_exponentially(step, epsilon):
    assert exploration(epsilon_schedule="exponential").epsilon(step) == pytest.approx(epsilon)


def test_on_a_ladder_the_later_environments_explore_less():
    """Horgan et al. (2018): 0.4 ** (1 + 7 i / (N - 1))."""
    explorer = exploration(epsilon_start=0.4, epsilon_end=0.4, epsilon_ladder=7.0)
    greedy = np.full(50, 7)
    chosen = np.array([explorer.choose(greedy, 0) for _ in range(4_000)])
    expected = 0.4 ** (1.0 + 7.0 * np.arange(50) / 49)
    np.testing.assert_allclose((chosen != 7).mean(axis=0), expected, atol=0.04)
    assert (chosen != 7).mean() == pytest.approx(explorer.epsilon(0), abs=0.005)
    assert exploration(num_envs=1, epsilon_ladder=7.0).epsilon(0) == 1.0


def test_the_first_steps_can_be_random_whatever_epsilon_is():
    explorer = exploration(random_steps=100, epsilon_start=0.2)
    epsilons = [explorer.epsilon(step) for step in (0, 99, 100, 600, 1_100)]
    assert epsilons == pytest.approx([1.0, 1.0, 0.2, 0.15, 0.1])


@pytest.mark.parametrize(("step", "epsilon"), [(0, 1.0), (500, 0.55), (2_000, 0.1)])
def test_that_share_of_the_actions_is_random(step, epsilon):
    explorer = exploration()
    greedy = np.full(50, 7)
    chosen = np.array([explorer.choose(greedy, step) for _ in range(400)])
    assert (chosen != 7).mean() == pytest.approx(epsilon, abs=0.02)
    shares = np.bincount(chosen[chosen != 7], minlength=5) / (chosen != 7).sum()
    np.testing.assert_allclose(shares, 0.2, atol=0.03)


def test_without_epsilon_the_greedy_actions_are_left_alone():
    explorer = exploration(epsilon_start=0.0, epsilon_end=0.0)
    greedy = np.arange(50) % 5
    np.testing.assert_array_equal(explorer.choose(greedy, 0), greedy)


def test_the_same_seed_explores_alike_and_another_does_not():
    greedy = np.zeros(50, int)

    def actions(seed):
        explorer = exploration(seed)
        return np.array([explorer.choose(greedy, step * 50) for step in range(20)])

    np.testing.assert_array_equal(actions(3), actions(3))
    assert (actions(3) != actions(4)).any()


def test_state_and_restore_continue_the_same():
    original, restored = exploration(1), exploration(2)
    greedy = np.zeros(50, int)
    for _ in range(10):
        original.choose(greedy, 0)
    # As a checkpoint keeps it.
    restored.restore(json.loads(json.dumps(original.state())))
    for step in range(10):
        np.testing.assert_array_equal(original.choose(greedy, step), restored.choose(greedy, step))
