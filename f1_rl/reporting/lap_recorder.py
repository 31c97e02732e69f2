"""Driving one lap with a saved policy while everything is written down."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.driving.cars import CarFault, Cars
from f1_rl.driving.environment import Observation
from f1_rl.driving.laps import Drive, LapDrive
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.driving.task import DrivingTask, Outcome
from f1_rl.files import new_file
from f1_rl.policy import Policy
from f1_rl.policy.saliency import saliency_of
from f1_rl.reporting.lap_obstacles import Encounters
from f1_rl.reporting.video import LapVideo, VideoFrame
from f1_rl.settings import build_settings, merge
from f1_rl.simulation import Obstacle

# A lap in which the car could not be seen or moved is driven and written again.
_ATTEMPTS = 3


class _RecordingDriver:
    """Drives by the policy and keeps what it saw and thought, and why."""

    def __init__(self, policy: Policy, task: DrivingTask, *, filmed: bool) -> None:
        self._policy = policy
        self._task = task
        self._explain = saliency_of(policy) if filmed else None
        self.q_values = np.zeros(len(policy.actions))
        self.camera: npt.NDArray[np.uint8] | None = None
        self.saliency: npt.NDArray[np.float32] | None = None

    def commands(self, observations: Observation) -> npt.NDArray[np.float64]:
        if self._explain is not None:
            self.camera = self._task.cars.frame(0)
            self.saliency = self._explain.of(_of_first_car(observations))
        self.q_values = self._policy.observation_values(observations)[0].astype(np.float64)
        return self._task.commands_of(np.array([int(self.q_values.argmax())]))


def record_lap(
    policy: Policy,
    settings: TaskSettings,
    trace_path: Path | None = None,
    video_path: Path | None = None,
    *,
    obstacles_path: Path | None = None,
    laps: int = 1,
    cars: Cars | None = None,
) -> Drive:
    """Drive from the start line of the first circuit and write trace and video.

    Args:
        policy: Drives.
        settings: The task, usually `policy.task_settings` with a circuit of choice.
        trace_path: The CSV file to write, a row for each control period.
        video_path: The MP4 file to write.
        obstacles_path: The CSV file to write of the obstacles, where there are any.
        laps: Laps to drive.
        cars: Cars behind topics, the first of which drives; none: one in the embedded simulator.

    Returns:
        How the drive went.

    Raises:
        PolicyError: The policy does not fit the task.
        ReportError: The video cannot be written.
        OSError: The trace cannot be written.
        CarFault: A car behind topics failed in every attempt, or was asked to end.
    """
    first = expand_circuit_names(settings.circuits)[:1]
    settings = build_settings(TaskSettings, merge(settings.as_dict(), {"circuits": first}))
    lap = LapDrive(settings, 1, laps=laps, cars=cars, attempts=1)
    policy.check_fits(lap.task)
    for _ in range(_ATTEMPTS - 1):
        with suppress(CarFault):
            return _record(policy, lap, trace_path, video_path, obstacles_path)
    return _record(policy, lap, trace_path, video_path, obstacles_path)


def _record(
    policy: Policy,
    lap: LapDrive,
    trace_path: Path | None,
    video_path: Path | None,
    obstacles_path: Path | None,
) -> Drive:
    driver = _RecordingDriver(policy, lap.task, filmed=video_path is not None)
    rows: list[dict[str, Any]] = []
    encounters = Encounters()
    with _video(video_path, lap.task) as video:

        def observe_step(task: DrivingTask, observations: Observation, outcome: Outcome) -> None:
            row = _row(task, driver, outcome)
            rows.append(row)
            obstacles = task.cars.obstacles_around(0)
            encounters.add((row["x_m"], row["y_m"]), obstacles)
            if video is not None and driver.camera is not None:
                frames = observations["frames"] if isinstance(observations, dict) else observations
                video.add(_video_frame(driver, frames[0], driver.camera, row, outcome, obstacles))

        drive = lap.drive(driver, observe_step)[0]
    if trace_path is not None:
        with new_file(trace_path, newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    if obstacles_path is not None:
        encounters.write(obstacles_path)
    return drive


def _of_first_car(observations: Observation) -> Observation:
    """Return the observations `(1, ...)` of the filmed car; behind topics there may be more."""
    if isinstance(observations, dict):
        return {name: part[:1] for name, part in observations.items()}
    return observations[:1]


@contextmanager
def _video(path: Path | None, task: DrivingTask) -> Iterator[LapVideo | None]:
    if path is None:
        yield None
        return
    names, fps = task.actions.action_names, 1.0 / task.cars.control_period_s
    with LapVideo(path, task.cars.circuits[0], names, task.preprocessing, fps=fps) as video:
        yield video


def _row(task: DrivingTask, driver: _RecordingDriver, outcome: Outcome) -> dict[str, Any]:
    """Return one row of the trace: what was done, and where the car was afterwards."""
    step, poses = outcome.step, task.cars.poses
    row: dict[str, Any] = {
        "time_s": float(step.time_s[0]),
        "x_m": float(poses.x_m[0]),
        "y_m": float(poses.y_m[0]),
        "yaw_rad": float(poses.yaw_rad[0]),
        "speed_mps": float(step.speed_mps[0]),
        "yaw_rate_radps": float(step.yaw_rate_radps[0]),
        "command_speed_mps": float(step.commands[0, 0]),
        "command_yaw_rate_radps": float(step.commands[0, 1]),
        "action": int(driver.q_values.argmax()),
        "arc_length_m": float(step.projection.arc_length_m[0]),
        "lateral_error_m": float(step.projection.lateral_error_m[0]),
        "heading_error_rad": float(step.projection.heading_error_rad[0]),
        "reward": float(outcome.rewards[0]),
    }
    row.update({f"reward_{name}": float(term[0]) for name, term in outcome.reward_terms.items()})
    row.update({f"q_{index}": float(value) for index, value in enumerate(driver.q_values)})
    return {name: round(v, 6) if isinstance(v, float) else v for name, v in row.items()}


def _video_frame(
    driver: _RecordingDriver,
    observation: npt.NDArray[np.uint8],
    camera: npt.NDArray[np.uint8],
    row: dict[str, Any],
    outcome: Outcome,
    obstacles: Sequence[Obstacle],
) -> VideoFrame:
    return VideoFrame(
        camera=camera,
        observation=observation,
        q_values=driver.q_values,
        action=row["action"],
        command_speed_mps=row["command_speed_mps"],
        command_yaw_rate_radps=row["command_yaw_rate_radps"],
        x_m=row["x_m"],
        y_m=row["y_m"],
        yaw_rad=row["yaw_rad"],
        lap_time_s=row["time_s"],
        lateral_error_m=row["lateral_error_m"],
        lap=int(outcome.step.laps[0]) + 1,
        saliency=driver.saliency,
        obstacles=obstacles,
    )
