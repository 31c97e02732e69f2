"""From a camera frame to an observation: the one preprocessing of training and driving."""

from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.settings import PositiveFloat, PositiveInt, Settings, SettingsError
from f1_rl.simulation import Camera, View

UInt8Array = npt.NDArray[np.uint8]

# The red line is darker than the road in grey (76 against 97 of 255, with the grass between) and
# by far the brightest thing in red (255, road 96, grass 40): hence red is the default.
CHANNELS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "red": ((1.0, 0.0, 0.0),),
    "green": ((0.0, 1.0, 0.0),),
    "blue": ((0.0, 0.0, 1.0),),
    "gray": ((0.299, 0.587, 0.114),),
    "rgb": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}


class ObservationSettings(Settings, frozen=True):
    """What an observation is made of.

    Attributes:
        rows: Rows of the picture that are kept, chosen by the ground distance they show.
        columns: Columns, each the mean of an equal share of the picture's.
        nearest_m: Ground distance of the nearest row, metres ahead of the camera.
        farthest_m: Ground distance of the farthest row.
        channel: Which colour is kept.
        frame_stack: How many consecutive frames are stacked, the newest last.
        speed: Whether the forward speed is given beside the frames.
    """

    rows: PositiveInt = 24
    columns: PositiveInt = 64
    nearest_m: PositiveFloat = 0.25
    farthest_m: PositiveFloat = 12.0
    channel: Literal["red", "green", "blue", "gray", "rgb"] = "red"
    frame_stack: PositiveInt = 2
    speed: bool = False

    def __post_init__(self) -> None:
        """Check that the distances are in order."""
        if self.nearest_m >= self.farthest_m:
            raise ValueError("nearest_m must be below farthest_m")


class Preprocessing:
    """Reduces a camera frame to the rows, columns and channel of an observation.

    The embedded simulator draws `view` directly; `apply` makes the same from a whole picture.
    """

    def __init__(self, settings: ObservationSettings, camera: Camera) -> None:
        """Choose the rows for that camera.

        Raises:
            SettingsError: The camera's picture does not hold that many different rows between the
                two distances, or its width is no multiple of the columns.
        """
        if camera.width % settings.columns:
            raise SettingsError(
                f"observation: a picture {camera.width} pixels wide cannot be averaged into "
                f"{settings.columns} equal columns; choose a divisor of {camera.width}."
            )
        self.settings = settings
        self.camera = camera
        self.view = View(
            rows=_rows_by_distance(settings, camera),
            columns=settings.columns,
            channel_weights=CHANNELS[settings.channel],
        )
        self._rows = np.array(self.view.rows)
        self._weights = np.array(self.view.channel_weights, np.float32)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(R, C, K) of one preprocessed frame."""
        return (len(self.view.rows), self.view.columns, len(self.view.channel_weights))

    def apply(self, frame: UInt8Array) -> UInt8Array:
        """Reduce one RGB picture `(H, W, 3)` to `(R, C, K)`.

        Raises:
            ValueError: The picture is not of the camera's size and kind.
        """
        expected = (self.camera.height, self.camera.width, 3)
        if frame.shape != expected or frame.dtype != np.uint8:
            raise ValueError(
                f"a frame of shape {frame.shape} and type {frame.dtype} does not fit the camera, "
                f"which gives {expected} uint8."
            )
        return self.reduce(frame[self._rows])

    def reduce(self, chosen_rows: UInt8Array) -> UInt8Array:
        """Reduce the rows `(R, W, 3)` that the view chooses of a picture to `(R, C, K)`."""
        rows, columns, channels = self.frame_shape
        chosen = cv2.transform(chosen_rows, self._weights)
        reduced = cv2.resize(chosen, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(reduced.reshape(rows, columns, channels), np.uint8)

    def as_dict(self) -> dict[str, Any]:
        """Return the whole specification: what must be equal for a policy to fit."""
        camera = {
            "width": self.camera.width,
            "height": self.camera.height,
            "horizontal_fov_rad": self.camera.horizontal_fov_rad,
        }
        return {**self.settings.as_dict(), "image_rows": list(self.view.rows), "camera": camera}


class FrameStack:
    """The last frames of N cars, along the last axis, the newest last."""

    def __init__(self, num_cars: int, frame_shape: tuple[int, int, int], length: int) -> None:
        """Begin with black frames."""
        rows, columns, channels = frame_shape
        self._channels = channels
        self.array: UInt8Array = np.zeros((num_cars, rows, columns, channels * length), np.uint8)

    def push(self, frames: UInt8Array, started: npt.NDArray[np.bool_]) -> None:
        """Add the newest frames `(N, R, C, K)`; where an episode started they fill the stack."""
        kept = self.array.shape[-1] - self._channels
        if kept:
            # All of it moves on by a frame, in one piece of memory; what comes to stand in the
            # newest frame's place is written over.
            flat = self.array.reshape(-1)
            flat[: -self._channels] = flat[self._channels :]
        self.array[..., kept:] = frames
        if kept and started.any():
            repeats = self.array.shape[-1] // self._channels
            self.array[started] = np.tile(frames[started], (1, 1, 1, repeats))


def _rows_by_distance(settings: ObservationSettings, camera: Camera) -> tuple[int, ...]:
    """Return rows from far to near, spaced evenly in the logarithm of the ground distance.

    Far rows of that spacing lie less than a pixel apart; they are pushed down to the next free row,
    so that every row is a different one and the far line, which lives in few rows, keeps them all.
    """
    distances = np.geomspace(settings.farthest_m, settings.nearest_m, settings.rows)
    wanted = np.array([camera.row_at(float(distance)) for distance in distances])
    rows = np.rint(wanted).astype(int)
    for i in range(1, len(rows)):
        rows[i] = max(rows[i], rows[i - 1] + 1)
    if rows[0] < 0 or rows[-1] >= camera.height:
        raise SettingsError(
            f"observation: a picture {camera.height} pixels high shows fewer than "
            f"{settings.rows} different rows of ground from {settings.nearest_m} to "
            f"{settings.farthest_m} m; choose fewer rows or a larger nearest_m."
        )
    return tuple(int(row) for row in rows)
