"""Compiled drawing of camera pictures from distance fields.

A row of the picture without roll is affine on the ground: its pixels lie on a straight line at
equal distances. So a row is drawn by walking along the grid of the distance field; of each
pixel only what share of it is road, and what share line, is computed (one "cover" each), and
the colours are blended from these. All loops over columns are free of branches and in single
precision, which lets the compiler do 8 or 16 columns at a time.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from f1_rl.simulation.gather_kernels import store_apart, table_pair

_SHARP = np.float32(1e-6)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_LOW = np.int32(16)
_WORD = np.int64(32)
# A signed distance is at most as steep as 1 where it is a distance at all; where the sign flips
# half way between two stretches of a circuit it is far steeper, and there is no line.
_STEEPEST_SQUARED = np.float32(2.0)

_fast = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")


@_fast
def _cover_row(
    cells: NDArray[np.int32],
    first: int,
    grid_width: int,
    grid_height: int,
    start_x: float,
    start_y: float,
    step_x: float,
    step_y: float,
    widen: float,
    depth_x: float,
    depth_y: float,
    turn_x: float,
    turn_y: float,
    eye_x: float,
    eye_y: float,
    parallax: float,
    units_a_cell: float,
    half_line: float,
    road: NDArray[np.float32],
    line: NDArray[np.float32],
) -> None:
    """Share of road and of line in the pixels of one row; lengths in cells of the grid.

    Args:
        cells, first, grid_width, grid_height: The distance field.
        start_x, start_y: Ground point of column 0.
        step_x, step_y: From one column's ground point to the next.
        widen: Width of a column's footprint, in such steps.
        depth_x, depth_y: Length of the footprint, away from the camera, at column 0.
        turn_x, turn_y: Change of that length from column to column.
        eye_x, eye_y: Ground point below the camera.
        parallax: Share of the way back to the eye where the ray meets the line's height.
        units_a_cell: Stored steps for the length of one cell.
        half_line: Half the width of the line in stored units, 0 if there is none.
        road, line: (C,) receive the shares.
    """
    x0, y0 = np.float32(start_x), np.float32(start_y)
    dx, dy = np.float32(step_x), np.float32(step_y)
    wx, wy = np.float32(step_x * widen), np.float32(step_y * widen)
    rx0, ry0 = np.float32(depth_x), np.float32(depth_y)
    drx, dry = np.float32(turn_x), np.float32(turn_y)
    ex, ey, back = np.float32(eye_x), np.float32(eye_y), np.float32(-parallax)
    half = np.float32(half_line)
    steepest = np.float32(_STEEPEST_SQUARED * np.float32(units_a_cell) * np.float32(units_a_cell))
    last_x, last_y = np.float32(grid_width - 1.01), np.float32(grid_height - 1.01)
    across = np.int32(grid_width)
    base = np.int32(first)
    for column in range(road.shape[0]):
        c = np.float32(column)
        x = x0 + c * dx
        y = y0 + c * dy
        gx = min(max(x, _ZERO), last_x)
        gy = min(max(y, _ZERO), last_y)
        ix = np.int32(gx)
        iy = np.int32(gy)
        fx = gx - np.float32(ix)
        fy = gy - np.float32(iy)
        index = np.int32(base + iy * across + ix)
        near, far = table_pair(cells, index), table_pair(cells, np.int32(index + across))
        v00, v01 = np.int32(near), np.int32(near >> _WORD)
        v10, v11 = np.int32(far), np.int32(far >> _WORD)
        d00 = np.float32(np.int16(v00))
        d01 = np.float32(np.int16(v01))
        d10 = np.float32(np.int16(v10))
        d11 = np.float32(np.int16(v11))
        e00 = np.float32(np.int32(v00 >> _LOW))
        e01 = np.float32(np.int32(v01 >> _LOW))
        e10 = np.float32(np.int32(v10 >> _LOW))
        e11 = np.float32(np.int32(v11 >> _LOW))
        low, high = d01 - d00, d11 - d10
        dgx = low + fy * (high - low)
        dgy = (d10 - d00) + fx * (high - low)
        d = d00 + fx * low + fy * dgy
        low, high = e01 - e00, e11 - e10
        egx = low + fy * (high - low)
        egy = (e10 - e00) + fx * (high - low)
        e = e00 + fx * low + fy * egy

        rx = rx0 + c * drx
        ry = ry0 + c * dry
        side, length = egx * wx + egy * wy, egx * rx + egy * ry
        sharp = _ONE / (math.sqrt(side * side + length * length) + _SHARP)
        store_apart(road, column, min(max(e * sharp + _HALF, _ZERO), _ONE))
        d += back * (dgx * (x - ex) + dgy * (y - ey))
        side, length = dgx * wx + dgy * wy, dgx * rx + dgy * ry
        sharp = _ONE / (math.sqrt(side * side + length * length) + _SHARP)
        left = min(max((half - d) * sharp + _HALF, _ZERO), _ONE)
        right = min(max((-half - d) * sharp + _HALF, _ZERO), _ONE)
        share = left - right
        store_apart(line, column, share if dgx * dgx + dgy * dgy < steepest else _ZERO)


@_fast
def _hash(value: np.uint32) -> np.uint32:
    """Mix 32 bits: the multiply-xorshift hash of C. Wellons' "hash prospector"."""
    value = np.uint32(value ^ (value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x7FEB352D))
    value = np.uint32(value ^ (value >> np.uint32(15)))
    value = np.uint32(value * np.uint32(0x846CA68B))
    return np.uint32(value ^ (value >> np.uint32(16)))


@_fast
def _add_noise(values: NDArray[np.float32], scale: float, key: np.uint32) -> None:
    """Add a near-normal number to each value: the sum of the four bytes of a hash.

    Args:
        values: (C,) changed in place.
        scale: Standard deviation.
        key: Equal keys give equal noise.
    """
    # The sum of four uniform bytes has the mean 510 and the variance (256^2 - 1) / 3.
    factor = np.float32(scale / math.sqrt(65535.0 / 3.0))
    byte = np.uint32(255)
    for column in range(values.shape[0]):
        bits = _hash(np.uint32(np.uint32(column) * np.uint32(0x9E3779B9)) + key)
        low = (bits & byte) + ((bits >> np.uint32(8)) & byte)
        high = ((bits >> np.uint32(16)) & byte) + (bits >> np.uint32(24))
        values[column] += factor * np.float32(np.int32(low + high) - np.int32(510))


@_fast
def _clipped_mean(mean: float, sigma: float) -> float:
    """Mean of a normal number after clipping to 0..255."""
    if sigma <= 0.0:
        return mean
    low, high = -mean / sigma, (255.0 - mean) / sigma
    below, above = 0.5 * math.erfc(-low / math.sqrt(2.0)), 0.5 * math.erfc(high / math.sqrt(2.0))
    bell = math.exp(-0.5 * low * low) - math.exp(-0.5 * high * high)
    return mean * (1.0 - below - above) + sigma * bell / math.sqrt(2.0 * math.pi) + 255.0 * above


@_fast
def _blend_row(
    road: NDArray[np.float32],
    line: NDArray[np.float32],
    ground_share: float,
    colours: NDArray[np.float32],
    values: NDArray[np.float32],
) -> None:
    """Colour of a row's pixels from their shares, one channel.

    Args:
        road, line: (C,) shares of road among the ground, and of line in front of it.
        ground_share: Share of the row below the horizon.
        colours: (4,) sky, grass, road, line.
        values: (C,) receives the grey levels.
    """
    share = np.float32(ground_share)
    base = colours[0] + share * (colours[1] - colours[0])
    to_road = share * (colours[2] - colours[1])
    line_base, to_line = share * (colours[3] - colours[1]), share * (colours[3] - colours[2])
    for column in range(values.shape[0]):
        # grass + r (road - grass), then towards the line by l, multiplied out
        r, l = road[column], line[column]
        values[column] = base + r * to_road + l * (line_base + r * (to_line - line_base))


@_fast
def _store_row(
    values: NDArray[np.float32], out: NDArray[np.uint8], channel: int, channels: int
) -> None:
    """Round and clip one channel of a row into interleaved bytes."""
    top = np.float32(255.0)
    for column in range(values.shape[0]):
        level = min(max(values[column] + _HALF, _ZERO), top)
        out[column * channels + channel] = np.uint8(np.int32(level))


@_fast
def _weigh_colours(
    palette: NDArray[np.float32],
    gain: float,
    sigma: float,
    weights: NDArray[np.float32],
    colours: NDArray[np.float32],
) -> None:
    """Levels of sky, grass, road and line in each channel.

    Args:
        palette: (4, 3) RGB.
        gain: Brightness; a camera clips what it makes brighter than 255.
        sigma: Standard deviation of noise whose clipping moves the mean of a group of pixels,
            0.0 to leave this out.
        weights: (K, 3).
        colours: (K, 4) receives the levels.
    """
    for channel in range(weights.shape[0]):
        for material in range(4):
            total = 0.0
            for colour in range(3):
                level = min(max(gain * palette[material, colour], 0.0), 255.0)
                total += weights[channel, colour] * _clipped_mean(level, sigma)
            colours[channel, material] = total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw(
    cells: NDArray[np.int32],
    places: NDArray[np.int64],
    scales: NDArray[np.float64],
    circuit_index: NDArray[np.int64],
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    yaw_rad: NDArray[np.float64],
    lens: NDArray[np.float64],
    palette: NDArray[np.float32],
    brightness: NDArray[np.float32],
    noise_sigma: NDArray[np.float32],
    blur_px: NDArray[np.float32],
    camera_offset: NDArray[np.float32],
    noise_seed: NDArray[np.uint32],
    rows: NDArray[np.int64],
    columns: int,
    weights: NDArray[np.float32],
    block: int,
    first_block: int,
    block_step: int,
    out: NDArray[np.uint8],
) -> None:
    """Draw blocks of rows of cars' pictures.

    Args:
        cells, places, scales: The grounds, see :class:`f1_rl.simulation.ground.Ground`.
        circuit_index, x_m, y_m, yaw_rad: (N,) where the cars are.
        lens: Width and height of the picture, focal length (px), x, y, z of the camera (m),
            pitch (rad), near and far depth (m), height of the line above the road (m).
        palette, brightness, noise_sigma, blur_px, camera_offset, noise_seed: What the cars'
            cameras see it like, see :class:`f1_rl.simulation.appearance.Appearance`.
        rows: (R,) rows of the picture to draw.
        columns: Columns to draw, each the mean of an equal group of the picture's.
        weights: (K, 3) of red, green, blue in each channel.
        block: Rows in a block; a car has ceil(R / block) of them.
        first_block, block_step: Which blocks to draw: this one and each so many further.
        out: (N, R, columns * K) receives the levels.
    """
    blocks_a_car = (rows.shape[0] + block - 1) // block
    channels = weights.shape[0]
    group = lens[0] / columns
    road = np.zeros(columns, np.float32)
    line = np.zeros(columns, np.float32)
    values = np.empty(columns, np.float32)
    colours = np.empty((channels, 4), np.float32)
    for item in range(first_block, x_m.shape[0] * blocks_a_car, block_step):
        car = item // blocks_a_car
        first_row = (item - car * blocks_a_car) * block
        sigma = float(noise_sigma[car])
        shaded = sigma if group > 1.0 else 0.0
        _weigh_colours(palette[car], float(brightness[car]), shaded, weights, colours)
        for i in range(first_row, min(first_row + block, rows.shape[0])):
            share = _cover_picture_row(
                cells,
                places[circuit_index[car]],
                scales[circuit_index[car]],
                x_m[car],
                y_m[car],
                yaw_rad[car],
                lens,
                float(blur_px[car]),
                camera_offset[car],
                float(rows[i]),
                group,
                road,
                line,
            )
            for channel in range(channels):
                _blend_row(road, line, share, colours[channel], values)
                for colour in range(3):
                    scale = sigma * weights[channel, colour] / math.sqrt(group)
                    if scale != 0.0:
                        key = _hash(noise_seed[car] + np.uint32(rows[i] * 3 + colour))
                        _add_noise(values, scale, key)
                _store_row(values, out[car, i], channel, channels)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cover_picture_row(
    cells: NDArray[np.int32],
    place: NDArray[np.int64],
    scale: NDArray[np.float64],
    x_m: float,
    y_m: float,
    yaw_rad: float,
    lens: NDArray[np.float64],
    blur: float,
    offset: NDArray[np.float32],
    row: float,
    group: float,
    road: NDArray[np.float32],
    line: NDArray[np.float32],
) -> float:
    """Project a row of the picture to the ground and cover it.

    The ray of slopes u (right) and v (down) meets the ground at the depth t = h / s with
    s = sin(pitch) + v cos(pitch), t (cos(pitch) - v sin(pitch)) ahead and u t to the right.

    Returns:
        Share of the row's height that shows ground between the near and the far depth; where
        it is 0.0, ``road`` and ``line`` are left as they were.
    """
    focal = lens[2]
    height, pitch, heading = lens[5] + offset[0], lens[6] + offset[1], yaw_rad + offset[2]
    sin_pitch, cos_pitch = math.sin(pitch), math.cos(pitch)
    tall = math.sqrt(1.0 + blur * blur) / focal
    v = (row + 0.5 - 0.5 * lens[1]) / focal
    v_far = (height / lens[8] - sin_pitch) / cos_pitch
    v_near = (height / lens[7] - sin_pitch) / cos_pitch
    share = min(max((v - v_far) / tall + 0.5, 0.0), 1.0)
    share -= min(max((v - v_near) / tall + 0.5, 0.0), 1.0)
    if share <= 0.0:
        return 0.0
    v = min(max(v, v_far), v_near)
    s = sin_pitch + v * cos_pitch
    t = height / s
    t_slope = -t * cos_pitch / s
    ahead = t * (cos_pitch - v * sin_pitch)
    ahead_slope = (t_slope * (cos_pitch - v * sin_pitch) - t * sin_pitch) * tall
    u = (0.5 * group - 0.5 * lens[0]) / focal
    u_step = group / focal

    points_a_metre = scale[2]
    cos_car, sin_car = math.cos(yaw_rad), math.sin(yaw_rad)
    eye_x = (x_m + cos_car * lens[3] - sin_car * lens[4] - scale[0]) * points_a_metre
    eye_y = (y_m + sin_car * lens[3] + cos_car * lens[4] - scale[1]) * points_a_metre
    forward_x, forward_y = math.cos(heading) * points_a_metre, math.sin(heading) * points_a_metre
    right_x, right_y = forward_y, -forward_x
    _cover_row(
        cells,
        place[0],
        place[2],
        place[1],
        eye_x + ahead * forward_x + u * t * right_x,
        eye_y + ahead * forward_y + u * t * right_y,
        u_step * t * right_x,
        u_step * t * right_y,
        math.sqrt(group * group + blur * blur) / group,
        ahead_slope * forward_x + u * t_slope * tall * right_x,
        ahead_slope * forward_y + u * t_slope * tall * right_y,
        u_step * t_slope * tall * right_x,
        u_step * t_slope * tall * right_y,
        eye_x,
        eye_y,
        lens[9] / height,
        scale[3],
        scale[4],
        road,
        line,
    )
    return share
