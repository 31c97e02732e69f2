"""The cars of a live drive on one circuit: a person's and the policy's, in one driving task."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import Circuit, FloatArray
from f1_rl.driving.environment import Observation, make_simulator, make_task, observe
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import Outcome, Starts
from f1_rl.live.ghosts import Trace
from f1_rl.live.lap_log import LapLog
from f1_rl.policy import Policy
from f1_rl.settings import build_settings, merge

PERSON, POLICY = 0, 1
# For so long a car that left the road is seen there before it is put back.
_AWAY_S = 1.5


@dataclass(frozen=True)
class LapDriven:
    """A car has driven a lap."""

    car: int
    lap: Trace


@dataclass(frozen=True)
class RoadLeft:
    """A car has left the road or turned around; `reason` is the name of the rule."""

    car: int
    reason: str


class Grid:
    """One or two cars that know nothing of each other, from the same start line.

    The task is the policy's own, with its observation, actions and rules. It goes on for ever: a
    car that fails is put back on the centre line where that happened, after a moment, or on the
    start line where the policy drives alone; what is left of its lap does not count.

    Attributes:
        task: The driving task, of a car for the person and, with a policy, one for that.
        observations: What the cars see now, as the policy takes it.
        outcome: Of the last step; None before the first.
        logs: What each driver that takes part has driven, by number.
    """

    def __init__(self, settings: TaskSettings, circuit: str, policy: Policy | None) -> None:
        """Build the circuit and put the cars on its start line.

        Args:
            settings: The task.
            circuit: Name of the circuit, or a CSV file.
            policy: Drives the second car; None: there is none.

        Raises:
            CircuitError: There is no such circuit.
            PolicyError: The policy does not fit the task.
        """
        endless = _endless(settings, circuit)
        self._cars = make_simulator(endless, 1 if policy is None else 2)
        self.task = make_task(endless, cars=self._cars)
        if policy is not None:
            policy.check_fits(self.task)
        self.logs: dict[int, LapLog] = {}
        self.start(range(self.task.num_cars))

    @property
    def circuit(self) -> Circuit:
        """The circuit."""
        return self.task.cars.circuits[0]

    @property
    def time_s(self) -> float:
        """Since the start."""
        return self._periods * self.task.cars.control_period_s

    def start(self, drivers: Collection[int]) -> None:
        """Put all cars on the start line.

        Args:
            drivers: Numbers of those that take part; the others stand.
        """
        count = self.task.num_cars
        self._active = np.isin(np.arange(count), list(drivers))
        self._back_at_period: dict[int, int] = {}
        self._back_at_m = np.zeros(count)
        self._periods = 0
        self.outcome: Outcome | None = None
        self._place(np.arange(count))
        self.logs = {car: LapLog(self.task, car) for car in drivers}
        self.observations: Observation = observe(self.task, np.ones(count, np.bool_))

    def is_away(self, car: int) -> bool:
        """Return whether a car has left the road and waits to be put back."""
        return car in self._back_at_period

    def camera(self, car: int) -> Callable[[], npt.NDArray[np.uint8]]:
        """Return what draws the picture that a car sees at this moment, whenever that is done."""
        return self._cars.frame_later(car)

    def frames(self, car: int) -> npt.NDArray[np.uint8]:
        """Return the frames of a car's observation, `(R, C, K)`."""
        seen = self.observations
        return np.asarray((seen["frames"] if isinstance(seen, dict) else seen)[car])

    def step(self, commands: FloatArray) -> list[LapDriven | RoadLeft]:
        """Drive one control period.

        Args:
            commands: (N, 2) speed and yaw rate of each car.

        Returns:
            What is worth telling.
        """
        self.outcome = self.task.step(commands, self._active)
        self._periods += 1
        events: list[LapDriven | RoadLeft] = []
        for car, log in self.logs.items():
            lap = log.update(self.time_s)
            if lap is not None:
                events.append(LapDriven(car, lap))
        events += self._take_failures(self.outcome)
        self.observations = observe(self.task, self._put_back())
        return events

    def _take_failures(self, outcome: Outcome) -> list[LapDriven | RoadLeft]:
        events: list[LapDriven | RoadLeft] = []
        for car in np.flatnonzero(outcome.terminated):
            # A person may stand for as long as they like.
            idle = car == PERSON and outcome.reasons[car] == "stalled"
            if idle or self.is_away(car):
                continue
            self.logs[car].leave()
            if PERSON in self.logs:
                self._back_at_m[car] = outcome.step.projection.arc_length_m[car]
            away_periods = round(_AWAY_S / self.task.cars.control_period_s)
            self._back_at_period[car] = self._periods + away_periods
            events.append(RoadLeft(int(car), outcome.reasons[car]))
        return events

    def _put_back(self) -> npt.NDArray[np.bool_]:
        """Put back the cars whose time has come, and return which, (N,)."""
        back = [car for car, due in self._back_at_period.items() if self._periods >= due]
        for car in back:
            del self._back_at_period[car]
            self.logs[car].come_back()
        if back:
            self._place(np.array(back))
        return np.isin(np.arange(self.task.num_cars), back)

    def _place(self, cars: npt.NDArray[np.int64]) -> None:
        """Put cars on the centre line, where they left the road or on the start line."""
        nothing = np.zeros(len(cars))
        starts = Starts(
            circuit_index=np.zeros(len(cars), np.int64),
            arc_length_m=self._back_at_m[cars],
            direction=np.ones(len(cars), np.int64),
            lateral_m=nothing,
            heading_error_rad=nothing,
        )
        self.task.begin(cars, starts, line_arc_length_m=nothing)


def _endless(settings: TaskSettings, circuit: str) -> TaskSettings:
    """Return the task on one circuit, ended by failures alone."""
    endings = {
        "off_road_margin_m": settings.endings.off_road_margin_m or 0.0,
        "wrong_way": True,
        "laps": None,
        "time_limit_s": None,
    }
    changes = {"circuits": [circuit], "endings": endings}
    return build_settings(TaskSettings, merge(settings.as_dict(), changes))
