"""Endless random circuits, each fixed by its seed.

A circuit begins as the outline of random cells of a coarse grid, which cannot cross itself. Its
corners are shifted, turned, perhaps reversed, and then rounded. What comes out is measured and
drawn again, more tamely each time, until it keeps to the limits below; the tamest draw, an outline
of square cells of one size and number without any shifting, always does.
"""

from __future__ import annotations

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.corners import (
    MIN_TURN_RAD,
    TRANSITION_SHARE,
    half_turns,
    round_corners,
    turn_angles,
)
from f1_rl.circuits.errors import CircuitError
from f1_rl.circuits.geometry import FloatArray
from f1_rl.circuits.resampling import resample_closed_line
from f1_rl.circuits.validation import nearest_approach

RANDOM_PREFIX = "random-"
MIN_RADIUS_M = 2.8
MIN_LENGTH_M = 120.0
MAX_LENGTH_M = 400.0
MIN_GRASS_M = 1.0
HALF_WIDTH_M = 1.5
LINE_WIDTH_M = 0.10

_ATTEMPTS = 40
_CELLS = (5, 14)
# A prime number, so that cells which begin as an angle never end as a rectangle.
_TAME_CELLS = 11
_CELL_SIZE_M = (9.0, 13.0)
_TAME_CELL_SIZE_M = 11.0
_MAX_SHIFT = 0.38  # of the size of a cell
_MAX_CELL_ASPECT = 1.35
# The drawn radius stays a little above the limit, for the spline overshoots by up to a percent.
_MIN_DRAWN_RADIUS_M = 1.02 * MIN_RADIUS_M
_MAX_DRAWN_RADIUS_M = 16.0
# Slight turns need a larger radius for their clothoids to be this long.
_MIN_CLOTHOID_M = 1.5

Cell = tuple[int, int]
_NEIGHBOURS: tuple[Cell, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))


def random_circuit(seed: int, *, scale: float = 1.0) -> Circuit:
    """Draw a circuit with turns to both sides, its roads apart from each other.

    Before scaling, the road is 3 m wide with a line of 0.10 m, no turn is tighter than 2.8 m,
    there is at least 1 m of grass between different stretches of road, and the length is between
    120 and 400 m.

    Args:
        seed: Any whole number from zero; the same one always gives the same circuit.
        scale: Factor for coordinates and road widths.

    Returns:
        The circuit, named ``random-<seed>``.

    Raises:
        CircuitError: If the seed is negative.
    """
    if seed < 0:
        raise CircuitError(f"The seed of a random circuit must not be negative, not {seed}.")
    name = f"{RANDOM_PREFIX}{seed}"
    rng = np.random.default_rng(seed)
    for attempt in range(_ATTEMPTS):
        points_m = _draw_points(name, rng, wildness=1.0 - attempt / (_ATTEMPTS - 1))
        if points_m is not None:
            x_m, y_m = scale * points_m.T
            half_width_m = scale * HALF_WIDTH_M
            return Circuit.from_points(name, x_m, y_m, half_width_m, half_width_m, LINE_WIDTH_M)
    raise AssertionError(f"The tamest outline broke the limits for seed {seed}.")


def _draw_points(name: str, rng: np.random.Generator, wildness: float) -> FloatArray | None:
    """Draw one centre line (P, 2), wildness from 1 to 0; None if it breaks a limit."""
    drawn = int(rng.integers(*_CELLS, endpoint=True))
    cells = _grow_cells(rng, round(_TAME_CELLS + wildness * (drawn - _TAME_CELLS)))
    corners_m = _shift_corners(rng, _outline(cells), wildness)
    radii_m = _draw_radii(rng, corners_m)
    if radii_m is None:
        return None
    points_m = round_corners(name, corners_m, radii_m).points_m
    line = resample_closed_line(points_m, np.full_like(points_m, HALF_WIDTH_M))
    fits = (
        MIN_LENGTH_M <= line.length_m <= MAX_LENGTH_M
        and float(np.abs(line.curvature_per_m).max()) <= 1.0 / MIN_RADIUS_M
        and len(np.unique(np.sign(turn_angles(corners_m)))) == 2
        and nearest_approach(line, MIN_GRASS_M).clearance_m > MIN_GRASS_M
    )
    return points_m if fits else None


def _grow_cells(rng: np.random.Generator, count: int) -> set[Cell]:
    """Grow a set of cells, connected by their sides and without holes or touching corners.

    A cell is added only if the occupied ones among the eight around it are one connected run.
    Cells with a single occupied neighbour are preferred, which makes fingers rather than blobs.
    """
    cells: set[Cell] = {(0, 0), (1, 0), (0, 1)}
    while len(cells) < count:
        frontier = sorted({(x + dx, y + dy) for x, y in cells for dx, dy in _NEIGHBOURS} - cells)
        free = [cell for cell in frontier if _joins_in_one_run(cell, cells)]
        contacts = np.array(
            [sum((x + dx, y + dy) in cells for dx, dy in _NEIGHBOURS) for x, y in free]
        )
        weights = 1.0 / contacts**3
        cells.add(free[int(rng.choice(len(free), p=weights / weights.sum()))])
    return cells


def _joins_in_one_run(cell: Cell, cells: set[Cell]) -> bool:
    """Tell whether adding a cell keeps the outline one line that nowhere touches itself."""
    x, y = cell
    ring = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
    occupied = [(x + dx, y + dy) in cells for dx, dy in ring]
    changes = sum(occupied[i] != occupied[i - 1] for i in range(8))
    # A run that begins or ends at a diagonal cell beside a free side is fine as long as it holds a
    # side; a lone diagonal cell would be a second run.
    return changes == 2


def _outline(cells: set[Cell]) -> FloatArray:
    """Return the corners (C, 2) of the outline of cells, counter-clockwise, on the unit grid."""
    following: dict[Cell, Cell] = {}
    for x, y in cells:
        square = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1))
        outward = ((0, -1), (1, 0), (0, 1), (-1, 0))
        for side, (dx, dy) in enumerate(outward):
            if (x + dx, y + dy) not in cells:
                following[square[side]] = square[(side + 1) % 4]
    vertex = start = min(following)
    vertices = [start]
    while (vertex := following[vertex]) != start:
        vertices.append(vertex)
    polygon = np.array(vertices, dtype=np.float64)
    return np.asarray(polygon[np.abs(turn_angles(polygon)) > 0.1])


def _shift_corners(rng: np.random.Generator, outline: FloatArray, wildness: float) -> FloatArray:
    """Give an outline on the unit grid its size, and shift, turn and perhaps reverse it."""
    aspect = 1.0 + wildness * rng.uniform(0.0, _MAX_CELL_ASPECT - 1.0)
    height_m = _TAME_CELL_SIZE_M + wildness * (rng.uniform(*_CELL_SIZE_M) - _TAME_CELL_SIZE_M)
    size_m = height_m * np.array([aspect, 1.0])
    shift = wildness * _MAX_SHIFT * rng.uniform(-1.0, 1.0, outline.shape)
    corners = (outline + shift) * size_m
    angle = rng.uniform(-np.pi, np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    corners = corners @ np.array([[cos, sin], [-sin, cos]])
    # Driven clockwise, the same kind of outline has most of its turns to the right.
    corners = corners[::-1] if rng.random() < 0.5 else corners
    # The start line goes to the longest straight, from the last corner to the first.
    straights = np.hypot(*(corners - np.roll(corners, 1, axis=0)).T)
    return np.roll(corners, -int(np.argmax(straights)), axis=0)


def _draw_radii(rng: np.random.Generator, corners_m: FloatArray) -> FloatArray | None:
    """Draw the radius of each turn (C,); None if the turns do not fit between their corners."""
    edges = np.roll(corners_m, -1, axis=0) - corners_m
    after = np.hypot(edges[:, 0], edges[:, 1])
    angles = np.abs(turn_angles(corners_m))
    _, begin_per_radius = half_turns(angles)
    if (angles < MIN_TURN_RAD).any():
        return None
    least_radius = np.maximum(_MIN_CLOTHOID_M / (TRANSITION_SHARE * angles), _MIN_DRAWN_RADIUS_M)
    least = least_radius * begin_per_radius
    spare = after - least - np.roll(least, -1)
    if (spare < 0.0).any():
        return None
    # Each turn may take half of what its shorter straight has to spare.
    room = least + 0.5 * np.minimum(spare, np.roll(spare, 1))
    largest = np.minimum(room / begin_per_radius, np.maximum(least_radius, _MAX_DRAWN_RADIUS_M))
    # How generous the tightest turns are differs from circuit to circuit.
    share = rng.uniform(rng.uniform(0.0, 0.7), 1.0, len(largest))
    return np.asarray(least_radius + share * (largest - least_radius))
