"""What the evaluations of a run say: one summary an evaluation, the best one, the first success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from f1_rl.reporting.run_folder import Evaluations, FloatArray

_FULL = 0.5  # `completed` is 0 or 1


@dataclass(frozen=True)
class EvaluationSummary:
    """One evaluation, over all its start poses; NaN where nothing was measured."""

    env_step: int
    update: int
    wall_time_s: float
    rows: tuple[int, ...]
    """The rows of `Evaluations` that belong to this evaluation."""
    full_laps: int
    starts: int
    completion: float
    mean_lap_time_s: float
    best_lap_time_s: float
    mean_lateral_error_m: float
    p95_lateral_error_m: float
    mean_speed_mps: float
    off_track: int
    """Starts after which the car left the road at least once."""
    wrong_way: int
    collisions: int
    """Starts after which the car touched an obstacle."""
    mean_return: float
    reward_per_step: float

    @property
    def is_complete(self) -> bool:
        """Whether every start led to a full lap."""
        return self.starts > 0 and self.full_laps == self.starts


def summarise(evaluations: Evaluations) -> tuple[EvaluationSummary, ...]:
    """Group the evaluated starts by environment step and update.

    Args:
        evaluations: One row an evaluated start.

    Returns:
        The evaluations in the order of their steps; rows without a step are left out.
    """
    known = np.isfinite(evaluations.env_step)
    places = np.stack([evaluations.env_step, np.nan_to_num(evaluations.update)], axis=1)
    return tuple(
        _summary(evaluations, np.flatnonzero(known & (places == place).all(axis=1)))
        for place in np.unique(places[known], axis=0)
    )


def best_evaluation(summaries: Sequence[EvaluationSummary]) -> EvaluationSummary | None:
    """Choose as training does which policy it keeps: by full laps, completion, reward a step.

    Args:
        summaries: The evaluations of a run.

    Returns:
        The best one, None where there is none.
    """
    return min(summaries, key=_rank) if summaries else None


def first_complete(summaries: Sequence[EvaluationSummary]) -> EvaluationSummary | None:
    """Find the first evaluation in which every start led to a full lap.

    Args:
        summaries: The evaluations of a run, in the order of their steps.

    Returns:
        That evaluation, None where there is none.
    """
    return next((summary for summary in summaries if summary.is_complete), None)


def _rank(summary: EvaluationSummary) -> tuple[float, ...]:
    def worst_if_nan(value: float) -> float:
        return value if np.isfinite(value) else np.inf

    return (
        -summary.full_laps / max(summary.starts, 1),
        worst_if_nan(-summary.completion),
        worst_if_nan(-summary.reward_per_step),
        # Environments of others have no laps: theirs are ranked by their return.
        worst_if_nan(-summary.mean_return),
    )


def _summary(evaluations: Evaluations, rows: np.typing.NDArray[np.intp]) -> EvaluationSummary:
    full = evaluations.completed[rows] > _FULL
    lap_times_s = evaluations.lap_time_s[rows][full]
    return EvaluationSummary(
        env_step=int(evaluations.env_step[rows[0]]),
        update=int(np.nan_to_num(evaluations.update[rows[0]])),
        wall_time_s=_mean(evaluations.wall_time_s[rows]),
        rows=tuple(int(row) for row in rows),
        full_laps=int(full.sum()),
        starts=len(rows),
        completion=_mean(np.clip(evaluations.completion[rows], 0.0, 1.0)),
        mean_lap_time_s=_mean(lap_times_s),
        best_lap_time_s=float(np.nanmin(lap_times_s)) if _any_finite(lap_times_s) else np.nan,
        mean_lateral_error_m=_mean(evaluations.mean_lateral_error_m[rows]),
        p95_lateral_error_m=_mean(evaluations.p95_lateral_error_m[rows]),
        mean_speed_mps=_mean(evaluations.mean_speed_mps[rows]),
        off_track=int(np.sum(evaluations.off_track[rows] > _FULL)),
        wrong_way=int(np.sum(evaluations.wrong_way[rows] > _FULL)),
        collisions=int(np.sum(evaluations.collisions[rows] > _FULL)),
        mean_return=_mean(evaluations.episode_return[rows]),
        reward_per_step=_mean(
            evaluations.episode_return[rows] / np.maximum(evaluations.steps[rows], 1.0)
        ),
    )


def _any_finite(values: FloatArray) -> bool:
    return bool(np.isfinite(values).any())


def _mean(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
