"""Where a replay keeps its frames: here, in the memory of the device that learns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.device import DeviceMemoryError, import_tensorflow
from f1_rl.learning.observations import ObservationLayout, ObservationPart

tf: Any = import_tensorflow()

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]

# At a time, to and from a checkpoint, so that a device needs no room for a second replay.
_CHUNK = 16_384


class DeviceFrames:
    """Frames as TensorFlow variables; batches hold the rows in which they lie.

    A new frame goes to the device once. The learner reads those of each update inside its graph.
    """

    def __init__(self, count: int, layout: ObservationLayout, *, device: str) -> None:
        """Reserve memory for `count` frames of each part.

        Args:
            count: Frames.
            layout: Of the observations.
            device: A TensorFlow device.

        Raises:
            DeviceMemoryError: It has too little.
        """
        self.reader = self
        self._parts = layout.parts
        self._device = device
        try:
            with tf.device(device):
                self._frames = [
                    tf.Variable(tf.zeros((count, *part.frame_shape), part.dtype), trainable=False)
                    for part in layout.parts
                ]
        except tf.errors.ResourceExhaustedError as error:
            raise DeviceMemoryError(
                f"{device} has no room for {count:,} frames; lower training.replay_capacity, or "
                "set training.replay_device to host."
            ) from error
        self._write = _compile_writing(self._frames, layout.parts)

    def write(self, first: int, observations: Sequence[Array]) -> None:
        """Keep the newest frames of observations, each part `(N, ...)`, from that row on."""
        newest = [
            np.asarray(part.newest_frame(observation), part.dtype)
            for part, observation in zip(self._parts, observations, strict=True)
        ]
        self._put(first, newest)

    def take(self, rows: Sequence[IntArray]) -> tuple[Array, ...]:
        """Return the rows, which `read` turns into observations on the device."""
        return tuple(part_rows.astype(np.int32) for part_rows in rows)

    def read(self, rows: Sequence[Any]) -> list[Any]:
        """Return observations as tensors; inside a graph.

        Args:
            rows: For each part `(..., stack) int32`, of its frames, the oldest first.

        Returns:
            For each part `(..., *shape)`.
        """
        return [
            _stack(tf.gather(frames, part_rows), part)
            for frames, part, part_rows in zip(self._frames, self._parts, rows, strict=True)
        ]

    def first(self, count: int) -> list[Array]:
        """Return copies of the first rows, for each part `(count, ...)`."""
        return [self._copy(frames, count) for frames in self._frames]

    def put_first(self, frames: Sequence[Array]) -> None:
        """Take back what `first` returned."""
        for start in range(0, len(frames[0]), _CHUNK):
            self._put(start, [part_frames[start : start + _CHUNK] for part_frames in frames])

    def _put(self, first: int, frames: Sequence[Array]) -> None:
        with tf.device(self._device):
            self._write(tf.constant(first), *(tf.constant(part) for part in frames))

    def _copy(self, frames: Any, count: int) -> Array:
        copy = np.empty((count, *frames.shape[1:]), frames.dtype.as_numpy_dtype)
        for start in range(0, count, _CHUNK):
            end = min(start + _CHUNK, count)
            copy[start:end] = tf.gather(frames, tf.range(start, end)).numpy()
        return copy


def _compile_writing(variables: Sequence[Any], parts: Sequence[ObservationPart]) -> Any:
    """Return a function that writes frames of all parts from a row on, in one call."""

    def write(first: Any, *frames: Any) -> None:
        rows = tf.range(first, first + tf.shape(frames[0])[0])
        for variable, part_frames in zip(variables, frames, strict=True):
            # An assignment to a slice would copy the variable once it has been gathered from.
            variable.scatter_update(tf.IndexedSlices(part_frames, rows))

    specs = [tf.TensorSpec((None, *part.frame_shape), part.dtype) for part in parts]
    signature = [tf.TensorSpec((), tf.int32), *specs]
    function = tf.function(write, input_signature=signature, autograph=False)
    return function.get_concrete_function()


def _stack(frames: Any, part: ObservationPart) -> Any:
    """Return frames `(..., stack, H, W, C)` as observations `(..., H, W, stack * C)`."""
    if part.stack == 1:
        return tf.squeeze(frames, frames.shape.rank - len(part.shape) - 1)
    places = list(range(frames.shape.rank))
    places.insert(-1, places.pop(-4))
    shape = tf.concat((tf.shape(frames)[:-4], part.shape), axis=0)
    return tf.reshape(tf.transpose(frames, places), shape)
