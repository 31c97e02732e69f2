"""What came of each group of runs, in figures with intervals over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from f1_rl.reporting.comparison_runs import ComparedRun, Group, reward_threshold
from f1_rl.reporting.lap_trace import LapTrace
from f1_rl.reporting.summary import EvaluationSummary
from f1_rl.statistics import Estimate, estimate


@dataclass(frozen=True)
class GroupResult:
    """The figures of a group; None where none of its runs has one.

    Attributes:
        group: The group.
        evaluated: Runs with an evaluation; all but `solved` is of these.
        solved: Runs that reached the aim: full laps from all starts, or the mean return that the
            environment names; None where it names none.
        steps: Environment steps to the first evaluation that reached it. A run that did not counts
            with all the steps it did, so where `solved` is less, this is a lower bound.
        seconds: The same in wall time.
        full_laps: Share of the starts with a full lap, in each run's best evaluation.
        completion: Share of the lap driven, there.
        lap_time_s: Mean time of the full laps, there.
        lateral_error_m: Mean distance from the centre line, there.
        speed_mps: Mean speed along the centre line, there.
        mean_return: Mean return of an episode, there.
    """

    group: Group
    evaluated: int
    solved: int | None
    steps: Estimate | None
    seconds: Estimate | None
    full_laps: Estimate | None
    completion: Estimate | None
    lap_time_s: Estimate | None
    lateral_error_m: Estimate | None
    speed_mps: Estimate | None
    mean_return: Estimate | None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, for programs."""
        figures = {
            name: None if value is None else asdict(value) if isinstance(value, Estimate) else value
            for name, value in vars(self).items()
            if name != "group"
        }
        return {"group": self.group.letter, "seeds": len(self.group.runs), **figures}


def result_of(group: Group) -> GroupResult:
    """Return the figures of a group."""
    runs = [run for run in group.runs if run.best is not None]
    has_aim = group.drives or np.isfinite(reward_threshold(group.environment))

    def best(value: Callable[[EvaluationSummary], float]) -> Estimate | None:
        return _estimate([value(run.best) for run in runs if run.best is not None])

    def first(value: Callable[[EvaluationSummary], float], extent: int) -> Estimate | None:
        if not has_aim:
            return None
        return _estimate(
            [run.data.extent[extent] if run.solved is None else value(run.solved) for run in runs]
        )

    return GroupResult(
        group=group,
        evaluated=len(runs),
        solved=sum(run.solved is not None for run in runs) if has_aim else None,
        steps=first(lambda s: s.env_step, 0),
        seconds=first(lambda s: s.wall_time_s, 1),
        full_laps=best(lambda s: s.full_laps / s.starts) if group.drives else None,
        completion=best(lambda s: s.completion),
        lap_time_s=best(lambda s: s.mean_lap_time_s),
        lateral_error_m=best(lambda s: s.mean_lateral_error_m),
        speed_mps=best(lambda s: s.mean_speed_mps),
        mean_return=best(lambda s: s.mean_return),
    )


@dataclass(frozen=True)
class LapRow:
    """The recorded lap of one run.

    Attributes:
        run: The run.
        letter: Of its group.
        lap: The trace.
        mean_lateral_error_m: Over the control periods of the lap.
        largest_lateral_error_m: The same.
        mean_speed_mps: Along the centre line.
        behind_s: What it took longer than the fastest lap on the same circuit.
    """

    run: ComparedRun
    letter: str
    lap: LapTrace
    mean_lateral_error_m: float
    largest_lateral_error_m: float
    mean_speed_mps: float
    behind_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, for programs."""
        return {
            "run": self.run.name,
            "group": self.letter,
            "seed": self.run.seed,
            "circuit": self.lap.circuit.name,
            "circuit_length_m": self.lap.circuit.length_m,
            "lap_time_s": self.lap.lap_time_s,
            "behind_s": self.behind_s,
            "mean_speed_mps": self.mean_speed_mps,
            "mean_lateral_error_m": self.mean_lateral_error_m,
            "largest_lateral_error_m": self.largest_lateral_error_m,
        }


def lap_rows(groups: Sequence[Group]) -> tuple[LapRow, ...]:
    """Return a row for each recorded lap, the fastest of each circuit first."""
    laps = [(run, group.letter, run.lap) for group in groups for run in group.runs]
    known = [(run, letter, lap) for run, letter, lap in laps if lap is not None]
    fastest: dict[tuple[str, float], float] = {}
    for _, _, lap in known:
        best_s = fastest.get(lap.track, np.nan)
        fastest[lap.track] = float(np.fmin(best_s, lap.lap_time_s))
    rows = [
        LapRow(
            run,
            letter,
            lap,
            float(np.abs(lap.lateral_error_m).mean()),
            float(np.abs(lap.lateral_error_m).max()),
            float(lap.progress_m[-1] / lap.time_s[-1]),
            lap.lap_time_s - fastest[lap.track],
        )
        for run, letter, lap in known
    ]

    def place(row: LapRow) -> tuple[tuple[str, float], float]:
        return row.lap.track, row.behind_s if np.isfinite(row.behind_s) else np.inf

    return tuple(sorted(rows, key=place))


def _estimate(values: Sequence[float]) -> Estimate | None:
    """Return the estimate from those that are known."""
    known = [value for value in values if np.isfinite(value)]
    return estimate(known) if known else None
