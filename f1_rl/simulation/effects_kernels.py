"""Compiled light and weather: what lies between the ground and the picture.

Whatever acts on all colours alike is two numbers a pixel, a factor and what is added, computed once
for a row and applied to each colour of it. The scratch array of a drawing thread holds, a row each:
the factor, what is added, the lamps' light by the column, the angle to the sun by the column, the
share of kerb, and how much of that is red.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from f1_rl.simulation.ground import KERB_PERIOD_M
from f1_rl.simulation.noise_kernels import mix_bits

EffectRecord = Any
"""A record of :data:`f1_rl.simulation.appearance.EFFECT`; Numba knows its fields, mypy does not."""

FOG_LEVEL = 200.0
"""Grey level of dense fog by day."""

LAMP_REACH_M = 8.0
"""Where the light of the car's lamps has halved, straight ahead."""

LAMP_SPREAD = 0.8
"""Slope to the side at which it has halved."""

SUN_ELEVATION_RAD = 0.12
GLARE_WIDTH_RAD = 0.25
"""Angle from the sun at which the glare has halved."""

KERB_RED = (200, 30, 30)
KERB_WHITE = (230, 230, 230)
SHADOW_SIZE_M = 2.5
RAIN_LEVEL = 190.0
RAIN_VEIL = 0.45
"""Share of the contrast that the heaviest rain takes."""

RAIN_STREAKS = 0.15
"""Share of the picture that is behind streaks in the heaviest rain."""

_STREAK_OPACITY = 0.6
_STREAKS_ACROSS, _STREAKS_DOWN = 320, 12
_KERB_RED = np.array(KERB_RED, dtype=np.float32)
_KERB_WHITE = np.array(KERB_WHITE, dtype=np.float32)
_FACTOR, _ADDED, _LAMPS, _GLARE, _KERB, _RED = range(6)

_quick = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")


@_quick
def is_clear(effect: EffectRecord) -> bool:
    """Whether nothing but the geometry changes the picture."""
    return bool(
        effect.fog_per_m == 0.0
        and effect.darkness == 0.0
        and effect.shadow == 0.0
        and effect.rain == 0.0
        and effect.glare == 0.0
        and effect.kerb_m == 0.0
    )


@_quick
def shade_columns(
    effect: EffectRecord,
    eye: tuple[float, ...],
    lens: NDArray[np.float64],
    group: float,
    scratch: NDArray[np.float32],
) -> None:
    """Compute what depends on the column alone: the lamps' light, and the angle to the sun.

    Args:
        effect: The car's.
        eye: Of :func:`f1_rl.simulation.projection_kernels.place_eye`.
        lens: Of :func:`f1_rl.simulation.renderer_kernels.draw`.
        group: Pixels of the picture in a column.
        scratch: (6, C), two rows of which are written.
    """
    pixel, heading = eye[11], eye[12]
    for column in range(scratch.shape[1]):
        u = ((column + 0.5) * group - 0.5 * lens[0]) * pixel
        scratch[_LAMPS, column] = 1.0 / (1.0 + (u / LAMP_SPREAD) ** 2)
        angle = heading - math.atan(u) - effect.sun_azimuth_rad
        scratch[_GLARE, column] = math.atan2(math.sin(angle), math.cos(angle))


@_quick
def shade_row(
    effect: EffectRecord,
    eye: tuple[float, ...],
    lens: NDArray[np.float64],
    scale: NDArray[np.float64],
    place: tuple[float, ...],
    row: int,
    seed: np.uint32,
    scratch: NDArray[np.float32],
) -> None:
    """Compute the factor and the addend of a row's pixels.

    Args:
        effect: As above.
        eye: As above.
        lens: As above.
        scale: The ground's measures.
        place: Of :func:`f1_rl.simulation.projection_kernels.place_row`.
        row: Which row of the picture.
        seed: Of the rain.
        scratch: (6, C), receives factor and addend.
    """
    share, slope, ahead = place[0], place[1], place[2]
    daylight = 1.0 - effect.darkness
    lamps = effect.darkness / (1.0 + (ahead / LAMP_REACH_M) ** 2)
    clear = share * math.exp(-effect.fog_per_m * ahead)
    clear_sky = (1.0 - share) * math.exp(-effect.fog_per_m * lens[8])
    added = FOG_LEVEL * daylight * (1.0 - clear - clear_sky)
    for column in range(scratch.shape[1]):
        light = daylight + lamps * scratch[_LAMPS, column]
        scratch[_FACTOR, column] = clear * light + clear_sky * daylight
        scratch[_ADDED, column] = added
    if effect.shadow > 0.0 and share > 0.0:
        _cast_shadows(effect, scale, place, scratch)
    if effect.glare > 0.0:
        elevation = math.atan(-slope) - math.asin(eye[1]) - SUN_ELEVATION_RAD
        for column in range(scratch.shape[1]):
            angle = scratch[_GLARE, column]
            squared = (angle * angle + elevation * elevation) / GLARE_WIDTH_RAD**2
            towards = max(math.cos(angle), 0.0)
            scratch[_ADDED, column] += effect.glare * towards / (1.0 + squared)
    if effect.rain > 0.0:
        _let_it_rain(effect.rain, daylight, lens, row, seed, scratch)


@_quick
def shade_point(effect: EffectRecord, ahead_m: float) -> tuple[float, float]:
    """Compute the factor and the addend of something straight ahead that stands on the ground.

    Args:
        effect: As above.
        ahead_m: How far away it is.
    """
    daylight = 1.0 - effect.darkness
    lamps = effect.darkness / (1.0 + (ahead_m / LAMP_REACH_M) ** 2)
    clear = math.exp(-effect.fog_per_m * ahead_m)
    veil = RAIN_VEIL * effect.rain
    added = FOG_LEVEL * daylight * (1.0 - clear)
    added += veil * (RAIN_LEVEL * daylight - added)
    return (1.0 - veil) * clear * (daylight + lamps), added


@_quick
def _cast_shadows(
    effect: EffectRecord,
    scale: NDArray[np.float64],
    place: tuple[float, ...],
    scratch: NDArray[np.float32],
) -> None:
    """Darken patches of the ground: value noise on a lattice in the world, cut at its middle."""
    size = SHADOW_SIZE_M * scale[2]
    long = math.sqrt(place[7] * place[7] + place[8] * place[8])
    # Patches that are shorter than a pixel's footprint are not told apart.
    contrast = min(size / max(long, 1e-6), 1.0)
    for column in range(scratch.shape[1]):
        x = (place[3] + column * place[5]) / size + scale[0] / SHADOW_SIZE_M
        y = (place[4] + column * place[6]) / size + scale[1] / SHADOW_SIZE_M
        ix, iy = math.floor(x), math.floor(y)
        fx, fy = x - ix, y - iy
        fx, fy = fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy)
        low = _lattice(effect.shadow_seed, ix, iy)
        low += fx * (_lattice(effect.shadow_seed, ix + 1, iy) - low)
        high = _lattice(effect.shadow_seed, ix, iy + 1)
        high += fx * (_lattice(effect.shadow_seed, ix + 1, iy + 1) - high)
        patch = min(max((low + fy * (high - low) - 0.45) / 0.1, 0.0), 1.0)
        scratch[_FACTOR, column] *= 1.0 - effect.shadow * (0.5 + contrast * (patch - 0.5))


@_quick
def _lattice(seed: np.uint32, x: int, y: int) -> float:
    """Return a number in [0, 1) that belongs to a lattice point."""
    bits = mix_bits(seed + np.uint32(x & 0xFFFF) * np.uint32(65536) + np.uint32(y & 0xFFFF))
    return float(bits) / 4294967296.0


@_quick
def _let_it_rain(
    rain: float,
    daylight: float,
    lens: NDArray[np.float64],
    row: int,
    seed: np.uint32,
    scratch: NDArray[np.float32],
) -> None:
    """Lay a veil over a row, and the streaks that cross it; each streak lies in a cell of its own.

    The cells of a column of them begin at a height of their own. The mean over a group of pixels is
    that of the group's pixels.
    """
    columns = scratch.shape[1]
    width = int(lens[0])
    group = width // columns
    long = max(int(lens[1]) // _STREAKS_DOWN, 1)
    most = np.uint32(RAIN_STREAKS * rain * 4294967295.0)
    level = RAIN_LEVEL * daylight
    for column in range(columns):
        behind = 0
        for pixel in range(column * group, (column + 1) * group):
            across = np.uint32(pixel * _STREAKS_ACROSS // width)
            begins = mix_bits(seed + across)
            down = np.uint32((row + int(begins & np.uint32(1023))) // long)
            behind += mix_bits(begins + down * np.uint32(0x9E3779B9)) < most
        veil = 1.0 - (1.0 - RAIN_VEIL * rain) * (1.0 - _STREAK_OPACITY * behind / group)
        scratch[_FACTOR, column] *= 1.0 - veil
        scratch[_ADDED, column] += veil * (level - scratch[_ADDED, column])


@_quick
def cover_kerbs(
    effect: EffectRecord,
    cells: NDArray[np.int32],
    stripes: NDArray[np.uint16],
    field: NDArray[np.int64],
    scale: NDArray[np.float64],
    place: tuple[float, ...],
    scratch: NDArray[np.float32],
) -> None:
    """Compute which share of a row's pixels is kerb, and which share of that is red.

    Args:
        effect: As above.
        cells: The grounds.
        stripes: Where along its block each of their cells lies.
        field: Where this ground lies in them.
        scale: Its measures.
        place: As above.
        scratch: (6, C), receives both.
    """
    scratch[_KERB], scratch[_RED] = 0.0, 0.0
    if effect.kerb_m == 0.0 or place[0] == 0.0:
        return
    first, height, width = field
    edge = -effect.kerb_m * scale[2] * scale[3]
    for column in range(scratch.shape[1]):
        x = min(max(place[3] + column * place[5], 0.0), width - 1.01)
        y = min(max(place[4] + column * place[6], 0.0), height - 1.01)
        near = first + int(y) * width + int(x)
        fx, fy = x - int(x), y - int(y)
        e00, e01 = float(cells[near] >> 16), float(cells[near + 1] >> 16)
        e10, e11 = float(cells[near + width] >> 16), float(cells[near + width + 1] >> 16)
        gx = e01 - e00 + fy * (e11 - e10 - e01 + e00)
        gy = e10 - e00 + fx * (e11 - e10 - e01 + e00)
        inside = e00 + fx * (e01 - e00) + fy * gy
        long_x, long_y = place[7] + column * place[9], place[8] + column * place[10]
        side, long = gx * place[5] + gy * place[6], gx * long_x + gy * long_y
        sharp = 1.0 / math.sqrt(side * side + long * long + 1e-6)
        grown = min(max((inside - edge) * sharp + 0.5, 0.0), 1.0)
        kerb = grown - min(max(inside * sharp + 0.5, 0.0), 1.0)
        scratch[_KERB, column] = kerb
        if kerb <= 0.0:
            continue
        steep = math.sqrt(gx * gx + gy * gy + 1e-6)
        along_x, along_y = gy / steep, -gx / steep
        lateral = np.int16(cells[near])
        if lateral > 0:  # to the left, the way outside is the other one
            along_x, along_y = -along_x, -along_y
        a_block = 1.0 / (KERB_PERIOD_M * scale[2])
        begins = float(stripes[near]) / 65536.0 + (fx * along_x + fy * along_y) * a_block
        side = along_x * place[5] + along_y * place[6]
        long = along_x * long_x + along_y * long_y
        wide = math.sqrt(side * side + long * long) * a_block + 1e-3
        red = _red_until(begins + 0.5 * wide) - _red_until(begins - 0.5 * wide)
        scratch[_RED, column] = red / wide


@_quick
def _red_until(blocks: float) -> float:
    """Return how much of the first so many blocks is red: the first half of each."""
    whole = math.floor(blocks)
    return float(0.5 * whole + min(blocks - whole, 0.5))


@_quick
def pass_on(
    effect: EffectRecord,
    values: NDArray[np.float32],
    share: float,
    grass: float,
    brightness: float,
    colour: int,
    scratch: NDArray[np.float32],
    weights: NDArray[np.float32],
    mixed: NDArray[np.float32],
) -> None:
    """Apply all effects to one colour of a row and add it to the channels.

    Args:
        effect: As above.
        values: (C,) the colour of ground and sky.
        share: Of the row below the horizon.
        grass: The colour beside the road.
        brightness: The camera's.
        colour: Which: red, green or blue.
        scratch: (6, C).
        weights: (K, 3) of the colours in each channel.
        mixed: (K, C) channels, added to.
    """
    if effect.kerb_m > 0.0 and share > 0.0:
        red = min(brightness * _KERB_RED[colour], 255.0)
        white = min(brightness * _KERB_WHITE[colour], 255.0)
        for column in range(values.shape[0]):
            kerb = white + scratch[_RED, column] * (red - white)
            values[column] += share * scratch[_KERB, column] * (kerb - grass)
    for column in range(values.shape[0]):
        added = brightness * scratch[_ADDED, column]
        level = values[column] * scratch[_FACTOR, column] + added
        values[column] = min(max(level, 0.0), 255.0)
    for channel in range(weights.shape[0]):
        weight = weights[channel, colour]
        if weight != 0.0:
            for column in range(values.shape[0]):
                mixed[channel, column] += weight * values[column]
