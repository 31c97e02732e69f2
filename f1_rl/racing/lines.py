"""Lines around a circuit: its centre line, the one of least curvature, and shorter ones."""

from __future__ import annotations

from functools import lru_cache

import clarabel
import numpy as np
from scipy import sparse

from f1_rl.circuits import Circuit, FloatArray, wrap_angle
from f1_rl.circuits.resampling import SampledLine, resample_closed_line

# Far below the shortest turn of any circuit, and large enough for long ones.
_SPACING_M = 0.5
_CONVERGED_M = 0.002
_MOST_ITERATIONS = 30
# Where all offsets are as good, on a straight, the one nearest to the last is taken.
_DAMPING = 1e-5


def centre_line(circuit: Circuit) -> SampledLine:
    """Return the centre line of a circuit as a line to drive, its offsets of zero in `values`."""
    return SampledLine(
        x_m=circuit.x_m,
        y_m=circuit.y_m,
        heading_rad=circuit.heading_rad,
        curvature_per_m=circuit.curvature_per_m,
        values=np.zeros((len(circuit.x_m), 1)),
        length_m=circuit.length_m,
    )


def reversed_line(line: SampledLine) -> SampledLine:
    """Return the same line driven the other way, from its last sample to its first."""
    return SampledLine(
        x_m=line.x_m[::-1],
        y_m=line.y_m[::-1],
        heading_rad=wrap_angle(line.heading_rad[::-1] + np.pi),
        curvature_per_m=-line.curvature_per_m[::-1],
        values=-line.values[::-1],
        length_m=line.length_m,
    )


def minimum_curvature_line(
    circuit: Circuit, margin_m: float = 0.0, length_weight: float = 0.0
) -> SampledLine:
    """Return the line inside the road whose squared curvature, integrated along it, is least.

    Computed once for each circuit, whatever drives there.

    Points half a metre apart are moved along the normals of the centre line, within the road. As
    in A. Heilmeier et al., "Minimum curvature trajectory planning and control for an autonomous
    race car", Vehicle System Dynamics 58(10), 2020, the curvature is linearised about the last
    line, a quadratic programme with those bounds gives the next one, and so on until the line
    rests; here with the whole derivative of the curvature (Gauss-Newton).

    Args:
        circuit: To drive around.
        margin_m: How far from the road's edges the line stays. Where the road is narrower than
            twice that, it keeps to the middle.
        length_weight: What a metre of the line's length costs, in 1/m^2: the larger, the nearer
            the line is to the shortest one inside the road.

    Returns:
        The line, sampled at most 0.1 m apart, with its offset from the centre line in `values`.

    Raises:
        ValueError: The margin or the weight is negative or not finite.
    """
    for name, value in (("Margin", margin_m), ("Length weight", length_weight)):
        if not 0.0 <= value < np.inf:
            raise ValueError(f"{name} {value}: give a number from 0.")
    return _minimum_curvature_line(circuit, margin_m, length_weight)


@lru_cache(maxsize=256)
def _minimum_curvature_line(circuit: Circuit, margin_m: float, length_weight: float) -> SampledLine:
    count = max(64, round(circuit.length_m / _SPACING_M))
    arc_length_m = np.arange(count) * (circuit.length_m / count)
    centre = circuit.pose_at(arc_length_m)
    points = np.column_stack([centre.x_m, centre.y_m])
    normals = np.column_stack([-np.sin(centre.yaw_rad), np.cos(centre.yaw_rad)])
    left, right = circuit.half_widths_at(arc_length_m)
    middle, reach = 0.5 * (left - right), np.maximum(0.5 * (left + right) - margin_m, 0.0)
    lowest, highest = middle - reach, middle + reach

    offsets = np.clip(np.zeros(count), lowest, highest)
    for _ in range(_MOST_ITERATIONS):
        line = points + offsets[:, None] * normals
        quadratic, linear = _bending(line, normals)
        if length_weight:
            stretching = _stretching(line, normals)
            quadratic = quadratic + length_weight * stretching[0]
            linear = linear + length_weight * stretching[1]
        change = _minimise(quadratic, linear, lowest - offsets, highest - offsets)
        offsets = np.clip(offsets + change, lowest, highest)
        if np.abs(change).max() < _CONVERGED_M:
            break
    return resample_closed_line(points + offsets[:, None] * normals, offsets[:, None])


def _bending(line: FloatArray, normals: FloatArray) -> tuple[sparse.spmatrix, FloatArray]:
    """Return (Q, c) such that d'Qd + 2c'd is, but for a constant, the squared curvature.

    Integrated along the line, after moving its points (M, 2) by d (M,) along their normals (M, 2);
    to first order in the curvature k = (x' y'' - y' x'') / |p'|^3 over the index.
    """
    next_, last = _neighbours(len(line))
    first = 0.5 * (next_ - last)
    second = next_ - 2.0 * sparse.identity(len(line)) + last
    (dx, dy), (ddx, ddy) = (first @ line).T, (second @ line).T
    step = np.hypot(dx, dy)
    curvature = (dx * ddy - dy * ddx) / step**3

    along_x, along_y = (sparse.diags(component) for component in normals.T)
    of_cross = (
        _scaled(dx, second @ along_y)
        + _scaled(ddy, first @ along_x)
        - _scaled(dy, second @ along_x)
        - _scaled(ddx, first @ along_y)
    )
    of_step = _scaled(dx, first @ along_x) + _scaled(dy, first @ along_y)
    slope = _scaled(step**-3, of_cross) - _scaled(3.0 * curvature / step**2, of_step)
    weighted = slope.T @ sparse.diags(step)
    return weighted @ slope, weighted @ curvature


def _stretching(line: FloatArray, normals: FloatArray) -> tuple[sparse.spmatrix, FloatArray]:
    """Return (Q, c) such that d'Qd + 2c'd is, but for a constant, the length of the line.

    After moving its points (M, 2) by d (M,) along their normals (M, 2); the sum of the squared
    steps over their mean length, which for equal steps is the length.
    """
    next_, _ = _neighbours(len(line))
    difference = next_ - sparse.identity(len(line))
    steps = difference @ line
    mean_m = float(np.hypot(*steps.T).mean())
    parts = [difference @ sparse.diags(component) for component in normals.T]
    quadratic = (parts[0].T @ parts[0] + parts[1].T @ parts[1]) / mean_m
    return quadratic, (parts[0].T @ steps[:, 0] + parts[1].T @ steps[:, 1]) / mean_m


def _neighbours(count: int) -> tuple[sparse.spmatrix, sparse.spmatrix]:
    """Return the matrices (M, M) that fetch the next and the last point of a closed line."""
    index, one = np.arange(count), np.ones(count)
    return (
        sparse.csr_matrix((one, (index, (index + 1) % count))),
        sparse.csr_matrix((one, (index, (index - 1) % count))),
    )


def _scaled(factors: FloatArray, matrix: sparse.spmatrix) -> sparse.spmatrix:
    return sparse.diags(factors) @ matrix


def _minimise(
    quadratic: sparse.spmatrix, linear: FloatArray, lowest: FloatArray, highest: FloatArray
) -> FloatArray:
    """Return the d (M,) between its bounds that minimises d'Qd + 2c'd."""
    count = len(linear)
    identity = sparse.identity(count)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    solution = clarabel.DefaultSolver(
        sparse.triu(2.0 * quadratic + _DAMPING * identity, format="csc"),
        2.0 * linear,
        sparse.vstack([identity, -identity], format="csc"),
        np.concatenate([highest, -lowest]),
        [clarabel.NonnegativeConeT(2 * count)],
        settings,
    ).solve()
    return np.asarray(solution.x)
