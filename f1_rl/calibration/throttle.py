"""The throttle that holds each speed, from a drive straight on with several throttles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from f1_rl.calibration.delay import Commands
from f1_rl.calibration.errors import CalibrationError

FloatArray = npt.NDArray[np.float64]

# A throttle counts that was held so long; the speed is taken from the second half of that time.
_HELD_S = 1.5
_SAME = 0.005
_LEAST_LEVELS = 3
# Below this the wheels do not turn.
_STANDING_MPS = 0.02
# Of the table's speeds and throttles.
_DECIMALS = 3


def fit_throttle(
    throttle: Commands, times_s: FloatArray, speeds_mps: FloatArray
) -> tuple[tuple[float, float], ...]:
    """Return the table of speeds and throttles, growing in both, from (0, 0) on.

    Of each throttle that was held the median speed is taken once the car has settled; where a
    larger one gave a smaller speed, the two are averaged (isotonic regression).

    Args:
        throttle: What the motor controller was told, of 1.
        times_s: (N,) of the speeds, growing.
        speeds_mps: (N,) forward.

    Raises:
        CalibrationError: Too few throttles were held, or the car did not move by them.
    """
    found: dict[float, list[float]] = {}
    for begin_s, end_s, value in _held(throttle):
        settled = (times_s >= (begin_s + end_s) / 2) & (times_s <= end_s)
        level = round(value, _DECIMALS)
        if settled.any() and level > 0.0:
            found.setdefault(level, []).append(float(np.median(speeds_mps[settled])))
    values = np.array(sorted(found))
    speeds = _growing(np.array([np.mean(found[value]) for value in sorted(found)]))
    table = [(0.0, 0.0)]
    for speed, value in zip(speeds, values, strict=True):
        written = round(float(speed), _DECIMALS)
        # Of throttles with one speed, as the table writes it, the least holds it.
        if speed > _STANDING_MPS and written > table[-1][0]:
            table.append((written, float(value)))
    if len(table) < _LEAST_LEVELS:
        raise CalibrationError(
            f"{len(found)} throttles were held for {_HELD_S} s, and {len(table) - 1} speeds came "
            "of them; record a drive straight on with at least three, each for some seconds."
        )
    return tuple(table)


def _held(commands: Commands) -> list[tuple[float, float, float]]:
    """Return begin, end and value of each time that a command stayed the same long enough."""
    firsts = [0]
    # The same as at its begin, not as just before: a ramp is held nowhere, however slow it is.
    for place, value in enumerate(commands.values):
        if abs(value - commands.values[firsts[-1]]) > _SAME:
            firsts.append(place)
    ends_s = np.append(commands.times_s[firsts[1:]], commands.times_s[-1])
    return [
        (float(commands.times_s[first]), float(end_s), float(commands.values[first]))
        for first, end_s in zip(firsts, ends_s, strict=True)
        if end_s - commands.times_s[first] >= _HELD_S
    ]


def _growing(values: FloatArray) -> FloatArray:
    """Return the nearest values, by squares, that do not decrease (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = float(value), 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        pools.append((mean, count))
    return np.repeat([mean for mean, _ in pools], [count for _, count in pools])
