"""The run folder as training writes it: configuration and tables."""

import subprocess
import sys
from pathlib import Path

import pytest
from learning_helpers import read_rows

from f1_rl.learning.checkpoints import CheckpointError, Checkpoints
from f1_rl.learning.run_folder import (
    RUNS,
    RunFolder,
    RunFolderError,
    Table,
    describe_versions,
    make_new_folder,
)


def test_a_folder_is_made_with_its_configuration(tmp_path):
    folder = RunFolder(tmp_path / "runs" / "first")
    folder.create({"seed": 3, "agent": {"gamma": 0.9}})
    assert folder.read_config() == {"seed": 3, "agent": {"gamma": 0.9}}
    assert {path.name for path in folder.path.iterdir()} == {"config.yaml", "events"}


def test_a_folder_that_holds_a_run_is_not_used_again(tmp_path):
    RunFolder(tmp_path).create({"seed": 3})
    (tmp_path / "policy").mkdir()
    with pytest.raises(RunFolderError, match=f"holds a run already.*--resume {tmp_path}"):
        RunFolder(tmp_path).create({"seed": 4})
    assert RunFolder(tmp_path).read_config() == {"seed": 3}


def unsaved_run(path) -> RunFolder:
    folder = RunFolder(path)
    folder.create({"seed": 3})
    table(folder.metrics)
    return folder


def test_a_run_that_ended_while_it_started_makes_room_for_the_next(tmp_path):
    RunFolder(tmp_path).create({"seed": 3})
    folder = RunFolder(tmp_path)
    folder.check_unused()
    folder.remove_unsaved_run()
    folder.create({"seed": 4})
    assert folder.read_config() == {"seed": 4}


def test_a_run_that_ended_before_its_first_checkpoint_makes_room_for_the_next(tmp_path):
    folder = unsaved_run(tmp_path)
    (tmp_path / "my_rewards.py").write_text("")
    folder.check_unused()
    folder.remove_unsaved_run()
    assert [path.name for path in tmp_path.iterdir()] == ["my_rewards.py"]


@pytest.mark.parametrize("saved", ["checkpoints/step-000000000200", "policy", "policy-last"])
def test_a_run_of_which_something_was_saved_stays(tmp_path, saved):
    folder = unsaved_run(tmp_path)
    (tmp_path / saved).mkdir(parents=True)
    with pytest.raises(RunFolderError, match="holds a run already"):
        folder.check_unused()
    folder.remove_unsaved_run()
    assert folder.metrics.exists()
    assert folder.read_config() == {"seed": 3}


def test_a_run_that_saves_later_is_not_taken_for_a_dead_one(tmp_path):
    folder = unsaved_run(tmp_path)
    with folder.claimed(), pytest.raises(RunFolderError, match="another process trains in it"):
        folder.check_unused()
    assert folder.metrics.exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="is a file; choose another"):
        RunFolder(tmp_path / "file" / "run").create({})


def test_a_folder_in_which_nothing_can_be_made_is_refused_before_it_is_needed():
    with pytest.raises(RunFolderError, match=r"/proc: cannot be written \(.+\); choose another"):
        RunFolder(Path("/proc/runs/first")).check_unused()


def test_a_run_goes_on_where_it_has_a_checkpoint_and_nobody_trains(tmp_path):
    folder = unsaved_run(tmp_path)
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        folder.check_resumable()
    Checkpoints(folder.checkpoints).save(100, {})
    folder.check_resumable()
    with folder.claimed(), pytest.raises(RunFolderError, match="another process trains in it"):
        folder.check_resumable()
    with pytest.raises(RunFolderError, match="is no run folder"):
        RunFolder(tmp_path / "none").check_resumable()


@pytest.mark.parametrize("content", [None, "- 1\n", "a: [\n"])
def test_what_is_no_run_folder_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(RunFolderError, match=str(tmp_path)):
        RunFolder(tmp_path).read_config()


def table(path) -> Table:
    made = Table(path)
    for step in (100, 200, 300):
        made.write({"env_step": step, "loss": step / 3, "name": f"row, {step}"})
    return made


def test_rows_have_the_columns_of_the_first_and_empty_cells_for_nothing(tmp_path):
    path = tmp_path / "metrics.csv"
    made = Table(path)
    made.write({"env_step": 1, "loss": float("nan"), "best": None, "name": "a"})
    made.write({"name": "b", "env_step": 2, "loss": 0.123456789})
    assert read_rows(path) == [
        {"env_step": "1", "loss": "", "best": "", "name": "a"},
        {"env_step": "2", "loss": "0.123457", "best": "", "name": "b"},
    ]


def test_a_resumed_table_goes_on_behind_the_limit(tmp_path):
    path = tmp_path / "metrics.csv"
    table(path)
    resumed = Table(path)
    resumed.cut_after("env_step", 200)
    resumed.write({"env_step": 250, "loss": 1.0, "name": "new"})
    assert [row["env_step"] for row in read_rows(path)] == ["100", "200", "250"]
    assert [row["name"] for row in read_rows(path)] == ["row, 100", "row, 200", "new"]


@pytest.mark.parametrize("cut", range(1, 22))
def test_a_half_written_last_line_is_cut_wherever_it_was_broken_off(tmp_path, cut):
    path = tmp_path / "metrics.csv"
    table(path)
    content = path.read_bytes()
    assert content.splitlines()[-1] == b'300,100,"row, 300"'
    path.write_bytes(content[:-cut])
    resumed = Table(path)
    resumed.cut_after("env_step", 1_000)
    # Without its line feed alone the row is whole.
    expected = [100, 200, 300] if cut == 1 else [100, 200]
    assert [int(row["env_step"]) for row in read_rows(path)] == expected
    resumed.write({"env_step": 400, "loss": 1.0, "name": "new"})
    assert [int(row["env_step"]) for row in read_rows(path)] == [*expected, 400]
    assert all(None not in row and None not in row.values() for row in read_rows(path))


@pytest.mark.parametrize("left", [0, 3, 10, 18])
def test_a_table_whose_first_line_was_broken_off_begins_anew(tmp_path, left):
    path = tmp_path / "metrics.csv"
    table(path)
    path.write_bytes(path.read_bytes()[:left])
    resumed = Table(path)
    resumed.cut_after("env_step", 1_000)
    resumed.write({"env_step": 400, "loss": 1.0})
    assert read_rows(path) == [{"env_step": "400", "loss": "1"}]


def test_a_line_with_too_many_cells_is_cut(tmp_path):
    path = tmp_path / "metrics.csv"
    table(path)
    with path.open("a") as file:
        file.write("400,1400,1,x\n")
    Table(path).cut_after("env_step", 1_000)
    assert [row["env_step"] for row in read_rows(path)] == ["100", "200", "300"]


def test_a_table_that_was_never_begun_has_nothing_to_cut(tmp_path):
    path = tmp_path / "metrics.csv"
    Table(path).cut_after("env_step", 5)
    assert not path.exists()


def test_versions_name_the_interpreter_and_the_packages():
    versions = describe_versions()
    assert {"f1_rl", "python", "tensorflow", "numpy", "gymnasium"} <= set(versions)
    assert all(isinstance(value, str) for value in versions.values())


CLAIM = """
import sys, time
from pathlib import Path
from f1_rl.learning.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).claimed():
    print("claimed", flush=True)
    time.sleep(60)
"""


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    folder = RunFolder(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    with pytest.raises(RunFolderError, match=f"{tmp_path}: another process trains in it; wait"):
        folder.claimed().__enter__()
    # However it ends, its claim ends, too, and nothing is left of it.
    process.kill()
    process.wait()
    process.stdout.close()
    for _ in range(2):
        with folder.claimed():
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_cannot_be_claimed(tmp_path):
    with (
        pytest.raises(RunFolderError, match="cannot be opened"),
        RunFolder(tmp_path / "gone").claimed(),
    ):
        pass


def test_a_run_keeps_its_folder_from_its_first_moment_on(tmp_path):
    """Before it has a checkpoint another process would take what it has for a dead run's."""
    first, second = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    second.check_unused()
    first.begin()
    with pytest.raises(RunFolderError, match="another process trains in it"):
        second.begin()
    second.remove_empty()
    first.write_config({"seed": 1})
    table(first.metrics)
    with pytest.raises(RunFolderError, match="another process trains in it"):
        second.begin()
    assert second.read_config() == {"seed": 1}
    assert first.metrics.exists()
    first.release()
    second.begin()
    assert [path.name for path in second.path.iterdir()] == []
    second.release()


def test_a_run_that_ended_while_another_started_is_kept(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "run")
    claim = folder.claim

    def late():
        other = RunFolder(folder.path)
        other.create({"seed": 1})
        (folder.path / "policy").mkdir()
        claim()

    monkeypatch.setattr(folder, "claim", late)
    with pytest.raises(RunFolderError, match="holds a run already"):
        folder.begin()
    assert folder.read_config() == {"seed": 1}
    with RunFolder(folder.path).claimed():
        pass


def test_a_folder_that_stayed_empty_is_removed_again(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.begin()
    folder.release()
    folder.remove_empty()
    assert not folder.path.exists()
    folder.create({"seed": 3})
    folder.remove_empty()
    assert folder.read_config() == {"seed": 3}


def test_the_folder_of_all_runs_is_removed_with_the_only_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = (RunFolder(make_new_folder(RUNS, "Monza")) for _ in range(2))
    first.remove_empty()
    assert list(RUNS.iterdir()) == [second.path]
    second.remove_empty()
    assert list(tmp_path.iterdir()) == []


def test_runs_that_begin_in_one_second_have_folders_of_their_own(tmp_path):
    parent = tmp_path / "runs"
    names = [make_new_folder(parent, "Monza-20240101").name for _ in range(3)]
    assert names == ["Monza-20240101", "Monza-20240101-2", "Monza-20240101-3"]
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="is a file; choose another --run-dir"):
        make_new_folder(tmp_path / "file", "Monza")
