"""Following one car from lap to lap: its times, its traces, and how far it came in a race."""

from __future__ import annotations

import math

from f1_rl.driving.task import DrivingTask
from f1_rl.live.ghosts import Trace
from f1_rl.live.snapshot import Pose


class LapLog:
    """What one car has driven since the start; the task's own `LapCounter` counts and times it.

    Attributes:
        lap: Which lap is being driven, the first is 1.
        lap_time_s: Since it began; None while no lap is timed.
        last_lap_s: Time of the lap before; None: there is none.
        best_lap_s: Time of the quickest lap; None: there is none.
        lap_trace: Of the lap being driven; empty while none is timed.
        race_trace: From the start on.
    """

    def __init__(self, task: DrivingTask, car: int) -> None:
        """Begin with a car that stands on the start line.

        Args:
            task: Its laps begin and end there.
            car: Its number.
        """
        self._task = task
        self._car = car
        self._covered_m = 0.0
        self._laps = 0
        self._away = False
        self.lap = 1
        self.lap_time_s: float | None = 0.0
        self.last_lap_s: float | None = None
        self.best_lap_s: float | None = None
        self.lap_trace = Trace()
        self.race_trace = Trace()
        for trace in (self.lap_trace, self.race_trace):
            trace.add(0.0, 0.0, self.pose)

    @property
    def pose(self) -> Pose:
        """Where the car is."""
        poses = self._task.cars.poses
        return Pose(*(float(part[self._car]) for part in (poses.x_m, poses.y_m, poses.yaw_rad)))

    def leave(self) -> None:
        """Note that the car has left the road: its lap does not count."""
        self._covered_m += float(self._task.laps.progress_m[self._car])
        self._away = True
        self._laps = 0
        self.lap_time_s = None
        self.lap_trace = Trace()

    def come_back(self) -> None:
        """Note that the car was put where it left the road."""
        self._away = False

    def update(self, race_time_s: float) -> Trace | None:
        """Take the step that the task has just made.

        Args:
            race_time_s: Since the start.

        Returns:
            The lap that ended with it, if one did, from line to line.
        """
        counter, car = self._task.laps, self._car
        if self._away:
            self.race_trace.add(race_time_s, self._covered_m, self.pose)
            return None
        covered_m = self._covered_m + float(counter.progress_m[car])
        self.race_trace.add(race_time_s, covered_m, self.pose)
        lap_time_s = float(counter.lap_time_s[car])
        if math.isnan(lap_time_s):
            return None
        finished = None
        at_line = self.race_trace.pose_at(race_time_s - lap_time_s)
        if int(counter.laps[car]) > self._laps:
            self._laps = int(counter.laps[car])
            finished = self._finish(at_line)
        if finished is not None or self.lap_time_s is None:
            self.lap_trace = Trace()
            self.lap_trace.add(0.0, 0.0, at_line)
        self.lap_time_s = lap_time_s
        self.lap_trace.add(lap_time_s, float(counter.lap_m[car]), self.pose)
        return finished

    def _finish(self, at_line: Pose) -> Trace:
        """Return the lap that ends at the line."""
        lap_s = float(self._task.laps.last_lap_time_s[self._car])
        circuit = self._task.cars.circuits[int(self._task.cars.circuit_index[self._car])]
        self.lap += 1
        self.last_lap_s = lap_s
        self.best_lap_s = lap_s if self.best_lap_s is None else min(self.best_lap_s, lap_s)
        finished = self.lap_trace
        finished.add(lap_s, circuit.length_m, at_line)
        return finished
