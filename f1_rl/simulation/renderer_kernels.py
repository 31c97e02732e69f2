"""Compiled drawing of camera pictures from distance fields.

A row of the picture without roll is affine on the ground: its pixels lie on a straight line at
equal distances. So a row is drawn by walking along the grid of the distance field; of each
pixel only what share of it is road, and what share line, is computed (one "cover" each), and
the colours are blended from these. All loops over columns are free of branches and in single
precision, which lets the compiler do 8 or 16 columns at a time.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from f1_rl.simulation.effects_kernels import (
    cover_kerbs,
    is_clear,
    pass_on,
    shade_columns,
    shade_row,
)
from f1_rl.simulation.gather_kernels import count_up, store_apart, table_pair
from f1_rl.simulation.noise_kernels import add_noise, clipped_mean, mix_bits
from f1_rl.simulation.projection_kernels import place_eye, place_row
from f1_rl.simulation.scenery_kernels import (
    FACES,
    MOST_CORNERS,
    paint_boxes,
    project_boxes,
    shade_boxes,
)

_SHARP = np.float32(1e-6)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_LOW = np.int32(16)
_WORD = np.int64(32)
# A signed distance is at most as steep as 1 where it is a distance at all; where the sign flips
# half way between two stretches of a circuit it is far steeper, and there is no line.
_STEEPEST_SQUARED = np.float32(2.0)

_fast = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy", forceinline=True)


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
    near: NDArray[np.int64],
    far: NDArray[np.int64],
    road: NDArray[np.float32],
    line: NDArray[np.float32],
) -> None:
    """Share of road and of line in the pixels of one row; lengths in cells of the grid.

    Args:
        cells: Distance fields, see :class:`f1_rl.simulation.ground.Ground`.
        first: Where this circuit's field begins.
        grid_width: Columns of its grid.
        grid_height: Rows of its grid.
        start_x: Ground point of column 0.
        start_y: The same, y.
        step_x: From one column's ground point to the next.
        step_y: The same, y.
        widen: Width of a column's footprint, in such steps.
        depth_x: Length of the footprint, away from the camera, at column 0.
        depth_y: The same, y.
        turn_x: Change of that length from column to column.
        turn_y: The same, y.
        eye_x: Ground point below the camera.
        eye_y: The same, y.
        parallax: Share of the way back to the eye where the ray meets the line's height.
        units_a_cell: Stored steps for the length of one cell.
        half_line: Half the width of the line in stored units, 0 if there is none.
        near: (C,) scratch.
        far: (C,) scratch.
        road: (C,) receives the share of road among the ground.
        line: (C,) receives the share of line in front of it.
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
    base, above = np.int32(first), np.int32(first + grid_width)
    for column in range(road.shape[0]):
        c = np.float32(column)
        ix = np.int32(min(max(x0 + c * dx, _ZERO), last_x))
        iy = np.int32(min(max(y0 + c * dy, _ZERO), last_y))
        store_apart(near, column, table_pair(cells, base, iy, across, ix))
        store_apart(far, column, table_pair(cells, above, iy, across, ix))
    for column in range(road.shape[0]):
        c = np.float32(column)
        x = x0 + c * dx
        y = y0 + c * dy
        gx = min(max(x, _ZERO), last_x)
        gy = min(max(y, _ZERO), last_y)
        fx = gx - np.float32(np.int32(gx))
        fy = gy - np.float32(np.int32(gy))
        v00, v01 = np.int32(near[column]), np.int32(near[column] >> _WORD)
        v10, v11 = np.int32(far[column]), np.int32(far[column] >> _WORD)
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
        sharp = _ONE / math.sqrt(side * side + length * length + _SHARP)
        store_apart(road, column, min(max(e * sharp + _HALF, _ZERO), _ONE))
        d += back * (dgx * (x - ex) + dgy * (y - ey))
        side, length = dgx * wx + dgy * wy, dgx * rx + dgy * ry
        sharp = _ONE / math.sqrt(side * side + length * length + _SHARP)
        left = min(max((half - d) * sharp + _HALF, _ZERO), _ONE)
        right = min(max((-half - d) * sharp + _HALF, _ZERO), _ONE)
        share = left - right
        store_apart(line, column, share if dgx * dgx + dgy * dgy < steepest else _ZERO)


@_fast
def _blend_row(
    road: NDArray[np.float32],
    line: NDArray[np.float32],
    ground_share: float,
    colours: NDArray[np.float32],
    channel: int,
    values: NDArray[np.float32],
) -> None:
    """Colour of a row's pixels from their shares, one channel.

    Args:
        road: (C,) share of road among the ground.
        line: (C,) share of line in front of it.
        ground_share: Share of the row below the horizon.
        colours: (K, 4) sky, grass, road, line of each channel.
        channel: Which.
        values: (C,) receives the grey levels.
    """
    share = np.float32(ground_share)
    sky, grass = colours[channel, 0], colours[channel, 1]
    to_road = share * (colours[channel, 2] - grass)
    to_line, from_road = share * (colours[channel, 3] - grass), -to_road
    base = sky + share * (grass - sky)
    for column in range(values.shape[0]):
        # from grass towards road, from that towards the line: multiplied out
        on_road = road[column]
        over = to_line + on_road * from_road
        values[column] = base + on_road * to_road + line[column] * over


@_fast
def _store_row(
    values: NDArray[np.float32],
    out: NDArray[np.uint8],
    car: int,
    row: int,
    channel: int,
    channels: int,
) -> None:
    """Round and clip one channel of a row into interleaved bytes."""
    top = np.float32(255.0)
    if channels == 1:  # the usual case, for which the compiler can write many bytes at once
        for column in range(values.shape[0]):
            level = min(max(values[column] + _HALF, _ZERO), top)
            out[car, row, column] = np.uint8(np.int32(level))
        return
    for column in range(values.shape[0]):
        level = min(max(values[column] + _HALF, _ZERO), top)
        out[car, row, column * channels + channel] = np.uint8(np.int32(level))


@_fast
def _weigh_colours(
    palette: NDArray[np.float32],
    gain: float,
    sigma: float,
    weights: NDArray[np.float32],
    colours: NDArray[np.float32],
) -> None:
    """Levels of colours, such as those of sky, grass, road and line, in each channel.

    Args:
        palette: (P, 3) RGB.
        gain: Brightness; a camera clips what it makes brighter than 255.
        sigma: Standard deviation of noise whose clipping moves the mean of a group of pixels,
            0.0 to leave this out.
        weights: (K, 3).
        colours: (K, P) receives the levels.
    """
    for channel in range(weights.shape[0]):
        for material in range(palette.shape[0]):
            total = 0.0
            for colour in range(3):
                level = min(max(gain * palette[material, colour], 0.0), 255.0)
                total += weights[channel, colour] * clipped_mean(level, sigma)
            colours[channel, material] = total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw(
    cells: NDArray[np.int32],
    stripes: NDArray[np.uint16],
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
    effects: NDArray[Any],
    box_poses: NDArray[np.float64],
    box_sizes: NDArray[np.float64],
    box_palette: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: int,
    weights: NDArray[np.float32],
    block: int,
    tickets: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Draw blocks of rows of cars' pictures.

    Args:
        cells: The grounds, see :class:`f1_rl.simulation.ground.Ground`.
        stripes: Where their kerbs are red, likewise; empty where no car sees kerbs.
        places: Where they lie in ``cells``.
        scales: Their measures.
        circuit_index: (N,) on which of them each car is.
        x_m: (N,) position of the cars.
        y_m: (N,) position of the cars.
        yaw_rad: (N,) heading of the cars.
        lens: Width and height of the picture, focal length (px), x, y, z of the camera (m),
            pitch (rad), near and far depth (m), height of the line above the road (m).
        palette: (N, 4, 3), this and the next six as in
            :class:`f1_rl.simulation.appearance.Appearance`.
        brightness: (N,).
        noise_sigma: (N,).
        blur_px: (N,).
        camera_offset: (N, 3).
        noise_seed: (N,).
        effects: (N,).
        box_poses: (N, M, 3), this and the next two as in
            :class:`f1_rl.simulation.scenery.Scenery`.
        box_sizes: (M, 4).
        box_palette: (M * 5, 3).
        rows: (R,) rows of the picture to draw.
        columns: Columns to draw, each the mean of an equal group of the picture's.
        weights: (K, 3) of red, green, blue in each channel.
        block: Rows in a block; a car has ceil(R / block) of them.
        tickets: (2,) number of the next block to draw, and of blocks done; zeros, shared by
            the threads that draw together.
        out: (N, R, columns * K) receives the levels.
    """
    blocks_a_car = (rows.shape[0] + block - 1) // block
    channels = weights.shape[0]
    group = lens[0] / columns
    near, far = np.empty(columns, np.int64), np.empty(columns, np.int64)
    road = np.zeros(columns, np.float32)
    line = np.zeros(columns, np.float32)
    values = np.empty(columns, np.float32)
    rgb = np.eye(3, dtype=np.float32)
    colours = np.empty((max(channels, 3), 4), np.float32)
    scratch = np.empty((6, columns), np.float32)
    mixed = np.empty((channels, columns), np.float32)
    boxes = box_sizes.shape[0]
    faces, counts = np.empty((boxes, FACES, MOST_CORNERS, 2)), np.empty((boxes, FACES), np.int64)
    spans, order = np.empty((boxes, 4)), np.empty(boxes, np.int64)
    distances = np.empty(boxes)
    levels = np.empty((channels, boxes * FACES), np.float32)
    while True:
        item = count_up(tickets, 0)
        if item >= x_m.shape[0] * blocks_a_car:
            break
        car = item // blocks_a_car
        first_row = (item - car * blocks_a_car) * block
        ground = circuit_index[car]
        sigma = float(noise_sigma[car])
        gain = float(brightness[car])
        mean_sigma = sigma / math.sqrt(group)
        shaded = sigma if group > 1.0 else 0.0
        effect = effects[car]
        clear = is_clear(effect)
        # Light acts on each colour before the channels are weighed and clipped.
        drawn = weights if clear else rgb
        _weigh_colours(palette[car], gain, shaded, drawn, colours)
        eye = place_eye(
            lens,
            scales[ground],
            x_m[car],
            y_m[car],
            yaw_rad[car],
            camera_offset[car],
            float(blur_px[car]),
            float(effect.field_of_view),
        )
        if not clear:
            shade_columns(effect, eye, lens, group, scratch)
        if boxes:
            _weigh_colours(box_palette, gain, shaded, weights, levels)
            project_boxes(
                box_poses[car],
                box_sizes,
                lens,
                1.0 / eye[11],
                x_m[car],
                y_m[car],
                yaw_rad[car],
                camera_offset[car],
                faces,
                counts,
                spans,
                order,
                distances,
            )
            if not clear:
                shade_boxes(effect, gain, distances, weights, levels)
        for i in range(first_row, min(first_row + block, rows.shape[0])):
            place = place_row(lens, eye, rows[i], group)
            share = place[0]
            if share > 0.0:
                _cover_picture_row(
                    cells, places, scales, ground, lens, eye, place, group, near, far, road, line
                )
            if not clear:
                mixed[:] = 0.0
                shade_row(
                    effect, eye, lens, scales[ground], place, rows[i], noise_seed[car], scratch
                )
                cover_kerbs(effect, cells, stripes, places[ground], scales[ground], place, scratch)
            for channel in range(drawn.shape[0]):
                if clear:
                    _blend_row(road, line, share, colours, channel, mixed[channel])
                    continue
                _blend_row(road, line, share, colours, channel, values)
                grass = float(colours[channel, 1])
                pass_on(effect, values, share, grass, gain, channel, scratch, weights, mixed)
            for channel in range(channels):
                row = mixed[channel]
                if boxes:
                    shades = levels[channel]
                    paint_boxes(
                        rows[i], group, eye[10], faces, counts, spans, order, shades, scratch, row
                    )
                _add_noises(row, mean_sigma, weights[channel], noise_seed[car], rows[i])
                _store_row(row, out, car, i, channel, channels)
        count_up(tickets, 1)


@_fast
def _add_noises(
    values: NDArray[np.float32],
    sigma: float,
    weights: NDArray[np.float32],
    seed: np.uint32,
    row: int,
) -> None:
    """Add the noise of all colours of a row to one channel of it."""
    if sigma > 0.0:
        for colour in range(3):
            if weights[colour] != 0.0:
                key = mix_bits(seed + np.uint32(row * 3 + colour))
                add_noise(values, sigma * weights[colour], key)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cover_picture_row(
    cells: NDArray[np.int32],
    places: NDArray[np.int64],
    scales: NDArray[np.float64],
    ground: int,
    lens: NDArray[np.float64],
    eye: tuple[float, ...],
    place: tuple[float, ...],
    group: float,
    near: NDArray[np.int64],
    far: NDArray[np.int64],
    road: NDArray[np.float32],
    line: NDArray[np.float32],
) -> None:
    """Cover a row that ``place_row`` has found on the ground."""
    _cover_row(
        cells,
        places[ground, 0],
        places[ground, 2],
        places[ground, 1],
        place[3],
        place[4],
        place[5],
        place[6],
        math.sqrt(group * group + eye[10]) / group,
        place[7],
        place[8],
        place[9],
        place[10],
        eye[3],
        eye[4],
        lens[9] / eye[0],
        scales[ground, 3],
        scales[ground, 4],
        near,
        far,
        road,
        line,
    )
