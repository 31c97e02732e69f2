"""Poses in the plane, angles, and what a pose is relative to a circuit.

Coordinates follow REP-103: x and y in metres, yaw in radians, counter-clockwise positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Index = npt.NDArray[Any] | Sequence[int] | slice

TWO_PI = 2.0 * np.pi


def wrap_angle(angle_rad: npt.ArrayLike) -> FloatArray:
    """Bring angles into (-pi, pi].

    Args:
        angle_rad: Angles of any shape.

    Returns:
        The same angles, same shape, each in (-pi, pi].
    """
    wrapped = np.pi - np.mod(np.pi - np.asarray(angle_rad, dtype=np.float64), TWO_PI)
    # mod() of a number a rounding error below zero gives 2 pi itself.
    return np.where(wrapped <= -np.pi, np.pi, wrapped)


@dataclass(frozen=True)
class Poses:
    """Positions and headings of N cars.

    Attributes:
        x_m: (N,) position, metres.
        y_m: (N,) position, metres.
        yaw_rad: (N,) heading, radians, counter-clockwise from the x axis.
    """

    x_m: FloatArray
    y_m: FloatArray
    yaw_rad: FloatArray

    def __post_init__(self) -> None:
        """Make all three float64 arrays of one length."""
        arrays = [
            np.atleast_1d(np.asarray(value, dtype=np.float64))
            for value in (self.x_m, self.y_m, self.yaw_rad)
        ]
        if any(array.ndim != 1 or len(array) != len(arrays[0]) for array in arrays):
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(
                f"x_m, y_m and yaw_rad must be flat and equally long, got shapes {shapes}."
            )
        for name, array in zip(("x_m", "y_m", "yaw_rad"), arrays, strict=True):
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Return the number of poses."""
        return len(self.x_m)

    def __getitem__(self, index: Index | int) -> Poses:
        """Return the chosen poses; an integer gives one pose (N = 1)."""
        return Poses(self.x_m[index], self.y_m[index], self.yaw_rad[index])


@dataclass(frozen=True)
class Projection:
    """What N poses are relative to a circuit, in the driving direction.

    Attributes:
        arc_length_m: (N,) distance along the centre line from the start line, in [0, length).
        lateral_error_m: (N,) distance from the centre line, positive to its left (REP-103).
        heading_error_rad: (N,) car yaw minus centre-line heading, in (-pi, pi].
        curvature_per_m: (N,) curvature of the centre line there, positive in left turns.
        width_left_m: (N,) half width of the road to the left of the centre line.
        width_right_m: (N,) half width of the road to the right of the centre line.
    """

    arc_length_m: FloatArray
    lateral_error_m: FloatArray
    heading_error_rad: FloatArray
    curvature_per_m: FloatArray
    width_left_m: FloatArray
    width_right_m: FloatArray

    def __len__(self) -> int:
        """Return the number of projected poses."""
        return len(self.arc_length_m)

    @property
    def wrong_way(self) -> BoolArray:
        """(N,) bool: the car points more than 90 degrees away from the driving direction."""
        return np.abs(self.heading_error_rad) > 0.5 * np.pi

    @property
    def on_road(self) -> BoolArray:
        """(N,) bool: the pose lies between the edges of the road."""
        return (self.lateral_error_m <= self.width_left_m) & (
            self.lateral_error_m >= -self.width_right_m
        )
