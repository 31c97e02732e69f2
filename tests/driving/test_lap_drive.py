"""Driving whole laps: starts, the end of each drive, the classical driver."""

import numpy as np
import pytest

from f1_rl.circuits import circuit_names, load_circuit
from f1_rl.driving.cars import CarFault
from f1_rl.driving.classical import LineFollower
from f1_rl.driving.environment import make_simulator
from f1_rl.driving.laps import (
    ActionDriver,
    LapDrive,
    lap_settings,
    repeated_lap_drives,
    spread_starts,
)
from f1_rl.driving.settings import TaskSettings
from f1_rl.settings import SettingsError, build_settings

# Left to the slow tests.
LONG = ("grand_tour",)


def task_of(*circuits, **settings) -> TaskSettings:
    return build_settings(TaskSettings, {"circuits": list(circuits), **settings})


class SomeStand:
    """Follows the line, but for the cars that it commands to spin on the spot."""

    def __init__(self, task, spinning) -> None:
        self._driver = LineFollower(task)
        self._spinning = spinning

    def commands(self, observations):
        commands = self._driver.commands(observations)
        commands[self._spinning] = (0.5, 3.0)
        return commands


def test_starts_are_spread_evenly_over_each_circuit():
    circuits = [load_circuit("oval"), load_circuit("simple")]
    starts = spread_starts(circuits, 4, direction=None)
    np.testing.assert_array_equal(starts.circuit_index, [0] * 4 + [1] * 4)
    np.testing.assert_array_equal(starts.direction, [1, -1] * 4)
    share = starts.arc_length_m / np.repeat([c.length_m for c in circuits], 4)
    np.testing.assert_allclose(share, [0.0, 0.25, 0.5, 0.75] * 2)
    assert (spread_starts(circuits, 2, direction=-1).direction == -1).all()


def test_laps_are_driven_as_trained_but_cut_by_laps_alone():
    settings = task_of("oval", endings={"off_road_margin_m": 0.3, "time_limit_s": 5.0})
    driven = lap_settings(settings, 3)
    assert driven.endings.laps == 3
    assert driven.endings.time_limit_s is None
    assert driven.endings.off_road_margin_m == 0.3
    assert driven.circuits == settings.circuits


def test_a_circuit_that_more_cars_learn_is_driven_once():
    assert lap_settings(task_of("oval", "simple", "oval")).circuits == ("oval", "simple")
    assert lap_settings(task_of("random-1:3", "random-2")).circuits == ("random-1", "random-2")


def test_cars_that_ended_are_not_counted_on():
    lap = LapDrive(task_of("oval"), 3)
    drives = lap.drive(SomeStand(lap.task, [1]))
    assert [drive.completed for drive in drives] == [True, False, True]
    assert drives[1].report.ending == "wrong_way"
    assert drives[1].report.steps < 25
    assert drives[1].report.laps == 0
    assert drives[1].report.completion < 0.1
    for drive in (drives[0], drives[2]):
        assert drive.report.ending == "laps"
        assert drive.report.laps == 1
        assert drive.report.completion == 1.0
        # A standing start, and the line is crossed within the last step.
        assert drive.report.steps == int(np.ceil(drive.report.lap_time_s / 0.05 - 1e-9))
    rows = [drive.as_dict() for drive in drives]
    assert [row["completed"] for row in rows] == [1, 0, 1]
    assert rows[1]["start_arc_length_m"] == pytest.approx(lap.task.cars.circuits[0].length_m / 3)


def test_a_car_that_creeps_is_not_waited_for():
    lap = LapDrive(task_of("oval", endings={"stalled_after_s": None}), 1)

    class Creeper:
        def commands(self, observations):
            return np.array([[0.05, 0.0]])

    (drive,) = lap.drive(Creeper())
    assert not drive.completed
    assert drive.report.ending == ""


def test_drives_are_the_same_every_time_and_seeds_vary_pictures():
    varied = {"noise_sigma": [4.0, 8.0], "action_delay_s": [0.0, 0.1]}
    lap = LapDrive(task_of("oval", variation=varied), 2, seed=3)
    first = [drive.as_dict() for drive in lap.drive(LineFollower(lap.task))]
    again = [drive.as_dict() for drive in lap.drive(LineFollower(lap.task))]
    assert first == again
    other = LapDrive(task_of("oval", variation=varied), 2, seed=4)
    assert first != [drive.as_dict() for drive in other.drive(LineFollower(other.task))]


def test_the_observer_sees_every_step_until_the_last_car_is_done():
    lap = LapDrive(task_of("oval"), 2)
    seen = []
    drives = lap.drive(
        LineFollower(lap.task), lambda task, observations, outcome: seen.append(outcome)
    )
    assert len(seen) == max(drive.report.steps for drive in drives)
    assert seen[-1].truncated.any()


def with_line() -> list:
    names = [name for name in circuit_names() if load_circuit(name).has_line]
    assert len(names) > 4
    return [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in names]


@pytest.mark.parametrize("name", with_line())
def test_the_classical_driver_laps_every_circuit_with_a_line_both_ways(name):
    lap = LapDrive(task_of(name), 2, direction=None)
    drives = lap.drive(LineFollower(lap.task))
    assert [drive.report.ending for drive in drives] == ["laps", "laps"]
    assert max(drive.report.off_track for drive in drives) == 0
    assert max(drive.report.mean_lateral_error_m for drive in drives) < 0.5


def test_the_classical_driver_reads_the_line_from_rgb_with_speed_too():
    lap = LapDrive(task_of("oval", observation={"channel": "rgb", "speed": True}), 1)
    assert lap.drive(LineFollower(lap.task))[0].completed


def test_the_classical_driver_refuses_pictures_without_the_line():
    lap = LapDrive(task_of("oval", observation={"channel": "gray"}), 1)
    with pytest.raises(SettingsError, match="red channel only"):
        LineFollower(lap.task)


class FailingCars:
    """Cars of the embedded simulator that fail at the steps, and placings, of given numbers."""

    def __init__(self, settings, count, *, steps=(), places=()) -> None:
        self._cars = make_simulator(settings, count)
        self._steps, self._places = set(steps), set(places)
        self.steps = self.places = 0

    def step(self, commands) -> None:
        self.steps += 1
        if self.steps in self._steps:
            raise CarFault("the camera is gone.")
        self._cars.step(commands)

    def place(self, *where) -> None:
        self.places += 1
        if self.places in self._places:
            raise CarFault("the simulator is gone.")
        self._cars.place(*where)

    def __getattr__(self, name):
        return getattr(self._cars, name)


def with_cars(count, starts, **fails) -> LapDrive:
    settings = task_of("oval")
    return LapDrive(settings, starts, cars=FailingCars(settings, count, **fails))


def test_actions_are_commanded_as_the_table_says() -> None:
    lap = LapDrive(task_of("oval"), 2)
    driver = ActionDriver(lap.task, lambda observations: np.array([2, 0]))
    np.testing.assert_array_equal(
        driver.commands(np.zeros((2, 1, 1, 1), np.uint8)), lap.task.actions.commands[[2, 0]]
    )


class Forgetful:
    """Follows the line, and knows nothing of the step before, nor of the drive before."""

    def __init__(self, task) -> None:
        self._task = task

    def commands(self, observations):
        return LineFollower(self._task).commands(observations)


def drive_line(lap) -> list:
    return [drive.as_dict() for drive in lap.drive(Forgetful(lap.task))]


@pytest.fixture(scope="module")
def five_at_once() -> list:
    return drive_line(LapDrive(task_of("oval"), 5))


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_fewer_cars_than_starts_drive_one_after_the_other_as_all_would_at_once(five_at_once, count):
    assert drive_line(with_cars(count, 5)) == five_at_once


def test_a_drive_in_which_a_car_fails_is_driven_again_and_counts_as_if_nothing_was(five_at_once):
    lap = with_cars(2, 5, steps=(40, 90))
    assert drive_line(lap) == five_at_once
    assert lap.task.cars.places == 3 + 2


def test_a_car_that_fails_in_every_attempt_is_not_driven_for_ever():
    lap = with_cars(1, 2, steps=range(10, 10_000, 10))
    with pytest.raises(CarFault, match="camera is gone"):
        drive_line(lap)
    assert lap.task.cars.places == 3


def test_a_car_that_cannot_be_placed_is_given_up_at_once():
    """Placing waits for restarts by itself, for a minute."""
    lap = with_cars(1, 2, places=(2,))
    with pytest.raises(CarFault, match="simulator is gone"):
        drive_line(lap)
    assert lap.task.cars.places == 2


def test_repeats_start_in_between_and_vary_the_pictures_but_share_the_cars():
    laps = repeated_lap_drives(task_of("oval"), 4, 3, seed=5)
    length_m = laps[0].task.cars.circuits[0].length_m
    starts = np.concatenate([lap.starts.arc_length_m for lap in laps])
    np.testing.assert_allclose(np.sort(starts), np.arange(12) / 12 * length_m)
    np.testing.assert_allclose(laps[0].starts.arc_length_m, np.arange(4) / 4 * length_m)
    assert all(lap.task.cars is laps[0].task.cars for lap in laps)


def test_repeats_have_a_seed_each_so_that_drives_from_one_start_differ():
    varied = {"noise_sigma": [4.0, 8.0], "action_delay_s": [0.0, 0.1]}
    task = task_of("oval", variation=varied)
    first, second = repeated_lap_drives(task, 1, 2, seed=3)
    alone = LapDrive(task, 1, seed=4, shift=0.5)
    made = [lap.drive(LineFollower(lap.task))[0].as_dict() for lap in (first, second, alone)]
    assert made[1] == made[2]
    assert made[0] == LapDrive(task, 1, seed=3).drive(LineFollower(first.task))[0].as_dict()
