"""Compiled part of the fastest lap: what drive, brakes and grip make of the speeds along a line."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def bound_speeds(
    speed_mps: NDArray[np.float64],
    curvature_per_m: NDArray[np.float64],
    step_m: float,
    grip_mps2: float,
    acceleration_mps2: float,
    braking_mps2: float,
) -> None:
    """Lower the speeds along a closed line to what a car reaches and gets rid of on its way.

    Args:
        speed_mps: (M,) the highest at each sample alone, changed in place; the first is the lowest.
        curvature_per_m: (M,) of the line.
        step_m: From one sample to the next.
        grip_mps2: What the tyres hold, along and across together; may be infinite.
        acceleration_mps2: What the drive gives at most; may be infinite.
        braking_mps2: What the brakes give at most; may be infinite.
    """
    count = len(speed_mps)
    for i in range(count - 1):
        speed = speed_mps[i]
        most = _within_grip(acceleration_mps2, grip_mps2, speed, curvature_per_m[i])
        speed_mps[i + 1] = min(speed_mps[i + 1], math.sqrt(speed * speed + most * 2.0 * step_m))
    for i in range(count, 0, -1):
        after = i % count
        speed = speed_mps[after]
        most = _within_grip(braking_mps2, grip_mps2, speed, curvature_per_m[after])
        speed_mps[i - 1] = min(speed_mps[i - 1], math.sqrt(speed * speed + most * 2.0 * step_m))


@numba.njit(cache=True, nogil=True)
def _within_grip(
    most_mps2: float, grip_mps2: float, speed_mps: float, curvature_per_m: float
) -> float:
    """Return what a turn leaves along the line, within the friction circle."""
    lateral = speed_mps * speed_mps * curvature_per_m
    return min(most_mps2, math.sqrt(max(grip_mps2 * grip_mps2 - lateral * lateral, 0.0)))
