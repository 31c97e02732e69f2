"""Tabular Q-learning on where the painted line lies. Knows no TensorFlow but to save a policy."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch
from f1_rl.learning.settings import AgentSettings
from f1_rl.settings import SettingsError

# On a row that shows the line, the brightest pixel exceeds the mean by so many grey levels.
CONTRAST = 80
# Of a table; more can neither be held nor filled.
_MOST_VALUES = 10_000_000

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]


class LineStates:
    """Numbers the states of the table: where the line lies on each row of the picture.

    A row is `positions` equal shares wide; the line's is the one that holds the middle of its
    pixels, those brighter than halfway between the row's mean and its maximum. A row without a line
    has one position more. A state is the number whose digits are the rows' positions, the first row
    the most significant. All arithmetic is in integers, so that a saved policy does the same.

    Attributes:
        rows: R.
        columns: C.
        positions: P, besides "no line".
        middles: `(C,)`, where the middle of each column lies, in half columns.
    """

    def __init__(self, layout: ObservationLayout, positions: int) -> None:
        """Prepare for the pictures of a layout.

        Raises:
            SettingsError: They are not single frames of one channel.
        """
        shape = layout.parts[0].shape
        if len(layout.parts) > 1 or len(shape) != 3 or shape[2] != 1:
            raise SettingsError(
                "agent.algorithm: tabular reads single pictures of one channel, not observations "
                f"of {', '.join(str(part.shape) for part in layout.parts)}; use the preset tabular."
            )
        self.rows, self.columns = shape[:2]
        self.positions = positions
        self.middles = 2 * np.arange(self.columns, dtype=np.int32) + 1
        self._sums = np.stack([np.ones_like(self.middles), self.middles], 1).astype(np.float32)

    @property
    def count(self) -> int:
        """The number of states."""
        return int((self.positions + 1) ** self.rows)

    @property
    def place_values(self) -> tuple[int, ...]:
        """What a step of the position adds to the state, for each row."""
        return tuple((self.positions + 1) ** i for i in reversed(range(self.rows)))

    def find_positions(self, pictures: Array) -> IntArray:
        """Return where the line lies, `(..., R)`: 0 (left) to P - 1, or P where there is none.

        Args:
            pictures: `(..., R, C, 1) uint8`.
        """
        values = pictures[..., 0]
        total, brightest = values.sum(axis=-1, dtype=np.int64), values.max(axis=-1).astype(np.int64)
        threshold = (self.columns * brightest + total) // (2 * self.columns)
        bright = values > threshold.astype(np.uint8)[..., None]
        # Whole numbers this small are exact in float32, which NumPy sums fastest.
        sums = (bright.astype(np.float32) @ self._sums).astype(np.int64)
        middle = sums[..., 1] * self.positions // (2 * self.columns * np.maximum(1, sums[..., 0]))
        seen = self.columns * brightest - total > CONTRAST * self.columns
        return np.where(seen, middle, self.positions)

    def find(self, pictures: Array) -> IntArray:
        """Return the states `(...)` that pictures `(..., R, C, 1)` show."""
        return np.asarray(self.find_positions(pictures) @ np.array(self.place_values))


class TabularAgent:
    """Q-learning (Watkins 1989; Sutton and Barto 2018, section 6.5) with a table of action values.

    The same interface as the agent with a network. Each update moves the value of every state and
    action in the batch towards the mean of its targets, by the learning rate; the targets are those
    of deep Q-learning, with the table itself in place of a target network.

    Attributes:
        layout: Of the observations.
        num_actions: Size of the discrete action space.
        states: Which state an observation is.
        table: `(S, A) float32`, the action values.
        device: Where it computes, in TensorFlow's words.
    """

    device = "/CPU:0"

    def __init__(
        self, layout: ObservationLayout, num_actions: int, settings: AgentSettings
    ) -> None:
        """Begin with values of 0.

        Raises:
            SettingsError: The observations are no single pictures, or the table would be too large.
        """
        self.layout = layout
        self.num_actions = num_actions
        self.states = LineStates(layout, settings.line_positions)
        if self.states.count * num_actions > _MOST_VALUES:
            # As a float it may be infinite.
            states = f"{Decimal(self.states.count):.3g}".lower()
            raise SettingsError(
                f"agent.line_positions: {settings.line_positions} positions on {self.states.rows} "
                f"rows make {states} states, too many for a table; choose "
                "fewer, or a smaller task.observation.rows."
            )
        self.table = np.zeros((self.states.count, num_actions), np.float32)
        self._settings = settings
        self._learning_rate = settings.learning_rate
        self._updates = 0

    def q_values(self, observations: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` of a batch of observations.

        Args:
            observations: For each part of the layout `(N, ...)`.
        """
        return self.table[self.states.find(observations[0])]

    def noisy_q_values(self, observations: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` to explore by, which are the same."""
        return self.q_values(observations)

    def train(self, batch: Batch) -> float:
        """Apply one update for each of the `K` batches and return their mean squared error."""
        return self.train_weighted(batch, np.ones(batch.actions.shape, np.float32))[0]

    def train_weighted(
        self, batch: Batch, weights: npt.NDArray[np.float32]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """Apply one update for each batch, the error of each sample multiplied with a weight.

        Args:
            batch: `K` batches of `B` samples.
            weights: `(K, B)`.

        Returns:
            The mean squared error, and the errors `(K, B)` before each update.
        """
        states = self.states.find(batch.observations[0])
        errors = np.stack(
            [
                self._update(*transitions)
                for transitions in zip(
                    states, batch.actions, batch.rewards, batch.discounts, weights, strict=True
                )
            ]
        )
        self._updates += len(errors)
        return float(np.square(errors).mean()), errors

    def reset_dense_layers(self) -> None:
        """Forget all values: a table has nothing else."""
        self.table[...] = 0.0

    @property
    def updates(self) -> int:
        """Updates applied so far."""
        return self._updates

    def set_learning_rate(self, value: float) -> None:
        """Change the step size."""
        self._learning_rate = value

    def weights(self) -> list[Array]:
        """Return a copy of the table."""
        return [self.table.copy()]

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Put the table from `weights` into place."""
        self.table[...] = weights[0]

    def state(self) -> dict[str, Any]:
        """Return table and counters, for a checkpoint."""
        return {
            "variables": self.weights(),
            "updates": self._updates,
            "learning_rate": self._learning_rate,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned.

        Raises:
            ValueError: It comes from another table, or from a network.
        """
        if [value.shape for value in state["variables"]] != [self.table.shape]:
            raise ValueError("the checkpoint's network or table is not this run's.")
        self.set_weights(state["variables"])
        self._updates = int(state["updates"])
        self._learning_rate = float(state["learning_rate"])

    def save_greedy_policy(self, folder: Path) -> None:
        """Write the greedy policy as a SavedModel, through TF-Agents' PolicySaver.

        Raises:
            OSError: It cannot be written.
        """
        from f1_rl.learning.tabular_model import TabularModel

        TabularModel(self.layout, self.states, self.table).save_greedy_policy(folder)

    def write_table(self, path: Path) -> None:
        """Write the table as CSV: the line's position on each row, then the action values.

        Raises:
            OSError: It cannot be written.
        """
        rows, actions = self.states.rows, self.num_actions
        positions = np.indices((self.states.positions + 1,) * rows).reshape(rows, -1).T
        columns = [*(f"row_{i}" for i in range(rows)), *(f"q_{i}" for i in range(actions))]
        form = ["%d"] * rows + ["%.6g"] * actions
        np.savetxt(
            path,
            np.hstack([positions, self.table]),
            form,
            delimiter=",",
            header=",".join(columns),
            comments="",
        )

    def tflite_model(self) -> bytes:
        """Return the Q-function of one observation as a TFLite model; as the network's."""
        from f1_rl.learning.tabular_model import TabularModel

        return TabularModel(self.layout, self.states, self.table).tflite_model()

    def _update(
        self, states: Array, actions: Array, rewards: Array, discounts: Array, weights: Array
    ) -> npt.NDArray[np.float32]:
        """Learn from `B` transitions and return their temporal-difference errors."""
        settings = self._settings
        following = self.table[states[:, 1]].max(axis=1)
        targets = settings.reward_scale * rewards + settings.gamma * discounts * following
        errors = targets - self.table[states[:, 0], actions]
        cells, which = np.unique(states[:, 0] * self.num_actions + actions, return_inverse=True)
        means = np.bincount(which, weights * errors) / np.bincount(which)
        self.table.reshape(-1)[cells] += self._learning_rate * means.astype(np.float32)
        return np.asarray(errors, np.float32)
