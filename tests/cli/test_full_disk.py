"""A disk that is full: every verb says so in a sentence, and what was there is still there."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import ROOT

POLICY = ROOT / "tests" / "data" / "policy"
LIMITED = """
import resource, sys
limit = int(sys.argv[1])
from f1_rl.simulation import warm_up
warm_up()
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
from f1_rl.cli.main import main
sys.exit(main(sys.argv[2:]))
"""

pytestmark = pytest.mark.skipif(
    not hasattr(resource, "RLIMIT_FSIZE"), reason="needs limits on file sizes"
)


def run_limited(limit: int, *arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that can write no file larger than so many bytes."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


@pytest.fixture(autouse=True)
def package(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.parametrize(
    ("limit", "arguments", "output"),
    [
        (1_000, ("circuit", "render", "oval", "out.png"), "out.png"),
        (1_000, ("evaluate", POLICY, "--starts", "8", "--csv", "out.csv"), "out.csv"),
        (1_000, ("drive", POLICY, "--no-video", "--trace", "out.csv"), "out.csv"),
        (10_000, ("drive", POLICY, "--video", "out.mp4"), "out.mp4"),
    ],
    ids=lambda value: " ".join(map(str, value[:2])) if isinstance(value, tuple) else str(value),
)
def test_what_was_there_is_still_there(limit, arguments, output, tmp_path):
    (tmp_path / output).write_text("before")
    ended = run_limited(limit, *arguments, cwd=tmp_path)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert output in line
    assert "File too large" in line
    assert "room" in line or "disk space" in line
    assert (tmp_path / output).read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == [output]


def test_a_table_is_shown_though_it_cannot_be_written(tmp_path):
    ended = run_limited(100, "evaluate", POLICY, "--starts", "2", "--csv", "a.csv", cwd=tmp_path)
    assert "2 of 2" in ended.stdout


def test_a_world_that_cannot_be_written_is_told_by_its_file(tmp_path):
    ended = run_limited(10_000, "circuit", "world", "oval", "--out", "out", cwd=tmp_path)
    assert ended.returncode == 1
    assert "out/" in ended.stderr
    assert not list(tmp_path.rglob("*.part"))


def test_a_report_that_cannot_be_written_leaves_the_one_before(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    (tmp_path / "report.html").write_text("before")
    ended = run_limited(1_000, "report", tmp_path, cwd=tmp_path)
    assert ended.returncode == 1
    assert "report.html cannot be written (File too large)" in ended.stderr
    assert (tmp_path / "report.html").read_text() == "before"


@pytest.mark.tensorflow
def test_training_ends_in_a_sentence_and_can_be_resumed(tmp_path):
    run = tmp_path / "run"
    # The replay grows by the step, and each checkpoint with it, until it is too large.
    often = ("--set", "training.checkpoint_every_s=0.02")
    train = ("train", "--preset", "tabular", "--run-dir", run, "--no-report", "--steps", "3000")
    ended = run_limited(450_000, *train, *often, cwd=tmp_path)
    assert ended.returncode == 1, ended.stdout
    (line,) = ended.stderr.splitlines()
    assert "the checkpoint cannot be written (File too large)" in line
    assert "then resume: the one before it is untouched." in line
    kept = [path.name for path in (run / "checkpoints").iterdir()]
    assert len(kept) == 2
    assert all(name.startswith("step-") for name in kept)
    ended = run_limited(10**9, "train", "--resume", run, "--no-report", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "resumed at step" in ended.stdout
