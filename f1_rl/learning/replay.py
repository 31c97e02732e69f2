"""Experience replay that keeps every frame once and rebuilds stacks and n-step returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.frames import FrameReader, Frames, HostFrames
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
            the state `m <= n` steps later; or of each the rows of its frames `(K, B, 2, stack)`.
        actions: `(K, B) int32`.
        rewards: `(K, B) float32`, the discounted sum of the `m` rewards.
        discounts: `(K, B) float32`, what multiplies the bootstrapped value besides one factor
            gamma: `gamma ** (m - 1)`, or 0 where the episode terminated.
        priorities: Of samples that were not drawn uniformly.
        frames: Where the learner finds the frames, if the observations are rows.
        advice: `(K, B, A) float32`, the share that each action had in what was advised, all 0
            where nothing was; None: the
            replay knows of none.
    """

    observations: tuple[Array, ...]
    actions: npt.NDArray[np.int32]
    rewards: npt.NDArray[np.float32]
    discounts: npt.NDArray[np.float32]
    priorities: Priorities | None = None
    frames: FrameReader | None = None
    advice: npt.NDArray[np.float32] | None = None


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
        make_frames: Callable[[int, ObservationLayout], Frames] = HostFrames,
    ) -> None:
        """Reserve memory for `capacity` transitions.

        Args:
            capacity: Transitions of all environments together.
            num_envs: Environments.
            layout: Of their observations.
            n_step: Rewards summed before bootstrapping.
            gamma: Discount of one step.
            make_frames: Reserves memory for so many frames of each part.

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
        self._frames = make_frames(self._slots * num_envs, layout)
        self._actions = np.zeros(shape, np.int32)
        # Shares (slots, N, A) as soon as there is advice, which tells A.
        self._advice: npt.NDArray[np.float16] | None = None
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
        self._frames.write(0, observations)

    def add(
        self,
        actions: Array,
        rewards: Array,
        terminated: Array,
        truncated: Array,
        observations: Sequence[Array],
        faulted: Array | None = None,
        advice: Array | None = None,
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
            advice: `(N, A)`, the share of each action in what should have been done; None: nobody
                says.
        """
        slot, following = self._written % self._slots, (self._written + 1) % self._slots
        self._actions[slot] = actions
        self._keep_advice(slot, advice)
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
        self._frames.write(following * self._num_envs, observations)
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
            "frames": [
                frames.reshape(used, self._num_envs, *frames.shape[1:])
                for frames in self._frames.first(used * self._num_envs)
            ],
            "actions": self._actions[:used],
            "advice": None if self._advice is None else self._advice[:used],
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
        parts = self._layout.parts
        pairs = [(named[name].shape[1:], state[name]) for name in named]
        pairs += [
            ((self._num_envs, *part.frame_shape), frames)
            for part, frames in zip(parts, state["frames"], strict=True)
        ]
        for shape, source in pairs:
            if (used, *shape) != source.shape:
                raise ValueError(
                    f"the checkpoint's replay has arrays of shape {source.shape}, "
                    f"this run's has {(used, *shape)}."
                )
        for name, target in named.items():
            target[:used] = state[name]
        self._frames.put_first(
            [
                frames.reshape(-1, *part.frame_shape)
                for part, frames in zip(parts, state["frames"], strict=True)
            ]
        )
        # Absent where an earlier version wrote the checkpoint, or without shares.
        advice = state.get("advice")
        self._advice = None
        if advice is not None and advice.ndim == 3:
            self._advice = np.zeros((self._slots, *advice.shape[1:]), np.float16)
            self._advice[:used] = advice
        self._written = int(state["written"])

    def _keep_advice(self, slot: int, advice: Array | None) -> None:
        if advice is not None and self._advice is None:
            self._advice = np.zeros((self._slots, *advice.shape), np.float16)
        if self._advice is not None:
            self._advice[slot] = 0.0 if advice is None else advice

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
        parts = self._frames.take(
            [self._rows(part.stack, times, envs, steps) for part in self._layout.parts]
        )
        slots = times % self._slots
        advice = None
        if self._advice is not None:
            shares = self._advice[slots, envs].astype(np.float32)
            advice = shares.reshape(updates, -1, shares.shape[1])
        return Batch(
            observations=tuple(part.reshape(updates, -1, *part.shape[1:]) for part in parts),
            actions=self._actions[slots, envs].reshape(updates, -1),
            advice=advice,
            rewards=rewards.reshape(updates, -1),
            discounts=discounts.reshape(updates, -1),
            frames=self._frames.reader,
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

    def _rows(self, stack: int, times: Array, envs: Array, steps: Array) -> Array:
        """Return where the frames before and after lie, the oldest first, `(count, 2, stack)`.

        An episode's first frame stands for those before it.
        """
        seen = np.stack((times, times + steps), axis=1)
        back: Array = np.zeros(1, np.int64)
        if stack > 1:
            age = self._age[seen % self._slots, envs[:, None]]
            back = np.minimum(np.arange(stack - 1, -1, -1), age[..., None])
        slots = (seen[..., None] - back) % self._slots
        return np.asarray(slots * self._num_envs + envs[:, None, None])
