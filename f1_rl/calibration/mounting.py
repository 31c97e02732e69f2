"""Where a camera sits on the car, and where it looks."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from f1_rl.settings import FiniteFloat, PositiveFloat, Settings

FloatArray = npt.NDArray[np.float64]

# The optical frame's axes (right, down, ahead) in those of the car (ahead, left, up): REP-103.
_OPTICAL_AXES = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


class Mounting(Settings, frozen=True, kw_only=True):
    """The camera's pose in the car's frame, whose origin lies on the ground (REP-103).

    Attributes:
        x_m: Ahead of the car's origin, which is the middle of its rear axle on most.
        y_m: To the left of it.
        z_m: Height above the ground.
        roll_rad: Turn about the axis ahead, positive to the right side down.
        pitch_rad: Inclination of the optical axis, positive looks down.
        yaw_rad: Its direction, positive looks left.
    """

    x_m: FiniteFloat = 0.0
    y_m: FiniteFloat = 0.0
    z_m: PositiveFloat
    roll_rad: FiniteFloat = 0.0
    pitch_rad: FiniteFloat = 0.0
    yaw_rad: FiniteFloat = 0.0

    def __post_init__(self) -> None:
        """Check that the camera looks ahead."""
        if not (abs(self.pitch_rad) < math.pi / 2 and abs(self.yaw_rad) < math.pi / 2):
            raise ValueError("pitch_rad and yaw_rad must lie between -pi/2 and pi/2")

    @property
    def position_m(self) -> FloatArray:
        """(3,) in the car's frame."""
        return np.array([self.x_m, self.y_m, self.z_m])

    @property
    def rotation(self) -> FloatArray:
        """(3, 3), from the optical frame to the car's: roll, then pitch, then yaw."""
        turn = rotation_of(self.roll_rad, self.pitch_rad, self.yaw_rad)
        return np.asarray(turn @ _OPTICAL_AXES, np.float64)


def rotation_of(roll_rad: float, pitch_rad: float, yaw_rad: float) -> FloatArray:
    """Return the (3, 3) rotation about the fixed axes x, y, z in this order (REP-103)."""
    (sr, cr), (sp, cp), (sy, cy) = (
        (math.sin(angle), math.cos(angle)) for angle in (roll_rad, pitch_rad, yaw_rad)
    )
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def mounting_of(rotation: FloatArray, position_m: FloatArray) -> Mounting:
    """Return the mounting with that rotation, from optical frame to car, and position."""
    turn = rotation @ _OPTICAL_AXES.T
    x_m, y_m, z_m = (float(value) for value in position_m)
    return Mounting(
        x_m=x_m,
        y_m=y_m,
        z_m=z_m,
        roll_rad=math.atan2(turn[2, 1], turn[2, 2]),
        pitch_rad=-math.asin(max(-1.0, min(1.0, turn[2, 0]))),
        yaw_rad=math.atan2(turn[1, 0], turn[0, 0]),
    )
