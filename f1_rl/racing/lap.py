"""The fastest lap along a line."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from f1_rl.circuits import FloatArray
from f1_rl.circuits.resampling import SampledLine
from f1_rl.racing.lap_kernels import bound_speeds
from f1_rl.racing.limits import DrivingLimits


@dataclass(frozen=True)
class FastestLap:
    """The fastest lap along a line.

    Attributes:
        line: The line.
        speed_mps: (M,) at each of its samples.
        lap_time_s: Time of a flying lap; infinite where the car cannot follow the line.
    """

    line: SampledLine
    speed_mps: FloatArray
    lap_time_s: float


def fastest_lap(line: SampledLine, limits: DrivingLimits) -> FastestLap:
    """Return the fastest flying lap along a line within quasi-steady limits.

    At every sample the speed is at most the steady one of its curvature, at most what the drive
    reaches from the sample before, and at most what the brakes get rid of before the next one
    (W. F. Milliken, D. L. Milliken, *Race Car Vehicle Dynamics*, 1995, chapter on lap simulation):
    v'^2 = v^2 + 2 a d. Delays, steering rates and the control period are left out, so no car
    within these limits is faster along this line.

    Args:
        line: To follow.
        limits: Of the car.
    """
    step_m = line.length_m / len(line.x_m)
    steady = limits.top_speeds(line.curvature_per_m)
    if not steady.all():
        return FastestLap(line, steady, math.inf)
    # From the slowest place on nothing before it matters: the lap is cut open there.
    slowest = int(steady.argmin())
    speed = np.roll(steady, -slowest)
    bound_speeds(
        speed,
        np.roll(line.curvature_per_m, -slowest),
        np.full(len(speed), step_m),
        limits.grip_mps2,
        limits.max_acceleration_mps2,
        limits.max_braking_mps2,
    )
    speed = np.roll(speed, slowest)
    # Between two samples the acceleration is constant: the mean speed is that of both ends.
    lap_time_s = float((2.0 * step_m / (speed + np.roll(speed, -1))).sum())
    return FastestLap(line, speed, lap_time_s)
