"""The table of policies and circuits, for terminals, Markdown and programs: its columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from rich.cells import cell_len
from rich.table import Table

from f1_rl.driving.scores import Score
from f1_rl.files import new_file
from f1_rl.simulation import NO_TRAFFIC

_DASH = "-"
# Of a rich table: a border and two blanks for each column, and a border.
_FRAME, _COLUMN_FRAME = 1, 3


S = TypeVar("S")


@dataclass(frozen=True)
class Column(Generic[S]):
    """A column.

    Attributes:
        heading: With the unit.
        short: The same, for terminals.
        cell: What it shows of what a row is about.
        rank: Columns are left out in the order of falling ranks where a terminal is narrow.
        left: Whether it holds names, which begin at the left.
    """

    heading: str
    short: str
    cell: Callable[[S], str]
    rank: int = 0
    left: bool = False


def number(value: float, digits: int) -> str:
    """Return a figure with so many digits, or a dash where it is none."""
    return f"{value:.{digits}f}" if np.isfinite(value) else _DASH


def _lap_time(score: Score) -> str:
    if not np.isfinite(score.lap_time_s):
        return _DASH
    return f"{score.lap_time_s:.2f} ± {score.lap_time_std_s:.2f}"


def _circuits(score: Score) -> str:
    return score.circuits[0] if len(score.circuits) == 1 else f"all {len(score.circuits)}"


COLUMNS: tuple[Column[Score], ...] = (
    Column("circuit", "circuit", _circuits, left=True),
    Column("length (m)", "length m", lambda s: f"{s.length_m:.0f}", rank=3),
    Column("driven (%)", "driven %", lambda s: f"{100.0 * s.completion:.0f}"),
    Column("full laps", "full laps", lambda s: f"{s.completed} of {s.drives}"),
    Column("lap time (s), mean ± sd", "lap time s", _lap_time),
    Column("best lap (s)", "best s", lambda s: number(s.best_lap_s, 2), rank=2),
    Column("limit (s)", "limit s", lambda s: number(s.limit_s, 2), rank=4),
    Column("lap time / limit", "of limit", lambda s: number(s.to_limit, 3), rank=1),
    Column("speed (m/s)", "m/s", lambda s: number(s.speed_mps, 2)),
    Column("lateral error (m), mean", "lateral m", lambda s: number(s.lateral_error_m, 3)),
    Column("95 % below (m)", "p95 m", lambda s: number(s.p95_lateral_error_m, 3), rank=1),
    Column("smoothness (rad/s²)", "rad/s²", lambda s: number(s.smoothness, 1), rank=2),
)

# Of drives in traffic alone.
_COLLISIONS: Column[Score] = Column("collisions", "collisions", lambda s: str(s.collisions))
_DRIVER: Column[Score] = Column("driver", "driver", lambda s: s.driver, left=True)
# Laps of several circuits have no time in common.
_OF_ONE_CIRCUIT = ("circuit", "length m", "lap time s", "best s", "limit s")


def terminal_tables(
    by_driver: Mapping[str, Sequence[Score]], totals: Sequence[Score], width: int
) -> list[Table]:
    """Return a table for each driver, and with several circuits one of the totals.

    Args:
        by_driver: The scores of each driver, circuit by circuit.
        totals: Each driver's score over all circuits.
        width: Of the terminal; columns that do not fit are left out, the least important first.
    """
    shown = _columns(totals)
    tables = [terminal_table(driver, shown, scores, width) for driver, scores in by_driver.items()]
    if len(totals[0].circuits) > 1:
        title = f"{_circuits(totals[0])} circuits"
        common = [column for column in shown if column.short not in _OF_ONE_CIRCUIT]
        tables.append(terminal_table(title, (_DRIVER, *common), totals, width))
    return tables


def write_markdown(
    path: Path, by_driver: Mapping[str, Sequence[Score]], totals: Sequence[Score], note: str
) -> None:
    """Write all scores as one table in Markdown.

    Raises:
        OSError: It cannot be written.
    """
    from f1_rl.benchmark import tables

    columns = (_DRIVER, *_columns(totals))
    scores = [score for made in by_driver.values() for score in made]
    if len(totals[0].circuits) > 1:
        scores += totals
    table = tables.Table(
        title="Policies and circuits",
        headings=[column.heading for column in columns],
        rows=[[column.cell(score) for column in columns] for score in scores],
        notes=(note,),
    )
    with new_file(path) as file:
        file.write(table.markdown())


def _columns(totals: Sequence[Score]) -> tuple[Column[Score], ...]:
    """Return the columns, with that of collisions where any was driven in traffic."""
    if all(total.traffic == NO_TRAFFIC for total in totals):
        return COLUMNS
    after = 1 + [column.short for column in COLUMNS].index("full laps")
    return (*COLUMNS[:after], _COLLISIONS, *COLUMNS[after:])


def terminal_table(
    title: str, columns: Sequence[Column[S]], rows: Sequence[S], width: int
) -> Table:
    """Return a table that fits a terminal.

    Args:
        title: Above it.
        columns: All that it may have.
        rows: What its rows are about.
        width: Of the terminal; columns that do not fit are left out, the least important first.
    """
    fitting = _fitting(columns, rows, width)
    table = Table(title=title, title_justify="left")
    for column in fitting:
        table.add_column(column.short, justify="left" if column.left else "right")
    for row in rows:
        table.add_row(*(column.cell(row) for column in fitting))
    return table


def _fitting(columns: Sequence[Column[S]], rows: Sequence[S], width: int) -> list[Column[S]]:
    """Return the columns that a terminal has room for."""

    def needed(column: Column[S]) -> int:
        texts = [column.short, *(column.cell(row) for row in rows)]
        return max(map(cell_len, texts)) + _COLUMN_FRAME

    kept = list(columns)
    while sum(map(needed, kept)) + _FRAME > width and any(column.rank for column in kept):
        least = max(kept, key=lambda column: column.rank)
        kept.remove(least)
    return kept
