"""Writing files: whole or not at all."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from f1_rl.files import check_place, new_file


def test_a_file_is_there_when_it_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with new_file(path) as file:
        file.write("after")
        file.flush()
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")

    def write():
        with new_file(path, "wb") as file:
            file.write(b"half")
            raise KeyError("column")

    with pytest.raises(KeyError):
        write()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


FULL = """
import resource, sys
from f1_rl.files import new_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    with new_file(sys.argv[1]) as file:
        file.write("x" * 100_000)
except OSError as error:
    print(error.filename, error.strerror)
"""


def test_an_error_while_writing_names_the_file(tmp_path):
    path = tmp_path / "table.csv"
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"{path} File too large\n"
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("before")
    link.symlink_to(target)
    with new_file(link) as file:
        file.write("after")
    assert link.is_symlink()
    assert target.read_text() == "after"


def test_a_pipe_is_written_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with new_file(pipe) as file:
        file.write("through")
    reader.join()
    assert read == ["through"]


STDOUT = """
from pathlib import Path
from f1_rl.files import check_place, new_file
check_place(Path("/dev/stdout"))
with new_file("/dev/stdout") as file:
    file.write("through")
"""


def test_an_output_that_leads_to_a_pipe_is_written_directly():
    ended = subprocess.run(
        [sys.executable, "-c", STDOUT], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "through"


@pytest.mark.parametrize("place", ["no/such/folder/out.csv", "file/out.csv"])
def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"out\.csv"), new_file(place):
        pass
    with pytest.raises(FileNotFoundError, match=place.rpartition("/")[0]):
        check_place(tmp_path / place)


def test_a_place_that_takes_no_files_is_refused_and_left_as_it_was(tmp_path):
    # Neither takes files, not even of somebody who may do everything.
    with pytest.raises(OSError, match="/proc"):
        check_place(Path("/proc/out.csv"))
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        check_place(tmp_path)
    check_place(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []
    check_place(Path("/dev/null"))


def test_the_working_folder_is_a_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_place(tmp_path.relative_to(tmp_path) / "out.csv")
    check_place(None)
