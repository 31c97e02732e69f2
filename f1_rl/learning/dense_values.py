"""The values of a small dense network, without TensorFlow's price of a call."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class DenseValues:
    """A Q-network of dense layers and rectifiers, computed with NumPy.

    For few observations at once, a call of a TensorFlow function costs a multiple of the
    arithmetic in it.
    """

    def __init__(self, weights: Sequence[Array]) -> None:
        """Take the layers.

        Args:
            weights: Kernel `(inputs, units)` and bias `(units,)` of each layer, in order.
        """
        self._layers = list(zip(weights[::2], weights[1::2], strict=True))

    def __call__(self, observations: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)`.

        Args:
            observations: For each part of the layout `(N, ...)`.
        """
        rows = [part.reshape(len(part), -1) for part in observations]
        values: npt.NDArray[np.float32] = np.concatenate(rows, axis=1, dtype=np.float32)
        for index, (kernel, bias) in enumerate(self._layers):
            if index:
                np.maximum(values, 0.0, out=values)
            values = values @ kernel
            values += bias
        return values
