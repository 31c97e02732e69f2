"""Experience replay that keeps every frame once and rebuilds stacks and n-step returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.observations import ObservationLayout
from f1_rl.settings import SettingsError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Priorities:
    """What a prioritised replay says of its samples.

    Attributes:
        weights: `(K, B) float32`, what multiplies their losses.
        leaves: `(K, B) int64`, where their priorities are kept; negative: nowhere.
    """

    weights: npt.NDArray[np.float32]
    leaves: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Transitions for `K` updates of `B` samples each.

    Attributes:
        observations: One array for each part of the observation, `(K, B, 2, ...)`: the state and
            the state `m <= n` steps later.
        actions: `(K, B) int32`.
        rewards: `(K, B) float32`, the discounted sum of the `m` rewards.
        discounts: `(K, B) float32`, what multiplies the bootstrapped value besides one factor
            gamma: `gamma ** (m - 1)`, or 0 where the episode terminated.
        priorities: Of samples that were not drawn uniformly.
    """

    observations: tuple[Array, ...]
    actions: npt.NDArray[np.int32]
    rewards: npt.NDArray[np.float32]
    discounts: npt.NDArray[np.float32]
    priorities: Priorities | None = None


class Replay:
    """A ring of time slots for `N` environments that step together.

    A slot holds what was seen, what was done and what came of it. The last observation of an
    episode has a slot of its own from which no transition starts (the environment resets in the
    next step), so a truncated episode bootstraps from the state in which it was cut, and a
    terminated one does not bootstrap. Returns are those of Sutton and Barto (2018), equation 7.1,
    cut at the end of the episode.
    """

    def __init__(
        self,
        capacity: int,
        num_envs: int,
        layout: ObservationLayout,
        *,
        n_step: int,
        gamma: float,
    ) -> None:
        """Reserve memory for `capacity` transitions.

        Raises:
            SettingsError: The capacity holds too few steps of that many environments.
        """
        self._slots = capacity // num_envs
        self._spare = n_step + layout.longest_stack
        if self._slots <= self._spare:
            raise SettingsError(
                f"training.replay_capacity: {capacity} transitions are too few for {num_envs} "
                f"environments; give at least {num_envs * (self._spare + 1)}."
            )
        self._num_envs = num_envs
        self._layout = layout
        self._n_step = n_step
        self._gamma = gamma
        shape = (self._slots, num_envs)
        self._frames = [np.zeros((*shape, *part.frame_shape), part.dtype) for part in layout.parts]
        self._actions = np.zeros(shape, np.int32)
        self._rewards = np.zeros(shape, np.float32)
        self._terminated = np.zeros(shape, np.bool_)
        self._final = np.zeros(shape, np.bool_)
        self._age = np.zeros(shape, np.int32)
        self._written = 0

    def __len__(self) -> int:
        """Return the number of slots that a transition can be drawn from, times environments."""
        return max(0, self._newest - self._oldest + 1) * self._num_envs

    @property
    def holds_transitions(self) -> bool:
        """Whether there is one to draw: where every step is a fault, slots hold none."""
        if self._newest < self._oldest:
            return False
        if not self._final[self._newest % self._slots].all():
            return True
        times = np.arange(self._oldest, self._newest) % self._slots
        return not bool(self._final[times].all())

    @property
    def _oldest(self) -> int:
        stack = self._layout.longest_stack - 1
        return max(0, self._written + 1 - self._slots + stack)

    @property
    def _newest(self) -> int:
        return self._written - self._n_step

    def begin(self, observations: Sequence[Array]) -> None:
        """Store the first observations of all environments, after their reset.

        Args:
            observations: For each part `(N, ...)`.
        """
        self._written = 0
        self._age[0] = 0
        self._final[0] = False
        self._store_frames(0, observations)

    def add(
        self,
        actions: Array,
        rewards: Array,
        terminated: Array,
        truncated: Array,
        observations: Sequence[Array],
        faulted: Array | None = None,
    ) -> None:
        """Store one step of all environments.

        Where the step before ended an episode, this one is the reset: its action and reward mean
        nothing and its observation begins the next episode.

        Args:
            actions: `(N,)`, what was done.
            rewards: `(N,)`, what came of it.
            terminated: `(N,)`, where the episode ended by itself.
            truncated: `(N,)`, where it was cut.
            observations: For each part `(N, ...)`, what was seen afterwards.
            faulted: `(N,)`, where the step could not be done and its observation means nothing;
                these are truncated, no transition holds them, and the ones before bootstrap from
                the last state that was seen. None: nowhere.
        """
        slot, following = self._written % self._slots, (self._written + 1) % self._slots
        self._actions[slot] = actions
        self._rewards[slot] = rewards
        self._terminated[slot] = terminated
        reset = self._final[slot].copy()
        self._final[following] = (terminated | truncated) & ~reset
        if faulted is not None:
            # Final without having been left: nothing starts here, and returns end here. A reset
            # that failed is followed by another.
            self._final[slot] |= faulted
            self._final[following] |= faulted
        self._age[following] = np.where(reset, 0, self._age[slot] + 1)
        self._store_frames(following, observations)
        self._written += 1

    def interrupt(self, observations: Sequence[Array]) -> None:
        """Cut all episodes off where they are and begin new ones with these observations."""
        self._final[self._written % self._slots] = True
        nothing = np.zeros(self._num_envs)
        self.add(nothing, nothing, nothing > 0, nothing > 0, observations)

    def sample(self, updates: int, batch_size: int, rng: np.random.Generator) -> Batch:
        """Draw `updates` batches uniformly, with replacement.

        Raises:
            ValueError: Nothing can be drawn yet.
        """
        if not self.holds_transitions:
            raise ValueError("the replay holds no complete transition yet.")
        times, envs = self._draw(updates * batch_size, rng)
        return self._batch(times, envs, updates)

    def state(self) -> dict[str, Any]:
        """Return everything that was stored, for a checkpoint."""
        used = min(self._written + 1, self._slots)
        return {
            "written": self._written,
            "frames": [frames[:used] for frames in self._frames],
            "actions": self._actions[:used],
            "rewards": self._rewards[:used],
            "terminated": self._terminated[:used],
            "final": self._final[:used],
            "age": self._age[:used],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned.

        Raises:
            ValueError: It comes from a replay of another shape.
        """
        used = min(int(state["written"]) + 1, self._slots)
        named = {
            "actions": self._actions,
            "rewards": self._rewards,
            "terminated": self._terminated,
            "final": self._final,
            "age": self._age,
        }
        pairs = [(named[name], state[name]) for name in named]
        pairs += list(zip(self._frames, state["frames"], strict=True))
        for target, source in pairs:
            if target[:used].shape != source.shape:
                raise ValueError(
                    f"the checkpoint's replay has arrays of shape {source.shape}, "
                    f"this run's has {target[:used].shape}."
                )
            target[:used] = source
        self._written = int(state["written"])

    def _store_frames(self, slot: int, observations: Sequence[Array]) -> None:
        for frames, part, observation in zip(
            self._frames, self._layout.parts, observations, strict=True
        ):
            frames[slot] = part.newest_frame(observation)

    def _draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return times and environments of `count` slots from which a transition starts."""
        times = rng.integers(self._oldest, self._newest + 1, count)
        envs = rng.integers(0, self._num_envs, count)
        final = self._final[times % self._slots, envs]
        while final.any():
            again = int(final.sum())
            times[final] = rng.integers(self._oldest, self._newest + 1, again)
            envs[final] = rng.integers(0, self._num_envs, again)
            final = self._final[times % self._slots, envs]
        return times, envs

    def _batch(self, times: Array, envs: Array, updates: int) -> Batch:
        """Return the transitions that start at these times in these environments."""
        steps, rewards, discounts = self._returns(times, envs)
        return Batch(
            observations=tuple(
                self._gather(index, times, envs, steps).reshape(updates, -1, 2, *part.shape)
                for index, part in enumerate(self._layout.parts)
            ),
            actions=self._actions[times % self._slots, envs].reshape(updates, -1),
            rewards=rewards.reshape(updates, -1),
            discounts=discounts.reshape(updates, -1),
        )

    def _returns(self, times: Array, envs: Array) -> tuple[Array, Array, Array]:
        """Return the steps used, the discounted reward sums and the discounts."""
        rewards = np.zeros(times.shape, np.float32)
        steps = np.zeros(times.shape, np.int64)
        running = np.ones(times.shape, np.bool_)
        terminated = np.zeros(times.shape, np.bool_)
        for i in range(self._n_step):
            slot = (times + i) % self._slots
            rewards += np.where(running, np.float32(self._gamma**i) * self._rewards[slot, envs], 0)
            steps += running
            terminated |= running & self._terminated[slot, envs]
            running &= ~self._final[(slot + 1) % self._slots, envs]
        discounts = np.where(terminated, 0.0, self._gamma ** (steps - 1)).astype(np.float32)
        return steps, rewards, discounts

    def _gather(self, index: int, times: Array, envs: Array, steps: Array) -> Array:
        """Return the stacked observations of one part before and after, `(count, 2, ...)`."""
        part, frames = self._layout.parts[index], self._frames[index]
        out = np.empty((len(times), 2, *part.shape), part.dtype)
        for which, time in enumerate((times, times + steps)):
            age = self._age[time % self._slots, envs]
            for j in range(part.stack):
                slot = (time - np.minimum(part.stack - 1 - j, age)) % self._slots
                part.frame_view(out[:, which], j)[...] = frames[slot, envs]
        return out
