"""The replay against a slow and obviously right one, on random episodes."""

import copy
from dataclasses import dataclass, field

import gymnasium as gym
import numpy as np
import pytest

from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Replay
from f1_rl.settings import SettingsError

NUM_ENVS = 3


@dataclass
class Seen:
    """One observation of one environment, and what came after it."""

    number: int
    time: int
    stack: np.ndarray
    action: int = -1
    advice: np.ndarray = field(default_factory=lambda: np.zeros(9))
    reward: float = 0.0
    terminated: bool = False
    following: "Seen | None" = None


@dataclass
class Player:
    """Plays random episodes into a replay and remembers everything."""

    replay: Replay
    stack: int
    rng: np.random.Generator
    episode_ends: float = 0.15
    everything: dict[int, Seen] = field(default_factory=dict)
    current: list[Seen] = field(default_factory=list)
    ended: np.ndarray = field(default_factory=lambda: np.zeros(NUM_ENVS, bool))
    time: int = 0

    def begin(self) -> None:
        self.current = [self._seen(None) for _ in range(NUM_ENVS)]
        self.replay.begin(self._observations())

    def step(self) -> None:
        self.time += 1
        actions = self.rng.integers(0, 9, NUM_ENVS)
        # Shares that 16 bits hold; some are told nothing.
        most = self.rng.integers(-1, 9, NUM_ENVS)
        advice = (0.75 * np.eye(9) + 0.25 * np.eye(9, k=1))[most] * (most >= 0)[:, None]
        rewards = self.rng.normal(size=NUM_ENVS)
        drawn = self.rng.random(NUM_ENVS)
        terminated = (drawn < self.episode_ends / 2) & ~self.ended
        truncated = (drawn > 1 - self.episode_ends / 2) & ~self.ended
        before = self.current
        self.current = [
            self._seen(None if reset else seen)
            for seen, reset in zip(before, self.ended, strict=True)
        ]
        for env in np.flatnonzero(~self.ended):
            seen = before[env]
            seen.action, seen.reward = int(actions[env]), float(rewards[env])
            seen.advice = advice[env]
            seen.terminated = bool(terminated[env])
            seen.following = self.current[env]
        seen = self._observations()
        self.replay.add(actions, rewards, terminated, truncated, seen, advice=advice)
        self.ended = terminated | truncated

    def interrupt(self) -> None:
        self.time += 1
        self.current = [self._seen(None) for _ in range(NUM_ENVS)]
        self.replay.interrupt(self._observations())
        self.ended = np.zeros(NUM_ENVS, bool)

    def _seen(self, before: Seen | None) -> Seen:
        frame = self.rng.integers(0, 256, (2, 3, 1), dtype=np.uint8)
        stack = (
            np.concatenate([frame] * self.stack, axis=-1)
            if before is None
            else np.concatenate([before.stack[..., 1:], frame], axis=-1)
        )
        seen = Seen(len(self.everything), self.time, stack)
        self.everything[seen.number] = seen
        return seen

    def _observations(self) -> tuple[np.ndarray, np.ndarray]:
        frames = np.stack([seen.stack for seen in self.current])
        numbers = np.array([[seen.number] for seen in self.current], np.float32)
        return frames, numbers


def layout_of(stack: int) -> ObservationLayout:
    space = gym.spaces.Dict(
        {
            "frames": gym.spaces.Box(0, 255, (2, 3, stack), np.uint8),
            "number": gym.spaces.Box(-np.inf, np.inf, (1,), np.float32),
        }
    )
    return ObservationLayout(space, stack)


def player(slots: int, *, stack: int, n_step: int, gamma: float = 0.8, seed: int = 0) -> Player:
    replay = Replay(slots * NUM_ENVS, NUM_ENVS, layout_of(stack), n_step=n_step, gamma=gamma)
    return Player(replay, stack, np.random.default_rng(seed))


def expected_transition(seen: Seen, n_step: int, gamma: float) -> tuple[float, float, Seen]:
    """Return n-step return, discount (without one factor gamma) and the state bootstrapped from."""
    total, steps, state = 0.0, 0, seen
    while steps < n_step and state.following is not None:
        total += gamma**steps * state.reward
        steps += 1
        if state.terminated:
            return total, 0.0, state.following
        state = state.following
    return total, gamma ** (steps - 1), state


def check_samples(playing: Player, n_step: int, gamma: float, count: int = 64) -> set[int]:
    """Compare samples with the reference and return the numbers of the states drawn."""
    batch = playing.replay.sample(2, count // 2, np.random.default_rng(playing.time))
    frames, numbers = (part.reshape(count, 2, *part.shape[3:]) for part in batch.observations)
    for i in range(count):
        seen = playing.everything[int(numbers[i, 0, 0])]
        total, discount, state = expected_transition(seen, n_step, gamma)
        np.testing.assert_array_equal(frames[i, 0], seen.stack)
        assert batch.actions.ravel()[i] == seen.action
        np.testing.assert_array_equal(batch.advice.reshape(-1, 9)[i], seen.advice)
        assert batch.rewards.ravel()[i] == pytest.approx(total, abs=1e-5)
        assert batch.discounts.ravel()[i] == pytest.approx(discount, abs=1e-6)
        assert numbers[i, 1, 0] == state.number
        np.testing.assert_array_equal(frames[i, 1], state.stack)
    return {int(number) for number in numbers[:, 0, 0]}


def drawable(playing: Player, slots: int, stack: int, n_step: int) -> set[int]:
    """Numbers of the states that may be drawn: complete, and nothing of them overwritten.

    From the moment the ring is full, the oldest ones count as overwritten in part.
    """
    oldest = playing.time - slots + 1
    return {
        seen.number
        for seen in playing.everything.values()
        if seen.following is not None
        and seen.time + n_step <= playing.time
        and (seen.time - (stack - 1) >= oldest or oldest < 0)
    }


@pytest.mark.parametrize("stack", [1, 2, 4])
@pytest.mark.parametrize("n_step", [1, 3, 5])
def test_samples_are_those_of_the_reference_at_all_times(stack, n_step):
    slots, gamma = 23, 0.8
    playing = player(slots, stack=stack, n_step=n_step, seed=10 * stack + n_step)
    playing.begin()
    for step in range(120):
        if step % 37 == 20:
            playing.interrupt()
        else:
            playing.step()
        if len(playing.replay) and (step < 30 or step % 4 == 0):
            check_samples(playing, n_step, gamma, count=32)


@pytest.mark.parametrize(("stack", "n_step"), [(1, 1), (2, 3), (4, 5)])
@pytest.mark.parametrize("steps", [10, 22, 23, 24, 90])
def test_every_whole_transition_is_drawn_and_no_other(stack, n_step, steps):
    slots = 23
    playing = player(slots, stack=stack, n_step=n_step, seed=steps)
    playing.begin()
    for _ in range(steps):
        playing.step()
    drawn = check_samples(playing, n_step, 0.8, count=2_000)
    assert drawn == drawable(playing, slots, stack, n_step)


def test_samples_are_uniform():
    playing = player(40, stack=2, n_step=3)
    playing.begin()
    for _ in range(100):
        playing.step()
    batch = playing.replay.sample(1, 60_000, np.random.default_rng(0))
    _, counts = np.unique(batch.observations[1][0, :, 0, 0], return_counts=True)
    assert len(counts) == len(drawable(playing, 40, 2, 3))
    expected = 60_000 / len(counts)
    assert abs(counts - expected).max() < 6 * np.sqrt(expected)


def test_episodes_of_one_step_are_drawn_too():
    playing = player(12, stack=2, n_step=3)
    playing.episode_ends = 2.0
    playing.begin()
    for _ in range(50):
        playing.step()
    drawn = check_samples(playing, 3, 0.8, count=400)
    assert drawn == drawable(playing, 12, 2, 3)


def test_nothing_can_be_drawn_before_a_transition_is_complete():
    playing = player(23, stack=2, n_step=3)
    playing.begin()
    for _ in range(2):
        playing.step()
        assert len(playing.replay) == 0
        with pytest.raises(ValueError, match="no complete transition"):
            playing.replay.sample(1, 1, np.random.default_rng(0))
    playing.step()
    assert len(playing.replay) == NUM_ENVS
    check_samples(playing, 3, 0.8)


def test_the_length_stops_growing_when_the_ring_is_full():
    playing = player(23, stack=4, n_step=5)
    playing.begin()
    for _ in range(60):
        playing.step()
    assert len(playing.replay) == (23 - 5 - 3) * NUM_ENVS


@pytest.mark.parametrize("steps", [7, 60])
def test_a_restored_replay_goes_on_the_same(steps):
    original = player(23, stack=2, n_step=3)
    original.begin()
    for _ in range(steps):
        original.step()
    restored = copy.deepcopy(original)
    fresh = player(23, stack=2, n_step=3).replay
    fresh.restore(copy.deepcopy(original.replay.state()))
    restored.replay = fresh
    for _ in range(15):
        original.step()
        restored.step()
        ours, theirs = (
            playing.replay.sample(2, 16, np.random.default_rng(playing.time))
            for playing in (restored, original)
        )
        for mine, other in zip(ours.observations, theirs.observations, strict=True):
            np.testing.assert_array_equal(mine, other)
        np.testing.assert_array_equal(ours.rewards, theirs.rewards)
        np.testing.assert_array_equal(ours.discounts, theirs.discounts)
        check_samples(restored, 3, 0.8)


@pytest.mark.parametrize("before", ["advice", "shares"])
def test_a_replay_from_before_there_was_advice_in_shares_is_restored_without_any(before):
    playing = player(23, stack=2, n_step=3)
    playing.begin()
    for _ in range(30):
        playing.step()
    state = playing.replay.state()
    if before == "advice":
        del state["advice"]
    else:
        state["advice"] = state["actions"]
    fresh = player(23, stack=2, n_step=3).replay
    fresh.restore(state)
    rng = np.random.default_rng(0)
    assert fresh.sample(1, 8, rng).advice is None
    nothing = np.zeros(NUM_ENVS)
    first = np.tile(np.eye(9)[0], (NUM_ENVS, 1))
    fresh.add(nothing, nothing, nothing > 0, nothing > 0, playing._observations(), advice=first)
    for _ in range(4):
        fresh.add(nothing, nothing, nothing > 0, nothing > 0, playing._observations())
    advice = fresh.sample(1, 400, rng).advice
    assert (advice[..., 1:] == 0.0).all()
    assert set(advice[..., 0].ravel()) == {0.0, 1.0}
    assert playing.replay.sample(1, 200, rng).advice.max() > 0


def test_the_state_of_a_replay_of_another_shape_is_refused():
    playing = player(23, stack=2, n_step=3)
    playing.begin()
    for _ in range(60):
        playing.step()
    with pytest.raises(ValueError, match="the checkpoint's replay"):
        player(40, stack=2, n_step=3).replay.restore(playing.replay.state())


def test_a_capacity_that_holds_no_transition_is_refused_with_the_least_one():
    layout = layout_of(4)
    with pytest.raises(SettingsError, match=r"replay_capacity.*at least 24"):
        Replay(23, NUM_ENVS, layout, n_step=3, gamma=0.9)
    replay = Replay(24, NUM_ENVS, layout, n_step=3, gamma=0.9)
    playing = Player(replay, 4, np.random.default_rng(0))
    playing.begin()
    for _ in range(50):
        playing.step()
    check_samples(playing, 3, 0.9)


def one_number(value):
    return (np.array([[value]], np.uint8),)


def replay_of_numbers(n_step=3):
    space = gym.spaces.Box(0, 255, (1,), np.uint8)
    return Replay(50, 1, ObservationLayout(space), n_step=n_step, gamma=0.5)


def add(replay, value, reward=1.0, *, ends=False, faulted=False):
    no, yes = np.zeros(1, bool), np.ones(1, bool)
    truncated, fault = (yes if ends or faulted else no), (yes if faulted else None)
    replay.add(np.zeros(1), np.full(1, reward), no, truncated, one_number(value), fault)


def test_a_fault_in_a_reset_is_followed_by_another_reset_and_nothing_of_it_is_drawn():
    """One of several cars resets while another one's fault truncates the episodes of all."""
    replay = replay_of_numbers()
    replay.begin(one_number(0))
    add(replay, 1)
    add(replay, 2, ends=True)
    add(replay, 77, 50.0, faulted=True)
    add(replay, 10, 50.0)
    for value in range(11, 20):
        add(replay, value)
    batch = replay.sample(1, 500, np.random.default_rng(0))
    states = batch.observations[0].reshape(-1, 2)
    assert 77 not in states
    assert 2 not in states[:, 0]
    assert batch.rewards.max() < 2.0
    assert set(states[:, 0]) == {0, 1, *range(10, 17)}
    # The episode was cut at 2, so returns bootstrap from there.
    assert set(states[states[:, 0] == 1, 1]) == {2}


def test_a_replay_of_nothing_but_faults_holds_no_transition_instead_of_searching_for_ever():
    replay = replay_of_numbers()
    replay.begin(one_number(0))
    for value in range(30):
        add(replay, value, faulted=True)
        add(replay, value)
    assert not replay.holds_transitions
    with pytest.raises(ValueError, match="no complete transition"):
        replay.sample(1, 1, np.random.default_rng(0))
    for value in range(4):
        add(replay, 100 + value)
    assert replay.holds_transitions
    assert (replay.sample(1, 50, np.random.default_rng(0)).observations[0] < 110).all()
