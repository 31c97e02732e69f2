"""The end of a training run: a recorded lap and the report."""

from pathlib import Path
from typing import Any

from f1_rl.driving.cars import Cars
from f1_rl.policy import load_policy
from f1_rl.reporting.lap_obstacles import OBSTACLES_FILE
from f1_rl.reporting.lap_recorder import record_lap
from f1_rl.reporting.report import write_report


def finish_run(run_dir: Path, cars: Cars | None = None) -> dict[str, Any]:
    """Drive a lap with the best policy of a run, write `lap.csv`, `lap.mp4` and `report.html`.

    With traffic, `lap_obstacles.csv`, too.

    Args:
        run_dir: The run's folder.
        cars: Cars behind topics, the first of which drives; none: one in the embedded simulator.

    Returns:
        How the lap went, by column of evaluations.csv.

    Raises:
        PolicyError: The run has no policy that can be loaded.
        ReportError: The video or the report cannot be written.
        OSError: The trace cannot be written.
        CarFault: The car failed again and again.
    """
    policy = load_policy(run_dir / "policy")
    trace, video = run_dir / "lap.csv", run_dir / "lap.mp4"
    obstacles = run_dir / OBSTACLES_FILE
    drive = record_lap(
        policy, policy.task_settings, trace, video, obstacles_path=obstacles, cars=cars
    )
    write_report(run_dir)
    return drive.as_dict()
