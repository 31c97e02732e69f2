"""Where a replay keeps its frames: here, in the memory of the host."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from f1_rl.learning.observations import ObservationLayout

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]


class FrameReader(Protocol):
    """Makes observations of rows inside a graph, where frames lie on the device."""

    def read(self, rows: Sequence[Any]) -> list[Any]:
        """Return of `(..., stack)` rows for each part the observations `(..., *shape)`."""


class Frames(Protocol):
    """The frames of all parts of the observations, each once, by row.

    What `N` environments saw in slot `s` of a replay lies in the rows `s * N` to `s * N + N - 1`.
    """

    @property
    def reader(self) -> FrameReader | None:
        """What a learner makes observations with; None: batches hold them already."""

    def write(self, first: int, observations: Sequence[Array]) -> None:
        """Keep the newest frames of observations.

        Args:
            first: The row of the first of them.
            observations: For each part `(N, ...)`.
        """

    def take(self, rows: Sequence[IntArray]) -> tuple[Array, ...]:
        """Return what a batch holds of these observations, one array for each part.

        Args:
            rows: For each part `(..., stack)`, of the frames that make up an observation, the
                oldest first.
        """

    def first(self, count: int) -> list[Array]:
        """Return a copy or a view of the first rows, for each part `(count, ...)`."""

    def put_first(self, frames: Sequence[Array]) -> None:
        """Take back what `first` returned."""


class HostFrames:
    """Frames as NumPy arrays; batches hold the observations."""

    reader = None

    def __init__(self, count: int, layout: ObservationLayout) -> None:
        """Reserve memory for `count` frames of each part."""
        self._parts = layout.parts
        self._frames = [np.zeros((count, *p.frame_shape), p.dtype) for p in layout.parts]

    def write(self, first: int, observations: Sequence[Array]) -> None:
        """Keep the newest frames of observations, each part `(N, ...)`, from that row on."""
        for frames, part, observation in zip(self._frames, self._parts, observations, strict=True):
            frames[first : first + len(observation)] = part.newest_frame(observation)

    def take(self, rows: Sequence[IntArray]) -> tuple[Array, ...]:
        """Return the stacked observations, for each part `(..., *shape)`."""
        return tuple(self._take(index, part_rows) for index, part_rows in enumerate(rows))

    def first(self, count: int) -> list[Array]:
        """Return views of the first rows, for each part `(count, ...)`."""
        return [frames[:count] for frames in self._frames]

    def put_first(self, frames: Sequence[Array]) -> None:
        """Take back what `first` returned."""
        for target, source in zip(self._frames, frames, strict=True):
            target[: len(source)] = source

    def _take(self, index: int, rows: IntArray) -> Array:
        part, frames = self._parts[index], self._frames[index]
        if part.stack == 1:
            alone: Array = frames[rows[..., 0]]
            return alone
        out = np.empty((*rows.shape[:-1], *part.shape), part.dtype)
        for position in range(part.stack):
            part.frame_view(out, position)[...] = frames[rows[..., position]]
        return out
