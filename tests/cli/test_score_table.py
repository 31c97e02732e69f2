"""The table of policies and circuits fits the terminal, and is whole in Markdown."""

import argparse
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from f1_rl.cli import evaluate
from f1_rl.cli.score_table import COLUMNS, terminal_tables, write_markdown
from f1_rl.driving.scores import Score

SCORE = Score(
    driver="simple-20261121-084321",
    circuits=("grand_tour",),
    length_m=1227.4,
    drives=80,
    completed=78,
    laps=78,
    completion=0.994,
    lap_time_s=178.171,
    lap_time_std_s=0.0912,
    best_lap_s=178.05,
    limit_s=168.92,
    to_limit=1.0548,
    speed_mps=6.891,
    lateral_error_m=0.1384,
    p95_lateral_error_m=0.3504,
    smoothness=4.06,
)
TOTAL = replace(SCORE, circuits=("grand_tour", "oval"), lap_time_s=math.nan, best_lap_s=math.nan)


def printed(width: int, totals=(TOTAL,)) -> list[str]:
    console = Console(width=width, record=True, quiet=True)
    console.quiet = False
    with console.capture() as captured:
        for table in terminal_tables({SCORE.driver: [SCORE]}, totals, width):
            console.print(table)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_terminal_and_no_cell_is_cut(width):
    lines = printed(width)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    for needed in ("grand_tour", "78 of 80", "178.17 ± 0.09", "6.89", "0.138", "all 2 circuits"):
        assert any(needed in line for line in lines), needed


def test_the_least_important_columns_go_first():
    headings = {width: " ".join(printed(width)[2].split("┃")) for width in (80, 100, 120)}
    assert "length m" in headings[120]
    assert "length m" not in headings[100]
    assert "rad/s²" in headings[100]
    assert "best s" not in headings[80]
    assert "lateral m" in headings[80]


def test_collisions_have_a_column_where_there_was_traffic():
    assert not any("collisions" in line for line in printed(120))
    crowded = replace(SCORE, traffic="mixed", collisions=73)
    tables = terminal_tables({"a": [crowded]}, [replace(TOTAL, traffic="mixed")], 120)
    assert [column.header for column in tables[0].columns][3] == "collisions"
    assert list(tables[0].columns[3].cells) == ["73"]


def test_one_circuit_needs_no_totals():
    assert len(terminal_tables({"a": [SCORE]}, [SCORE], 120)) == 1
    assert len(terminal_tables({"a": [SCORE]}, [TOTAL], 120)) == 2


def test_markdown_has_every_column_and_the_totals(tmp_path):
    path = tmp_path / "table.md"
    write_markdown(path, {SCORE.driver: [SCORE]}, [TOTAL], "Said below.")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[2].count("|") == len(COLUMNS) + 2
    assert "| simple-20261121-084321 | grand_tour | 1227 | 99 | 78 of 80 |" in lines[4]
    assert "| 178.17 ± 0.09 | 178.05 | 168.92 | 1.055 | 6.89 | 0.138 | 0.350 | 4.1 |" in lines[4]
    assert "| simple-20261121-084321 | all 2 |" in lines[5]
    assert lines[-1] == "Said below."


def test_the_help_explains_the_headings_that_do_not_speak_for_themselves() -> None:
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    told = " ".join(parser.format_help().split())
    assert all(f"'{name}'" in told for name in ("of limit", "lateral m", "p95 m", "rad/s²"))


def test_policies_of_runs_that_are_called_alike_are_named_by_where_they_lie(tmp_path, monkeypatch):
    runs = [tmp_path / place / "run" for place in ("here", "there")]
    for run in runs:
        run.mkdir(parents=True)
    monkeypatch.chdir(runs[0])
    assert evaluate._named([Path(), runs[1]]) == {"here/run": Path(), "there/run": runs[1]}
