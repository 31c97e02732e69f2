"""Prioritised experience replay: what was predicted badly is drawn more often."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.frames import Frames, HostFrames
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch, Priorities, Replay
from f1_rl.learning.settings import PrioritySettings
from f1_rl.learning.sum_tree import SumTree

Array = npt.NDArray[Any]


class PrioritizedReplay(Replay):
    """A replay that draws transitions in proportion to a power of their last error.

    The proportional variant of Schaul et al. (2016), "Prioritized Experience Replay": priorities
    `(|error| + epsilon)^alpha`, stratified over each batch, and importance weights
    `(N P(i))^-beta`, divided by the largest of the batch. New transitions have the largest
    priority seen, and one that cannot be drawn has none. The batches of one call are drawn at
    once, so an update does not see the priorities that the ones before it in the call give.
    """

    def __init__(
        self,
        capacity: int,
        num_envs: int,
        layout: ObservationLayout,
        *,
        n_step: int,
        gamma: float,
        priorities: PrioritySettings,
        make_frames: Callable[[int, ObservationLayout], Frames] = HostFrames,
    ) -> None:
        """Reserve memory for `capacity` transitions.

        Args:
            capacity: Transitions of all environments together.
            num_envs: Environments.
            layout: Of their observations.
            n_step: Rewards summed before bootstrapping.
            gamma: Discount of one step.
            priorities: How errors decide what is drawn.
            make_frames: Reserves memory for so many frames of each part.

        Raises:
            SettingsError: The capacity holds too few steps of that many environments.
        """
        super().__init__(
            capacity, num_envs, layout, n_step=n_step, gamma=gamma, make_frames=make_frames
        )
        self._settings = priorities
        self._tree = SumTree(self._slots * num_envs)
        self._largest = 1.0
        self._beta = priorities.beta

    def anneal(self, share_done: float) -> None:
        """Set how far the importance weights correct: beta at the start of the run, 1 at its end.

        Args:
            share_done: How much of the run is done, 0 to 1.
        """
        self._beta = self._settings.beta + share_done * (1.0 - self._settings.beta)

    def begin(self, observations: Sequence[Array]) -> None:
        """Store the first observations of all environments, after their reset."""
        self._tree = SumTree(self._slots * self._num_envs)
        super().begin(observations)

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
        """Store one step of all environments, as `Replay.add` does."""
        super().add(actions, rewards, terminated, truncated, observations, faulted, advice)
        if self._oldest > 0:
            self._tree.set(self._leaves(self._oldest - 1), 0.0)
        if self._newest >= self._oldest:
            self._enter(self._newest)

    def sample(self, updates: int, batch_size: int, rng: np.random.Generator) -> Batch:
        """Draw `updates` batches by priority, with replacement.

        Raises:
            ValueError: Nothing can be drawn yet.
        """
        if not self.holds_transitions:
            raise ValueError("the replay holds no complete transition yet.")
        strata = np.arange(batch_size) + rng.random((updates, batch_size))
        # In random order: the place in a batch says nothing about the transition.
        strata = rng.permuted(strata, axis=1)
        leaves = self._tree.find(strata / batch_size)
        slots, envs = np.divmod(leaves.ravel(), self._num_envs)
        times = self._newest - (self._newest - slots) % self._slots
        priorities = self._tree[leaves]
        # Neither N nor the sum of the priorities outlives the division by the largest weight.
        weights = (priorities.min(axis=1, keepdims=True) / priorities) ** self._beta
        return replace(
            self._batch(times, envs, updates),
            priorities=Priorities(weights.astype(np.float32), leaves),
        )

    def update_priorities(self, leaves: npt.NDArray[np.int64], errors: Array) -> None:
        """Give drawn transitions the priorities that follow from their errors.

        Args:
            leaves: Of the batch; negative: not from this replay.
            errors: One for each, temporal-difference errors or cross-entropies.
        """
        # What was overwritten since has no priority, and gets none.
        drawable = (leaves >= 0) & (self._tree[leaves] > 0.0)
        settings = self._settings
        sizes = np.abs(np.asarray(errors[drawable], np.float64))
        priorities = (sizes + settings.epsilon) ** settings.alpha
        self._tree.set(leaves[drawable], priorities)
        self._largest = max(self._largest, float(priorities.max(initial=0.0)))

    def state(self) -> dict[str, Any]:
        """Return everything that was stored, for a checkpoint."""
        used = min(self._written + 1, self._slots) * self._num_envs
        return {
            **super().state(),
            "priorities": self._tree[slice(used)],
            "largest_priority": self._largest,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned; what a uniform replay held gets the largest priority.

        Raises:
            ValueError: It comes from a replay of another shape.
        """
        super().restore(state)
        self._tree = SumTree(self._slots * self._num_envs)
        if "priorities" in state:
            self._largest = float(state["largest_priority"])
            self._tree.set(np.arange(len(state["priorities"])), state["priorities"])
            return
        for time in range(self._oldest, self._newest + 1):
            self._enter(time)

    def _enter(self, time: int) -> None:
        """Give all transitions that start at that time the largest priority."""
        starts = ~self._final[time % self._slots]
        self._tree.set(self._leaves(time), np.where(starts, self._largest, 0.0))

    def _leaves(self, time: int) -> npt.NDArray[np.int64]:
        return (time % self._slots) * self._num_envs + np.arange(self._num_envs)
