"""Lines around a circuit: its centre line, and those of least curvature and length inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import clarabel
import numpy as np
from scipy import sparse

from f1_rl.circuits import Circuit, FloatArray, wrap_angle
from f1_rl.circuits.resampling import SampledLine, resample_closed_line

LENGTH_WEIGHTS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
"""From the line of least curvature to nearly the shortest one, in 1/m^2."""

# Far below the shortest turn of any circuit, and large enough for long ones.
_SPACING_M = 0.5
# A line rests when a programme changes what it costs by less than this share.
_CONVERGED = 1e-4
_MOST_ITERATIONS = 30
# Where all offsets are as good, on a straight, the one nearest to the last is taken.
_DAMPING = 1e-5
_TOLERANCE = 1e-5


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


def lines_inside(
    circuit: Circuit, margin_m: float = 0.0, length_weights: Sequence[float] = LENGTH_WEIGHTS
) -> tuple[SampledLine, ...]:
    """Return lines inside the road whose squared curvature and length, weighed, are least.

    Computed once for each circuit, whatever drives there.

    Points half a metre apart are moved along the normals of the centre line, within the road. As
    in A. Heilmeier et al., "Minimum curvature trajectory planning and control for an autonomous
    race car", Vehicle System Dynamics 58(10), 2020, the curvature is linearised about the last
    line, a quadratic programme with those bounds gives the next one, and so on until the line
    rests; here with the whole derivative of the curvature (Gauss-Newton). Each line begins at the
    one of the next larger weight.

    Args:
        circuit: To drive around.
        margin_m: How far from the road's edges the lines stay. Where the road is narrower than
            twice that, they keep to the middle.
        length_weights: What a metre of each line's length costs beside its squared curvature,
            integrated, in 1/m^2: 0.0 for the line of least curvature, and the larger, the nearer
            the line is to the shortest one inside the road.

    Returns:
        A line for each weight, sampled at most 0.1 m apart, with its offset from the centre line
        in `values`.

    Raises:
        ValueError: The margin or a weight is negative or not finite.
    """
    for name, values in (("Margin", (margin_m,)), ("Length weight", length_weights)):
        for value in values:
            if not 0.0 <= value < np.inf:
                raise ValueError(f"{name} {value}: give a number from 0.")
    return _lines_inside(circuit, margin_m, tuple(length_weights))


@lru_cache(maxsize=64)
def _lines_inside(
    circuit: Circuit, margin_m: float, length_weights: tuple[float, ...]
) -> tuple[SampledLine, ...]:
    road = Road.of(circuit, margin_m)
    offsets = offsets_inside(circuit, margin_m, length_weights)
    lines = {
        weight: resample_closed_line(road.line(o), o[:, None]) for weight, o in offsets.items()
    }
    return tuple(lines[weight] for weight in length_weights)


@lru_cache(maxsize=64)
def offsets_inside(
    circuit: Circuit, margin_m: float, length_weights: tuple[float, ...] = LENGTH_WEIGHTS
) -> dict[float, FloatArray]:
    """Return the offsets (M,) of the road's points on the lines of `lines_inside`, by weight."""
    road = Road.of(circuit, margin_m)
    offsets = np.clip(np.zeros(len(road.points_m)), road.lowest_m, road.highest_m)
    found: dict[float, FloatArray] = {}
    for weight in sorted(set(length_weights), reverse=True):
        offsets = _best_offsets(road, weight, offsets)
        found[weight] = offsets
    return found


@dataclass(frozen=True)
class Road:
    """The points of a circuit, and where they may be moved to.

    Attributes:
        points_m: (M, 2) on the centre line.
        normals: (M, 2) to the left.
        lowest_m: (M,) the least offset along them.
        highest_m: (M,) the largest.
    """

    points_m: FloatArray
    normals: FloatArray
    lowest_m: FloatArray
    highest_m: FloatArray

    @classmethod
    def of(cls, circuit: Circuit, margin_m: float) -> Road:
        """Return that of a circuit, a margin away from its edges."""
        count = max(64, round(circuit.length_m / _SPACING_M))
        arc_length_m = np.arange(count) * (circuit.length_m / count)
        centre = circuit.pose_at(arc_length_m)
        left, right = circuit.half_widths_at(arc_length_m)
        middle, reach = 0.5 * (left - right), np.maximum(0.5 * (left + right) - margin_m, 0.0)
        return cls(
            points_m=np.column_stack([centre.x_m, centre.y_m]),
            normals=np.column_stack([-np.sin(centre.yaw_rad), np.cos(centre.yaw_rad)]),
            lowest_m=middle - reach,
            highest_m=middle + reach,
        )

    def line(self, offsets: FloatArray) -> FloatArray:
        """Return the points (M, 2) after moving them."""
        return self.points_m + offsets[:, None] * self.normals

    def moved(self, offsets: FloatArray, change: FloatArray) -> FloatArray:
        """Return offsets (M,) after a change, within the road."""
        return np.clip(offsets + change, self.lowest_m, self.highest_m)


def _best_offsets(road: Road, length_weight: float, offsets: FloatArray) -> FloatArray:
    """Return the offsets (M,) that cost least, coming from others."""
    last = np.inf
    for _ in range(_MOST_ITERATIONS):
        line = road.line(offsets)
        bending, stretching = _bending(line, road.normals), _stretching(line, road.normals)
        cost = bending.cost + length_weight * stretching.cost
        if abs(last - cost) < _CONVERGED * cost:
            break
        last = cost
        change = minimise(
            bending.quadratic + length_weight * stretching.quadratic,
            bending.linear + length_weight * stretching.linear,
            road.lowest_m - offsets,
            road.highest_m - offsets,
        )
        offsets = road.moved(offsets, change)
    return offsets


@dataclass(frozen=True)
class _Linearised:
    """The cost d'Qd + 2c'd + cost of moving the points of a line by d (M,) along their normals.

    Attributes:
        quadratic: Q, (M, M).
        linear: c, (M,).
        cost: Of the line as it is.
    """

    quadratic: sparse.spmatrix
    linear: FloatArray
    cost: float


@dataclass(frozen=True)
class Curvature:
    """The curvature `k = (x' y'' - y' x'') / |p'|^3` of a line of points, over the index.

    Attributes:
        per_m: (M,) at each point.
        slope: (M, M) how it changes as the points are moved along their normals.
        step_m: (M,) half the way from the last point to the next.
    """

    per_m: FloatArray
    slope: sparse.spmatrix
    step_m: FloatArray

    @classmethod
    def of(cls, line: FloatArray, normals: FloatArray) -> Curvature:
        """Return that of points (M, 2) that may be moved along such normals (M, 2)."""
        first, second = _derivatives(line)
        step = np.hypot(*first.T)
        curvature = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / step**3
        # How the curvature depends on p', less its dependence on the step, and on p''.
        of_first = (
            _turned(second) / -(step[:, None] ** 3) - first * (3.0 * curvature / step**2)[:, None]
        )
        of_second = _turned(first) / step[:, None] ** 3
        # p' = (next - last) / 2 and p'' = next - 2 own + last, each moved along its own normal.
        slope = _tridiagonal(
            ((of_second - 0.5 * of_first) * np.roll(normals, 1, axis=0)).sum(axis=1),
            (-2.0 * of_second * normals).sum(axis=1),
            ((of_second + 0.5 * of_first) * np.roll(normals, -1, axis=0)).sum(axis=1),
        )
        return cls(curvature, slope, step)

    def change(self) -> sparse.spmatrix:
        """Return Q (M, M), d'Qd the squared change of the curvature, integrated, for moves d."""
        return self.slope.T @ sparse.diags(self.step_m) @ self.slope


def _bending(line: FloatArray, normals: FloatArray) -> _Linearised:
    """Return the squared curvature, integrated along a line of points (M, 2)."""
    curvature = Curvature.of(line, normals)
    weighted = curvature.step_m * curvature.per_m
    return _Linearised(
        curvature.change(), curvature.slope.T @ weighted, float(weighted @ curvature.per_m)
    )


def _stretching(line: FloatArray, normals: FloatArray) -> _Linearised:
    """Return the length of a line of points (M, 2).

    The sum of the squared steps over their mean length, which for equal steps is the length.
    """
    steps = np.roll(line, -1, axis=0) - line
    mean_m = float(np.hypot(*steps.T).mean())
    beside = -(normals * np.roll(normals, -1, axis=0)).sum(axis=1)
    both = np.full(len(line), 2.0)
    return _Linearised(
        _tridiagonal(np.roll(beside, 1), both, beside) / mean_m,
        ((np.roll(steps, 1, axis=0) - steps) * normals).sum(axis=1) / mean_m,
        float((steps**2).sum()) / mean_m,
    )


def _derivatives(line: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the first and second derivative (M, 2) of a closed line over its index."""
    next_, last = np.roll(line, -1, axis=0), np.roll(line, 1, axis=0)
    return 0.5 * (next_ - last), next_ - 2.0 * line + last


def _turned(vectors: FloatArray) -> FloatArray:
    """Return vectors (M, 2) turned to the left by a quarter."""
    return np.column_stack([-vectors[:, 1], vectors[:, 0]])


def _tridiagonal(last: FloatArray, own: FloatArray, next_: FloatArray) -> sparse.spmatrix:
    """Return the matrix (M, M) whose rows weigh a closed line's last, own and next point so."""
    index, count = np.arange(len(own)), len(own)
    columns = np.column_stack([(index - 1) % count, index, (index + 1) % count])
    values = np.column_stack([last, own, next_])
    starts = 3 * np.arange(count + 1)
    return sparse.csr_matrix((values.ravel(), columns.ravel(), starts), shape=(count, count))


def minimise(
    quadratic: sparse.spmatrix, linear: FloatArray, lowest: FloatArray, highest: FloatArray
) -> FloatArray:
    """Return the d (M,) between its bounds that minimises d'Qd + 2c'd."""
    count = len(linear)
    identity = sparse.identity(count, format="csc")
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    # The next programme corrects what this one leaves.
    settings.iterative_refinement_enable = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    solution = clarabel.DefaultSolver(
        sparse.triu(2.0 * quadratic + _DAMPING * identity, format="csc"),
        2.0 * linear,
        sparse.vstack([identity, -identity], format="csc"),
        np.concatenate([highest, -lowest]),
        [clarabel.NonnegativeConeT(2 * count)],
        settings,
    ).solve()
    return np.asarray(solution.x)
