"""Write the report of a training run: one HTML file that stands alone."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Final

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting import wording
from f1_rl.reporting.decision_plots import decision_plots
from f1_rl.reporting.decisions import Moment, telling_moments
from f1_rl.reporting.film_strip import Still, film_strip, stills_of
from f1_rl.reporting.flat_settings import flat_settings
from f1_rl.reporting.lap_circuit import circuit_of_lap, circuits_of
from f1_rl.reporting.lap_obstacles import read_met_obstacles
from f1_rl.reporting.lap_picture import CAMERA_BOX_PX
from f1_rl.reporting.lap_plots import lap_plots
from f1_rl.reporting.learning_plots import learning_plots
from f1_rl.reporting.page import render_page, write_page
from f1_rl.reporting.run_folder import REPORT_FILE, VIDEO_FILE, ReportError, RunData, read_run
from f1_rl.reporting.summary import EvaluationSummary, best_evaluation, summarise
from f1_rl.reporting.table_plot import table_plots

__all__ = ["ReportError", "write_report"]

_STRIP_WIDTH_PX: Final = 480
_POSTER_WIDTH_PX: Final = 960
_MOMENT_WIDTH_PX: Final = 640
_MAX_EVALUATIONS: Final = 400


def write_report(run_dir: Path) -> Path:
    """Write `report.html` into a run folder, from whatever the run has left so far.

    Args:
        run_dir: The folder that training wrote.

    Returns:
        The path of the report.

    Raises:
        ReportError: `run_dir` is no run folder, or the report cannot be written there.
    """
    run = read_run(Path(run_dir))
    page = _render(run)
    path = run.path / REPORT_FILE
    write_page(path, page)
    return path


def _render(run: RunData) -> str:
    summaries = summarise(run.evaluations) if run.evaluations is not None else ()
    best = best_evaluation(summaries)
    circuit = circuit_of_lap(run)
    obstacles = read_met_obstacles(run.path)
    lengths_m = {c.name: c.length_m for c in circuits_of(run)}
    notes = list(run.notes)
    stills, poster = _stills(run, notes)
    moments = _moments(run, circuit) if stills else ()
    return render_page(
        "report.html.j2",
        drives=run.drives,
        name=run.path.resolve().name,
        headline=wording.headline(run, summaries, lengths_m),
        tiles=wording.tiles(run, summaries),
        notes=notes,
        video=VIDEO_FILE if run.video_path else None,
        poster=poster,
        stills=stills,
        moments=moments,
        lap_plots=lap_plots(run.lap, circuit, run.action_names, obstacles),
        decision_plots=decision_plots(run.lap, circuit, obstacles),
        lap=run.lap,
        learning_plots=learning_plots(run.metrics, summaries)
        + table_plots(run.table, run.commands),
        summaries=_thinned(summaries, best),
        evaluation_count=len(summaries),
        best=best,
        evaluations=run.evaluations,
        result=partial(wording.result, run.evaluations) if run.evaluations is not None else None,
        isnan=math.isnan,
        versions=run.versions,
        settings=list(flat_settings(run.config)),
    )


def _stills(run: RunData, notes: list[str]) -> tuple[tuple[Still, ...], Still | None]:
    """Return the film strip and the poster of the lap's video, with a note where there is none."""
    if not run.drives:
        return (), None
    if run.video_path is None:
        notes.append(f"{VIDEO_FILE} is missing: there is no video of a lap.")
        return (), None
    try:
        stills = film_strip(run.video_path, 6, _STRIP_WIDTH_PX)
        poster = film_strip(run.video_path, 1, _POSTER_WIDTH_PX)
    except ReportError as error:
        notes.append(str(error))
        return (), None
    return stills, poster[0] if poster else None


def _moments(run: RunData, circuit: Circuit | None) -> tuple[tuple[Moment, Still], ...]:
    """Return the telling moments of the lap with what the camera and the network saw then."""
    if run.lap is None or run.video_path is None:
        return ()
    moments = telling_moments(run.lap, circuit, run.action_names)
    indices = [moment.index for moment in moments]
    stills = stills_of(run.video_path, indices, _MOMENT_WIDTH_PX, CAMERA_BOX_PX)
    return tuple((moment, still) for moment, still in zip(moments, stills, strict=True) if still)


def _thinned(
    summaries: tuple[EvaluationSummary, ...], best: EvaluationSummary | None
) -> tuple[EvaluationSummary, ...]:
    """Keep the table readable: every n-th evaluation of a very long run, the best one always."""
    stride = -(-len(summaries) // _MAX_EVALUATIONS) or 1
    return tuple(s for i, s in enumerate(summaries) if i % stride == 0 or s is best)
