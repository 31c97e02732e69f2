"""Checkpoints: exact, atomic under kill -9, tolerant of damage and of a full disk."""

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from f1_rl.learning.checkpoints import CheckpointError, Checkpoints

TREE = {
    "arrays": [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4), np.uint8)],
    "scalar_array": np.array(3.5),
    "flags": np.array([True, False]),
    "numbers": {"int": np.int64(7), "float": np.float32(0.5), "bool": np.bool_(True)},
    "plain": {"text": "a", "none": None, "nan": float("nan"), "inf": float("-inf")},
    "tuple": (1, 2.5, "x"),
    "empty": {},
    # As the states of NumPy's generators are.
    "large": 2**120 + 1,
}


def tree_at(step: int) -> dict:
    return {"step": step, "array": np.full(1_000, step)}


def check_tree(tree: dict) -> int:
    assert (tree["array"] == tree["step"]).all()
    return int(tree["step"])


def test_a_tree_comes_back_as_it_was(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(100, TREE)
    tree = checkpoints.load_latest()
    assert set(tree) == set(TREE)
    for ours, theirs in zip(tree["arrays"], TREE["arrays"], strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    assert tree["scalar_array"].shape == ()
    np.testing.assert_array_equal(tree["flags"], [True, False])
    assert tree["numbers"] == {"int": 7, "float": 0.5, "bool": True}
    assert tree["plain"]["none"] is None
    assert np.isnan(tree["plain"]["nan"])
    assert tree["plain"]["inf"] == float("-inf")
    assert tree["tuple"] == [1, 2.5, "x"]
    assert tree["empty"] == {}
    assert tree["large"] == 2**120 + 1


def test_a_generators_state_comes_back_exactly(tmp_path):
    rng = np.random.default_rng(5)
    rng.random(7)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"rng": rng.bit_generator.state})
    other = np.random.default_rng(0)
    other.bit_generator.state = checkpoints.load_latest()["rng"]
    np.testing.assert_array_equal(rng.random(10), other.random(10))


def test_the_last_two_are_kept_and_the_newest_is_loaded(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (10, 20, 1_000_000, 1_000_030):
        checkpoints.save(step, tree_at(step))
    assert checkpoints.steps() == [1_000_000, 1_000_030]
    assert check_tree(checkpoints.load_latest()) == 1_000_030


def test_a_checkpoint_of_the_same_step_replaces_the_one_before(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for value in range(5):
        checkpoints.save(10, {"value": value})
        assert checkpoints.load_latest() == {"value": value}
    assert checkpoints.steps() == [10, 10]
    checkpoints.save(20, {"value": 9})
    assert checkpoints.load_latest() == {"value": 9}


def test_nothing_to_load_is_an_error(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(CheckpointError, match="holds no checkpoint"):
            Checkpoints(folder).load_latest()
        assert Checkpoints(folder).steps() == []


def damage_truncate(folder: Path) -> None:
    path = folder / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-200])


def damage_flip(folder: Path) -> None:
    path = folder / "arrays.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def damage_empty(folder: Path) -> None:
    (folder / "arrays.npz").write_bytes(b"")


def damage_remove(folder: Path) -> None:
    (folder / "arrays.npz").unlink()


def damage_values(folder: Path) -> None:
    path = folder / "values.json"
    path.write_text(path.read_text()[:-5])


def damage_values_away(folder: Path) -> None:
    (folder / "values.json").unlink()


def damage_key(folder: Path) -> None:
    (folder / "values.json").write_text(json.dumps({"array": {"__array__": "a7"}, "step": 1}))


DAMAGES = [
    damage_truncate,
    damage_flip,
    damage_empty,
    damage_remove,
    damage_values,
    damage_values_away,
    damage_key,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_behind_a_damaged_checkpoint_the_one_before_is_loaded(tmp_path, damage):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, tree_at(1))
    damage(checkpoints.save(2, tree_at(2)))
    assert check_tree(checkpoints.load_latest()) == 1


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_only_damaged_checkpoints_are_an_error_that_names_them(tmp_path, damage):
    checkpoints = Checkpoints(tmp_path)
    damage(checkpoints.save(2, tree_at(2)))
    with pytest.raises(CheckpointError, match=r"that can be read .*step-000000000002"):
        checkpoints.load_latest()


@pytest.mark.parametrize("where", ["fsync", "write", "rename"])
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch, where):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, tree_at(1))
    with monkeypatch.context() as patch:
        target = {"fsync": (os, "fsync"), "rename": (Path, "rename")}
        target["write"] = (np.lib.format, "write_array")
        patch.setattr(*target[where], full)
        with pytest.raises(CheckpointError, match=r"cannot be written \(No space left on device\)"):
            checkpoints.save(2, tree_at(2))
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000001"]
    assert check_tree(checkpoints.load_latest()) == 1
    checkpoints.save(2, tree_at(2))
    assert check_tree(checkpoints.load_latest()) == 2


LIMITED = """
import resource, sys
import numpy as np
from pathlib import Path
from f1_rl.learning.checkpoints import CheckpointError, Checkpoints
checkpoints = Checkpoints(Path(sys.argv[1]))
checkpoints.save(1, {"a": np.zeros(10)})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    checkpoints.save(2, {"a": np.zeros(100_000), "b": np.zeros(5)})
except CheckpointError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs limits on file sizes")
def test_a_disk_that_fills_within_an_array_leaves_neither_rests_nor_a_traceback(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot be written (File too large)" in ended.stdout
    assert ended.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000001"]


SAVING = """
import itertools, sys
import numpy as np
from pathlib import Path
from f1_rl.learning.checkpoints import Checkpoints
checkpoints, same = Checkpoints(Path(sys.argv[1])), sys.argv[2] == "same"
for step in itertools.count(1):
    checkpoints.save(1 if same else step, {"step": step, "array": np.full(50_000, step)})
    print(step, flush=True)
"""


@pytest.mark.parametrize("kind", ["growing", "same"])
def test_kill_at_any_moment_leaves_the_newest_whole_checkpoint(tmp_path, kind):
    chance = random.Random(kind)
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        process = subprocess.Popen(
            [sys.executable, "-c", SAVING, str(folder), kind], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.1))
        process.send_signal(signal.SIGKILL)
        told = process.stdout.read().split()
        process.wait()
        finished = int(told[-1]) if told else 1
        step = check_tree(Checkpoints(folder).load_latest())
        # The last one that was told of, or the next one, killed before it was told.
        assert finished <= step <= finished + 1
        Checkpoints(folder).save(10**6, tree_at(0))
        assert not list(folder.glob("partial-*"))


def test_arrays_can_be_read_with_numpy_alone(tmp_path):
    path = Checkpoints(tmp_path).save(1, tree_at(3)) / "arrays.npz"
    assert zipfile.is_zipfile(path)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["a0"], np.full(1_000, 3))
