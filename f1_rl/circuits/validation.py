"""What makes points a circuit: each check raises a CircuitError of one sentence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from f1_rl.circuits.errors import CircuitError
from f1_rl.circuits.geometry import FloatArray, IntArray
from f1_rl.circuits.resampling import SampledLine

MIN_POINTS = 4
MIN_POINT_SPACING_M = 1e-4
CLOSING_TOLERANCE_M = 1e-3
MAX_LENGTH_M = 100_000.0
# The closing gap of an open line is longer than every other gap by at least this factor.
OPEN_GAP_FACTOR = 3.0


class Approach(NamedTuple):
    """The place where two stretches of road come nearest to touching."""

    clearance_m: float
    arc_length_m: float
    other_arc_length_m: float


def drop_closing_point(points_m: FloatArray) -> int:
    """Return how many of the points (P, 2) to keep: a last one that repeats the first goes."""
    count = len(points_m)
    if count > 1 and np.hypot(*(points_m[-1] - points_m[0])) < CLOSING_TOLERANCE_M:
        return count - 1
    return count


def check_points(name: str, points_m: FloatArray, widths_m: FloatArray) -> None:
    """Refuse points that are not finite, too few, repeated or not closed.

    Args:
        name: Name of the circuit, for the message.
        points_m: (P, 2) points without a closing one.
        widths_m: (P, 2) half widths to the left and to the right.

    Raises:
        CircuitError: With the first fault found.
    """
    if len(points_m) < MIN_POINTS:
        raise CircuitError(
            f"Circuit '{name}' has {len(points_m)} different points where a closed line needs "
            f"at least {MIN_POINTS}; give more points."
        )
    faulty = ~np.isfinite(np.hstack([points_m, widths_m])).all(axis=1)
    if faulty.any():
        raise CircuitError(
            f"Circuit '{name}' has a value that is not a finite number at point "
            f"{int(np.argmax(faulty)) + 1} of {len(points_m)}; correct or remove that point."
        )
    if (widths_m <= 0.0).any():
        point, side = np.argwhere(widths_m <= 0.0)[0]
        raise CircuitError(
            f"Circuit '{name}' has a width of {widths_m[point, side]:g} m to the "
            f"{('left', 'right')[side]} at point {point + 1}; widths must be greater than zero."
        )
    gaps_m = np.hypot(*(np.roll(points_m, -1, axis=0) - points_m).T)
    check_length(name, float(gaps_m.sum()))
    if (gaps_m < MIN_POINT_SPACING_M).any():
        point = int(np.argmax(gaps_m < MIN_POINT_SPACING_M)) + 1
        raise CircuitError(
            f"Circuit '{name}' repeats point {point} ({points_m[point - 1, 0]:g}, "
            f"{points_m[point - 1, 1]:g}) directly after it; remove one of the two."
        )
    if gaps_m[-1] > OPEN_GAP_FACTOR * gaps_m[:-1].max():
        raise CircuitError(
            f"Circuit '{name}' is not closed: its last point is {gaps_m[-1]:.2f} m from the first, "
            f"with at most {gaps_m[:-1].max():.2f} m between the others; close the line."
        )


def check_length(name: str, length_m: float) -> None:
    """Refuse a circuit that is too long to be sampled.

    Raises:
        CircuitError: It is.
    """
    if length_m > MAX_LENGTH_M:
        raise CircuitError(
            f"Circuit '{name}' is {length_m / 1000.0:,.0f} km long where at most "
            f"{MAX_LENGTH_M / 1000.0:.0f} km are supported; check the unit or give a scale."
        )


def check_line_width(name: str, line_width_m: float, widths_m: FloatArray) -> None:
    """Refuse a painted line of negative width or wider than the road.

    Raises:
        CircuitError: If the width is unusable.
    """
    narrowest_m = 2.0 * float(widths_m.min())
    if not 0.0 <= line_width_m <= narrowest_m:
        raise CircuitError(
            f"Circuit '{name}' has a line of width {line_width_m:g} m; it must be between 0 (no "
            f"line) and the road's narrowest {narrowest_m:g} m."
        )


def check_line(name: str, line: SampledLine) -> None:
    """Refuse a line that crosses itself or whose road overlaps itself.

    Args:
        name: Name of the circuit, for the message.
        line: The sampled centre line; its values are the half widths left and right, (M, 2).

    Raises:
        CircuitError: With the first fault found.
    """
    crossing = first_crossing(line)
    spacing_m = line.length_m / len(line.x_m)
    if crossing is not None:
        here, there = crossing
        raise CircuitError(
            f"Circuit '{name}' crosses itself near ({line.x_m[here]:.2f}, {line.y_m[here]:.2f}), "
            f"at {here * spacing_m:.1f} m and again at {there * spacing_m:.1f} m along it; "
            f"circuits must not cross."
        )
    inner_width_m = np.where(line.curvature_per_m > 0.0, line.values[:, 0], line.values[:, 1])
    excess = inner_width_m * np.abs(line.curvature_per_m)
    worst = int(np.argmax(excess))
    if excess[worst] >= 1.0:
        raise CircuitError(
            f"Circuit '{name}' turns with a radius of {1.0 / abs(line.curvature_per_m[worst]):.2f} "
            f"m at {worst * spacing_m:.1f} m along it, less than the {inner_width_m[worst]:.2f} m "
            f"of road on the inner side; widen the turn, or narrow the road as "
            f"'f1-rl circuit import --narrow' does."
        )
    approach = nearest_approach(line)
    if approach.clearance_m < 0.0:
        raise CircuitError(
            f"Circuit '{name}' has overlapping road: the stretches at {approach.arc_length_m:.1f} "
            f"m and {approach.other_arc_length_m:.1f} m along it share {-approach.clearance_m:.2f} "
            f"m; move them apart or narrow the road."
        )


def first_crossing(line: SampledLine) -> tuple[int, int] | None:
    """Return the samples (i, j), i < j, after which the line crosses itself; None if never."""
    points = np.column_stack([line.x_m, line.y_m])
    count = len(points)
    # Two crossing segments of one length have ends no further apart than that length.
    pairs = cKDTree(points).query_pairs(1.05 * line.length_m / count, output_type="ndarray")
    apart = pairs.max(axis=1) - pairs.min(axis=1)
    pairs = pairs[(apart > 1) & (apart < count - 1)]
    if not len(pairs):
        return None
    # The near ends may be either end of their segments, so try all four pairs of segments.
    first = np.concatenate([pairs[:, 0], pairs[:, 0], pairs[:, 0] - 1, pairs[:, 0] - 1]) % count
    second = np.concatenate([pairs[:, 1], pairs[:, 1] - 1, pairs[:, 1], pairs[:, 1] - 1]) % count
    crossed = _segments_cross(points, first, second)
    if not crossed.any():
        return None
    candidates = np.sort(np.column_stack([first, second])[crossed], axis=1)
    here, there = candidates[np.lexsort(candidates.T[::-1])[0]]
    return int(here), int(there)


def _segments_cross(
    points: FloatArray, first: IntArray, second: IntArray
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which segments starting at samples ``first`` and ``second`` (K,) properly cross."""
    count = len(points)
    a, b = points[first], points[(first + 1) % count]
    c, d = points[second], points[(second + 1) % count]

    def side(p: FloatArray, q: FloatArray, r: FloatArray) -> FloatArray:
        along, across = q - p, r - p
        return np.asarray(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0])

    return np.asarray((side(a, b, c) * side(a, b, d) < 0.0) & (side(c, d, a) * side(c, d, b) < 0.0))


def nearest_approach(line: SampledLine, margin_m: float = 0.0) -> Approach:
    """Find how much grass lies between different stretches of road where it is least.

    Two places belong to different stretches if more than a half circle of road that just touches
    itself lies between them. Nearer ones cannot touch as long as no turn is tighter than the road
    is wide on its inner side (Schur's comparison theorem: among curves of bounded curvature the
    circular arc has the shortest chord).

    Args:
        line: The sampled centre line; its values are the half widths left and right, (M, 2).
        margin_m: Look for approaches up to this clearance.

    Returns:
        The nearest approach, its clearance negative where roads overlap; a clearance of infinity
        if all roads keep more than the margin.
    """
    spacing_m = line.length_m / len(line.x_m)
    stride = max(1, int(line.values.min() / 5.0 / spacing_m))
    index = np.arange(0, len(line.x_m), stride)
    points = np.column_stack([line.x_m, line.y_m])[index]
    reach_m = 2.0 * float(line.values.max()) + margin_m
    pairs = cKDTree(points).query_pairs(reach_m, output_type="ndarray")
    here, there = index[pairs[:, 0]], index[pairs[:, 1]]

    along_m = np.abs(there - here) * spacing_m
    along_m = np.minimum(along_m, line.length_m - along_m)
    far = along_m > 0.5 * np.pi * (2.0 * line.values.min() + margin_m)
    here, there, along_m = here[far], there[far], along_m[far]
    dx, dy = line.x_m[there] - line.x_m[here], line.y_m[there] - line.y_m[here]
    needed_m = _width_towards(line, here, dx, dy) + _width_towards(line, there, -dx, -dy)
    clearance_m = np.where(
        along_m > 0.5 * np.pi * (needed_m + margin_m), np.hypot(dx, dy) - needed_m, np.inf
    )
    if not len(clearance_m) or clearance_m.min() > margin_m:
        return Approach(float("inf"), float("nan"), float("nan"))
    nearest = int(np.argmin(clearance_m))
    return Approach(
        float(clearance_m[nearest]),
        float(here[nearest] * spacing_m),
        float(there[nearest] * spacing_m),
    )


def _width_towards(line: SampledLine, at: IntArray, dx: FloatArray, dy: FloatArray) -> FloatArray:
    """Return the half widths (K,) of the road at samples ``at`` on the side of (dx, dy)."""
    heading = line.heading_rad[at]
    left = np.cos(heading) * dy - np.sin(heading) * dx > 0.0
    return np.where(left, line.values[at, 0], line.values[at, 1])
