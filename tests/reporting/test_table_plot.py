"""The picture of a learned table."""

import re

import numpy as np
import yaml

from f1_rl.reporting.report import write_report
from f1_rl.reporting.run_folder import LearnedTable, read_run
from f1_rl.reporting.table_plot import table_plots

COMMANDS = np.array([[7.0, 0.0], [5.0, 1.0]])


def table_of(rows=2, positions=3) -> LearnedTable:
    """All states but the first two have been seen."""
    places = np.indices((positions,) * rows).reshape(rows, -1).T.astype(np.float64)
    values = np.random.default_rng(0).normal(size=(len(places), 2))
    values[:2] = 0.0
    return LearnedTable(places, values)


def test_every_state_that_was_seen_has_a_cell_in_the_colour_of_its_value():
    table = table_of()
    (plot,) = table_plots(table, COMMANDS)
    assert "Table of 9 states, 7 of which were seen" in plot.svg
    colours = set(re.findall(r"fill: (#[0-9a-f]{6})", plot.svg))
    best = table.q_values.max(axis=1)[2:]
    assert len(best) == 7
    assert {"#4a6cf0", "#ffe95c"} <= colours, "the least and the largest value"
    assert len(colours) == 7


def test_what_cannot_be_drawn_on_a_plane_is_left_out():
    assert table_plots(None, COMMANDS) == ()
    assert table_plots(table_of(rows=3), COMMANDS) == ()
    assert table_plots(table_of(), COMMANDS[:1]) == ()


def test_the_report_of_a_tabular_run_shows_its_table(run_maker):
    folder = run_maker.write()
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["agent"] = {"algorithm": "tabular"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert (
        "policy/table.csv is missing: what was learned cannot be drawn." in read_run(folder).notes
    )
    (folder / "policy" / "table.csv").write_text("row_0,row_1,q_0,q_1\n0,0,0,0\n0,1,2.5,-1\n")
    policy = {"actions": {"commands": COMMANDS.tolist()}}
    (folder / "policy" / "policy.yaml").write_text(yaml.safe_dump(policy))
    run = read_run(folder)
    assert run.notes == ()
    assert run.table.positions.tolist() == [[0, 0], [0, 1]]
    assert run.table.q_values.tolist() == [[0, 0], [2.5, -1]]
    assert run.commands.tolist() == COMMANDS.tolist()
    assert "The learned table" in write_report(folder).read_text()
