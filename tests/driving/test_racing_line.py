"""The driver that knows the whole circuit."""

from dataclasses import replace

import numpy as np
import pytest

from f1_rl.circuits import FloatArray, circuit_names
from f1_rl.driving import racing_line
from f1_rl.driving.actions import ActionTable, load_action_table
from f1_rl.driving.environment import Observation, make_simulator
from f1_rl.driving.laps import LapDrive, lap_settings
from f1_rl.driving.look_ahead_kernels import Prices
from f1_rl.driving.planned_lines import Reserve
from f1_rl.driving.racing_line import RacingLineDriver, RacingLineGuide
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import DrivingTask, Starts
from f1_rl.racing import driving_limits, racing_limit
from f1_rl.simulation.vehicles import make_vehicle

FAST = ActionTable("fast", "", ((12.0, 3.0), (12.0, -3.0)))
# The longest takes as long as all the others.
CIRCUITS = [name for name in circuit_names() if name != "grand_tour"]
# What is driven over the limit, which knows of no control period and takes the whole road.
MOST_TO_LIMIT = {"kinematic": 1.01, "single_track": 1.05}
# Of guides: as usual, and for those with many actions.
USUAL, SMALL = Reserve(margin_m=0.25, share=0.05), Reserve(margin_m=0.13, share=0.035)


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
    ("table", "vehicle", "reserve", "most"),
    [
        ("pedals", "single_track", USUAL, 1.06),
        ("pedals", "single_track", SMALL, 1.045),
        ("racing", "kinematic", USUAL, 1.02),
        # By the action nearest to what is wanted, few and far apart, the car leaves the road.
        ("fast", "single_track", USUAL, 1.11),
        ("simple", "kinematic", USUAL, 1.03),
    ],
)
def test_by_actions_alone_it_is_nearly_as_fast(
    table: str, vehicle: str, reserve: Reserve, most: float
) -> None:
    names = ["simple", "hairpins", "serpent"]
    settings = TaskSettings(circuits=tuple(names), vehicle=vehicle)  # type: ignore[arg-type]
    settings = lap_settings(settings, 2)
    actions = load_action_table(table)
    task = DrivingTask(settings, make_simulator(settings, len(names)), actions)
    guide = RacingLineGuide(task, reserve)
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


class ByActions:
    """Drives as the guide does."""

    def __init__(self, task: DrivingTask) -> None:
        self.task, self.guide = task, RacingLineGuide(task, SMALL)

    def commands(self, observations: Observation) -> FloatArray:
        return self.task.commands_of(self.guide.actions())


@pytest.mark.parametrize("driver", [RacingLineDriver, ByActions])
def test_no_start_and_no_direction_takes_it_off_the_road(
    driver: type[RacingLineDriver] | type[ByActions],
) -> None:
    settings = TaskSettings(
        circuits=("hairpins", "harbour"), vehicle="single_track", actions="pedals"
    )
    laps = LapDrive(settings, 4, direction=None, laps=2)
    lost = [each for each in laps.drive(driver(laps.task)) if not each.completed]
    assert not lost, lost


FREE = Prices(standing=0.0, too_fast=0.0, beside=0.0, turned=0.0, edge=0.0, edge_m=1.0)


@pytest.mark.parametrize("pace", [1.0, 0.02])
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    ("table", "vehicle"), [("pedals", "single_track"), ("racing", "kinematic")]
)
def test_what_an_action_costs_is_what_comes_of_it(
    table: str, vehicle: str, direction: int, pace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time gained on the plan, and each price, against cars that do so in the simulator."""
    actions = load_action_table(table)
    settings = TaskSettings(circuits=("serpent",), vehicle=vehicle)  # type: ignore[arg-type]
    count = len(actions)
    task = DrivingTask(settings, make_simulator(settings, count), actions)
    guide, driver = RacingLineGuide(task, USUAL), RacingLineDriver(task)
    driver._planned = guide._planned
    task.begin(np.arange(count), alike(count, direction, lateral_m=0.4, heading_rad=0.2))
    road, line = task.cars.circuits[0], guide._planned._lines[0]
    # Nobody drives as slowly as the plan of another pace.
    guide._planned.lines.samples[:, 6] *= pace

    def told(**prices: float) -> FloatArray:
        monkeypatch.setattr(racing_line, "_PRICES", FREE._replace(**prices))
        costs = guide.costs()
        np.testing.assert_allclose(costs, costs[:1].repeat(count, axis=0))
        return np.asarray(costs[0])

    gains = -told()
    priced = {name: told(**{name: 1.0}) + gains for name in FREE._fields if name != "edge_m"}
    before, period_s = planned_times(task, guide), task.cars.control_period_s
    expected = {name: np.zeros(count) for name in priced}
    for number in range(round(racing_line._LOOK_AHEAD_S / period_s)):
        first = task.commands_of(np.arange(count))
        task.step(commands_of(driver, task) if number else first)
        planned, speed = nearest_samples(task, guide)[:, 6], task.cars.speed_mps
        along, around = (each.project(task.cars.poses, direction) for each in (line, road))
        left_m = np.minimum(
            around.width_left_m - around.lateral_error_m,
            around.width_right_m + around.lateral_error_m,
        )
        expected["too_fast"] += period_s * np.maximum(speed - planned, 0.0) ** 2
        expected["beside"] += period_s * along.lateral_error_m**2
        expected["edge"] += period_s * np.maximum(1.0 - left_m, 0.0)
        expected["standing"] += period_s * np.maximum(1.0 - speed, 0.0)
    expected["turned"] += np.sin(along.heading_error_rad) ** 2
    for name, cost in priced.items():
        # The guide's model of the car takes longer steps than the simulator's.
        np.testing.assert_allclose(cost, expected[name], rtol=0.05, atol=5e-4, err_msg=name)
    happens = {name for name, cost in expected.items() if cost.max() > 0.002}
    if pace == 1.0:
        # They have crossed the start line.
        gained_s = planned_times(task, guide) - before
        assert (gained_s < -5.0).all()
        gained_s += planned_lap(task, guide)
        # Until it drives as fast as planned, v^2 / 2a metres are lost, at that speed.
        limits = driving_limits(make_vehicle(vehicle), actions.commands)
        lacking = np.maximum(planned - speed, 0.0)
        behind_s = lacking**2 / (2.0 * limits.max_acceleration_mps2 * planned)
        assert (behind_s.max() > 0.1) == (vehicle == "single_track")
        np.testing.assert_allclose(gains, gained_s - behind_s, atol=5e-3)
        assert happens >= {"beside", "edge"}
        # The others have turned back by then.
        assert "turned" in happens or (table, direction) in {("pedals", 1), ("racing", -1)}
        assert ("standing" in happens) == (vehicle == "single_track")
    else:
        assert "too_fast" in happens


def test_a_car_that_stands_is_to_drive_off_wherever_it_stands() -> None:
    names = ("simple", "serpent", "hairpins")
    settings = TaskSettings(circuits=names, vehicle="single_track")
    count = 200
    task = DrivingTask(settings, make_simulator(settings, count), load_action_table("pedals"))
    rng = np.random.default_rng(0)
    index = rng.integers(0, len(names), count)
    where = Starts(
        index,
        rng.uniform(0.0, 60.0, count),
        rng.choice([-1, 1], count),
        rng.uniform(-0.5, 0.5, count),
        rng.uniform(-0.3, 0.3, count),
    )
    task.begin(np.arange(count), where)
    speeds = task.actions.commands_at(np.zeros(count), task.cars.control_period_s)[..., 0]
    costs = RacingLineGuide(task, SMALL).costs()
    driving_off = np.where(speeds > 0.0, costs, np.inf).min(axis=1)
    assert (driving_off + 0.02 < np.where(speeds > 0.0, np.inf, costs).min(axis=1)).all()


def alike(count: int, direction: int, lateral_m: float, heading_rad: float) -> Starts:
    """Return starts of so many cars of one circuit in one place, shortly before the line."""
    same = np.ones(count)
    return Starts(
        np.zeros(count, np.int64),
        -0.3 * same,
        np.full(count, direction),
        lateral_m * same,
        heading_rad * same,
    )


def nearest_samples(task: DrivingTask, guide: RacingLineGuide) -> FloatArray:
    """Return the samples (N, 8) of lines next to cars."""
    lines, places = guide._planned.lines, guide._planned.locate(task.cars)
    return lines.samples[lines.ends[places.which] + places.near_line]


def planned_times(task: DrivingTask, guide: RacingLineGuide) -> FloatArray:
    """Return the planned times (N,) from the first sample of the line to where cars are."""
    samples = nearest_samples(task, guide)
    dx, dy = task.cars.poses.x_m - samples[:, 0], task.cars.poses.y_m - samples[:, 1]
    return samples[:, 7] + (samples[:, 2] * dx + samples[:, 3] * dy) / samples[:, 6]


def planned_lap(task: DrivingTask, guide: RacingLineGuide) -> FloatArray:
    lines, places = guide._planned.lines, guide._planned.locate(task.cars)
    last = lines.samples[lines.ends[places.which + 1] - 1]
    return last[:, 7] + lines.spacing_m[places.which] / last[:, 6]


def test_cars_are_found_on_the_line_and_on_the_road_of_their_direction() -> None:
    settings = TaskSettings(circuits=("oval", "serpent"), vehicle="single_track")
    count = 400
    task = DrivingTask(settings, make_simulator(settings, count), load_action_table("pedals"))
    rng = np.random.default_rng(0)
    directions, index = rng.choice([-1, 1], count), rng.integers(0, 2, count)
    where = Starts(
        index,
        rng.uniform(0.0, 40.0, count),
        directions,
        rng.uniform(-1.0, 1.0, count),
        rng.uniform(-0.5, 0.5, count),
    )
    task.begin(np.arange(count), where)
    planned = RacingLineGuide(task, USUAL)._planned
    places = planned.locate(task.cars)
    np.testing.assert_array_equal(places.which, 2 * index + (directions < 0))
    poses = task.cars.poses
    for ways, near in ((planned.lines, places.near_line), (planned.roads, places.near_road)):
        for car in range(count):
            way = ways.samples[ways.ends[places.which[car]] : ways.ends[places.which[car] + 1]]
            apart = np.hypot(way[:, 0] - poses.x_m[car], way[:, 1] - poses.y_m[car])
            assert apart[near[car]] - apart.min() < 0.01
            assert np.cos(way[near[car], 4] - poses.yaw_rad[car]) > 0.0
    road = task.cars.circuits[1].project(poses, directions)
    here = np.flatnonzero(index == 1)
    samples = planned.roads.samples[planned.roads.ends[places.which] + places.near_road]
    np.testing.assert_allclose(samples[here, 6], road.width_left_m[here], atol=0.02)
    np.testing.assert_allclose(samples[here, 7], road.width_right_m[here], atol=0.02)


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
