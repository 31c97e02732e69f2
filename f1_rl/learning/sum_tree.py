"""A sum tree: drawing in proportion to priorities that change, in logarithmic time."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class SumTree:
    """A binary tree whose leaves are priorities and whose nodes are the sums of their children.

    As in Schaul et al. (2016), "Prioritized Experience Replay", appendix B.2.1; all operations take
    arrays and go through the tree level by level. A sum is added up anew from its children
    whenever one of them changes, so no rounding error accumulates.
    """

    def __init__(self, leaves: int) -> None:
        """Plant a tree whose priorities are all 0."""
        self._levels = max(1, (leaves - 1).bit_length())
        self._first = 1 << self._levels
        self._nodes = np.zeros(2 * self._first)

    @property
    def total(self) -> float:
        """Sum of all priorities."""
        return float(self._nodes[1])

    def __getitem__(self, leaves: Array | slice) -> npt.NDArray[np.float64]:
        """Return the priorities of some leaves."""
        return np.asarray(self._nodes[self._first :][leaves])

    def set(self, leaves: Array, priorities: npt.ArrayLike) -> None:
        """Change priorities.

        Args:
            leaves: `(N,)`; of a leaf named twice, the last priority counts.
            priorities: `(N,)` or one for all, at least 0.
        """
        nodes = self._first + np.asarray(leaves)
        self._nodes[nodes] = priorities
        for _ in range(self._levels):
            nodes = nodes >> 1
            self._nodes[nodes] = self._nodes[2 * nodes] + self._nodes[2 * nodes + 1]

    def find(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return where along the sum of the priorities, leaf by leaf, these shares of it fall.

        Uniform shares give each leaf in proportion to its priority; one of priority 0 is never
        returned.

        Args:
            shares: Of any shape, from 0 to below 1.
        """
        rest = shares * self.total
        nodes = np.ones(rest.shape, np.int64)
        for _ in range(self._levels):
            nodes *= 2
            left = self._nodes[nodes]
            # Rounding may leave a rest that is as large as both children together.
            right = (rest >= left) & (self._nodes[nodes + 1] > 0.0)
            rest -= np.where(right, left, 0.0)
            nodes += right
        return nodes - self._first
