"""How fast a car may be in a turn, and how hard it may drive and brake there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from f1_rl.circuits import FloatArray
from f1_rl.simulation import KinematicCar, SingleTrackCar, Vehicle


class DrivingLimits(Protocol):
    """What bounds a car that follows a line."""

    @property
    def grip_mps2(self) -> float:
        """What the tyres hold, along and across together; may be infinite."""

    @property
    def max_acceleration_mps2(self) -> float:
        """What the drive gives at most; may be infinite."""

    @property
    def max_braking_mps2(self) -> float:
        """What the brakes give at most, a positive number; may be infinite."""

    def top_speeds(self, curvature_per_m: FloatArray) -> FloatArray:
        """Return the highest steady speed (m/s) at each curvature (1/m); 0.0 where none is.

        Args:
            curvature_per_m: (M,), positive in left turns.
        """


@dataclass(frozen=True)
class CommandLimits:
    """A car that does at once what it is told, and is told one of a few commands.

    Switching quickly between commands it follows, on average, any weighted mean of them. So what
    it can do is their convex hull in the plane of speed and yaw rate, and in a turn of curvature k
    it is as fast as the farthest point (v, k v) in there.

    Attributes:
        commands: (A, 2) forward speeds (m/s) and yaw rates (rad/s).
    """

    commands: FloatArray

    grip_mps2: ClassVar[float] = math.inf
    max_acceleration_mps2: ClassVar[float] = math.inf
    max_braking_mps2: ClassVar[float] = math.inf

    def top_speeds(self, curvature_per_m: FloatArray) -> FloatArray:
        """See :meth:`DrivingLimits.top_speeds`."""
        ends = _hull(np.asarray(self.commands, np.float64))
        starts = np.roll(ends, 1, axis=0)
        # A point of the edge, start + t (end - start), lies on the ray where yaw rate = k speed.
        k = np.asarray(curvature_per_m, np.float64)[:, None]
        at_start = starts[:, 1] - k * starts[:, 0]
        at_end = ends[:, 1] - k * ends[:, 0]
        crosses = at_start * at_end <= 0.0
        apart = np.where(at_start == at_end, 1.0, at_start - at_end)
        share = np.where(at_start == at_end, 1.0, at_start / apart)
        speed = starts[:, 0] + share * (ends[:, 0] - starts[:, 0])
        both = np.where(at_start == at_end, np.maximum(starts[:, 0], ends[:, 0]), speed)
        return np.asarray(np.where(crosses, both, 0.0).max(axis=1).clip(min=0.0))


@dataclass(frozen=True)
class GripLimits:
    """A single-track car within its friction circle, told speeds and yaw rates up to some largest.

    Attributes:
        car: Its drive, brakes, steering and grip.
        max_speed_mps: The fastest it is told to go.
        max_yaw_rate_radps: The fastest it is told to turn, either way.
    """

    car: SingleTrackCar
    max_speed_mps: float
    max_yaw_rate_radps: float

    @property
    def grip_mps2(self) -> float:
        """See :attr:`DrivingLimits.grip_mps2`."""
        return self.car.grip_mps2

    @property
    def max_acceleration_mps2(self) -> float:
        """See :attr:`DrivingLimits.max_acceleration_mps2`."""
        return self.car.max_acceleration_mps2

    @property
    def max_braking_mps2(self) -> float:
        """See :attr:`DrivingLimits.max_braking_mps2`."""
        return self.car.max_braking_mps2

    def top_speeds(self, curvature_per_m: FloatArray) -> FloatArray:
        """See :meth:`DrivingLimits.top_speeds`: `v^2 |k| <= mu g`, `v |k| <= yaw rate`."""
        turn = np.maximum(np.abs(np.asarray(curvature_per_m, np.float64)), 1e-9)
        speed = np.minimum(np.sqrt(self.car.grip_mps2 / turn), self.max_yaw_rate_radps / turn)
        speed = np.minimum(speed, self.max_speed_mps)
        return np.asarray(np.where(turn * self.car.min_radius_m > 1.0, 0.0, speed))


def driving_limits(vehicle: Vehicle, commands: FloatArray) -> DrivingLimits:
    """Return the limits of a car that is given such commands.

    Args:
        vehicle: The car.
        commands: (A, 2) forward speeds (m/s) and yaw rates (rad/s) of the actions.

    Raises:
        TypeError: Nothing is known of the limits of such a car.
    """
    if isinstance(vehicle, KinematicCar):
        return CommandLimits(commands)
    if isinstance(vehicle, SingleTrackCar):
        speeds, yaw_rates = np.asarray(commands, np.float64).T
        return GripLimits(vehicle, float(speeds.max()), float(np.abs(yaw_rates).max()))
    raise TypeError(f"The limits of a {type(vehicle).__name__} are not known.")


def _hull(points: FloatArray) -> FloatArray:
    """Return the corners of the convex hull in order; points on one line are their own hull."""
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except QhullError:
        return np.asarray(points[np.lexsort(points.T)])
