"""Judging a recorded drive: by the driving task itself, or by its pictures where that is all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from f1_rl.bags.frames import DriveFrame
from f1_rl.bags.recorded_cars import RecordedCar
from f1_rl.circuits import Circuit, Poses
from f1_rl.driving.environment import make_task
from f1_rl.driving.line import LineFinder
from f1_rl.driving.observation import Preprocessing, UInt8Array
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import Starts

_THE_CAR = np.zeros(1, np.int64)


@dataclass(frozen=True)
class Verdict:
    """What came of a recorded control period.

    Attributes:
        reward: As the task's rules give it.
        terminated: Whether the drive failed with it.
        truncated: Whether it was cut by the task, as after the time limit.
        reason: The rule that ended it, or empty.
    """

    reward: float
    terminated: bool = False
    truncated: bool = False
    reason: str = ""


class Judge(Protocol):
    """Follows a recorded drive from frame to frame."""

    def begin(self, frame: DriveFrame, reduced: UInt8Array) -> bool:
        """Begin an episode at a frame; False: the task begins none in such a place.

        Args:
            frame: The frame.
            reduced: Its picture as an observation sees it, `(R, C, K)`.
        """

    def step(self, frame: DriveFrame, reduced: UInt8Array, action: int) -> Verdict:
        """Judge the control period that an action began and this frame ended."""


class CircuitJudge:
    """Judges by odometry and circuit: rewards and endings are those of `DrivingTask` itself.

    The driving direction is the one that the car points to where an episode begins. An episode
    begins on the road alone, as the task's do.
    """

    def __init__(self, settings: TaskSettings, circuit: Circuit) -> None:
        """Put the task on top of a recorded car.

        Args:
            settings: The task.
            circuit: The one that was driven on, with its own origin in the odometry's.
        """
        period_s = settings.control_period_ms / 1000
        self._circuit = circuit
        self._car = RecordedCar([circuit], settings.camera, period_s)
        self._task = make_task(settings, cars=self._car)

    def begin(self, frame: DriveFrame, reduced: UInt8Array) -> bool:
        """Begin where the car is on the road."""
        here = self._circuit.project(_pose(frame))
        if not here.on_road[0]:
            return False
        direction = np.where(here.wrong_way, -1, 1)
        self._car.show(frame)
        nothing = np.zeros(1)
        self._task.begin(_THE_CAR, Starts(_THE_CAR, nothing, direction, nothing, nothing))
        return True

    def step(self, frame: DriveFrame, reduced: UInt8Array, action: int) -> Verdict:
        """Have the task drive one step, which leads to the frame."""
        commands = self._task.commands_of(np.array([action]))
        self._car.show(frame)
        outcome = self._task.step(commands)
        return Verdict(
            float(outcome.rewards[0]),
            bool(outcome.terminated[0]),
            bool(outcome.truncated[0]),
            outcome.reasons[0],
        )


class PictureJudge:
    """Judges by the picture alone, where a bag has no odometry or its circuit is not known.

    With `e` the distance of the line from the car's middle, in the nearest row that shows it, as a
    share of the road's half width (at most 1), and `v` the speed that was commanded as a share of
    the fastest action's (at most 1), the reward is `v (1 - e^2) - e^2`: the default reward of the
    driving task with the commanded speed in place of the progress. A line that is in no row any
    more ends the episode as a failure. A car that stands still is not noticed.
    """

    def __init__(
        self, preprocessing: Preprocessing, max_speed_mps: float, half_width_m: float
    ) -> None:
        """Prepare for a camera.

        Args:
            preprocessing: Of the task.
            max_speed_mps: The fastest action's speed.
            half_width_m: The road's half width.

        Raises:
            SettingsError: The observation's channel does not show the line.
        """
        self._line = LineFinder(preprocessing)
        self._half_width_m = half_width_m
        self._max_speed_mps = max_speed_mps
        self._speed_share = 0.0

    def begin(self, frame: DriveFrame, reduced: UInt8Array) -> bool:
        """Begin where the line is seen."""
        seen, _ = self._line.find(reduced[None])
        self._speed_share = self._commanded_share(frame)
        return bool(seen.any())

    def step(self, frame: DriveFrame, reduced: UInt8Array, action: int) -> Verdict:
        """Apply the rule."""
        seen, left_m = self._line.find(reduced[None])
        speed, self._speed_share = self._speed_share, self._commanded_share(frame)
        if not seen.any():
            return Verdict(-1.0, terminated=True, reason="line_lost")
        # Rows go from far to near.
        nearest = int(np.flatnonzero(seen[0])[-1])
        error = min(1.0, abs(float(left_m[0, nearest])) / self._half_width_m)
        return Verdict(speed * (1.0 - error**2) - error**2)

    def _commanded_share(self, frame: DriveFrame) -> float:
        """Return the speed that was commanded at a frame, as a share."""
        speed_mps = 0.0 if frame.command is None else frame.command[0]
        return min(1.0, max(0.0, speed_mps / self._max_speed_mps))


def _pose(frame: DriveFrame) -> Poses:
    here = frame.odometry
    assert here is not None
    return Poses(np.array([here.x_m]), np.array([here.y_m]), np.array([here.yaw_rad]))
