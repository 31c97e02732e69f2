"""Compiled part of the signed distance field: sweeping the centre line over a grid."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def sweep_centre_line(
    points: NDArray[np.float64],
    normals: NDArray[np.float64],
    width_left: NDArray[np.float64],
    width_right: NDArray[np.float64],
    reach: float,
    lateral: NDArray[np.float32],
    inside: NDArray[np.float32],
) -> None:
    """Write each cell's offset to the nearest piece of a closed centre line.

    Each segment visits only the cells between the normals at its two ends, out to ``reach``
    on either side: together these quadrilaterals hold every cell whose nearest point of the
    centre line is closer than ``reach``, and little else. All lengths are in cells.

    Args:
        points: Closed centre line, (M, 2), x and y in cells; the last joins the first.
        normals: Unit normals to the left of the centre line at the points, (M, 2).
        width_left: Half width of the road to the left of each point, (M,).
        width_right: Half width of the road to the right of each point, (M,).
        reach: Largest distance written.
        lateral: (H, W), holds +-``reach`` or more on entry, receives the signed distance to
            the centre line, positive to its left.
        inside: (H, W), receives the distance inside the road's edge, negative outside it.
    """
    count = points.shape[0]
    height, width = lateral.shape
    corner_x = np.empty(4)
    corner_y = np.empty(4)
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        ax, ay = points[i, 0], points[i, 1]
        ex, ey = points[j, 0] - ax, points[j, 1] - ay
        squared = ex * ex + ey * ey
        if squared == 0.0:
            continue
        corner_x[0], corner_y[0] = ax + reach * normals[i, 0], ay + reach * normals[i, 1]
        corner_x[1], corner_y[1] = ax - reach * normals[i, 0], ay - reach * normals[i, 1]
        corner_x[2] = points[j, 0] - reach * normals[j, 0]
        corner_y[2] = points[j, 1] - reach * normals[j, 1]
        corner_x[3] = points[j, 0] + reach * normals[j, 0]
        corner_y[3] = points[j, 1] + reach * normals[j, 1]
        first_row = max(0, math.floor(corner_y.min()))
        last_row = min(height - 1, math.ceil(corner_y.max()))
        for row in range(first_row, last_row + 1):
            low, high = _row_extent(corner_x, corner_y, float(row))
            first = max(0, math.floor(low))
            last = min(width - 1, math.ceil(high))
            for column in range(first, last + 1):
                px, py = column - ax, row - ay
                along = min(max((px * ex + py * ey) / squared, 0.0), 1.0)
                qx, qy = px - along * ex, py - along * ey
                distance = math.sqrt(qx * qx + qy * qy)
                if distance >= abs(lateral[row, column]):
                    continue
                if ex * py - ey * px >= 0.0:
                    lateral[row, column] = distance
                    edge = width_left[i] + along * (width_left[j] - width_left[i])
                else:
                    lateral[row, column] = -distance
                    edge = width_right[i] + along * (width_right[j] - width_right[i])
                inside[row, column] = edge - distance


@numba.njit(cache=True, nogil=True)
def _row_extent(
    corner_x: NDArray[np.float64], corner_y: NDArray[np.float64], row: float
) -> tuple[float, float]:
    """Range of x that a quadrilateral covers within one cell of the line y = row."""
    low, high = np.inf, -np.inf
    for a in range(4):
        b = (a + 1) % 4
        bottom, top = min(corner_y[a], corner_y[b]), max(corner_y[a], corner_y[b])
        if top < row - 1.0 or bottom > row + 1.0:
            continue
        if top - bottom < 1e-9:
            low = min(low, corner_x[a], corner_x[b])
            high = max(high, corner_x[a], corner_x[b])
            continue
        slope = (corner_x[b] - corner_x[a]) / (corner_y[b] - corner_y[a])
        for y in (max(bottom, row - 1.0), min(top, row + 1.0)):
            x = corner_x[a] + (y - corner_y[a]) * slope
            low, high = min(low, x), max(high, x)
    return low, high
