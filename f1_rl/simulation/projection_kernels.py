"""Compiled projection: where a car's camera is, and which ground a row of its picture shows."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True, error_model="numpy")
def place_eye(
    lens: NDArray[np.float64],
    scale: NDArray[np.float64],
    x_m: float,
    y_m: float,
    yaw_rad: float,
    offset: NDArray[np.float32],
    blur_px: float,
    field_of_view: float,
) -> tuple[float, ...]:
    """Find a car's camera on the grid of its circuit.

    Args:
        lens: As in :func:`f1_rl.simulation.renderer_kernels.draw`.
        scale: Measures of the circuit's ground.
        x_m: Position of the car.
        y_m: Position of the car.
        yaw_rad: Its heading.
        offset: Height, pitch and yaw of the camera beyond the nominal ones.
        blur_px: Width of the blur.
        field_of_view: Factor on the horizontal one.

    Returns:
        Height (m); sine and cosine of the pitch; x and y of the point below it, and x and y of
        one metre forwards, these four in cells; downward slopes of the rays that meet the
        ground at the far and near depth; height of a pixel's footprint in the picture, as a
        slope; square of the blur (px^2); size of a pixel, as a slope; heading (rad).
    """
    height = lens[5] + offset[0]
    pitch, heading = lens[6] + offset[1], yaw_rad + offset[2]
    sin_pitch, cos_pitch = math.sin(pitch), math.cos(pitch)
    cos_car, sin_car = math.cos(yaw_rad), math.sin(yaw_rad)
    focal = lens[2]
    if field_of_view != 1.0:
        focal = 0.5 * lens[0] / math.tan(field_of_view * math.atan(0.5 * lens[0] / focal))
    return (
        height,
        sin_pitch,
        cos_pitch,
        (x_m + cos_car * lens[3] - sin_car * lens[4] - scale[0]) * scale[2],
        (y_m + sin_car * lens[3] + cos_car * lens[4] - scale[1]) * scale[2],
        math.cos(heading) * scale[2],
        math.sin(heading) * scale[2],
        (height / lens[8] - sin_pitch) / cos_pitch,
        (height / lens[7] - sin_pitch) / cos_pitch,
        math.sqrt(1.0 + blur_px * blur_px) / focal,
        blur_px * blur_px,
        1.0 / focal,
        heading,
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def place_row(
    lens: NDArray[np.float64], eye: tuple[float, ...], row: int, group: float
) -> tuple[float, ...]:
    """Project a row of the picture to the ground.

    The ray of slopes u (right) and v (down) meets the ground at the depth t = h / s with
    s = sin(pitch) + v cos(pitch), t (cos(pitch) - v sin(pitch)) ahead and u t to the right.

    Args:
        lens: As above.
        eye: What :func:`place_eye` returned.
        row: Of the picture.
        group: Pixels of the picture in a column.

    Returns:
        Share of the row's height that shows ground between the near and the far depth; the
        slope v of its middle; how far ahead its ground is (m); x and y of the ground point of
        column 0, of the step to the next column's, of the footprint away from the camera at
        column 0, and of its change from column to column, all in cells.
    """
    height, sin_pitch, cos_pitch, eye_x, eye_y, forward_x, forward_y = eye[:7]
    v_far, v_near, tall, _, pixel = eye[7:12]
    v = (row + 0.5 - 0.5 * lens[1]) * pixel
    share = min(max((v - v_far) / tall + 0.5, 0.0), 1.0)
    share -= min(max((v - v_near) / tall + 0.5, 0.0), 1.0)
    share = max(share, 0.0)
    middle = v
    v = min(max(v, v_far), v_near)
    s = sin_pitch + v * cos_pitch
    t = height / s
    t_slope = -t * cos_pitch / s
    ahead = t * (cos_pitch - v * sin_pitch)
    ahead_slope = (t_slope * (cos_pitch - v * sin_pitch) - t * sin_pitch) * tall
    u_step = group * pixel
    u = 0.5 * (u_step - lens[0] * pixel)
    right_x, right_y = forward_y, -forward_x
    return (
        share,
        middle,
        ahead,
        eye_x + ahead * forward_x + u * t * right_x,
        eye_y + ahead * forward_y + u * t * right_y,
        u_step * t * right_x,
        u_step * t * right_y,
        ahead_slope * forward_x + u * t_slope * tall * right_x,
        ahead_slope * forward_y + u * t_slope * tall * right_y,
        u_step * t_slope * tall * right_x,
        u_step * t_slope * tall * right_y,
    )
