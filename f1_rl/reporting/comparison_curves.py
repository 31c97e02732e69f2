"""Learning curves of several runs: what is compared over the steps, and over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from f1_rl.reporting.comparison_runs import ComparedRun, Group
from f1_rl.reporting.run_folder import FloatArray
from f1_rl.reporting.summary import EvaluationSummary
from f1_rl.statistics import estimate_curve, interquartile_mean

_MAX_POINTS: Final = 120
# Environments act together, so runs end and are evaluated a few steps apart, which means nothing.
_TOLERANCE: Final = 0.02

Samples = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Quantity:
    """Something that is compared over the steps.

    Attributes:
        key: For programs.
        title: For people.
        unit: Behind the numbers of the axis.
        samples: Steps and values of a run, each (E,), the values in that unit.
    """

    key: str
    title: str
    unit: str
    samples: Callable[[ComparedRun], Samples]


@dataclass(frozen=True)
class Curve:
    """One quantity of one group.

    Attributes:
        group: The group.
        steps: (T,) environment steps at which any of its runs was measured.
        value: (T,) interquartile mean over the runs with a value there; NaN: none has.
        low: (T,) bound of the 95 % interval; NaN where not all runs have a value.
        high: (T,) the other bound.
        runs: Steps and values of each run as they were measured, those without any left out.
    """

    group: Group
    steps: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    runs: tuple[Samples, ...]

    @property
    def whole(self) -> FloatArray:
        """(T,) the value where all runs have one, NaN elsewhere."""
        return np.where(np.isfinite(self.low), self.value, np.nan)


def _evaluated(value: Callable[[EvaluationSummary], float]) -> Callable[[ComparedRun], Samples]:
    def samples(run: ComparedRun) -> Samples:
        steps = np.array([summary.env_step for summary in run.summaries], np.float64)
        return steps, np.array([value(summary) for summary in run.summaries], np.float64)

    return samples


def _training_return(run: ComparedRun) -> Samples:
    metrics = run.data.metrics
    if metrics is None:
        return np.empty(0), np.empty(0)
    return metrics.env_step, metrics.episode_return


_WALL_TIME: Final = Quantity(
    "wall_time_s", "Training time", "s", _evaluated(lambda s: s.wall_time_s)
)
DRIVING: Final = (
    Quantity(
        "full_laps",
        "Starts with a full lap",
        "%",
        _evaluated(lambda s: 100.0 * s.full_laps / s.starts),
    ),
    Quantity("completion", "Share of a lap driven", "%", _evaluated(lambda s: 100 * s.completion)),
    Quantity("lap_time_s", "Lap time", "s", _evaluated(lambda s: s.mean_lap_time_s)),
    Quantity(
        "lateral_error_m", "Lateral error", "cm", _evaluated(lambda s: 100 * s.mean_lateral_error_m)
    ),
    Quantity("speed_mps", "Mean speed", "m/s", _evaluated(lambda s: s.mean_speed_mps)),
    _WALL_TIME,
)
OTHERS: Final = (
    Quantity("return", "Mean return, evaluated", "", _evaluated(lambda s: s.mean_return)),
    Quantity("training_return", "Mean return, while exploring", "", _training_return),
    _WALL_TIME,
)


def curve_of(group: Group, quantity: Quantity) -> Curve | None:
    """Return the curve of a group, None where none of its runs has a value.

    Runs are evaluated at steps that differ a little. Between two evaluations a run counts with
    what lies on the line between them; before its first and after its last (but for a fiftieth of
    the steps) it counts not at all, and no interval is given where a run of the group is missing.
    """
    measured = [_sorted(*quantity.samples(run)) for run in group.runs]
    runs = tuple(samples for samples in measured if np.isfinite(samples[1]).any())
    if not runs:
        return None
    grid = np.unique(np.concatenate([steps for steps, _ in runs]))
    grid = grid[np.unique(np.linspace(0, len(grid) - 1, _MAX_POINTS).astype(np.int64))]
    table = np.array([_at(grid, *samples, _TOLERANCE * grid[-1]) for samples in runs])
    value, low, high = (np.full(len(grid), np.nan) for _ in range(3))
    whole = np.isfinite(table).all(axis=0)
    if whole.any():
        band = estimate_curve(table[:, whole])
        value[whole], low[whole], high[whole] = band.value, band.low, band.high
    for i in np.flatnonzero(~whole & np.isfinite(table).any(axis=0)):
        value[i] = interquartile_mean(table[np.isfinite(table[:, i]), i])
    return Curve(group, grid, value, low, high, runs)


def curves_of(groups: Sequence[Group], quantity: Quantity) -> tuple[Curve, ...]:
    """Return the curves of those groups that have one."""
    curves = [curve_of(group, quantity) for group in groups]
    return tuple(curve for curve in curves if curve is not None)


def _sorted(steps: FloatArray, values: FloatArray) -> Samples:
    """Return the samples in the order of their steps, the last of several at one step."""
    known = np.isfinite(steps)
    steps, values = steps[known][::-1], values[known][::-1]
    steps, first = np.unique(steps, return_index=True)
    return steps, values[first]


def _at(grid: FloatArray, steps: FloatArray, values: FloatArray, tolerance: float) -> FloatArray:
    """Return the values on the lines between the samples; NaN beside a sample that has none."""
    near = (grid >= steps[0] - tolerance) & (grid <= steps[-1] + tolerance)
    found = np.where(near, np.interp(grid, steps, values), np.nan)
    # NumPy spoils a sample beside one that is not known.
    place = np.minimum(np.searchsorted(steps, grid), len(steps) - 1)
    return np.where(steps[place] == grid, values[place], found)
