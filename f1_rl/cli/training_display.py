"""What `f1-rl train` prints: a progress bar with the figures that matter, and evaluations."""

import math
import shlex
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from f1_rl.cli.process_clock import process_age_s
from f1_rl.driving.settings import told_circuits

if TYPE_CHECKING:
    from f1_rl.learning.evaluation import Evaluation
    from f1_rl.learning.progress import Progress as TrainingProgress
    from f1_rl.learning.runs import RunSettings


class TrainingDisplay:
    """A listener that shows how training goes; prints nothing where it is quiet."""

    def __init__(self, settings: "RunSettings", folder: Path, *, quiet: bool) -> None:
        """Prepare the bar.

        Args:
            settings: Of the run.
            folder: Of the run.
            quiet: Print nothing at all.
        """
        self._settings = settings
        self._folder = folder
        self._solved_before = False
        # Seconds from the start of the process to the first evaluation with full success; None
        # where there was none, or the run that it resumes had one.
        self.solved_after_s: float | None = None
        self._last_evaluation = "-"
        self._console = Console(quiet=quiet, highlight=False)
        self._bar = Progress(
            TextColumn("{task.percentage:3.0f} %"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        training = settings.training
        self._task = self._bar.add_task(
            "starting", total=training.env_steps + training.offline_updates
        )

    def __enter__(self) -> "TrainingDisplay":
        """Announce the run."""
        settings = self._settings
        what = told_circuits(settings.task.circuits) if settings.drives else settings.env
        self._console.print(
            f"[bold]f1-rl train[/bold]  {escape(what)}  ·  {settings.agent.algorithm}  ·  "
            f"{settings.training.num_envs} at once  ·  seed {settings.seed}  ·  "
            f"{escape(str(self._folder))}",
            soft_wrap=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def on_start(
        self, device: str, env_steps: int, solved_at: "TrainingProgress | None" = None
    ) -> None:
        """Say where it computes and from which step it goes on, and show the bar.

        Args:
            device: Where it computes.
            env_steps: Steps that the run had done before.
            solved_at: The evaluation of before that had full success, if there was one.
        """
        resumed = f", resumed at step {env_steps:,}" if env_steps else ""
        if solved_at is not None:
            self._solved_before = True
            resumed += f" (solved at {_place(solved_at)})"
        self.say(f"Learning on the {device}{resumed}. Ctrl-C stops and saves.")
        self._bar.start()

    def on_progress(self, progress: "TrainingProgress") -> None:
        """Move the bar."""
        figures = [
            _place(progress),
            f"{progress.steps_per_s:,.0f} steps/s",
            f"return {_short(progress.episode_return)}",
            f"epsilon {progress.epsilon:.2f}",
            f"loss {_short(progress.loss)}",
            f"evaluated {self._last_evaluation}",
        ]
        offline = min(progress.update, self._settings.training.offline_updates)
        self._bar.update(
            self._task, completed=progress.env_step + offline, description="  ".join(figures)
        )

    def on_evaluation(
        self, progress: "TrainingProgress", evaluation: "Evaluation", best: bool
    ) -> None:
        """Print a line for each evaluation."""
        since_start = process_age_s()
        self._last_evaluation = f"{evaluation.successes} of {len(evaluation.rows)}"
        mark = " [green]best so far[/green]" if best else ""
        self._console.print(
            f"  {since_start:6.1f} s  {_place(progress):>12}  {evaluation.summary}{mark}",
            soft_wrap=True,
        )
        if evaluation.solved and self.solved_after_s is None and not self._solved_before:
            self.solved_after_s = since_start
            self._console.print(
                f"  [bold green]Solved[/bold green] after {progress.env_step:,} environment steps, "
                f"{progress.update:,} updates, {since_start:.1f} s from the start.",
                soft_wrap=True,
            )

    def say(self, text: str) -> None:
        """Print a sentence as it is; brackets in it are no markup."""
        self._console.print(text, markup=False, soft_wrap=True)

    def on_end(self, result: dict[str, Any]) -> None:
        """Print what is where, and what to do next."""
        folder = self._folder
        if result["interrupted"]:
            self.say(
                f"Stopped and saved. Go on with: f1-rl train --resume {shlex.quote(str(folder))}"
            )
            return
        lap = result.get("lap")
        if lap is None:
            self.say(f"The run is in {folder}.")
            return
        outcome = (
            f"a full lap in {lap['lap_time_s']:.2f} s, {lap['mean_lateral_error_m']:.2f} m from "
            "the centre line on average"
            if lap["completed"]
            else f"{lap['completion']:.0%} of a lap, then {lap['ending'].replace('_', ' ')}"
        )
        self.say(f"The best policy drove {outcome}, at {lap['mean_speed_mps']:.1f} m/s.")
        for name, meaning in (
            ("report.html", "what happened: open it in a browser"),
            ("lap.mp4", "the lap as the camera and the network saw it"),
            ("policy/", f"drive on with it: f1-rl drive {shlex.quote(str(folder))}"),
        ):
            self._console.print(
                f"  {escape(str(folder / name))}  [dim]{escape(meaning)}[/dim]", soft_wrap=True
            )


def _place(progress: "TrainingProgress") -> str:
    """Return where training is: before its first environment step, it counts updates."""
    if progress.env_step == 0:
        return f"update {progress.update:,}"
    return f"step {progress.env_step:,}"


def _short(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"
