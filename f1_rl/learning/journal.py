"""What a run tells of itself: its tables, its events, and those who follow it."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from f1_rl.learning.audience import Audience
from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.progress import Progress
from f1_rl.learning.run_folder import RunFolder, Table
from f1_rl.learning.tensorboard import EventWriter


class Journal:
    """Writes what happens into the run folder, and tells the audience."""

    def __init__(self, folder: RunFolder, audience: Audience) -> None:
        """Go on with the tables that are there."""
        self._metrics, self._evaluations = Table(folder.metrics), Table(folder.evaluations)
        self._events = EventWriter(folder.events)
        self._audience = audience

    def on_progress(self, progress: Progress, values: npt.NDArray[Any] | None) -> None:
        """Note where the run stands.

        Args:
            progress: The row of metrics.csv.
            values: `(N, A)` that the last decision was made by, if there was one.
        """
        self._metrics.write(vars(progress))
        self._events.write_progress(progress, values)
        self._audience.on_progress(progress)

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        """Note an evaluation."""
        for row in evaluation.rows:
            place = {
                "env_step": progress.env_step,
                "update": progress.update,
                "wall_time_s": progress.wall_time_s,
            }
            self._evaluations.write({**place, **row})
        self._events.write_evaluation(evaluation, progress.env_step, best=best)
        self._audience.on_evaluation(progress, evaluation, best)

    def on_solved(self, progress: Progress) -> None:
        """Note the first evaluation in which every episode succeeded."""
        self._events.write_solved(progress.env_step)

    def cut_after(self, env_steps: int, updates: int) -> None:
        """Remove what a resumed run writes again."""
        for table in (self._metrics, self._evaluations):
            table.cut_after("env_step", env_steps)
            table.cut_after("update", updates)

    def close(self) -> None:
        """Write what is left of the events."""
        self._events.close()
