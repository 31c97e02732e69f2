"""Statistics of a few runs: interquartile means and ratios with bootstrap intervals.

As Agarwal et al. (2021) ask for them, "Deep Reinforcement Learning at the Edge of the Statistical
Precipice".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

_RESAMPLES = 10_000
# Samples: all resamples of many episodes would fill the memory.
_DRAWN_AT_ONCE = 10_000_000
# Of whole curves, each point of which is a figure.
_CURVE_RESAMPLES = 1_000
_SEED = 0


@dataclass(frozen=True)
class Estimate:
    """A figure with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Write all three as `spec` says, as in `12.3 (11.9 to 13.0)`."""
        return f"{self.value:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


@dataclass(frozen=True)
class Band:
    """A curve with the bounds of its pointwise 95 % interval, each `(T,)`."""

    value: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def interquartile_mean(samples: npt.ArrayLike, axis: int = -1) -> Any:
    """Return the mean without the lowest and the highest quarter of the samples."""
    return stats.trim_mean(np.asarray(samples, np.float64), 0.25, axis=axis)


def estimate(
    samples: Sequence[float], statistic: Callable[..., Any] = interquartile_mean
) -> Estimate:
    """Return a statistic of one figure for each seed, with a percentile bootstrap interval.

    Runs that did not reach a goal count with the budget they had, never left out.

    Raises:
        ValueError: There is no sample.
    """
    values = np.asarray(samples, np.float64)
    if not len(values):
        raise ValueError("there is nothing to estimate from.")
    return _bootstrap((values,), statistic, paired=False)


def estimate_curve(samples: npt.ArrayLike) -> Band:
    """Return the interquartile mean of one curve for each seed, with its interval.

    The percentile bootstrap draws seeds with replacement, a whole curve at a time: the points of a
    curve depend on each other, the seeds do not.

    Args:
        samples: `(N, T)`, the curves of N seeds at T common places, all finite.

    Raises:
        ValueError: There is no curve.
    """
    curves = np.asarray(samples, np.float64)
    if curves.ndim != 2 or not len(curves):
        raise ValueError("there is nothing to estimate from.")
    value = interquartile_mean(curves, axis=0)
    rng = np.random.default_rng(_SEED)
    drawn = rng.integers(0, len(curves), (_CURVE_RESAMPLES, len(curves)))
    resampled = interquartile_mean(curves[drawn], axis=1)
    low, high = np.percentile(resampled, (2.5, 97.5), axis=0)
    return Band(value, low, high)


def estimate_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """Return the ratio of the medians of paired, interleaved measurements, with its interval.

    Raises:
        ValueError: There is no pair.
    """
    pairs = tuple(np.asarray(side, np.float64) for side in (numerators, denominators))
    if not len(pairs[0]) or len(pairs[0]) != len(pairs[1]):
        raise ValueError("a ratio needs pairs.")

    def ratio(above: Any, below: Any, axis: int = -1) -> Any:
        return np.median(above, axis=axis) / np.median(below, axis=axis)

    return _bootstrap(pairs, ratio, paired=True)


def _bootstrap(
    data: tuple[npt.NDArray[np.float64], ...], statistic: Callable[..., Any], *, paired: bool
) -> Estimate:
    value = float(statistic(*data, axis=-1))
    if len(data[0]) == 1 or all(np.ptp(side) == 0.0 for side in data):
        return Estimate(value, value, value)
    interval = stats.bootstrap(
        data,
        statistic,
        n_resamples=_RESAMPLES,
        paired=paired,
        vectorized=True,
        batch=max(1, _DRAWN_AT_ONCE // len(data[0])),
        method="percentile",
        random_state=np.random.default_rng(_SEED),
    ).confidence_interval
    return Estimate(value, float(interval.low), float(interval.high))
