"""`f1-rl evaluate --perturbation`: the table beside the nominal, in every form it is written in."""

import csv
import json
from pathlib import Path

import pytest
from cli_helpers import tell

POLICY = Path(__file__).parents[1] / "data" / "policy"
ASKED = ("evaluate", POLICY, "--starts", "2", "--perturbation", "rain", "--perturbation", "fog")


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held")
    files = ("--csv", folder / "drives.csv", "--markdown", folder / "table.md")
    return folder, tell(*ASKED, *files, "--classical", "--json")


def test_each_perturbation_is_driven_from_the_starts_of_the_nominal(held):
    folder, told = held
    document = json.loads(told.out)
    names = [(row["driver"], row["perturbation"]) for row in document["perturbations"]]
    under = ["nominal", "fog", "rain"]
    assert names == [(driver, name) for driver in ("policy", "classical") for name in under]
    plain, foggy, _, classical, *_ = document["perturbations"]
    assert (plain["lap_time_ratio"], plain["lateral_error_ratio"]) == (1.0, 1.0)
    assert plain["completed"] == classical["completed"] == 2
    # A policy that never saw any is lost in fog, and that is no success.
    assert foggy["completed"] < 2
    assert told.code == 1
    with (folder / "drives.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(document["drives"]) == 2 * 3 * 2
    starts = {row["start_arc_length_m"] for row in rows}
    assert len(starts) == 2


def test_the_table_is_written_in_markdown_with_how_it_was_driven(held):
    text = (held[0] / "table.md").read_text()
    assert text.count("| policy | ") == text.count("| classical | ") == 3
    assert "| policy | nominal | 2 of 2 | 100 | 100 |" in text
    assert "circuits: simple" in text


def test_a_table_is_printed_for_each_driver():
    told = tell(*ASKED)
    assert "perturbation" in told.out
    assert "of nominal" in told.out
    assert "2 of 2" in told.out


def test_a_perturbation_that_is_none_is_refused_in_a_sentence():
    told = tell("evaluate", POLICY, "--perturbation", "snwo")
    assert told.code == 1
    assert "no perturbation 'snwo' (did you mean 'snow'?)" in told.err
    assert told.err.count("\n") == 1
