"""What `f1-rl train` prints of a run: said once, also of one that is resumed."""

from pathlib import Path
from typing import Any

import pytest

from f1_rl.cli.training_display import TrainingDisplay
from f1_rl.driving.laps import Drive
from f1_rl.learning.progress import Progress
from f1_rl.learning.runs import run_settings


def progress(env_step: int) -> Progress:
    return Progress(env_step, 100, 10.0, 500.0, 3, 0, 1.0, 20.0, 0.1, 0.5, 2.0)


class Solved:
    rows: tuple[Drive, ...] = ()
    successes = 8
    summary = "8 of 8 full laps"
    solved = True


@pytest.mark.parametrize("solved_at", [None, progress(1503)])
def test_a_run_is_solved_once(solved_at: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay(run_settings("embedded", []), Path("run"), quiet=False) as display:
        display.on_start("CPU", 2000 if solved_at else 0, solved_at)
        for step in (2527, 3000):
            display.on_evaluation(progress(step), Solved(), False)  # type: ignore[arg-type]
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("Solved after") == (solved_at is None)
    assert ("resumed at step 2,000 (solved at step 1,503)" in told) == (solved_at is not None)
    assert (display.solved_after_s is None) == (solved_at is not None)


LAP = {"completed": True, "lap_time_s": 30.0, "mean_lateral_error_m": 0.1, "mean_speed_mps": 5.0}


@pytest.mark.parametrize("folder", ["runs/q[dqn]", "x[/y]", "[bold]"])
@pytest.mark.parametrize("result", [{"interrupted": True}, {"interrupted": False}, {"lap": LAP}])
def test_a_folder_is_told_as_it_is_called(
    folder: str, result: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with TrainingDisplay(run_settings("embedded", []), Path(folder), quiet=False) as display:
        display.say(f"{folder} is watched.")
        display.on_end({"interrupted": False, **result})
    first, said, *end = filter(None, capsys.readouterr().out.splitlines())
    assert first.endswith(f"  {folder}")
    assert said == f"{folder} is watched."
    assert folder in end[-1]
    if "lap" in result:
        assert end[-1] == f"  {folder}/policy  drive on with it: f1-rl drive '{folder}'"
