"""What stands on the ground before the cameras, laid out for the drawing kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f1_rl.circuits import FloatArray
from f1_rl.simulation.traffic import Colour, Traffic

WHEEL_BAND_M = 0.05
WHEEL_COLOUR = (28, 28, 32)
"""A slower car is dark to this height, where wheels and floor are, and of its own colour above."""

END, SIDE, TOP = 1.0, 0.8, 1.15
"""What the colour of a box is multiplied with on its ends, its sides and its top."""

_SHADES = np.array([END, END, SIDE, SIDE, TOP], dtype=np.float32)
_IS_BAND = np.array([True, False, True, False, False])
"""The faces that can be seen of a box: of the nearer end band and body, of the nearer side band
and body, and the top."""


def shaded(colour: Colour, shade: float) -> Colour:
    """Return a colour as a face of that shade shows it."""
    red, green, blue = (min(round(shade * level), 255) for level in colour)
    return red, green, blue


@dataclass(frozen=True)
class Scenery:
    """Upright boxes in N worlds, M in each.

    Attributes:
        poses_m: (N, M, 3) x, y (m) and yaw (rad) of their middles.
        sizes_m: (M, 4) length, width, height, and the height of a band at the foot.
        palette: (M * 5, 3) float32, RGB of the five faces of each box that can be seen: band and
            body of an end, band and body of a side, top.
    """

    poses_m: FloatArray
    sizes_m: FloatArray
    palette: NDArray[np.float32]

    @classmethod
    def empty(cls, count: int) -> Scenery:
        """Nothing, in N worlds.

        Args:
            count: Number of worlds N.
        """
        return cls(np.zeros((count, 0, 3)), np.zeros((0, 4)), np.zeros((0, 3), dtype=np.float32))

    @classmethod
    def of_traffic(cls, traffic: Traffic, poses_m: FloatArray) -> Scenery:
        """Boxes and slower cars.

        Args:
            traffic: What they are.
            poses_m: (N, M, 3) where they are.
        """
        bands_m = np.array([0.0] * traffic.boxes + [WHEEL_BAND_M] * traffic.cars)
        bodies = np.array(
            [traffic.box_colour] * traffic.boxes + [traffic.car_colour] * traffic.cars
        )
        faces = np.where(_IS_BAND[:, None], WHEEL_COLOUR, bodies.reshape(-1, 1, 3))
        palette = (faces * _SHADES[:, None]).astype(np.float32).reshape(-1, 3)
        return cls(poses_m, np.column_stack([traffic.sizes_m, bands_m]), palette)

    def __len__(self) -> int:
        return len(self.poses_m)

    def __getitem__(self, cars: NDArray[np.int64] | slice) -> Scenery:
        """What stands in some of the worlds."""
        return Scenery(self.poses_m[cars], self.sizes_m, self.palette)
