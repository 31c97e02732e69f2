"""Tables, plots and the folder they are written to."""

import csv
import json

import pytest

from f1_rl.benchmark.plots import bars_svg
from f1_rl.benchmark.report import BenchmarkFolder
from f1_rl.benchmark.tables import Table, interval, number
from f1_rl.benchmark.track import Bars, Outcome
from f1_rl.reporting.figures import STAND_INS
from f1_rl.statistics import Estimate

TABLE = Table("Rates", ("system", "steps/s"), [("f1_rl", "12,300"), ("a|b", "9")], ["Medians."])


def test_a_table_is_markdown_with_its_numbers_to_the_right():
    assert TABLE.markdown() == (
        "### Rates\n\n"
        "| system | steps/s |\n"
        "|---|---:|\n"
        "| f1_rl | 12,300 |\n"
        "| a\\|b | 9 |\n\n"
        "Medians.\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [(12345.6, "12,346"), (99.96, "100.0"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123")],
)
def test_numbers_have_the_digits_that_mean_something(value, written):
    assert number(value) == written


def test_an_interval_is_written_where_there_is_one():
    assert interval(Estimate(40.2, 38.1, 44.0)) == "40.2 (38.1 to 44.0)"
    assert interval(Estimate(40.2, 40.2, 40.2)) == "40.2"


def test_a_plot_names_its_bars_and_writes_no_stand_in_colour():
    bars = [
        ("f1_rl", Estimate(4000.0, 3000.0, 5000.0)),
        ("TF-Agents", Estimate(100.0, 90.0, 120.0)),
    ]
    svg = bars_svg(Bars("engine", "One CartPole", "steps a second", bars, logarithmic=True))
    for text in ("f1_rl", "TF-Agents", "One CartPole", "steps a second", "4,000"):
        assert f">{text}<" in svg
    assert ">1,000<" in svg
    assert "mathdefault" not in svg
    assert not any(colour in svg for colour in STAND_INS.values())


def test_the_folder_holds_tables_figures_plots_and_every_measurement(tmp_path):
    folder = BenchmarkFolder(tmp_path / "made", {"machine": {"processor": "P"}})
    plot = Bars("speed", "Speed", "m/s", [("f1_rl", Estimate(7.0, 6.0, 8.0))])
    raw = [{"system": "ours", "rate": 1.5}, {"system": "sb3", "rate": 0.5}]
    folder.add("engine", Outcome([TABLE], [plot], raw, {"fast": True}))
    folder.add("latency", Outcome([TABLE]))
    tables = (folder.path / "tables.md").read_text()
    assert tables.index("## engine") < tables.index("### Rates") < tables.index("## latency")
    document = json.loads((folder.path / "results.json").read_text())
    assert document["machine"] == {"processor": "P"}
    assert document["tracks"] == {"engine": {"fast": True}, "latency": {}}
    with (folder.path / "engine.csv").open() as file:
        assert list(csv.DictReader(file)) == [
            {"system": "ours", "rate": "1.5"},
            {"system": "sb3", "rate": "0.5"},
        ]
    assert (folder.path / "speed.svg").read_text().startswith("<?xml")
    assert not (folder.path / "latency.csv").exists()
