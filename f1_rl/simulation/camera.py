"""The car's pinhole camera, and the part of its picture that an observation is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Camera:
    """A pinhole camera fixed to the car; the defaults are those of the field's F1 car.

    Pixel centres lie at +0.5 and the principal point at half the width and height, so the
    ray of row ``v`` and column ``u`` has the slopes ``(u + 0.5 - width / 2) / f`` to the right
    and ``(v + 0.5 - height / 2) / f`` downwards, where ``f`` is the focal length.

    Attributes:
        width: Columns of the picture.
        height: Rows of the picture.
        horizontal_fov_rad: Angle between the picture's left and right edges.
        x_m: Position ahead of the car's origin.
        y_m: Position to the left of the car's origin.
        z_m: Height above the road.
        pitch_rad: Inclination of the optical axis, positive looks down.
        near_m: What lies at less than this depth is not drawn.
        far_m: What lies at more than this depth is not drawn: the background shows.
    """

    width: int = 640
    height: int = 480
    horizontal_fov_rad: float = 1.57
    x_m: float = 0.45
    y_m: float = 0.04
    z_m: float = 0.10
    pitch_rad: float = 0.0
    near_m: float = 0.1
    far_m: float = 60.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(
                f"Camera width {self.width}, height {self.height}: give at least 1 of each"
            )
        if not 0.0 < self.horizontal_fov_rad < math.pi:
            raise ValueError(
                f"Camera horizontal_fov_rad {self.horizontal_fov_rad}: give an angle in (0, pi)"
            )
        if not 0.0 < self.z_m < math.inf:
            raise ValueError(f"Camera z_m {self.z_m}: give a height above the road, metres > 0")
        if not abs(self.pitch_rad) < math.pi / 2:
            raise ValueError(f"Camera pitch_rad {self.pitch_rad}: give one in (-pi/2, pi/2)")
        if not 0.0 <= self.near_m < self.far_m < math.inf:
            raise ValueError(
                f"Camera near_m {self.near_m}, far_m {self.far_m}: give 0 <= near_m < far_m"
            )
        if not (math.isfinite(self.x_m) and math.isfinite(self.y_m)):
            raise ValueError(f"Camera x_m {self.x_m}, y_m {self.y_m}: give finite metres")

    @property
    def focal_length_px(self) -> float:
        """Focal length, the same for rows and columns."""
        return self.width / 2 / math.tan(self.horizontal_fov_rad / 2)

    @property
    def horizon_row(self) -> float:
        """Vertical picture coordinate (0 at the top edge) of the horizon of a level ground."""
        return self.height / 2 - self.focal_length_px * math.tan(self.pitch_rad)

    def ground_distance_m(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Distance ahead of the camera of the ground seen at the centre of rows.

        Args:
            rows: Row numbers, counted from the top, any shape.

        Returns:
            Horizontal distance along the optical axis, same shape; infinite at and above the
            horizon.
        """
        slope = (np.asarray(rows, dtype=np.float64) + 0.5 - self.height / 2) / self.focal_length_px
        angle = np.arctan(slope) + self.pitch_rad
        with np.errstate(divide="ignore"):
            distance = self.z_m / np.tan(np.maximum(angle, 0.0))
        return np.asarray(distance, dtype=np.float64)

    def row_at(self, distance_m: ArrayLike) -> NDArray[np.float64]:
        """Row, fractional, at whose centre the ground is seen at distances ahead.

        The inverse of :meth:`ground_distance_m`. Rows outside the picture are returned as they
        are: the caller clips.

        Args:
            distance_m: Horizontal distance ahead of the camera, metres > 0, any shape.

        Returns:
            Row numbers, same shape, float64.
        """
        angle = np.arctan2(self.z_m, np.asarray(distance_m, dtype=np.float64)) - self.pitch_rad
        row = self.focal_length_px * np.tan(angle) + self.height / 2 - 0.5
        return np.asarray(row, dtype=np.float64)


@dataclass(frozen=True)
class View:
    """What an observation takes from a picture: rows, groups of columns, weighted colours.

    Attributes:
        rows: Row numbers, from the top of the observation downwards.
        columns: Number of equal groups into which the picture's columns are averaged; must
            divide the picture's width.
        channel_weights: One ``(red, green, blue)`` triple a channel of the observation.
    """

    rows: tuple[int, ...]
    columns: int
    channel_weights: tuple[tuple[float, float, float], ...]

    def __post_init__(self) -> None:
        if not self.rows or min(self.rows) < 0:
            raise ValueError(f"View rows {self.rows}: give at least one row number >= 0")
        if self.columns < 1:
            raise ValueError(f"View columns {self.columns}: give at least 1")
        if not self.channel_weights or any(len(w) != 3 for w in self.channel_weights):
            raise ValueError(
                f"View channel_weights {self.channel_weights}: give a (red, green, blue) triple "
                "for each channel"
            )
        if not np.isfinite(self.channel_weights).all():
            raise ValueError(f"View channel_weights {self.channel_weights}: give finite weights")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the observation."""
        return len(self.rows), self.columns, len(self.channel_weights)

    @cached_property
    def row_array(self) -> NDArray[np.int64]:
        """The rows as an array, (R,)."""
        return np.asarray(self.rows, dtype=np.int64)

    @cached_property
    def weight_array(self) -> NDArray[np.float32]:
        """The channel weights as an array, (K, 3)."""
        return np.asarray(self.channel_weights, dtype=np.float32)

    def check(self, camera: Camera) -> None:
        """Refuse a camera whose pictures this view cannot be taken from.

        Args:
            camera: The camera.

        Raises:
            ValueError: If a row lies outside the picture, or its width is not a multiple of
                ``columns``.
        """
        if max(self.rows) >= camera.height:
            raise ValueError(
                f"View row {max(self.rows)} lies outside a picture of {camera.height} rows"
            )
        if camera.width % self.columns:
            raise ValueError(
                f"View of {self.columns} columns does not divide a picture's width of "
                f"{camera.width}"
            )

    def take(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Take the view from whole pictures: the definition that direct drawing follows.

        Args:
            frames: (N, H, W, 3) uint8 RGB.

        Returns:
            (N, R, C, K) uint8, rounded to the nearest grey level and clipped to 0..255.
        """
        count, _, width, _ = frames.shape
        rows = frames[:, self.row_array].astype(np.float32)
        groups = rows.reshape(count, len(self.rows), self.columns, width // self.columns, 3)
        values = groups.mean(axis=3) @ self.weight_array.T
        return np.asarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
