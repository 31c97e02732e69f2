"""The time from a command to its effect, from what was commanded and how the car moved.

A command holds until the next one. If the car does it after a delay τ, then its yaw between two
times grows by g ∫ c(t − τ) dt, whatever its rate and however seldom it is looked at; likewise the
way it drives, and the picture that turns. So the delay is where the correlation of these increments
with the integrals of the shifted commands is greatest: a cross-correlation that does not depend on
the sampling. An actuator that follows with a time constant adds that much to the delay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from f1_rl.calibration.errors import CalibrationError

FloatArray = npt.NDArray[np.float64]

_STEP_S = 0.001
_BLOCK_S = 2.0
_LEAST_BLOCKS = 4
_RESAMPLES = 400
_LEAST_CORRELATION = 0.5
# The largest uncertainty with which a delay is of use: two control periods.
_WIDEST_INTERVAL_S = 0.1


@dataclass(frozen=True)
class Commands:
    """What was commanded, each value until the next.

    Attributes:
        times_s: (N,) growing.
        values: (N,).
    """

    times_s: FloatArray
    values: FloatArray


@dataclass(frozen=True)
class Increments:
    """By how much something grew, from one time to another.

    Attributes:
        begin_s: (K,) growing.
        end_s: (K,) each after its beginning.
        values: (K,).
    """

    begin_s: FloatArray
    end_s: FloatArray
    values: FloatArray


@dataclass(frozen=True)
class Delay:
    """A measured delay.

    Attributes:
        delay_s: Where the correlation is greatest.
        interval_s: Bounds of its 95 % interval, by a bootstrap over blocks of two seconds.
        correlation: The greatest.
    """

    delay_s: float
    interval_s: tuple[float, float]
    correlation: float


def measure_delay(commands: Commands, effects: Increments, longest_s: float, what: str) -> Delay:
    """Measure by how much the effects lag behind the commands.

    Args:
        commands: What was commanded.
        effects: Of the same sign.
        longest_s: Longest delay looked for.
        what: Of which command, for messages.

    Raises:
        CalibrationError: The drive is too short, the command does not vary, or the effects do not
            follow it.
    """
    lags_s = np.arange(0.0, longest_s + _STEP_S / 2, _STEP_S)
    # Before the first command nothing is known of what the car was told.
    usable = (effects.begin_s - longest_s >= commands.times_s[0]) if len(commands.times_s) else []
    kept = np.flatnonzero(usable)
    begin_s, end_s, values = (
        array[kept] for array in (effects.begin_s, effects.end_s, effects.values)
    )
    blocks = np.floor((begin_s - begin_s[0]) / _BLOCK_S).astype(int) if len(kept) else kept
    numbers = np.unique(blocks)
    if len(numbers) < _LEAST_BLOCKS:
        raise CalibrationError(
            f"{what}: the drive has less than {_LEAST_BLOCKS * _BLOCK_S + longest_s:.0f} s with "
            "commands and motion; record a longer one."
        )
    told = _integrals(commands, begin_s, end_s, lags_s)
    if not told.std(axis=1).max() > 1e-9:
        raise CalibrationError(f"{what}: the command never changes; record a drive that varies it.")
    sums = np.stack([_sums(told[:, blocks == one], values[blocks == one]) for one in numbers])
    correlations = _correlations(sums.sum(axis=0))
    best = int(correlations.argmax())
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), _RESAMPLES)
    again = np.array([_correlations(np.tensordot(draw, sums, 1)).argmax() for draw in draws])
    low, high = np.percentile(lags_s[again], (2.5, 97.5))
    found = Delay(float(lags_s[best]), (float(low), float(high)), float(correlations[best]))
    _refuse_poor(found, longest_s, what)
    return found


def _refuse_poor(found: Delay, longest_s: float, what: str) -> None:
    if found.correlation < _LEAST_CORRELATION:
        raise CalibrationError(
            f"{what}: the car does not follow the command (correlation {found.correlation:.2f}); "
            "check the topics and the signs, and record a drive with turns both ways."
        )
    low_s, high_s = found.interval_s
    if high_s - low_s > _WIDEST_INTERVAL_S or found.delay_s >= longest_s:
        raise CalibrationError(
            f"{what}: the delay lies anywhere from {low_s:.3f} to {high_s:.3f} s; record a longer "
            "drive that varies the command often."
        )


def _integrals(
    commands: Commands, begin_s: FloatArray, end_s: FloatArray, lags_s: FloatArray
) -> FloatArray:
    """Return (T, K), of each increment the integral of the command that is late by each lag."""
    times = np.append(commands.times_s, max(end_s[-1], commands.times_s[-1]) + 1.0)
    grown = np.concatenate([[0.0], np.cumsum(np.diff(times) * commands.values)])
    ends = np.interp(end_s - lags_s[:, None], times, grown)
    return np.asarray(ends - np.interp(begin_s - lags_s[:, None], times, grown), np.float64)


def _sums(told: FloatArray, values: FloatArray) -> FloatArray:
    """Return (6, T), the sums of which correlations are made."""
    ones = np.ones(len(told))
    return np.stack(
        [
            ones * len(values),
            told.sum(axis=1),
            (told**2).sum(axis=1),
            ones * values.sum(),
            ones * (values**2).sum(),
            told @ values,
        ]
    )


def _correlations(sums: FloatArray) -> FloatArray:
    """Return (T,) Pearson's correlation at each lag."""
    count, x, xx, y, yy, xy = sums
    spread = np.maximum(xx - x * x / count, 0.0) * np.maximum(yy - y * y / count, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (xy - x * y / count) / np.sqrt(spread)
    return np.asarray(np.nan_to_num(found, nan=-1.0, posinf=-1.0, neginf=-1.0), np.float64)
