"""Compiled part of the fastest lap: what drive, brakes and grip make of the speeds along a line."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Where a turn takes all the grip, what it leaves changes infinitely fast: from this share of the
# grip on its slope is cut.
_LEAST_LEFT = 0.3


@numba.njit(cache=True, nogil=True)
def bound_speeds(
    speed_mps: FloatArray,
    curvature_per_m: FloatArray,
    steps_m: FloatArray,
    grip_mps2: float,
    acceleration_mps2: float,
    braking_mps2: float,
) -> None:
    """Lower the speeds along a closed line to what a car reaches and gets rid of on its way.

    Args:
        speed_mps: (M,) the highest at each sample alone, changed in place; the first is the lowest.
        curvature_per_m: (M,) of the line.
        steps_m: (M,) from each sample to the next.
        grip_mps2: What the tyres hold, along and across together; may be infinite.
        acceleration_mps2: What the drive gives at most; may be infinite.
        braking_mps2: What the brakes give at most; may be infinite.
    """
    _accelerate(speed_mps, curvature_per_m, steps_m, grip_mps2, acceleration_mps2)
    _brake(speed_mps, curvature_per_m, steps_m, grip_mps2, braking_mps2)


@numba.njit(cache=True, nogil=True)
def lap_time_slopes(
    steady_mps: FloatArray,
    curvature_per_m: FloatArray,
    steps_m: FloatArray,
    grip_mps2: float,
    acceleration_mps2: float,
    braking_mps2: float,
) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Return a lap time and how it changes with the line, by the chain rule from its end.

    Args:
        steady_mps: (M,) the highest speed at each sample alone; the first is the lowest.
        curvature_per_m: (M,) of the line.
        steps_m: (M,) from each sample to the next.
        grip_mps2: See `bound_speeds`.
        acceleration_mps2: See there.
        braking_mps2: See there.

    Returns:
        The lap time (s), and its derivatives (M,) by the squares of the steady speeds, by the
        curvatures, where they take grip from drive and brakes, and by the steps.
    """
    count = len(steady_mps)
    driven = steady_mps.copy()
    _accelerate(driven, curvature_per_m, steps_m, grip_mps2, acceleration_mps2)
    speed = driven.copy()
    _brake(speed, curvature_per_m, steps_m, grip_mps2, braking_mps2)
    time_s = 0.0
    of_square, of_curvature, of_step = np.zeros(count), np.zeros(count), np.zeros(count)
    for i in range(count):
        after = (i + 1) % count
        both = speed[i] + speed[after]
        time_s += 2.0 * steps_m[i] / both
        of_step[i] += 2.0 / both
        of_square[i] -= steps_m[i] / (both * both * speed[i])
        of_square[after] -= steps_m[i] / (both * both * speed[after])
    slopes = (of_square, of_curvature, of_step)
    for i in range(count):
        after = (i + 1) % count
        if speed[i] < driven[i]:
            change = _left(braking_mps2, grip_mps2, speed[after], curvature_per_m[after])
            _hand_on(slopes, i, after, i, steps_m[i], change)
    for i in range(count - 2, -1, -1):
        if driven[i + 1] < steady_mps[i + 1]:
            change = _left(acceleration_mps2, grip_mps2, driven[i], curvature_per_m[i])
            _hand_on(slopes, i + 1, i, i, steps_m[i], change)
    return time_s, of_square, of_curvature, of_step


@numba.njit(cache=True, nogil=True)
def _accelerate(
    speed_mps: FloatArray,
    curvature_per_m: FloatArray,
    steps_m: FloatArray,
    grip_mps2: float,
    acceleration_mps2: float,
) -> None:
    for i in range(len(speed_mps) - 1):
        most, _, _ = _left(acceleration_mps2, grip_mps2, speed_mps[i], curvature_per_m[i])
        reached = math.sqrt(speed_mps[i] * speed_mps[i] + most * 2.0 * steps_m[i])
        speed_mps[i + 1] = min(speed_mps[i + 1], reached)


@numba.njit(cache=True, nogil=True)
def _brake(
    speed_mps: FloatArray,
    curvature_per_m: FloatArray,
    steps_m: FloatArray,
    grip_mps2: float,
    braking_mps2: float,
) -> None:
    count = len(speed_mps)
    for i in range(count - 1, -1, -1):
        after = (i + 1) % count
        most, _, _ = _left(braking_mps2, grip_mps2, speed_mps[after], curvature_per_m[after])
        before = math.sqrt(speed_mps[after] * speed_mps[after] + most * 2.0 * steps_m[i])
        speed_mps[i] = min(speed_mps[i], before)


@numba.njit(cache=True, nogil=True)
def _left(
    most_mps2: float, grip_mps2: float, speed_mps: float, curvature_per_m: float
) -> tuple[float, float, float]:
    """Return what a turn leaves along the line, within the friction circle.

    Returns:
        The largest acceleration, and its derivatives by the squared speed and by the curvature.
    """
    square = speed_mps * speed_mps
    lateral = square * curvature_per_m
    left = math.sqrt(max(grip_mps2 * grip_mps2 - lateral * lateral, 0.0))
    if left >= most_mps2:
        return most_mps2, 0.0, 0.0
    slope = -lateral / max(left, _LEAST_LEFT * grip_mps2)
    return left, slope * curvature_per_m, slope * square


@numba.njit(cache=True, nogil=True)
def _hand_on(
    slopes: tuple[FloatArray, FloatArray, FloatArray],
    sample: int,
    source: int,
    step: int,
    step_m: float,
    change: tuple[float, float, float],
) -> None:
    """Move the slope at a sample to the one whose speed decides there: v'^2 = v^2 + 2 a d."""
    of_square, of_curvature, of_step = slopes
    slope, (most, of_its_square, of_its_curvature) = of_square[sample], change
    of_square[sample] = 0.0
    of_square[source] += slope * (1.0 + 2.0 * step_m * of_its_square)
    of_curvature[source] += slope * 2.0 * step_m * of_its_curvature
    of_step[step] += slope * 2.0 * most
