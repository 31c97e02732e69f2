"""From a few points of a closed line to a smooth line sampled uniformly by arc length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from f1_rl.circuits.geometry import FloatArray, wrap_angle

MAX_SPACING_M = 0.1
MIN_SAMPLES = 200
# Denser points are thinned: the curvature of a line through points that a file rounds to the
# millimetre is mostly rounding noise (which grows with 1 / spacing^2).
DENSE_SPACING_M = 0.15
THINNED_SPACING_M = 0.3

# Nodes and weights of the 3-point Gauss-Legendre rule on [0, 1]; exact for polynomials of degree 5.
_GAUSS_NODES = 0.5 + 0.5 * np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
_GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


@dataclass(frozen=True)
class SampledLine:
    """A closed line at M equally spaced arc lengths; the last sample is not the first again.

    Attributes:
        x_m: (M,) position.
        y_m: (M,) position.
        heading_rad: (M,) direction of the tangent, in (-pi, pi].
        curvature_per_m: (M,) curvature, positive in left turns.
        values: (M, K) the values that came with the points, interpolated linearly.
        length_m: Length of the closed line.
    """

    x_m: FloatArray
    y_m: FloatArray
    heading_rad: FloatArray
    curvature_per_m: FloatArray
    values: FloatArray
    length_m: float


def resample_closed_line(points_m: FloatArray, values: FloatArray) -> SampledLine:
    """Lay a periodic cubic spline through points and sample it uniformly by arc length.

    The spline's parameter is the accumulated chord length; its arc length is integrated with
    Gauss-Legendre quadrature and inverted with a cubic Hermite interpolant.

    Args:
        points_m: (P, 2) points of a closed line, in order; the last is not the first again.
        values: (P, K) further values at the points, such as widths.

    Returns:
        The line, sampled at most ``MAX_SPACING_M`` apart.
    """
    points_m, values = _thin(points_m, values)
    closed = np.vstack([points_m, points_m[:1]])
    knots = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    spline = CubicSpline(knots, closed, bc_type="periodic")

    grid = np.linspace(0.0, knots[-1], int(np.ceil(knots[-1] / MAX_SPACING_M)) + 1)
    grid = np.union1d(grid, knots)
    steps = np.diff(grid)
    velocity = spline(grid[:-1, None] + steps[:, None] * _GAUSS_NODES, 1)
    arc_length = np.concatenate(
        [[0.0], np.cumsum(steps * (np.linalg.norm(velocity, axis=-1) @ _GAUSS_WEIGHTS))]
    )
    length_m = float(arc_length[-1])

    parameter_at = CubicHermiteSpline(
        arc_length, grid, 1.0 / np.linalg.norm(spline(grid, 1), axis=-1)
    )
    count = max(MIN_SAMPLES, int(np.ceil(length_m / MAX_SPACING_M)))
    parameter = parameter_at(np.arange(count) * (length_m / count))

    position, first, second = (spline(parameter, order) for order in (0, 1, 2))
    speed = np.hypot(first[:, 0], first[:, 1])
    closed_values = np.vstack([values, values[:1]])
    return SampledLine(
        x_m=position[:, 0].copy(),
        y_m=position[:, 1].copy(),
        heading_rad=wrap_angle(np.arctan2(first[:, 1], first[:, 0])),
        curvature_per_m=(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / speed**3,
        values=np.column_stack([np.interp(parameter, knots, v) for v in closed_values.T]),
        length_m=length_m,
    )


def _thin(points_m: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Keep an evenly spread part of points that lie closer than ``DENSE_SPACING_M``."""
    gaps = np.hypot(*(np.roll(points_m, -1, axis=0) - points_m).T)
    wanted = max(32, int(gaps.sum() / THINNED_SPACING_M))
    if np.median(gaps) >= DENSE_SPACING_M or len(points_m) <= wanted:
        return points_m, values
    kept = np.linspace(0, len(points_m), wanted, endpoint=False).astype(np.intp)
    return points_m[kept], values[kept]
