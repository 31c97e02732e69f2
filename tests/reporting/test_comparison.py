"""Runs are grouped by their settings, and compared seed by seed, step by step, metre by metre."""

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from run_making import EVALUATIONS, LAP, RunMaker, write_csv

from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.library import load_circuit
from f1_rl.cli.main import main
from f1_rl.reporting.comparison import compare_runs, write_comparison
from f1_rl.reporting.comparison_curves import Quantity, curve_of
from f1_rl.reporting.comparison_plots import DrawnLap, time_lost_s, widest_places
from f1_rl.reporting.comparison_runs import ComparedRun, Group, _common_name, group_runs
from f1_rl.reporting.lap_trace import LapTrace
from f1_rl.reporting.run_folder import ReportError, RunData

Settings = dict[str, object]
MakeRun = Callable[..., Path]


def make_run_in(
    folder: Path,
    circuit: Circuit,
    name: str,
    seed: int,
    completed: tuple[int, ...] = (0, 4),
    **settings: object,
) -> Path:
    """Write a run that has ended; one with other settings drives another line."""
    folder.mkdir(exist_ok=True)
    maker = RunMaker(folder / name, circuit)
    maker.write(completed)
    config = {"seed": seed, "task": {"circuits": [circuit.name]}, "agent": settings}
    (maker.path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (maker.path / "policy-last").mkdir()
    return maker.path


def write_lap(run: Path, circuit: Circuit, seconds: float, lateral_m: float, share: float = 1.0):
    """Write a lap at constant speed and distance from the centre line, or the first part of it."""
    arc_length_m = np.linspace(0.0, circuit.length_m + 0.3, 300)
    poses = circuit.pose_at(arc_length_m % circuit.length_m, np.full(300, lateral_m))
    rows = [
        [seconds * arc_length_m[i] / circuit.length_m, poses.x_m[i], poses.y_m[i], poses.yaw_rad[i],
         circuit.length_m / seconds, 0.0, 6.0, 0.0, 1, arc_length_m[i] % circuit.length_m,
         lateral_m, 0.0, 0.3, 0.4, -0.1, 1.0, 2.0, 1.0]
        for i in range(round(300 * share))
    ]  # fmt: skip
    write_csv(run / "lap.csv", LAP, rows)


@pytest.fixture
def make_run(tmp_path: Path, circuit: Circuit) -> MakeRun:
    return partial(make_run_in, tmp_path / "runs", circuit)


def make_two_groups(make: MakeRun) -> Path:
    for seed in (0, 1):
        make(f"quick-{seed}", seed, (2, 4), gamma=0.9, n_step=3)
        make(f"slow-{seed}", seed, (0, 2, 4 - 2 * seed), gamma=0.99, n_step=3)
    return make("quick-2", 2, (4, 4), gamma=0.9, n_step=3).parent


@pytest.fixture
def two_groups(make_run: MakeRun) -> Path:
    return make_two_groups(make_run)


def run_with(name: str, config: Settings) -> ComparedRun:
    return ComparedRun(RunData(Path(name), config=config), name)


def write_pole(path: Path, returns: tuple[float, ...]) -> Path:
    path.mkdir(parents=True)
    config = {"env": "CartPole-v1", "seed": 0}
    (path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    rows = [
        [100 * (i + 1), i, 0.5 * (i + 1), episode, value, value]
        for i, value in enumerate(returns)
        for episode in range(2)
    ]
    header = "env_step,update,wall_time_s,episode,episode_return,steps"
    write_csv(path / "evaluations.csv", header, rows)
    return path


def test_runs_that_differ_in_the_seed_alone_make_a_group(two_groups: Path) -> None:
    comparison = compare_runs([two_groups])
    assert [[run.name for run in group.runs] for group in comparison.groups] == [
        ["quick-0", "quick-1", "quick-2"],
        ["slow-0", "slow-1"],
    ]
    assert [dict(group.differing) for group in comparison.groups] == [
        {"agent.gamma": "0.9"},
        {"agent.gamma": "0.99"},
    ]
    assert [group.label for group in comparison.groups] == ["A\u2002gamma 0.9", "B\u2002gamma 0.99"]


def test_what_differs_in_much_is_named_by_its_algorithm_or_its_run(make_run: MakeRun) -> None:
    many = dict.fromkeys(("batch_size", "gamma", "n_step", "units"), 0)
    for seed in (0, 1):
        make_run(f"table-{seed}", seed, (4,), **many, algorithm="tabular")
    folder = make_run("network", 0, (4,), algorithm="double_dqn").parent
    table, network = sorted(compare_runs([folder]).groups, key=lambda group: -len(group.runs))
    assert table.label.endswith("\u2002table")
    assert network.label.endswith("\u2002network")


def test_groups_whose_runs_are_called_alike_are_named_by_what_differs_the_algorithm_first() -> None:
    many = dict.fromkeys(("batch_size", "gamma", "n_step"), 0)
    config = {"env": "f1_rl/F1Camera-v0", "agent": {"algorithm": "tabular", **many}}
    other = {**config, "agent": {"algorithm": "dqn", **dict.fromkeys(many, 1)}}
    runs = [run_with(f"oval-20260101-{i:06}", c) for i, c in enumerate([config, other] * 2)]
    first, second = group_runs(runs)
    assert first.label == "A\u2002algorithm tabular, batch_size 0, gamma 0 and 1 more"
    assert second.label == "B\u2002algorithm dqn, batch_size 1, gamma 1 and 1 more"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("base-0", "base-1"), "base"),
        (("n3-10", "n3-11"), "n3"),
        (("double_seed3", "double_seed4"), "double"),
        (("simple-20260101-080000", "simple-20260101-090000"), "simple"),
        (("class", "class-2"), "class"),
        (("fast-run", "fancy-run"), ""),
        (("1", "2"), ""),
        (("robust-2",), "robust-2"),
    ],
)
def test_repetitions_are_called_what_their_names_have_in_common(names, expected) -> None:
    assert _common_name(names) == expected


def test_neither_versions_nor_the_folders_of_files_separate_runs() -> None:
    first = {"seed": 0, "versions": {"numpy": "1"}, "task": {"circuits": ["/here/mine.csv"]}}
    other = {"seed": 1, "versions": {"numpy": "2"}, "task": {"circuits": ["there/mine.csv"]}}
    assert len(group_runs([run_with("a", first), run_with("b", other)])) == 1
    third = {"seed": 1, "task": {"circuits": ["there/yours.csv"]}}
    groups = group_runs([run_with("a", first), run_with("c", third)])
    assert groups[1].differing == {"task.circuits": "yours.csv"}


def test_groups_of_several_environments_are_told_apart_by_it() -> None:
    configs: list[Settings] = [
        {"env": "CartPole-v1", "agent": {"gamma": 0.9}},
        {"env": "f1_rl/F1Camera-v0", "agent": {"gamma": 0.8}},
    ]
    groups = group_runs([run_with(str(i), config) for i, config in enumerate(configs)])
    assert [dict(group.differing) for group in groups] == [{"env": c["env"]} for c in configs]


def curve(samples: dict[str, tuple[list[float], list[float]]]):
    runs = tuple(run_with(name, {}) for name in samples)
    quantity = Quantity(
        "x", "X", "", lambda run: tuple(np.array(side, float) for side in samples[run.name])
    )
    return curve_of(Group("A", runs), quantity)


def test_evaluations_are_aligned_by_the_step() -> None:
    made = curve({"a": ([0, 100, 200], [0.0, 10.0, 20.0]), "b": ([0, 50, 200], [4.0, 9.0, 24.0])})
    assert made is not None
    np.testing.assert_array_equal(made.steps, [0, 50, 100, 200])
    np.testing.assert_allclose(made.value, [2.0, 7.0, 12.0, 22.0])
    assert (made.low < made.value).all()
    assert (made.value < made.high).all()


def test_where_a_run_has_ended_the_curve_goes_on_without_an_interval() -> None:
    made = curve({"a": ([0, 100], [1.0, 1.0]), "b": ([0, 100, 1000], [3.0, 3.0, 9.0])})
    assert made is not None
    np.testing.assert_allclose(made.value, [2.0, 2.0, 9.0])
    np.testing.assert_array_equal(np.isfinite(made.high), [True, True, False])
    np.testing.assert_array_equal(made.whole, [2.0, 2.0, np.nan])


def test_a_few_steps_between_the_ends_of_runs_mean_nothing() -> None:
    made = curve({"a": ([0, 1000], [1.0, 1.0]), "b": ([0, 1007], [3.0, 3.0])})
    assert made is not None
    assert np.isfinite(made.low).all()


def test_a_value_that_is_missing_is_not_made_up_between_its_neighbours() -> None:
    made = curve({"a": ([0, 100, 200], [1.0, np.nan, 3.0]), "b": ([0, 50, 200], [5.0, 5.0, 5.0])})
    assert made is not None
    np.testing.assert_allclose(made.value, [3.0, 5.0, 5.0, 4.0])
    assert curve({"a": ([0, 100], [np.nan, np.nan])}) is None


def test_runs_that_were_not_solved_count_with_all_their_steps(two_groups: Path) -> None:
    quick, slow = compare_runs([two_groups]).results
    assert (quick.solved, quick.evaluated) == (3, 3)
    assert quick.steps is not None
    assert quick.steps.value == pytest.approx((2000 + 2000 + 1000) / 3)
    assert (slow.solved, slow.evaluated) == (1, 2)
    # One after 3,000 steps; the other not in the 4,000 that its metrics know.
    assert slow.steps is not None
    assert slow.steps.value == pytest.approx((3000 + 4000) / 2)
    assert slow.full_laps is not None
    assert slow.full_laps.value == pytest.approx((1.0 + 0.5) / 2)


def test_an_environment_of_others_is_solved_at_the_return_that_it_asks_for(tmp_path: Path) -> None:
    write_pole(tmp_path / "good", (20.0, 480.0, 500.0))
    write_pole(tmp_path / "bad", (20.0, 400.0))
    comparison = compare_runs([tmp_path / "good", tmp_path / "bad"])
    (result,) = comparison.results
    assert result.solved == 1
    assert result.steps is not None
    assert result.steps.value == (200 + 200) / 2
    assert result.mean_return is not None
    assert result.mean_return.value == 450.0
    assert result.full_laps is None
    assert comparison.laps == ()


def straight_lap(circuit: Circuit, speed_mps: float, lateral_m: np.ndarray | float) -> LapTrace:
    progress_m = np.linspace(0.0, circuit.length_m, 400)
    lateral = np.broadcast_to(lateral_m, progress_m.shape)
    poses = circuit.pose_at(progress_m, lateral)
    speed = np.full(400, speed_mps)
    return LapTrace(
        circuit, progress_m, progress_m / speed_mps, poses.x_m, poses.y_m, speed, lateral
    )


def test_the_time_lost_grows_with_the_way_where_a_lap_is_slower_all_along(circuit: Circuit) -> None:
    fast, slow = straight_lap(circuit, 8.0, 0.0), straight_lap(circuit, 5.0, 0.0)
    at_m = np.array([0.0, 40.0, circuit.length_m])
    np.testing.assert_allclose(time_lost_s(slow, fast, at_m), at_m / 5.0 - at_m / 8.0)
    np.testing.assert_allclose(time_lost_s(fast, fast, at_m), 0.0)
    assert slow.lap_time_s == pytest.approx(circuit.length_m / 5.0)


def test_the_cut_outs_show_where_the_lines_are_farthest_apart(circuit: Circuit) -> None:
    progress_m = np.linspace(0.0, circuit.length_m, 400)
    bump = np.exp(-(((progress_m - 50.0) / 2.0) ** 2)) + 0.5 * np.exp(
        -(((progress_m - 110.0) / 2.0) ** 2)
    )
    laps = [straight_lap(circuit, 6.0, 0.0), straight_lap(circuit, 6.0, bump)]
    places = widest_places(circuit, [DrawnLap("", i, lap) for i, lap in enumerate(laps)])
    assert np.abs(places - 50.0).min() < 1.0
    assert np.abs(places - 110.0).min() < 1.0
    assert np.diff(places).min() > circuit.length_m / 10


def test_laps_are_ranked_by_their_time_and_one_that_broke_off_comes_last(
    make_run: MakeRun, circuit: Circuit
) -> None:
    for name, seconds, share in (("slow", 40.0, 1.0), ("quick", 25.0, 1.0), ("broken", 20.0, 0.5)):
        path = make_run(name, 0, note=name)
        write_lap(path, circuit, seconds, 0.1, share)
    laps = compare_runs([path.parent]).laps
    assert [row.run.name for row in laps] == ["quick", "slow", "broken"]
    assert laps[0].behind_s == 0.0
    assert [row.lap.lap_time_s for row in laps[:2]] == pytest.approx([25.0, 40.0])
    assert laps[1].behind_s == pytest.approx(15.0)
    assert laps[1].mean_lateral_error_m == pytest.approx(0.1)
    assert not laps[2].lap.is_complete
    assert np.isnan(laps[2].behind_s)


def test_laps_on_circuits_of_one_name_and_two_sizes_are_compared_apart(
    make_run: MakeRun, circuit: Circuit, tmp_path: Path
) -> None:
    half = load_circuit(circuit.name, scale=0.5)
    for name, driven, seconds in (("whole", circuit, 25.0), ("half", half, 10.0)):
        path = make_run(name, 0, note=name)
        write_lap(path, driven, seconds, 0.1)
        config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
        config["task"]["circuit_scale"] = 0.5 if driven is half else 1.0
        (path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    comparison = compare_runs([path.parent])
    assert [(row.run.name, row.behind_s) for row in comparison.laps] == [
        ("half", 0.0),
        ("whole", 0.0),
    ]
    assert [row.as_dict()["circuit_length_m"] for row in comparison.laps] == pytest.approx(
        [half.length_m, circuit.length_m]
    )
    write_comparison(comparison, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(rf"Laps on {circuit.name}, (\d+)", text) == [
        f"{half.length_m:.0f}",
        f"{circuit.length_m:.0f}",
    ]


def test_the_way_to_a_report_is_found_whatever_the_folder_is_called(
    circuit: Circuit, tmp_path: Path
) -> None:
    paths = [make_run_in(tmp_path, circuit, name, i) for i, name in enumerate(("a #1?", "a:50%"))]
    for path in paths:
        (path / "report.html").write_text("")
    write_comparison(compare_runs(paths), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    links = sorted(set(re.findall(r'href="([^"]*report\.html)"', text)))
    assert links == ["a%20%231%3F/report.html", "a%3A50%25/report.html"]


def test_runs_whose_folders_are_called_alike_keep_their_names_and_reports_apart(
    circuit: Circuit, tmp_path: Path
) -> None:
    paths = []
    for i, place in enumerate(("here/x", "there/x")):
        (tmp_path / place).mkdir(parents=True)
        path = make_run_in(tmp_path / place, circuit, "run", 0, note=i)
        (path / "report.html").write_text("")
        paths.append(path)
    comparison = compare_runs(paths)
    names = [run.name for group in comparison.groups for run in group.runs]
    assert names == ["here/x/run", "there/x/run"]
    write_comparison(comparison, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]*report\.html)"', text)
    assert sorted(set(links)) == ["here/x/run/report.html", "there/x/run/report.html"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, circuit: Circuit) -> str:
    runs = make_two_groups(
        partial(make_run_in, tmp_path_factory.mktemp("compared") / "runs", circuit)
    )
    for path in runs.iterdir():
        slow = path.name.startswith("slow")
        write_lap(path, circuit, 30.0 if slow else 25.0, -0.2 if slow else 0.3)
    (runs / "slow-1" / "report.html").write_text("")
    write_comparison(compare_runs([runs]), runs / "page.html")
    return (runs / "page.html").read_text(encoding="utf-8")


def test_the_page_stands_alone_but_for_the_reports_it_links_to(page: str) -> None:
    assert re.findall(r'href="(?!#|data:)([^"]+)"', page) == ["slow-1/report.html"] * 2
    assert not re.search(r"https?://|@import|<script|<img", page)


def test_every_group_has_its_colour_in_curves_lines_and_legend(page: str) -> None:
    figures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    labels = re.findall(r'<svg [^>]*aria-label="([^"]*)"', page)
    assert len(figures) == 11
    for figure, label in zip(figures, labels, strict=True):
        assert "var(--curve0)" in figure, label
        assert "var(--curve1)" in figure, label
    assert re.search(r"--curve1: #[0-9a-f]{6}", page)
    assert "A (quick-" in page
    assert any("Map of the circuit simple with 2 driven lines" in label for label in labels)


def test_the_page_says_which_settings_learn_in_fewer_steps(page: str) -> None:
    assert "A needs the fewest steps" in page
    assert "B (slow) reached full laps from all starts with 1 of 2 seeds, after more than" in page
    assert "≥ 3,500" in page


def test_what_cannot_be_compared_is_told_in_a_sentence_each(
    make_run: MakeRun, tmp_path: Path
) -> None:
    runs = make_run("whole", 0).parent
    running, damaged, young = (make_run(name, 1) for name in ("running", "damaged", "young"))
    (running / "policy-last").rmdir()
    (damaged / "config.yaml").write_text("a: [", encoding="utf-8")
    (young / "evaluations.csv").unlink()
    (tmp_path / "empty").mkdir()
    comparison = compare_runs([runs, tmp_path / "empty"])
    assert [
        note.replace(str(tmp_path), "") for note in comparison.notes if "lap.mp4" not in note
    ] == [
        "/empty was left out: it is no run folder and holds none.",
        "damaged was left out: config.yaml is missing or damaged.",
        "running has not ended, or was killed: it counts as far as it came.",
        "young has left no evaluation yet, so its settings are all that is compared.",
        "Group A has seed 1 2 times; all count, as if they were different.",
    ]
    write_comparison(comparison, tmp_path / "page.html")
    shutil.rmtree(runs)
    with pytest.raises(ReportError, match=r"no run with a readable config\.yaml"):
        compare_runs([tmp_path / "empty", runs])


@pytest.mark.parametrize(
    ("env_steps", "updates", "ended"), [(4000, 128, True), (2000, 128, False), (4000, 64, False)]
)
def test_a_run_that_went_on_after_its_end_has_not_ended(
    make_run: MakeRun, env_steps: int, updates: int, ended: bool
) -> None:
    path = make_run("resumed", 0)
    saved = {"training": {"env_steps": env_steps, "updates": updates, "wall_time_s": 1.0}}
    (path / "policy-last" / "policy.yaml").write_text(yaml.safe_dump(saved), encoding="utf-8")
    comparison = compare_runs([path])
    assert [run.ended for group in comparison.groups for run in group.runs] == [ended]
    assert any("has not ended" in note for note in comparison.notes) == (not ended)


def test_a_run_without_evaluation_or_lap_alone_gives_a_page(tmp_path: Path) -> None:
    (tmp_path / "young").mkdir()
    (tmp_path / "young" / "config.yaml").write_text("seed: 4\n", encoding="utf-8")
    write_comparison(compare_runs([tmp_path / "young"]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "A (young) has not been evaluated yet" in page


def test_runs_of_other_environments_are_compared_by_their_returns(
    make_run: MakeRun, tmp_path: Path
) -> None:
    drive = make_run("drive", 0)
    pole = write_pole(tmp_path / "pole", (20.0, 480.0))
    write_comparison(compare_runs([drive, pole]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "CartPole-v1: results" in page
    assert "driving: results" in page
    assert "Mean return, evaluated over environment steps, in the end: B 480" in page


def test_more_groups_than_colours_are_told_apart_by_stripes_and_the_rest_of_laps_is_not_drawn(
    make_run: MakeRun, circuit: Circuit, tmp_path: Path
) -> None:
    for i in range(10):
        write_lap(make_run(f"run-{i}", 0, gamma=0.9 + i / 1000), circuit, 25.0 + i, 0.05 * i)
    write_comparison(compare_runs([tmp_path / "runs"]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    legend = re.findall(r'<li><span class="(chip[^"]*)" style="--role: var\(--curve(\d)\)', page)
    assert legend[:10] == [
        *(("chip", str(i)) for i in range(8)),
        ("chip again", "0"),
        ("chip again", "1"),
    ]
    assert "with 8 driven lines" in page
    assert "as far as there are colours" in page


def test_names_of_runs_cannot_break_out_of_the_page(make_run: MakeRun, tmp_path: Path) -> None:
    path = make_run("<b>bold&'\"", 0, note="<i>")
    write_comparison(compare_runs([path, make_run("plain", 0)]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>bold" not in page
    assert "<i>" not in page


def test_the_verb_compares_where_there_are_several_runs(
    two_groups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(two_groups)]) == 0
    assert capsys.readouterr().out == "comparison.html\n"
    assert (tmp_path / "comparison.html").is_file()
    quick = [str(two_groups / f"quick-{seed}") for seed in (0, 1)]
    assert main(["report", *quick, "--out", "two.html", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == "two.html"
    assert told["results"][0]["seeds"] == 2
    assert told["results"][0]["steps"]["value"] == 2000.0
    assert [lap["run"] for lap in told["laps"]] == ["quick-0", "quick-1"]
    assert main(["report", *quick, "--lap"]) == 1
    assert "--lap: is for the report of one run" in capsys.readouterr().err
    assert main(["report", *quick, "--out", "no/such/page.html"]) == 1
    assert "no/such: No such file or directory; check the path." in capsys.readouterr().err


def test_the_verb_reports_on_one_run_in_its_own_folder(
    make_run: MakeRun, capsys: pytest.CaptureFixture
) -> None:
    run = make_run("alone", 0)
    assert main(["report", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(run / "report.html")}
    assert (run / "report.html").is_file()


def test_evaluations_without_steps_are_left_out(make_run: MakeRun) -> None:
    run = make_run("odd", 0)
    write_csv(run / "evaluations.csv", EVALUATIONS, [["", *[""] * 17]])
    assert "odd has left no evaluation yet" in " ".join(compare_runs([run]).notes)
