"""Driving laps with any driver, and reporting how it went."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from f1_rl.circuits import BoolArray, Circuit, FloatArray, IntArray
from f1_rl.driving.cars import CarFault, Cars
from f1_rl.driving.environment import (
    Observation,
    load_circuits,
    make_simulator,
    make_task,
    observe,
)
from f1_rl.driving.metrics import DriveReport
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.driving.task import DrivingTask, Outcome, Starts
from f1_rl.settings import build_settings, merge
from f1_rl.simulation import NO_TRAFFIC, Simulator, traffic_name

# Slower than this share of the fastest action, a lap is not waited for.
_SLOWEST_SHARE = 0.15
# A drive in which a car could not be seen or moved says nothing, and is driven again.
_ATTEMPTS = 3


class Driver(Protocol):
    """Turns observations into commands."""

    def commands(self, observations: Observation) -> FloatArray:
        """Return the commands `(N, 2)`, speed and yaw rate, for N observations."""


class ActionDriver:
    """Drives the cars of a task by actions of its table."""

    def __init__(self, task: DrivingTask, choose: Callable[[Observation], IntArray]) -> None:
        """Take the task, and what chooses an action (N,) for each of N observations."""
        self._task = task
        self._choose = choose

    def commands(self, observations: Observation) -> FloatArray:
        """Return the commands `(N, 2)`."""
        return self._task.commands_of(self._choose(observations))


@dataclass(frozen=True)
class Drive:
    """One car's drive from one start.

    Attributes:
        circuit: Its circuit.
        direction: +1 along the centre line, -1 against it.
        start_arc_length_m: Where it began, in the driving direction.
        report: How it went.
        path_m: (T, 2) x and y after each control period.
        traffic: The scenario that it drove in.
    """

    circuit: Circuit
    direction: int
    start_arc_length_m: float
    report: DriveReport
    path_m: FloatArray = field(default_factory=lambda: np.empty((0, 2)), repr=False, compare=False)
    traffic: str = NO_TRAFFIC

    @property
    def completed(self) -> bool:
        """Whether the car drove all its laps."""
        return self.report.ending == "laps"

    def as_dict(self) -> dict[str, Any]:
        """Return circuit, start and report by name, flat."""
        return {
            "circuit": self.circuit.name,
            "direction": self.direction,
            "start_arc_length_m": self.start_arc_length_m,
            "completed": int(self.completed),
            **self.report.as_dict(),
            "traffic": self.traffic,
        }


StepObserver = Callable[[DrivingTask, Observation, Outcome], None]


def lap_settings(settings: TaskSettings, laps: int = 1) -> TaskSettings:
    """Return the settings under which whole laps are driven.

    They are as trained, but cut by laps alone, and on each circuit once.
    """
    changes = {
        "circuits": tuple(dict.fromkeys(expand_circuit_names(settings.circuits))),
        "endings": {"laps": laps, "time_limit_s": None},
    }
    return build_settings(TaskSettings, merge(settings.as_dict(), changes))


def spread_starts(
    circuits: Sequence[Circuit],
    per_circuit: int,
    direction: int | None = None,
    shift: float = 0.0,
) -> Starts:
    """Return starts spread evenly over each circuit, on the centre line.

    Args:
        circuits: The circuits.
        per_circuit: Starts on each.
        direction: +1 or -1; none alternates.
        shift: How far all are moved on, as a share of the distance between two of them.
    """
    count = len(circuits) * per_circuit
    index = np.repeat(np.arange(len(circuits)), per_circuit)
    lengths = np.array([circuit.length_m for circuit in circuits])[index]
    share = np.tile((np.arange(per_circuit) + shift) / per_circuit, len(circuits))
    directions = np.full(count, 1 if direction is None else direction)
    if direction is None:
        directions[1::2] = -1
    return Starts(index, share * lengths, directions, np.zeros(count), np.zeros(count))


class LapDrive:
    """Cars that drive laps from given starts, each until its laps are done or it has failed.

    Kept between evaluations, since building a simulator takes longer than a lap.
    """

    def __init__(
        self,
        settings: TaskSettings,
        starts_per_circuit: int = 8,
        *,
        direction: int | None = 1,
        laps: int = 1,
        seed: int = 0,
        shift: float = 0.0,
        cars: Cars | None = None,
        attempts: int = _ATTEMPTS,
    ) -> None:
        """Take the given cars, or build as many in the embedded simulator as there are starts.

        Args:
            settings: The task that was trained for; its circuits are driven.
            starts_per_circuit: Starts on each circuit, evenly spread.
            direction: Driving direction; none alternates between the starts.
            laps: Laps that each car has to drive.
            seed: Of the variation of pictures and delays, the same in every drive.
            shift: How far the starts are moved on, as a share of the distance between two.
            cars: Cars that live elsewhere; where they are fewer than the starts, they drive from
                some after the others.
            attempts: How often a drive is begun at most, where cars fail in it.
        """
        self._settings = lap_settings(settings, laps)
        self._seed = seed
        self._attempts = attempts
        circuits = load_circuits(self._settings) if cars is None else cars.circuits
        spread = spread_starts(circuits, starts_per_circuit, direction, shift)
        if cars is None:
            cars = make_simulator(self._settings, len(spread.arc_length_m), circuits)
        self.task = make_task(self._settings, cars=cars)
        self.starts = self.task.clear_of_traffic(spread)
        lengths = np.array([circuit.length_m for circuit in circuits])
        slowest = self.task.actions.max_speed_mps * _SLOWEST_SHARE
        self._most_steps = int(laps * lengths.max() / slowest / self.task.cars.control_period_s)

    def drive(self, driver: Driver, observer: StepObserver | None = None) -> list[Drive]:
        """Drive from all starts.

        Args:
            driver: Gives the commands.
            observer: Called after every step with the task, what the driver had seen, and what
                came of it.

        Returns:
            A drive for each start.

        Raises:
            CarFault: A car behind topics failed in every attempt, or could not be placed.
        """
        if isinstance(self.task.cars, Simulator):
            self.task.cars.reseed(self._seed)
        drives: list[Drive] = []
        for first in range(0, len(self.starts.arc_length_m), self.task.num_cars):
            drives += self._drive_reliably(first, driver, observer)
        return drives

    def _drive_reliably(
        self, first: int, driver: Driver, observer: StepObserver | None
    ) -> list[Drive]:
        """Drive from as many starts as there are cars, the first of them given."""
        cars = np.arange(self.task.num_cars)
        # In the last round some cars may have no start of their own; they stand at the last one.
        chosen = np.minimum(first + cars, len(self.starts.arc_length_m) - 1)
        starts, active = self.starts[chosen], first + cars == chosen
        for _ in range(self._attempts - 1):
            # Placing tries again by itself; what it gives up is given up here too.
            self.task.begin(cars, starts)
            with contextlib.suppress(CarFault):
                return self._drive_once(starts, active, driver, observer)
        self.task.begin(cars, starts)
        return self._drive_once(starts, active, driver, observer)

    def _drive_once(
        self, starts: Starts, active: BoolArray, driver: Driver, observer: StepObserver | None
    ) -> list[Drive]:
        """Drive cars that stand at their starts, those that count."""
        task = self.task
        driving = np.flatnonzero(active)
        observations = observe(task, np.ones(task.num_cars, np.bool_))
        none_started = np.zeros(task.num_cars, np.bool_)
        places: list[FloatArray] = []
        for _ in range(self._most_steps):
            outcome = task.step(driver.commands(observations), active)
            places.append(np.stack([task.cars.poses.x_m, task.cars.poses.y_m], axis=1))
            if observer is not None:
                observer(task, observations, outcome)
            active = active & ~(outcome.terminated | outcome.truncated)
            if not active.any():
                break
            observations = observe(task, none_started)
        paths_m = np.array(places)
        reports = {int(car): task.report(car) for car in driving}
        return [
            Drive(
                circuit=task.cars.circuits[int(starts.circuit_index[car])],
                direction=int(starts.direction[car]),
                start_arc_length_m=float(starts.arc_length_m[car]),
                report=report,
                path_m=paths_m[: report.steps, car],
                traffic=traffic_name(task.settings.traffic),
            )
            for car, report in reports.items()
        ]


def repeated_lap_drives(
    settings: TaskSettings,
    starts_per_circuit: int,
    repeats: int,
    *,
    direction: int | None = 1,
    laps: int = 1,
    seed: int = 0,
) -> list[LapDrive]:
    """Return lap drives that repeat each other without being the same.

    Each has a seed of its own, for pictures and delays where they vary, and its starts lie between
    those of the others: so they differ where nothing is random, too. All share the cars.

    Args:
        settings: The task.
        starts_per_circuit: Starts on each circuit in one repeat.
        repeats: How many.
        direction: Driving direction; none alternates between the starts.
        laps: Laps that each car has to drive.
        seed: Of the first repeat; the others count on from it.
    """
    made: list[LapDrive] = []
    for repeat in range(repeats):
        made.append(
            LapDrive(
                settings,
                starts_per_circuit,
                direction=direction,
                laps=laps,
                seed=seed + repeat,
                shift=repeat / repeats,
                cars=made[0].task.cars if made else None,
            )
        )
    return made
