"""Reading a run folder, whatever a stopped run left of it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from f1_rl.reporting.run_folder import ReportError, find_entry, read_run
from f1_rl.reporting.summary import best_evaluation, first_complete, summarise
from f1_rl.reporting.wording import result

WriteRun = Callable[..., Path]


def test_whole_run_is_read_with_its_numbers(write_run: WriteRun) -> None:
    run = read_run(write_run())

    assert run.notes == ()
    assert run.metrics is not None
    assert run.metrics.env_step[-1] == 4000
    assert np.isnan(run.metrics.loss[0])
    assert run.evaluations is not None
    assert run.evaluations.circuit == ("simple",) * 16
    assert run.lap is not None
    assert run.lap.q_values.shape == (len(run.lap), 3)
    np.testing.assert_array_equal(run.lap.q_values.argmax(axis=1), run.lap.action)
    assert run.action_names == ("left", "straight", "right")
    assert run.versions["commit"] == "0123abcd"
    assert run.versions["tensorflow"] == "2.15.1"
    assert run.circuit_names == ("simple",)


def test_reward_terms_are_read_by_the_names_of_their_rules(write_run: WriteRun) -> None:
    lap = read_run(write_run()).lap

    assert lap is not None
    assert list(lap.reward_terms) == ["progress", "lateral_error"]
    np.testing.assert_allclose(sum(lap.reward_terms.values()), lap.reward, atol=1e-9)


def test_a_trace_from_before_there_were_reward_terms_is_read(write_run: WriteRun) -> None:
    run_dir = write_run()
    path = run_dir / "lap.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    kept = [i for i, name in enumerate(lines[0]) if not name.startswith("reward_")]
    path.write_text("".join(",".join(cells[i] for i in kept) + "\n" for cells in lines))

    run = read_run(run_dir)

    assert run.lap is not None
    assert run.lap.reward_terms == {}
    assert np.isfinite(run.lap.reward).all()
    assert run.notes == ()


def test_a_line_cut_off_inside_a_number_is_left_out(write_run: WriteRun) -> None:
    path = write_run() / "metrics.csv"
    content = path.read_bytes()
    path.write_bytes(content[:-4])

    run = read_run(path.parent)

    assert run.metrics is not None
    assert run.metrics.env_step[-1] == 3750
    assert run.notes == ("metrics.csv: 1 incomplete line was left out.",)


def test_lines_after_a_damaged_one_are_read(write_run: WriteRun) -> None:
    path = write_run() / "metrics.csv"
    lines = path.read_text().splitlines(keepends=True)
    lines[5] = '"1000,3\0\0\n'
    path.write_text("".join(lines))

    run = read_run(path.parent)

    assert run.metrics is not None
    assert len(run.metrics) == 16
    assert run.metrics.env_step[-1] == 4000


@pytest.mark.parametrize("name", ["metrics.csv", "evaluations.csv", "lap.csv", "config.yaml"])
def test_a_missing_file_is_named(write_run: WriteRun, name: str) -> None:
    path = write_run()
    (path / name).unlink()

    assert [note for note in read_run(path).notes if note.startswith(f"{name} is missing")]


def test_a_file_with_only_a_header_counts_as_empty(write_run: WriteRun) -> None:
    path = write_run() / "lap.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")

    run = read_run(path.parent)

    assert run.lap is None
    assert run.notes == ("lap.csv has no whole row: no lap has been recorded yet.",)


def test_a_missing_column_is_nan_and_named(write_run: WriteRun) -> None:
    path = write_run() / "metrics.csv"
    path.write_text("env_step,loss\n0,1.5\n10,nan\n")

    run = read_run(path.parent)

    assert run.metrics is not None
    assert np.isnan(run.metrics.epsilon).all()
    np.testing.assert_array_equal(run.metrics.loss, [1.5, np.nan])
    assert "epsilon" in run.notes[0]


def test_a_date_that_is_none_is_damage_too(write_run: WriteRun) -> None:
    path = write_run()
    (path / "config.yaml").write_text("seed: 1\nmade: 2026-13-45\n")
    run = read_run(path)
    assert run.config == {}
    assert any(note.startswith("config.yaml is damaged") for note in run.notes)


def test_damaged_yaml_is_left_out_and_named(write_run: WriteRun) -> None:
    path = write_run()
    (path / "config.yaml").write_text("agent: {gamma: 0.9")
    (path / "policy" / "policy.yaml").write_text("- 1\n")

    run = read_run(path)

    assert run.config == {}
    assert run.policy == {}
    assert [note.split(" is damaged")[0] for note in run.notes] == [
        "config.yaml",
        "policy/policy.yaml",
    ]


def test_a_folder_without_a_runs_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="is no run folder"):
        read_run(tmp_path)
    with pytest.raises(ReportError, match="is no folder"):
        read_run(tmp_path / "absent")


def test_the_name_of_an_action_table_is_not_taken_for_an_action(write_run: WriteRun) -> None:
    path = write_run()
    (path / "policy" / "policy.yaml").unlink()
    (path / "config.yaml").write_text("task: {actions: racing, circuits: ['random-0:4']}\n")

    run = read_run(path)

    assert run.action_names == ()
    assert run.circuit_names == ("simple",)
    assert run.circuit_sources == ("random-0:4",)


def test_the_outermost_entry_of_a_name_is_found() -> None:
    document = {"a": {"actions": ["deep"], "b": None}, "z": {"b": {"c": 1}}}

    assert find_entry(document, "c") == 1
    assert find_entry({"actions": ["top"], **document}, "actions") == ["top"]
    assert find_entry(document, "absent") is None


def test_evaluations_are_summed_up_by_step(write_run: WriteRun) -> None:
    run = read_run(write_run(completed=(0, 2, 4, 4, 3)))
    assert run.evaluations is not None

    summaries = summarise(run.evaluations)

    assert [s.full_laps for s in summaries] == [0, 2, 4, 4, 3]
    assert np.isnan(summaries[0].mean_lap_time_s)
    assert summaries[1].mean_lap_time_s == pytest.approx(49.05)
    assert summaries[0].off_track == 4
    first, best = first_complete(summaries), best_evaluation(summaries)
    assert first is summaries[2]
    assert best is summaries[3]  # as many full laps as the one before, but faster


def test_collisions_are_summed_up_and_told(write_run: WriteRun) -> None:
    folder = write_run(completed=(4, 2))
    table = (folder / "evaluations.csv").read_text().splitlines()
    # Runs of before there was traffic have no such column.
    before = read_run(folder).evaluations
    assert before is not None
    assert [s.collisions for s in summarise(before)] == [0, 0]
    touched = ["collisions", *(["0"] * 6), "1", "1"]
    lines = [",".join(pair) for pair in zip(table, touched, strict=True)]
    (folder / "evaluations.csv").write_text("\n".join(lines) + "\n")
    after = read_run(folder).evaluations
    assert after is not None
    assert [s.collisions for s in summarise(after)] == [0, 2]
    assert result(after, 0) == "full lap"
    assert result(after, 7).startswith("touched an obstacle after ")


def test_reading_needs_no_plotting_library() -> None:
    code = (
        "import sys, f1_rl.reporting.run_folder\n"
        "print([m for m in ('matplotlib', 'cv2', 'av', 'jinja2', 'numba') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
