"""What the trainer asks of whatever learns: a network or a table of action values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch

Array = npt.NDArray[Any]


class Learner(Protocol):
    """A Q-function that learns, called with NumPy arrays.

    Attributes:
        layout: Of the observations.
        num_actions: Size of the discrete action space.
        device: The TensorFlow device that it computes on.
    """

    layout: ObservationLayout
    num_actions: int
    device: str

    @property
    def updates(self) -> int:
        """Updates applied so far."""

    def q_values(self, observations: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` of a batch of observations."""

    def noisy_q_values(self, observations: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` to explore by."""

    def train(self, batch: Batch) -> float:
        """Apply one update for each of the `K` batches and return their mean loss."""

    def train_weighted(
        self, batch: Batch, weights: npt.NDArray[np.float32]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """Do so with `(K, B)` weights of the samples; return their errors `(K, B)` as well."""

    def reset_dense_layers(self) -> None:
        """Forget what was learned of the actions, and keep what was learned of pictures."""

    def set_learning_rate(self, value: float) -> None:
        """Change the step size."""

    def weights(self) -> list[Array]:
        """Return a copy of what the Q-function is made of."""

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Put `weights` into the Q-function."""

    def state(self) -> dict[str, Any]:
        """Return everything that learning goes on from, for a checkpoint."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""

    def save_greedy_policy(self, folder: Path) -> None:
        """Write the greedy policy as a SavedModel."""

    def tflite_model(self) -> bytes:
        """Return the Q-function of one observation as a TFLite model."""
