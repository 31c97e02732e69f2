"""Stopping `f1-rl train` by signals, and going on afterwards."""

import csv
import signal
import time
from pathlib import Path

import pytest
from cli_helpers import SMALL_PRESET, start, tell

from f1_rl.learning.checkpoints import Checkpoints

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("presets") / "small.yaml"
    path.write_text(SMALL_PRESET)
    return path


def steps_of(run: Path) -> list[int]:
    if not (run / "metrics.csv").exists():
        return []
    with (run / "metrics.csv").open() as file:
        return [int(row["env_step"]) for row in csv.DictReader(file) if row["mean_q"] is not None]


def wait_for(condition, process) -> None:
    until = time.monotonic() + 120.0
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "training does not come on"
        time.sleep(0.02)


def check_resumes(run: Path) -> None:
    """Go on for a few steps from the newest checkpoint and end as usual."""
    saved = Checkpoints(run / "checkpoints").steps()[-1]
    told = tell("train", "--resume", run, "--steps", saved + 40, "--no-report", "--device", "cpu")
    assert told.code == 0, told.err
    assert f"resumed at step {saved:,}" in told.out
    steps = steps_of(run)
    assert steps == sorted(steps)
    assert steps[-1] >= saved + 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_stops_saves_and_tells_how_to_go_on(number, preset, tmp_path):
    run = tmp_path / "a run"
    process = start("train", "--preset", preset, "--run-dir", run, "--device", "cpu")
    wait_for(lambda: len(steps_of(run)) > 2, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    # In one line and quoted, so that it can be copied.
    assert f"Stopped and saved. Go on with: f1-rl train --resume '{run}'" in out.splitlines()
    assert Checkpoints(run / "checkpoints").steps()[-1] == steps_of(run)[-1]
    assert (run / "policy-last" / "policy.yaml").is_file()
    if number == signal.SIGINT:
        check_resumes(run)


def test_a_killed_run_goes_on_from_its_newest_checkpoint(preset, tmp_path):
    run = tmp_path / "run"
    process = start("train", "--preset", preset, "--run-dir", run, "--device", "cpu")
    checkpoints = Checkpoints(run / "checkpoints")
    wait_for(lambda: len(checkpoints.steps()) > 1, process)
    time.sleep(0.2)
    process.kill()
    process.communicate()
    # Half a line, as a kill within a write would leave it.
    with (run / "metrics.csv").open("a") as file:
        file.write("99999999,12")
    check_resumes(run)
