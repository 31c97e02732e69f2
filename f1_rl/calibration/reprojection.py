"""From the picture of a calibrated camera to the one that the camera of the training would take.

All that a policy drives by lies on flat ground. So each pixel of the camera of the training has a
place on the ground, and that place has a pixel in the real camera: with that map, other focal
lengths, distortion, height, pitch, roll, yaw and position are undone without an error. What stands
above the ground is not where it would be, and the sky is mapped by direction.
"""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.calibration.camera_file import CalibratedCamera
from f1_rl.calibration.errors import CalibrationError
from f1_rl.calibration.mounting import Mounting
from f1_rl.simulation import Camera

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
UInt8Array = npt.NDArray[np.uint8]

LARGEST_MISSING_SHARE = 0.05
"""Share of an observation's pixels outside the real picture above which it is refused."""


class Reprojection:
    """Makes pictures of one camera those of another; the maps are computed once.

    Where the real camera sees nothing, a pixel takes the nearest one of its row that is seen, and a
    row without any the nearest row: the edge of what is seen goes on.

    Attributes:
        source: The real camera.
        camera: The one of the training.
        missing_share: Of the pixels of the rows asked for, how many the real camera does not see.
    """

    def __init__(
        self, source: CalibratedCamera, camera: Camera, rows: npt.ArrayLike | None = None
    ) -> None:
        """Compute the map of some rows.

        Args:
            source: The real camera, with its mounting.
            camera: The camera of the training.
            rows: (R,) rows of the training's picture that `rows` shall give; None: all.

        Raises:
            CalibrationError: The mounting has not been measured, or more than
                `LARGEST_MISSING_SHARE` of the rows' pixels would be missing.
        """
        self.source = source
        self.camera = camera
        mounting = source.mounted()
        wanted = np.arange(camera.height) if rows is None else np.asarray(rows, np.int64)
        self._rows, seen = _map(source, mounting, camera, wanted)
        self.missing_share = float(1.0 - seen.mean())
        if self.missing_share > LARGEST_MISSING_SHARE:
            raise CalibrationError(
                f"{source.name} does not see {self.missing_share:.0%} of what the observation is "
                f"made of, more than {LARGEST_MISSING_SHARE:.0%}; train with a camera that fits "
                "into its picture (f1-rl calibrate show says which), or mount it otherwise."
            )

    def rows(self, picture: UInt8Array) -> UInt8Array:
        """Return the rows that were asked for, `(R, W, 3)`, of a real picture `(h, w, 3)`.

        Raises:
            CalibrationError: The picture is not of the size that the camera was calibrated with.
        """
        return self._remap(picture, self._rows)

    def picture(self, picture: UInt8Array) -> UInt8Array:
        """Return the whole picture of the training's camera, `(H, W, 3)`; see `rows`."""
        return self._remap(picture, self._whole)

    @cached_property
    def seen(self) -> BoolArray:
        """(H, W), which pixels of the training's picture the real camera sees."""
        return self._whole_and_seen[1]

    @property
    def _whole(self) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16]]:
        return self._whole_and_seen[0]

    @cached_property
    def _whole_and_seen(
        self,
    ) -> tuple[tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16]], BoolArray]:
        every = np.arange(self.camera.height)
        return _map(self.source, self.source.mounted(), self.camera, every)

    def _remap(
        self, picture: UInt8Array, maps: tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16]]
    ) -> UInt8Array:
        fault = self.source.size_fault(picture.shape[1], picture.shape[0])
        if fault is not None:
            raise CalibrationError(fault)
        found = cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.uint8)


def source_pixels(
    source: CalibratedCamera, mounting: Mounting, camera: Camera, pixels: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return where the real camera sees what another camera sees in some pixels.

    A ray d of the other camera, at o and z_m above the ground, that points down meets the ground in
    o + d z_m / -d_z. Seen from s this lies in the direction d + (o - s) (-d_z) / z_m, which goes
    over into d at the horizon; from there on upwards it is d.

    Args:
        source: The real camera.
        mounting: Where it sits.
        camera: The other one.
        pixels: (N, 2) column and row, centres at whole numbers.

    Returns:
        (N, 2) column and row in the real picture, and (N,) whether they lie in it.
    """
    slopes = (pixels + 0.5 - np.array([camera.width, camera.height]) / 2) / camera.focal_length_px
    optical = np.column_stack([slopes, np.ones(len(slopes))])
    own = Mounting(x_m=camera.x_m, y_m=camera.y_m, z_m=camera.z_m, pitch_rad=camera.pitch_rad)
    rays = optical @ own.rotation.T
    down = np.maximum(-rays[:, 2:], 0.0)
    seen_from = rays + (own.position_m - mounting.position_m) * down / camera.z_m
    return source.intrinsics.project(seen_from @ mounting.rotation)


def _map(
    source: CalibratedCamera, mounting: Mounting, camera: Camera, rows: npt.NDArray[np.int64]
) -> tuple[tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16]], BoolArray]:
    """Return the map of rows as `cv2.remap` is quickest with, and (R, W) what is seen."""
    columns = np.arange(camera.width)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float64)
    places, seen = source_pixels(source, mounting, camera, grid)
    shape = (len(rows), camera.width)
    places, seen = places.reshape(*shape, 2), seen.reshape(shape)
    filled = places[_nearest_seen(seen, source.name)].astype(np.float32)
    x, y = np.ascontiguousarray(filled[..., 0]), np.ascontiguousarray(filled[..., 1])
    return cv2.convertMaps(x, y, cv2.CV_16SC2), seen


def _nearest_seen(
    seen: BoolArray, name: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each pixel row and column of the one whose place it takes: itself where seen."""
    rows_seen = np.flatnonzero(seen.any(axis=1))
    if not len(rows_seen):
        raise CalibrationError(
            f"{name} sees nothing of what the camera of the training sees; check its mounting."
        )
    rows = rows_seen[np.abs(np.arange(len(seen))[:, None] - rows_seen).argmin(axis=1)]
    columns = np.empty(seen.shape, np.int64)
    every = np.arange(seen.shape[1])
    for row in rows_seen:
        there = np.flatnonzero(seen[row])
        after = np.clip(np.searchsorted(there, every), 1, max(len(there) - 1, 1))
        left, right = there[after - 1], there[np.minimum(after, len(there) - 1)]
        columns[row] = np.where(every - left <= right - every, left, right)
    return np.broadcast_to(rows[:, None], seen.shape), columns[rows]
