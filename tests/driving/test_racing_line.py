"""The driver that knows the whole circuit."""

from dataclasses import replace

import numpy as np
import pytest

from f1_rl.circuits import circuit_names
from f1_rl.driving.actions import ActionTable, load_action_table
from f1_rl.driving.environment import make_simulator
from f1_rl.driving.laps import LapDrive, lap_settings
from f1_rl.driving.racing_line import RacingLineDriver, RacingLineGuide
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import DrivingTask, Starts
from f1_rl.racing import racing_limit
from f1_rl.simulation.vehicles import make_vehicle

FAST = ActionTable("fast", "", ((12.0, 3.0), (12.0, -3.0)))
# The longest takes as long as all the others.
CIRCUITS = [name for name in circuit_names() if name != "grand_tour"]
# What is driven over the limit, which knows of no control period and takes the whole road.
MOST_TO_LIMIT = {"kinematic": 1.01, "single_track": 1.05}


def starts(count: int, direction: int, lateral_m: float = 0.0, heading_rad: float = 0.0) -> Starts:
    """Return a start on each of so many circuits."""
    places = np.zeros(count)
    directions = np.full(count, direction)
    return Starts(np.arange(count), places, directions, places + lateral_m, places + heading_rad)


def make_task(names: list[str], vehicle: str, laps: int = 1) -> DrivingTask:
    """Return a task with one car on each of the circuits, told speeds near what grip allows."""
    settings = TaskSettings(circuits=tuple(names), vehicle=vehicle)  # type: ignore[arg-type]
    settings = lap_settings(settings, laps)
    return DrivingTask(settings, make_simulator(settings, len(names)), FAST)


def commands_of(driver: RacingLineDriver, task: DrivingTask) -> np.ndarray:
    """Return the commands to cars that see nothing."""
    return driver.commands(np.zeros((task.num_cars, 1, 1, 1), np.uint8))


def lap_times(task: DrivingTask, where: Starts) -> np.ndarray:
    """Drive all cars until their laps are done, without looking."""
    driver = RacingLineDriver(task)
    task.begin(np.arange(task.num_cars), where)
    active = np.ones(task.num_cars, np.bool_)
    while active.any():
        outcome = task.step(commands_of(driver, task), active)
        assert not outcome.terminated.any(), outcome.reasons
        active &= ~outcome.truncated
    return task.laps.best_lap_time_s.copy()


@pytest.mark.parametrize(
    ("vehicle", "direction", "names"),
    [
        ("kinematic", 1, CIRCUITS),
        ("single_track", 1, CIRCUITS),
        ("single_track", -1, ["arrow", "hairpins"]),
    ],
)
def test_every_circuit_is_driven_near_the_limit(
    vehicle: str, direction: int, names: list[str]
) -> None:
    # The first lap of a car that does not obey at once begins from a stand.
    task = make_task(names, vehicle, laps=1 if vehicle == "kinematic" else 2)
    driven_s = lap_times(task, starts(len(names), direction))
    car = make_vehicle(vehicle)
    limits = [racing_limit(circuit, car, FAST.commands) for circuit in task.cars.circuits]
    fastest_s = np.array([limit.fastest.lap_time_s for limit in limits])
    assert (driven_s < MOST_TO_LIMIT[vehicle] * fastest_s).all(), driven_s / fastest_s
    # Reversed, drive and brakes change places: the limit there is another one.
    assert direction < 0 or (driven_s > fastest_s).all(), driven_s / fastest_s


@pytest.mark.parametrize(
    ("table", "vehicle", "most"),
    [("pedals", "single_track", 1.07), ("racing", "kinematic", 1.02)],
)
def test_by_actions_alone_it_is_nearly_as_fast(table: str, vehicle: str, most: float) -> None:
    names = ["simple", "hairpins", "serpent"]
    settings = TaskSettings(circuits=tuple(names), vehicle=vehicle)  # type: ignore[arg-type]
    settings = lap_settings(settings, 2)
    actions = load_action_table(table)
    task = DrivingTask(settings, make_simulator(settings, len(names)), actions)
    guide = RacingLineGuide(task)
    task.begin(np.arange(len(names)), starts(len(names), 1))
    active = np.ones(len(names), np.bool_)
    while active.any():
        outcome = task.step(task.commands_of(guide.actions()), active)
        assert not outcome.terminated.any(), outcome.reasons
        active &= ~outcome.truncated
    car = make_vehicle(vehicle)
    limits = [racing_limit(circuit, car, actions.commands) for circuit in task.cars.circuits]
    fastest_s = np.array([limit.fastest.lap_time_s for limit in limits])
    shares = task.laps.best_lap_time_s / fastest_s
    assert (shares < most).all(), shares


def test_no_start_and_no_direction_takes_it_off_the_road() -> None:
    settings = TaskSettings(
        circuits=("hairpins", "harbour"), vehicle="single_track", actions="pedals"
    )
    laps = LapDrive(settings, 4, direction=None, laps=2)
    lost = [each for each in laps.drive(RacingLineDriver(laps.task)) if not each.completed]
    assert not lost, lost


def test_it_comes_back_to_its_line_from_beside_it() -> None:
    task = make_task(["simple"], "single_track")
    assert np.isfinite(lap_times(task, starts(1, 1, lateral_m=-1.2, heading_rad=0.5))).all()


def test_every_car_follows_the_line_of_its_own_circuit() -> None:
    names = ["oval", "simple"]
    together = make_task(names, "single_track")
    together.begin(np.arange(2), starts(2, 1))
    commands = commands_of(RacingLineDriver(together), together)
    for name, command in zip(names, commands, strict=True):
        alone = make_task([name], "single_track")
        alone.begin(np.zeros(1, np.int64), starts(1, 1))
        np.testing.assert_allclose(
            commands_of(RacingLineDriver(alone), alone)[0], command, atol=1e-12
        )


def test_commands_stay_within_those_of_the_actions() -> None:
    task = make_task(["simple"], "single_track")
    task.actions = replace(FAST, pairs=((7.0, 1.8), (7.0, -1.8)))
    driver = RacingLineDriver(task)
    task.begin(np.zeros(1, np.int64), starts(1, 1, heading_rad=1.2))
    for _ in range(60):
        commands = commands_of(driver, task)
        assert abs(commands[0, 1]) <= 1.8
        assert 0.0 < commands[0, 0] <= 7.0
        task.step(commands)
