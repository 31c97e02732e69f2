"""Compare training runs: one HTML page that stands alone, and the same figures for programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting import comparison_wording
from f1_rl.reporting.comparison_curves import DRIVING, OTHERS, curves_of
from f1_rl.reporting.comparison_plots import DrawnLap, curve_plot, lap_plots
from f1_rl.reporting.comparison_results import GroupResult, LapRow, lap_rows, result_of
from f1_rl.reporting.comparison_runs import ComparedRun, Group, find_runs, group_runs
from f1_rl.reporting.learning_plots import Plot
from f1_rl.reporting.page import render_page, write_page
from f1_rl.reporting.palette import CURVE_ROLES
from f1_rl.reporting.run_folder import REPORT_FILE

COMPARISON_FILE: Final = "comparison.html"
_MOST_LAPS: Final = 8  # as many as there are colours


@dataclass(frozen=True)
class Comparison:
    """Runs, grouped by their settings."""

    groups: tuple[Group, ...]
    notes: tuple[str, ...]

    @cached_property
    def results(self) -> tuple[GroupResult, ...]:
        """What came of each group."""
        return tuple(result_of(group) for group in self.groups)

    @cached_property
    def laps(self) -> tuple[LapRow, ...]:
        """The recorded laps, the fastest of each circuit first."""
        return lap_rows(self.groups)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, for programs."""
        runs = [(group, run) for group in self.groups for run in group.runs]
        return {
            "groups": [
                {
                    "group": group.letter,
                    "settings": dict(group.differing),
                    "runs": [str(run.data.path) for run in group.runs],
                }
                for group in self.groups
            ],
            "results": [result.as_dict() for result in self.results],
            "runs": [_run_as_dict(group, run) for group, run in runs],
            "laps": [row.as_dict() for row in self.laps],
            "notes": list(self.notes),
        }


def compare_runs(paths: Sequence[Path]) -> Comparison:
    """Read runs and group them by their settings.

    Args:
        paths: Run folders, and folders that hold run folders.

    Raises:
        ReportError: There is no run that can be compared, or one cannot be read.
    """
    runs, notes = find_runs(paths)
    groups = group_runs(runs)
    notes += comparison_wording.repeated_seeds(groups)
    return Comparison(groups, tuple(notes))


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the page of a comparison.

    Args:
        comparison: What is compared.
        path: The file to write; replaced where it exists.

    Raises:
        ReportError: It cannot be written.
    """
    looks = {group.letter: i for i, group in enumerate(comparison.groups)}
    page = render_page(
        "comparison.html.j2",
        name=comparison_wording.count(sum(len(g.runs) for g in comparison.groups), "run"),
        headline=comparison_wording.headline(comparison.results),
        tiles=comparison_wording.tiles(comparison.results, comparison.laps),
        notes=comparison.notes,
        groups=comparison.groups,
        looks=looks,
        roles=CURVE_ROLES,
        fields=[_Field(results, _curves(results, looks)) for results in _by_field(comparison)],
        figure=comparison_wording.figure,
        circuits=_circuits(comparison, looks),
        reports={
            run.data.path: _report_link(run, path)
            for group in comparison.groups
            for run in group.runs
        },
    )
    write_page(path, page)


@dataclass(frozen=True)
class _Field:
    """What can be told in one table and on common axes: the groups of one environment."""

    results: tuple[GroupResult, ...]
    plots: tuple[Plot, ...]

    @property
    def groups(self) -> list[Group]:
        """The groups."""
        return [result.group for result in self.results]

    @property
    def name(self) -> str:
        """The environment."""
        return self.groups[0].environment or "driving"


@dataclass(frozen=True)
class _CircuitLaps:
    """The laps on one circuit: plots of some, a row for each."""

    circuit: Circuit
    drawn: tuple[DrawnLap, ...]
    plots: tuple[Plot, ...]
    rows: tuple[LapRow, ...]

    @property
    def legend(self) -> list[tuple[int, str]]:
        """Look and name of each line that is drawn."""
        return [(lap.look, lap.label) for lap in self.drawn]

    def look(self, row: LapRow, looks: dict[str, int]) -> int:
        """Return the look of a lap's line, or where it is not drawn of its group."""
        return next((lap.look for lap in self.drawn if lap.trace is row.lap), looks[row.letter])


def _by_field(comparison: Comparison) -> list[tuple[GroupResult, ...]]:
    environments = dict.fromkeys(result.group.environment for result in comparison.results)
    return [
        tuple(r for r in comparison.results if r.group.environment == environment)
        for environment in environments
    ]


def _curves(results: Sequence[GroupResult], looks: dict[str, int]) -> tuple[Plot, ...]:
    groups = [result.group for result in results]
    plots = [
        curve_plot(quantity, curves_of(groups, quantity), looks)
        for quantity in (DRIVING if groups[0].drives else OTHERS)
    ]
    return tuple(plot for plot in plots if plot is not None)


def _circuits(comparison: Comparison, looks: dict[str, int]) -> list[_CircuitLaps]:
    found = []
    for i, track in enumerate(dict.fromkeys(row.lap.track for row in comparison.laps)):
        rows = tuple(row for row in comparison.laps if row.lap.track == track)
        drawn = _drawn(comparison.groups, rows, looks)
        circuit = rows[0].lap.circuit
        found.append(_CircuitLaps(circuit, drawn, lap_plots(circuit, drawn, f"lap{i}"), rows))
    return found


def _drawn(
    groups: Sequence[Group], rows: Sequence[LapRow], looks: dict[str, int]
) -> tuple[DrawnLap, ...]:
    """Return the lap of the best run of each group, or where there is one group all its laps."""
    if len(groups) == 1:
        return tuple(DrawnLap(row.run.name, i, row.lap) for i, row in enumerate(rows[:_MOST_LAPS]))
    best = {id(group.best_run) for group in groups}
    return tuple(
        DrawnLap(f"{row.letter} ({row.run.name})", looks[row.letter], row.lap)
        for row in sorted(rows, key=lambda row: looks[row.letter])
        if id(row.run) in best
    )[:_MOST_LAPS]


def _report_link(run: ComparedRun, page: Path) -> str:
    """Return the way from the page to the run's own report, empty where there is none."""
    report = run.data.path / REPORT_FILE
    if not report.is_file():
        return ""
    way = Path(os.path.relpath(report.resolve(), page.resolve().parent))
    # In a link some characters that a folder's name may have mean something else.
    return quote(way.as_posix())


def _run_as_dict(group: Group, run: ComparedRun) -> dict[str, Any]:
    env_steps, wall_time_s = run.data.extent
    return {
        "run": run.name,
        "path": str(run.data.path),
        "group": group.letter,
        "seed": run.seed,
        "ended": run.ended,
        "env_steps": env_steps,
        "wall_time_s": wall_time_s,
        "solved_env_step": None if run.solved is None else run.solved.env_step,
        "solved_wall_time_s": None if run.solved is None else run.solved.wall_time_s,
    }
