"""The table of perturbations, for terminals and Markdown: its columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from f1_rl.cli.score_table import Column, number, terminal_table
from f1_rl.driving.robustness import Robustness
from f1_rl.files import new_file

COLUMNS: tuple[Column[Robustness], ...] = (
    Column("perturbation", "perturbation", lambda r: r.perturbation, left=True),
    Column("full laps", "full laps", lambda r: f"{r.completed} of {r.drives}"),
    Column("full laps (%)", "%", lambda r: f"{100.0 * r.completed / r.drives:.0f}", rank=2),
    Column("driven (%)", "driven %", lambda r: f"{100.0 * r.completion:.0f}", rank=3),
    Column("lap time (s)", "lap time s", lambda r: number(r.lap_time_s, 2), rank=1),
    Column("of nominal", "of nominal", lambda r: number(r.lap_time_ratio, 3)),
    Column("lateral error (m)", "lateral m", lambda r: number(r.lateral_error_m, 3)),
    Column("of nominal", "of nominal", lambda r: number(r.lateral_error_ratio, 2)),
)
_DRIVER: Column[Robustness] = Column("driver", "driver", lambda r: r.driver, left=True)


def terminal_tables(by_driver: Mapping[str, Sequence[Robustness]], width: int) -> list[Table]:
    """Return a table for each driver.

    Args:
        by_driver: The rows of each driver, the nominal first.
        width: Of the terminal; columns that do not fit are left out, the least important first.
    """
    return [terminal_table(driver, COLUMNS, rows, width) for driver, rows in by_driver.items()]


def write_markdown(path: Path, by_driver: Mapping[str, Sequence[Robustness]], note: str) -> None:
    """Write all rows as one table in Markdown.

    Raises:
        OSError: It cannot be written.
    """
    from f1_rl.benchmark import tables

    columns = (_DRIVER, *COLUMNS)
    table = tables.Table(
        title="Policies and perturbations",
        headings=[column.heading for column in columns],
        rows=[
            [column.cell(row) for column in columns] for rows in by_driver.values() for row in rows
        ],
        notes=(note,),
    )
    with new_file(path) as file:
        file.write(table.markdown())
