"""Prioritised replay: what can be drawn, how often, with which weight, and what a run keeps."""

import copy

import gymnasium as gym
import numpy as np
import pytest
from test_demonstrations import EPISODES, layout
from test_replay import Player, add, check_samples, drawable, layout_of, one_number

from f1_rl.learning.demonstrations import Demonstrations, sample_mixed
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.prioritized_replay import PrioritizedReplay
from f1_rl.learning.replay import Replay
from f1_rl.learning.settings import PrioritySettings

NUM_ENVS = 3


def player(slots, *, stack=2, n_step=3, seed=0, **changes) -> Player:
    replay = PrioritizedReplay(
        slots * NUM_ENVS,
        NUM_ENVS,
        layout_of(stack),
        n_step=n_step,
        gamma=0.8,
        priorities=PrioritySettings(**changes),
    )
    return Player(replay, stack, np.random.default_rng(seed))


def played(slots, steps, **options) -> Player:
    playing = player(slots, **options)
    playing.begin()
    for _ in range(steps):
        playing.step()
    return playing


def give_random_errors(replay, rng) -> None:
    """Update the priorities of some transitions, as the learner does."""
    batch = replay.sample(2, 50, rng)
    replay.update_priorities(batch.priorities.leaves, rng.normal(size=(2, 50)))


def numbers_of(batch):
    """The numbers of the states that transitions start from, `(K, B)`."""
    return batch.observations[1][:, :, 0, 0].astype(int)


@pytest.mark.parametrize(("stack", "n_step"), [(1, 1), (2, 3), (4, 5)])
@pytest.mark.parametrize("steps", [10, 22, 23, 24, 90])
def test_every_whole_transition_is_drawn_and_no_other(stack, n_step, steps):
    playing = player(23, stack=stack, n_step=n_step, seed=steps, alpha=0.2)
    playing.begin()
    for step in range(steps):
        if step == 60:
            playing.interrupt()
        else:
            playing.step()
        if playing.replay.holds_transitions:
            give_random_errors(playing.replay, playing.rng)
            check_samples(playing, n_step, 0.8, count=16)
    drawn = check_samples(playing, n_step, 0.8, count=4_000)
    assert drawn == drawable(playing, 23, stack, n_step)


def test_transitions_are_drawn_in_proportion_to_a_power_of_their_errors():
    playing = played(40, 100, alpha=0.5, epsilon=0.01)
    replay = playing.replay
    everything = replay.sample(1, 20_000, np.random.default_rng(0))
    # The error of a transition is made to tell the number of its state.
    errors = 1.0 + numbers_of(everything) % 10
    replay.update_priorities(everything.priorities.leaves, -errors)
    numbers = numbers_of(replay.sample(4, 20_000, np.random.default_rng(1))).ravel()
    known, counts = np.unique(numbers, return_counts=True)
    expected = np.sqrt(1.01 + known % 10)
    np.testing.assert_allclose(counts / counts.sum(), expected / expected.sum(), atol=1e-3)


def test_the_places_in_a_batch_are_random():
    playing = played(40, 100)
    leaves = playing.replay.sample(500, 8, np.random.default_rng(0)).priorities.leaves
    spread = np.ptp(leaves)
    means = leaves.mean(axis=0) - leaves.mean()
    assert abs(means).max() < 0.1 * spread


def test_each_batch_is_spread_evenly_over_the_priorities():
    playing = played(40, 100)
    replay = playing.replay
    count = len(drawable(playing, 40, 2, 3))
    leaves = replay.sample(20, count, np.random.default_rng(0)).priorities.leaves
    # With equal priorities and a stratum for each transition, all are drawn, exactly once.
    assert (np.sort(leaves, axis=1) == np.unique(leaves)).all()


def test_with_full_correction_weights_make_the_expectation_that_of_uniform_samples():
    playing = played(40, 100, alpha=0.7)
    replay = playing.replay
    for _ in range(10):
        give_random_errors(replay, playing.rng)
    replay.anneal(1.0)
    batch = replay.sample(1, 60_000, np.random.default_rng(0))
    values = np.sin(numbers_of(batch))
    weights = batch.priorities.weights
    states = np.array(sorted(drawable(playing, 40, 2, 3)))
    truth = np.sin(states).mean()
    assert (values * weights).sum() / weights.sum() == pytest.approx(truth, abs=0.01)
    # Without them the samples say something else.
    assert abs(values.mean() - truth) > 0.03


@pytest.mark.parametrize(("share_done", "beta"), [(0.0, 0.4), (0.5, 0.7), (1.0, 1.0)])
def test_weights_are_powers_of_the_priorities_and_the_largest_is_one(share_done, beta):
    playing = played(40, 100)
    replay = playing.replay
    first = replay.sample(1, 5_000, np.random.default_rng(0))
    errors = np.where(numbers_of(first) % 2, 7.999, 0.999)
    replay.update_priorities(first.priorities.leaves, errors)
    replay.anneal(share_done)
    batch = replay.sample(3, 200, np.random.default_rng(1))
    odd = numbers_of(batch) % 2 == 1
    expected = np.where(odd, 8.0 ** (-0.6 * beta), 1.0)
    np.testing.assert_allclose(batch.priorities.weights, expected, rtol=1e-5)
    assert batch.priorities.weights.dtype == np.float32


def test_new_transitions_have_the_largest_priority_seen():
    playing = played(200, 100, alpha=1.0, epsilon=0.5)
    replay = playing.replay
    batch = replay.sample(1, 5_000, np.random.default_rng(0))
    replay.update_priorities(batch.priorities.leaves, np.full((1, 5_000), 99.5))
    replay.update_priorities(batch.priorities.leaves, np.full((1, 5_000), 0.5))
    known = set(numbers_of(batch).ravel())
    playing.step()
    numbers = numbers_of(replay.sample(1, 20_000, np.random.default_rng(0))).ravel()
    new = set(numbers) - known
    assert 1 <= len(new) <= NUM_ENVS
    share = np.isin(numbers, list(new)).mean()
    assert share == pytest.approx(100 * len(new) / (100 * len(new) + len(known)), abs=0.01)


def test_an_error_of_what_was_overwritten_since_is_ignored():
    playing = played(23, 60)
    batch = playing.replay.sample(1, 500, np.random.default_rng(0))
    for _ in range(10):
        playing.step()
    playing.replay.update_priorities(batch.priorities.leaves, np.full((1, 500), 50.0))
    assert check_samples(playing, 3, 0.8, count=4_000) <= drawable(playing, 23, 2, 3)


@pytest.mark.parametrize("steps", [7, 60])
def test_a_restored_replay_goes_on_the_same(steps):
    original = played(23, steps)
    give_random_errors(original.replay, original.rng)
    restored = copy.deepcopy(original)
    restored.replay = player(23).replay
    restored.replay.restore(copy.deepcopy(original.replay.state()))
    for _ in range(15):
        batches = []
        for playing in (original, restored):
            playing.step()
            batches.append(playing.replay.sample(2, 16, np.random.default_rng(playing.time)))
            give_random_errors(playing.replay, playing.rng)
        np.testing.assert_array_equal(*(b.priorities.leaves for b in batches))
        np.testing.assert_array_equal(*(b.priorities.weights for b in batches))
        check_samples(restored, 3, 0.8)


@pytest.mark.parametrize("steps", [7, 60])
def test_what_a_uniform_replay_kept_is_drawn_uniformly_at_first(steps):
    uniform = Replay(23 * NUM_ENVS, NUM_ENVS, layout_of(2), n_step=3, gamma=0.8)
    playing = Player(uniform, 2, np.random.default_rng(0))
    playing.begin()
    for _ in range(steps):
        playing.step()
    playing.replay = player(23).replay
    playing.replay.restore(uniform.state())
    assert check_samples(playing, 3, 0.8, count=2_000) == drawable(playing, 23, 2, 3)
    assert (playing.replay.sample(1, 50, playing.rng).priorities.weights == 1.0).all()


def test_nothing_of_a_fault_is_drawn():
    space = gym.spaces.Box(0, 255, (1,), np.uint8)
    replay = PrioritizedReplay(
        50, 1, ObservationLayout(space), n_step=3, gamma=0.5, priorities=PrioritySettings()
    )
    replay.begin(one_number(0))
    for value in range(100, 110):
        add(replay, value, faulted=True)
        add(replay, value)
    with pytest.raises(ValueError, match="no complete transition"):
        replay.sample(1, 1, np.random.default_rng(0))
    add(replay, 1, ends=True)
    add(replay, 77, 50.0, faulted=True)
    for value in range(10, 20):
        add(replay, value)
    states = replay.sample(1, 500, np.random.default_rng(0)).observations[0].reshape(-1, 2)
    assert set(states[:, 0]) == {109, *range(10, 17)}
    assert set(states[states[:, 0] == 109, 1]) == {1}


def test_demonstrations_beside_it_weigh_one_and_keep_no_priorities():
    demonstrations = Demonstrations(EPISODES, layout(), num_actions=40, n_step=1, gamma=0.5)
    own = PrioritizedReplay(
        1_000, 1, layout(), n_step=1, gamma=0.5, priorities=PrioritySettings(beta=1.0)
    )
    observation, no = [np.full((1, 2, 3, 2), 255, np.uint8)], np.zeros(1, bool)
    own.begin(observation)
    for _ in range(30):
        own.add(np.array([100]), np.zeros(1), no, no, observation)
    own.update_priorities(np.arange(10), np.full(10, 9.0))
    batch = sample_mixed(own, demonstrations, 0.25, 3, 64, np.random.default_rng(0))
    recorded = batch.actions != 100
    assert recorded.sum(axis=1).tolist() == [16, 16, 16]
    assert (batch.priorities.weights[recorded] == 1.0).all()
    assert (batch.priorities.leaves[recorded] < 0).all()
    assert (batch.priorities.leaves[~recorded] >= 0).all()
    assert batch.priorities.weights[~recorded].min() < 0.5
    own.update_priorities(batch.priorities.leaves, np.full((3, 64), 1.0))
    alone = sample_mixed(own, demonstrations, 1.0, 1, 64, np.random.default_rng(0))
    assert alone.priorities is None
