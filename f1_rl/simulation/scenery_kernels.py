"""Compiled drawing of upright boxes into the rows of a picture.

A box shows at most an end, a side and its top; these are convex in the picture and do not overlap.
A row is cut into a few lines; along each the faces cover intervals, whose share of a column is
exact. So the mean over a group of columns is the coverage of the group.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from f1_rl.simulation.effects_kernels import EffectRecord, shade_point

FACES = 5
"""Of a box: band and body of the nearer end, band and body of the nearer side, top."""

MOST_CORNERS = 5
"""Of a face with four corners, one of them behind the near plane."""

_LINES = 4

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def _find_corners(
    face: int,
    eye: tuple[float, float, float],
    size: NDArray[np.float64],
    corners: NDArray[np.float64],
) -> bool:
    """Corners of a face in the box's own axes.

    Args:
        face: Which of the five.
        eye: Camera in these axes, from the foot of the box's middle.
        size: (4,) length, width, height, height of the band.
        corners: (4, 3) receives x, y, z, in order.

    Returns:
        Whether the eye is in front of it and it is not empty.
    """
    half = 0.5 * size[0], 0.5 * size[1]
    if face == FACES - 1:
        for corner in range(4):
            corners[corner, 0] = half[0] if corner in (0, 3) else -half[0]
            corners[corner, 1] = half[1] if corner < 2 else -half[1]
            corners[corner, 2] = size[2]
        return bool(eye[2] > size[2])
    axis, is_body = face // 2, face % 2
    low, high = (size[3], size[2]) if is_body else (0.0, size[3])
    across = 1 - axis
    for corner in range(4):
        corners[corner, axis] = math.copysign(half[axis], eye[axis])
        corners[corner, across] = half[across] if corner in (0, 3) else -half[across]
        corners[corner, 2] = low if corner < 2 else high
    return bool(abs(eye[axis]) > half[axis] and high > low)


@_compiled
def _project(
    corners: NDArray[np.float64], focal: float, lens: NDArray[np.float64], out: NDArray[np.float64]
) -> int:
    """Picture coordinates of a face, what is nearer than the near depth cut off.

    Args:
        corners: (4, 3) right of, below and ahead of the camera, along its axes.
        focal: Focal length, pixels.
        lens: Width and height of the picture, near depth.
        out: (5, 2) receives column and row of the corners that remain.

    Returns:
        How many remain.
    """
    count, near_m = 0, lens[7]
    for i in range(4):
        a, b = corners[i], corners[(i + 1) % 4]
        if a[2] >= near_m:
            out[count, 0] = 0.5 * lens[0] + focal * a[0] / a[2]
            out[count, 1] = 0.5 * lens[1] + focal * a[1] / a[2]
            count += 1
        if (a[2] >= near_m) != (b[2] >= near_m):
            share = (near_m - a[2]) / (b[2] - a[2])
            out[count, 0] = 0.5 * lens[0] + focal * (a[0] + share * (b[0] - a[0])) / near_m
            out[count, 1] = 0.5 * lens[1] + focal * (a[1] + share * (b[1] - a[1])) / near_m
            count += 1
    return count


@_compiled
def project_boxes(
    poses: NDArray[np.float64],
    sizes: NDArray[np.float64],
    lens: NDArray[np.float64],
    focal: float,
    x_m: float,
    y_m: float,
    yaw_rad: float,
    offset: NDArray[np.float32],
    faces: NDArray[np.float64],
    counts: NDArray[np.int64],
    spans: NDArray[np.float64],
    order: NDArray[np.int64],
    distances: NDArray[np.float64],
) -> None:
    """Find the boxes of a world in the picture of its car's camera.

    Args:
        poses: (M, 3) x, y, yaw of the boxes' middles.
        sizes: (M, 4) length, width, height, height of the band.
        lens: As in :func:`f1_rl.simulation.renderer_kernels.draw`.
        focal: Focal length, pixels.
        x_m: Position of the car.
        y_m: The same, y.
        yaw_rad: Its heading.
        offset: (3,) of the camera: height, pitch and yaw.
        faces: (M, 5, 5, 2) receives column and row of the corners of each face.
        counts: (M, 5) receives how many there are.
        spans: (M, 4) receives the first and last row and column that each box touches.
        order: (M,) receives the boxes from the farthest to the nearest.
        distances: (M,) receives how far away they are.
    """
    pitch, heading = lens[6] + offset[1], yaw_rad + offset[2]
    sin_pitch, cos_pitch = math.sin(pitch), math.cos(pitch)
    cos_yaw, sin_yaw = math.cos(heading), math.sin(heading)
    eye_x = x_m + math.cos(yaw_rad) * lens[3] - math.sin(yaw_rad) * lens[4]
    eye_y = y_m + math.sin(yaw_rad) * lens[3] + math.cos(yaw_rad) * lens[4]
    eye_z = lens[5] + offset[0]
    corners = np.empty((4, 3))
    for box in range(poses.shape[0]):
        cos, sin = math.cos(poses[box, 2]), math.sin(poses[box, 2])
        dx, dy = eye_x - poses[box, 0], eye_y - poses[box, 1]
        eye = (cos * dx + sin * dy, cos * dy - sin * dx, eye_z)
        distances[box] = math.hypot(dx, dy)
        spans[box, 0::2], spans[box, 1::2] = math.inf, -math.inf
        for face in range(FACES):
            counts[box, face] = 0
            if distances[box] > lens[8] or not _find_corners(face, eye, sizes[box], corners):
                continue
            for corner in range(4):
                x, y = corners[corner, 0], corners[corner, 1]
                east, north = cos * x - sin * y - dx, sin * x + cos * y - dy
                ahead = cos_yaw * east + sin_yaw * north
                down = eye_z - corners[corner, 2]
                corners[corner, 0] = sin_yaw * east - cos_yaw * north
                corners[corner, 1] = down * cos_pitch - ahead * sin_pitch
                corners[corner, 2] = ahead * cos_pitch + down * sin_pitch
            found = _project(corners, focal, lens, faces[box, face])
            counts[box, face] = found
            for corner in range(found):
                column, row = faces[box, face, corner]
                spans[box, 0], spans[box, 1] = min(spans[box, 0], row), max(spans[box, 1], row)
                spans[box, 2] = min(spans[box, 2], column)
                spans[box, 3] = max(spans[box, 3], column)
        place = box
        while place > 0 and distances[order[place - 1]] < distances[box]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = box


@_compiled
def shade_boxes(
    effect: EffectRecord,
    brightness: float,
    distances: NDArray[np.float64],
    weights: NDArray[np.float32],
    levels: NDArray[np.float32],
) -> None:
    """Put boxes into the light and weather of their distance; shadows, glare and streaks left out.

    Args:
        effect: The car's.
        brightness: The camera's.
        distances: (M,) of :func:`project_boxes`.
        weights: (K, 3) of the colours in each channel.
        levels: (K, M * 5) grey levels of the faces, changed in place.
    """
    for box in range(distances.shape[0]):
        factor, added = shade_point(effect, distances[box])
        for channel in range(levels.shape[0]):
            veil = brightness * added * weights[channel].sum()
            for face in range(box * FACES, (box + 1) * FACES):
                level = levels[channel, face] * factor + veil
                levels[channel, face] = min(max(level, 0.0), 255.0)


@_compiled
def _cut(face: NDArray[np.float64], count: int, row: float) -> tuple[float, float]:
    """First and last column of a convex face on a line of the picture; empty: inf, -inf."""
    left, right = math.inf, -math.inf
    for i in range(count):
        u0, v0 = face[i]
        u1, v1 = face[(i + 1) % count]
        if (v0 <= row) != (v1 <= row):
            u = u0 + (row - v0) / (v1 - v0) * (u1 - u0)
            left, right = min(left, u), max(right, u)
    return left, right


@_compiled
def paint_boxes(
    row: int,
    group: float,
    squared_blur: float,
    faces: NDArray[np.float64],
    counts: NDArray[np.int64],
    spans: NDArray[np.float64],
    order: NDArray[np.int64],
    levels: NDArray[np.float32],
    scratch: NDArray[np.float32],
    values: NDArray[np.float32],
) -> None:
    """Paint boxes over one channel of a row, the farthest first.

    Args:
        row: Of the picture.
        group: Pixels in a column of `values`.
        squared_blur: Square of the width over which the lens smears a point, pixels.
        faces: This and the next three from :func:`project_boxes`.
        counts: As above.
        spans: As above.
        order: As above.
        levels: (M * 5,) grey levels of the faces.
        scratch: (2 or more, C).
        values: (C,) changed in place.
    """
    tall, wide = math.sqrt(1.0 + squared_blur), math.sqrt(group * group + squared_blur)
    top = row + 0.5 - 0.5 * tall
    beyond = 0.5 * (wide - group)
    columns = values.shape[0]
    cover, paint = scratch[0], scratch[1]
    for box in order:
        if spans[box, 0] >= top + tall or spans[box, 1] <= top:
            continue
        first = int(min(max((spans[box, 2] - beyond) / group, 0.0), columns))
        last = math.ceil(min(max((spans[box, 3] + beyond) / group, 0.0), columns))
        cover[first:last] = 0.0
        paint[first:last] = 0.0
        for face in range(FACES):
            level = levels[box * FACES + face]
            for line in range(_LINES if counts[box, face] else 0):
                v = top + (line + 0.5) / _LINES * tall
                left, right = _cut(faces[box, face], counts[box, face], v)
                begin = int(min(max((left - beyond) / group, first), last))
                end = math.ceil(min(max((right + beyond) / group, first), last))
                for column in range(begin, end):
                    middle = (column + 0.5) * group
                    share = min(max((right - middle) / wide + 0.5, 0.0), 1.0)
                    share -= min(max((left - middle) / wide + 0.5, 0.0), 1.0)
                    cover[column] += np.float32(share / _LINES)
                    paint[column] += np.float32(share / _LINES) * level
        for column in range(first, last):
            values[column] += paint[column] - cover[column] * values[column]
