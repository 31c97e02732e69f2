"""Compiled distances between rectangles on the ground."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

Rectangle = tuple[float, float, float, float, float, float]
"""x and y of the middle, cosine and sine of the heading, half length and half width."""

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def _reach_beyond(one: Rectangle, other: Rectangle) -> float:
    """How far the other lies beyond the sides of one, along one's own two axes.

    Negative where its shadow on both axes meets one's: by the separating axis theorem rectangles
    overlap exactly if that is so the other way round, too (S. Gottschalk, M. C. Lin, D. Manocha,
    "OBBTree", 1996).
    """
    x, y, cos, sin, half_length, half_width = one
    dx, dy = other[0] - x, other[1] - y
    turn_cos = abs(cos * other[2] + sin * other[3])
    turn_sin = abs(cos * other[3] - sin * other[2])
    along = abs(cos * dx + sin * dy) - half_length - turn_cos * other[4] - turn_sin * other[5]
    across = abs(cos * dy - sin * dx) - half_width - turn_sin * other[4] - turn_cos * other[5]
    return max(along, across)


@_compiled
def _corner_distance(one: Rectangle, other: Rectangle) -> float:
    """Least distance from one's area to the corners of the other."""
    x, y, cos, sin, half_length, half_width = one
    best = math.inf
    for corner in range(4):
        ahead = other[4] if corner & 1 else -other[4]
        left = other[5] if corner & 2 else -other[5]
        dx = other[0] + other[2] * ahead - other[3] * left - x
        dy = other[1] + other[3] * ahead + other[2] * left - y
        along = max(abs(cos * dx + sin * dy) - half_length, 0.0)
        across = max(abs(cos * dy - sin * dx) - half_width, 0.0)
        best = min(best, math.hypot(along, across))
    return best


@_compiled
def rectangle_distance(one: Rectangle, other: Rectangle) -> float:
    """Distance between two rectangles, 0.0 where they overlap or touch.

    Args:
        one: A rectangle.
        other: Another.
    """
    if max(_reach_beyond(one, other), _reach_beyond(other, one)) <= 0.0:
        return 0.0
    # Of two convex polygons apart, one of the nearest two points is a corner.
    return float(min(_corner_distance(one, other), _corner_distance(other, one)))


@_compiled
def _between(
    before: NDArray[np.float64], after: NDArray[np.float64], share: float, ahead_m: float
) -> tuple[float, float, float, float]:
    """Point `ahead_m` of a pose between two, and cosine and sine of its heading."""
    turn = after[2] - before[2]
    turn -= 2.0 * math.pi * np.rint(turn / (2.0 * math.pi))
    yaw = before[2] + share * turn
    cos, sin = math.cos(yaw), math.sin(yaw)
    x = before[0] + share * (after[0] - before[0]) + cos * ahead_m
    y = before[1] + share * (after[1] - before[1]) + sin * ahead_m
    return x, y, cos, sin


@_compiled
def least_clearance(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    footprint: NDArray[np.float64],
    obstacles_before: NDArray[np.float64],
    obstacles_after: NDArray[np.float64],
    half_sizes: NDArray[np.float64],
    moments: int,
    out: NDArray[np.float64],
) -> None:
    """Least distance between each car and the obstacles of its world in one period.

    Args:
        before: (N, 3) x, y, yaw of the cars at its begin.
        after: (N, 3) at its end.
        footprint: (3,) how far ahead of a pose the car's middle is, its half length and width.
        obstacles_before: (N, M, 3) x, y, yaw of the obstacles' middles at its begin.
        obstacles_after: (N, M, 3) at its end.
        half_sizes: (M, 2) half length and width.
        moments: Moments of the period that are looked at, the last of them its end.
        out: (N,) receives the distances.
    """
    radius = math.hypot(footprint[1], footprint[2])
    for car in range(before.shape[0]):
        best = math.inf
        for k in range(half_sizes.shape[0]):
            half_length, half_width = half_sizes[k, 0], half_sizes[k, 1]
            reach = radius + math.hypot(half_length, half_width)
            for moment in range(1, moments + 1):
                share = moment / moments
                x, y, cos, sin = _between(before[car], after[car], share, footprint[0])
                ox, oy, ocos, osin = _between(
                    obstacles_before[car, k], obstacles_after[car, k], share, 0.0
                )
                if math.hypot(ox - x, oy - y) - reach >= best:
                    continue
                mine = (x, y, cos, sin, footprint[1], footprint[2])
                theirs = (ox, oy, ocos, osin, half_length, half_width)
                best = min(best, rectangle_distance(mine, theirs))
        out[car] = best
