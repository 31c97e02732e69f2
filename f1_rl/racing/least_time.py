"""The line inside the road on which the lap takes least time."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from f1_rl.circuits import Circuit, FloatArray
from f1_rl.circuits.resampling import SampledLine, resample_closed_line
from f1_rl.racing.lap_kernels import lap_time_slopes
from f1_rl.racing.limits import DrivingLimits
from f1_rl.racing.lines import Curvature, Road, minimise, offsets_inside

# A line rests when a round makes its lap faster by less than this share.
_CONVERGED = 2e-6
_MOST_ROUNDS = 60
# A change of the line is bounded by what a change of its curvature costs: at first several times
# what the steepest change of the lap time brings, then more after a failure, less after a success.
_FIRST_COST, _COST_AFTER_FAILURE, _COST_AFTER_SUCCESS = 3.0, 2.5, 0.6
_MOST_FAILURES = 8
# In place of that change where no curvature slows the car, and it only seeks the shortest way.
_STEEPEST_IF_FLAT_OUT = 1.0
# What moving a point costs beside that, for where the curvature does not tell.
_DAMPING = 5e-4
_CURVATURE_STEP_PER_M = 1e-4
# Between the points that are moved the line may turn a little more tightly than at them.
_TIGHTER = 1.05


def line_of_least_time(
    circuit: Circuit, limits: DrivingLimits, margin_m: float = 0.0
) -> SampledLine:
    """Return the line inside the road that a car gets around fastest, as far as it is found.

    From the fastest of the lines between least curvature and nearly least length on, points half a
    metre apart are moved along the normals of the centre line. How the lap time of `fastest_lap`
    changes with curvatures and steps is known exactly, by the chain rule through drive, brakes and
    grip; so the change that promises most for the change of curvature that it takes is a quadratic
    programme, and is kept where the lap is faster indeed (a proximal gradient method; compare N. R.
    Kapania, J. Subosits, J. C. Gerdes, "A sequential two-step algorithm for fast generation of
    vehicle racing trajectories", Journal of Dynamic Systems, Measurement, and Control 138(9), 2016,
    who change speeds and line by turns).

    Args:
        circuit: To drive around.
        limits: Of the car.
        margin_m: How far from the road's edges the line stays, as for `lines_inside`.

    Returns:
        The line, with its offset from the centre line in `values`; where the car can follow none
        of the lines that it begins with, the one of least curvature.
    """
    road = Road.of(circuit, margin_m)
    starts = offsets_inside(circuit, margin_m)
    offsets = min(starts.values(), key=lambda each: _lap_time(road, each, limits))
    if np.isfinite(_lap_time(road, offsets, limits)):
        offsets = _fastest_offsets(road, offsets, limits)
    else:
        offsets = starts[0.0]
    return resample_closed_line(road.line(offsets), offsets[:, None])


def _fastest_offsets(road: Road, offsets: FloatArray, limits: DrivingLimits) -> FloatArray:
    """Return the offsets (M,) of least time that are found from others on."""
    time_s, cost = _lap_time(road, offsets, limits), 0.0
    for _ in range(_MOST_ROUNDS):
        curvature = Curvature.of(road.line(offsets), road.normals)
        of_offsets, of_curvature = _slopes(road, offsets, curvature, limits)
        cost = cost or _FIRST_COST * (float(np.abs(of_curvature).max()) or _STEEPEST_IF_FLAT_OUT)
        change = curvature.change() + _DAMPING * sparse.identity(len(offsets))
        low, high = road.lowest_m - offsets, road.highest_m - offsets
        before_s = time_s
        for _ in range(_MOST_FAILURES):
            tried = road.moved(offsets, minimise(cost * change, of_offsets, low, high))
            tried_s = _lap_time(road, tried, limits)
            if tried_s < time_s:
                offsets, time_s, cost = tried, tried_s, _COST_AFTER_SUCCESS * cost
                break
            cost *= _COST_AFTER_FAILURE
        if before_s - time_s < _CONVERGED * time_s:
            break
    return offsets


def _lap_time(road: Road, offsets: FloatArray, limits: DrivingLimits) -> float:
    """Return the lap time (s) on the line at such offsets (M,); infinite where it is too tight."""
    curvature = Curvature.of(road.line(offsets), road.normals).per_m
    return _bounded(curvature, _steps(road.line(offsets))[1], limits)[0]


def _slopes(
    road: Road, offsets: FloatArray, curvature: Curvature, limits: DrivingLimits
) -> tuple[FloatArray, FloatArray]:
    """Return how the lap time changes with the offsets (M,), and with the curvatures (M,)."""
    directions, steps_m = _steps(road.line(offsets))
    _, of_square, of_curvature, of_step = _bounded(curvature.per_m, steps_m, limits)
    more, less = (
        limits.top_speeds(curvature.per_m + way) ** 2
        for way in (_CURVATURE_STEP_PER_M, -_CURVATURE_STEP_PER_M)
    )
    of_curvature = of_curvature + of_square * (more - less) / (2.0 * _CURVATURE_STEP_PER_M)
    # A step grows as its end moves along it, and shrinks as its start does.
    pull = of_step[:, None] * directions
    of_steps = ((np.roll(pull, 1, axis=0) - pull) * road.normals).sum(axis=1)
    return curvature.slope.T @ of_curvature + of_steps, of_curvature


def _bounded(
    curvature_per_m: FloatArray, steps_m: FloatArray, limits: DrivingLimits
) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Return what `lap_time_slopes` does, for samples in their own order."""
    steady = limits.top_speeds(curvature_per_m)
    if not limits.top_speeds(_TIGHTER * curvature_per_m).all():
        nothing = np.zeros(len(steady))
        return np.inf, nothing, nothing, nothing
    # From the slowest place on nothing before it matters: the lap is cut open there.
    slowest = int(steady.argmin())
    time_s, *slopes = lap_time_slopes(
        np.roll(steady, -slowest),
        np.roll(curvature_per_m, -slowest),
        np.roll(steps_m, -slowest),
        limits.grip_mps2,
        limits.max_acceleration_mps2,
        limits.max_braking_mps2,
    )
    of_square, of_curvature, of_step = (np.roll(each, slowest) for each in slopes)
    return time_s, of_square, of_curvature, of_step


def _steps(line: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return direction (M, 2) and length (M,) of the way from each point (M, 2) to the next."""
    steps = np.roll(line, -1, axis=0) - line
    lengths_m = np.hypot(*steps.T)
    return steps / lengths_m[:, None], lengths_m
