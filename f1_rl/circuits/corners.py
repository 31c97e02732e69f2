"""Closed lines described by their corners: straights, joined by turns of a given radius.

A turn is what road builders use: the curvature rises linearly (a clothoid), stays at 1 / radius,
and falls linearly, so that neither the heading nor the curvature jumps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from f1_rl.circuits.errors import CircuitError
from f1_rl.circuits.geometry import FloatArray, wrap_angle

# Of a turn's angle, this part is turned in its two clothoids, the rest at constant curvature.
TRANSITION_SHARE = 0.5
POINTS_PER_HALF_TURN = 12
STRAIGHT_POINT_SPACING_M = 1.0
MIN_TURN_RAD = 1e-3
_STEPS_PER_POINT = 4
# Straights shorter than this part of a radius are left out, for the spline through two points that
# nearly coincide would show their rounding as a kink.
_MIN_STRAIGHT_PER_RADIUS = 0.02


@dataclass(frozen=True)
class RoundedLine:
    """A closed line of straights and turns.

    Attributes:
        points_m: (P, 2) points along it; the last is not the first again. The first lies in the
            middle of the straight from the last corner to the first.
        apexes: (C,) index of the point in the middle of each turn.
    """

    points_m: FloatArray
    apexes: np.ndarray[tuple[int], np.dtype[np.intp]]


def turn_angles(corners_m: FloatArray) -> FloatArray:
    """Return by how much a closed polygon turns at each of its corners, positive to the left.

    Args:
        corners_m: (C, 2) corners in driving order.

    Returns:
        (C,) angles in (-pi, pi], radians.
    """
    outgoing = np.roll(corners_m, -1, axis=0) - corners_m
    heading = np.arctan2(outgoing[:, 1], outgoing[:, 0])
    return wrap_angle(heading - np.roll(heading, 1))


def half_turns(angles_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Integrate the first half of turns of radius 1, which begin along the x axis.

    Args:
        angles_rad: (C,) how far each whole turn goes, 0 to pi, to the left.

    Returns:
        (C, K, 2) points from the beginning to the apex, and (C,) how far before the corner a turn
        begins. Both scale with the radius.
    """
    ramp = TRANSITION_SHARE * angles_rad[:, None]
    half_length = 0.5 * (angles_rad[:, None] + ramp)
    steps = POINTS_PER_HALF_TURN * _STEPS_PER_POINT
    travelled = half_length * (np.arange(steps) + 0.5) / steps
    heading = np.where(
        travelled < ramp,
        0.5 * travelled**2 / np.maximum(ramp, 1e-12),
        travelled - 0.5 * ramp,
    )
    step = half_length / steps
    path = np.stack([np.cos(heading), np.sin(heading)], axis=-1) * step[..., None]
    path = np.concatenate([np.zeros((len(angles_rad), 1, 2)), np.cumsum(path, axis=1)], axis=1)
    path = path[:, ::_STEPS_PER_POINT]
    # The corner lies where the line through the apex, square to it, meets the incoming straight.
    begin = path[:, -1, 0] + path[:, -1, 1] * np.tan(0.5 * angles_rad)
    return path, begin


def round_corners(name: str, corners_m: FloatArray, radii_m: FloatArray) -> RoundedLine:
    """Replace the corners of a closed polygon by turns.

    Args:
        name: Name of the circuit, for messages.
        corners_m: (C, 2) corners in driving order.
        radii_m: (C,) tightest radius of each turn.

    Returns:
        The rounded line.

    Raises:
        CircuitError: If the corners are no polygon, or two turns need more room than there is
            between their corners.
    """
    _check_corners(name, corners_m, radii_m)
    angles = turn_angles(corners_m)
    halves, begin = half_turns(np.abs(angles))
    begin = begin * radii_m
    edges = np.roll(corners_m, -1, axis=0) - corners_m
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    straight = lengths - begin - np.roll(begin, -1)
    if (straight < 0.0).any():
        corner = int(np.argmin(straight))
        raise CircuitError(
            f"Circuit '{name}' needs {lengths[corner] - straight[corner]:.2f} m between corner "
            f"{corner + 1} and the next, which are {lengths[corner]:.2f} m apart; move them apart "
            f"or make the radii smaller."
        )
    directions = edges / lengths[:, None]
    turns = list(_place_turns(corners_m, directions, np.sign(angles), radii_m, halves, begin))

    touching = straight < _MIN_STRAIGHT_PER_RADIUS * radii_m
    turns = [turn[:-1] if touches else turn for turn, touches in zip(turns, touching, strict=True)]
    last = _straight_points(turns[-1][-1], turns[0][0])
    middle = len(last) // 2
    pieces, apexes, count = [last[middle:]], [], len(last) - middle
    for corner, turn in enumerate(turns):
        apexes.append(count + POINTS_PER_HALF_TURN)
        pieces.append(turn)
        count += len(turn)
        if corner < len(turns) - 1:
            between = _straight_points(turn[-1], turns[corner + 1][0])
            pieces.append(between)
            count += len(between)
    pieces.append(last[:middle])
    return RoundedLine(np.vstack(pieces), np.array(apexes, dtype=np.intp))


def _check_corners(name: str, corners_m: FloatArray, radii_m: FloatArray) -> None:
    """Refuse corners that are too few, coincide or do not turn, and radii that are not positive."""
    if len(corners_m) < 3:
        raise CircuitError(
            f"Circuit '{name}' has {len(corners_m)} corners; a closed line needs at least three."
        )
    values = np.column_stack([corners_m, radii_m])
    unusable = ~np.isfinite(values).all(axis=1) | (radii_m <= 0.0)
    if unusable.any():
        corner = int(np.argmax(unusable))
        raise CircuitError(
            f"Circuit '{name}' has an unusable corner {corner + 1}, {values[corner].tolist()}; "
            f"give finite numbers and a radius greater than zero."
        )
    edges = np.roll(corners_m, -1, axis=0) - corners_m
    idle = (np.hypot(edges[:, 0], edges[:, 1]) == 0.0) | (
        np.abs(turn_angles(corners_m)) < MIN_TURN_RAD
    )
    if idle.any():
        raise CircuitError(
            f"Circuit '{name}' does not turn at corner {int(np.argmax(idle)) + 1}, which repeats "
            f"the next one or lies on a straight; remove it."
        )


def _place_turns(
    corners_m: FloatArray,
    directions: FloatArray,
    sides: FloatArray,
    radii_m: FloatArray,
    halves: FloatArray,
    begin_m: FloatArray,
) -> FloatArray:
    """Return the points of all turns (C, 2 K - 1, 2), in driving order."""
    incoming, outgoing = np.roll(directions, 1, axis=0), directions
    scaled = halves * radii_m[:, None, None]

    def place(along: FloatArray, left: FloatArray) -> FloatArray:
        forward = scaled[..., :1] - begin_m[:, None, None]
        sideways = scaled[..., 1:] * left[:, None, None]
        normal = np.column_stack([-along[:, 1], along[:, 0]])
        placed = forward * along[:, None] + sideways * normal[:, None]
        return np.asarray(corners_m[:, None] + placed)

    first = place(incoming, sides)
    # The second half is the first one of the turn driven backwards.
    second = place(-outgoing, -sides)[:, ::-1]
    return np.concatenate([first, second[:, 1:]], axis=1)


def _straight_points(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the points strictly between the ends of a straight, evenly spread."""
    length = float(np.hypot(*(end - start)))
    parts = max(1, round(length / STRAIGHT_POINT_SPACING_M))
    share = np.arange(1, parts)[:, None] / parts
    return np.asarray(start + share * (end - start))
