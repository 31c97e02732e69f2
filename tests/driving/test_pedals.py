"""Actions of throttle, brake and steering."""

import math
from typing import Any

import numpy as np
import pytest

from f1_rl.driving.actions import PedalTable, load_action_table, nearest_actions
from f1_rl.driving.environment import F1CameraEnv, make_task
from f1_rl.driving.settings import TaskSettings, pedal_lead_s
from f1_rl.driving.task import DrivingTask, Starts
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import SingleTrackCar

CAR = SingleTrackCar()
TABLE = PedalTable(
    "mine", "", ((1.0, 0.0), (0.5, 0.1), (0.5, -0.1), (0.0, 0.0), (-1.0, 1.0)), top_speed_mps=10.0
)
PERIOD_S = 0.05


def commands(speed_mps: float) -> np.ndarray:
    return TABLE.commands_at(np.array([speed_mps]), PERIOD_S)[0]


def test_throttle_and_brake_command_the_speed_that_they_lead_to() -> None:
    gained_m = CAR.max_acceleration_mps2 * PERIOD_S
    lost_m = CAR.max_braking_mps2 * PERIOD_S
    expected = [5.0 + gained_m, 5.0 + 0.5 * gained_m, 5.0 + 0.5 * gained_m, 5.0, 5.0 - lost_m]
    assert commands(5.0)[:, 0] == pytest.approx(expected)


def test_a_car_stands_when_braked_to_the_end_and_goes_no_faster_than_its_top_speed() -> None:
    assert commands(0.1)[4, 0] == 0.0
    assert commands(9.99)[0, 0] == 10.0
    # One that is faster already rolls on.
    assert commands(11.0)[0, 0] == 11.0


def test_steering_turns_as_the_single_track_model_says_within_the_grip() -> None:
    turned = commands(5.0)[1]
    halfway = 0.5 * (5.0 + turned[0])
    angle = 0.1 * CAR.max_steering_rad
    assert turned[1] == pytest.approx(halfway * math.tan(angle) / CAR.wheelbase_m)
    full = commands(5.0)[4]
    assert full[1] == pytest.approx(CAR.grip_mps2 / (0.5 * (5.0 + full[0])))
    assert commands(0.0)[1, 1] > 0.0, "the wheels of a standing car turn, too"


def test_no_command_goes_beyond_those_the_table_names() -> None:
    largest = np.abs(TABLE.commands).max(axis=0)
    every = TABLE.commands_at(np.linspace(0.0, 10.0, 1001), PERIOD_S)
    assert (np.abs(every) <= largest + 1e-9).all()
    assert np.abs(every[..., 1]).max() > 0.95 * largest[1]
    assert (TABLE.max_speed_mps, TABLE.max_yaw_rate_radps) == pytest.approx(tuple(largest))


def test_the_car_does_what_its_driver_does() -> None:
    task = task_with(TABLE)
    for _ in range(20):
        task.step(task.commands_of(np.array([0])))
    assert task.cars.speed_mps[0] == pytest.approx(20 * PERIOD_S * CAR.max_acceleration_mps2)
    before = task.cars.speed_mps[0]
    task.step(task.commands_of(np.array([1])))
    half = 0.5 * PERIOD_S * CAR.max_acceleration_mps2
    assert task.cars.speed_mps[0] == pytest.approx(before + half)
    curvature = task.cars.yaw_rate_radps[0] / task.cars.speed_mps[0]
    angle = 0.1 * CAR.max_steering_rad
    assert curvature == pytest.approx(math.tan(angle) / CAR.wheelbase_m, rel=0.02)


def test_cars_that_answer_late_have_all_of_their_drive_and_brakes() -> None:
    for late in (
        {"actuators": {"drive_lag_s": 0.1}},
        {"variation": {"action_delay_s": [0.0, 0.1]}},
        {"actuators": {"drive_lag_s": 0.05}, "variation": {"action_delay_s": [0.05, 0.05]}},
    ):
        late_by_s = 0.1 * CAR.max_acceleration_mps2
        task = task_with(TABLE, late)
        for _ in range(40):
            task.step(task.commands_of(np.array([0])))
        fastest_mps = 40 * PERIOD_S * CAR.max_acceleration_mps2
        assert fastest_mps - late_by_s - 1e-6 <= task.cars.speed_mps[0] <= fastest_mps
        before = task.cars.speed_mps[0]
        for _ in range(16):
            task.step(task.commands_of(np.array([4])))
        braked_mps = 16 * PERIOD_S * CAR.max_braking_mps2
        changed_mps = 0.1 * (CAR.max_braking_mps2 + CAR.max_acceleration_mps2)
        lost_mps = before - task.cars.speed_mps[0]
        assert braked_mps - changed_mps - 1e-6 <= lost_mps <= braked_mps


def test_turns_are_reckoned_with_the_speed_within_the_period_however_late_cars_answer() -> None:
    speeds = np.array([1.0, 8.0])
    usual = TABLE.commands_at(speeds, PERIOD_S)
    ahead = TABLE.commands_at(speeds, PERIOD_S, 0.2)
    np.testing.assert_array_equal(ahead[..., 1], usual[..., 1])
    assert ahead[0, 0, 0] == pytest.approx(1.0 + 0.25 * CAR.max_acceleration_mps2)
    assert ahead[:, 4, 0] == pytest.approx([0.0, 8.0 - 0.25 * CAR.max_braking_mps2])


@pytest.mark.parametrize("vehicle", ["kinematic", "single_track"])
def test_cars_that_answer_at_once_are_commanded_the_speed_of_the_period(vehicle) -> None:
    assert pedal_lead_s(TaskSettings(vehicle=vehicle)) == 0.0


def test_each_car_is_commanded_by_its_own_speed() -> None:
    both = TABLE.commands_at(np.array([2.0, 8.0]), PERIOD_S)
    np.testing.assert_array_equal(both[0], commands(2.0))
    np.testing.assert_array_equal(both[1], commands(8.0))


def test_what_was_commanded_is_found_again() -> None:
    speeds = np.array([3.0, 7.0, 6.0])
    tables = TABLE.commands_at(speeds, PERIOD_S)
    taken = tables[np.arange(3), [4, 1, 0]]
    actions, distances = nearest_actions(taken, tables)
    assert actions.tolist() == [4, 1, 0]
    assert distances == pytest.approx(0.0)


def test_the_table_of_the_package_is_driven_by_name() -> None:
    env = F1CameraEnv(actions="pedals", vehicle="single_track", circuits=["oval"])
    names = env.task.actions.action_names
    assert names[0] == "throttle 100 %, straight"
    assert "brake 100 %, right 25 %" in names
    env.reset(seed=0)
    for _ in range(10):
        *_, info = env.step(0)
    assert info["speed_mps"] == pytest.approx(10 * PERIOD_S * CAR.max_acceleration_mps2)


def test_mirror_images_press_the_same_pedal() -> None:
    table = load_action_table("pedals")
    for action, image in enumerate(table.mirrored_actions()):
        drive, steering = table.pairs[action]
        assert table.pairs[image] == (drive, -steering)
    with pytest.raises(SettingsError, match="no mirror image of brake 100 %, left 100 %"):
        TABLE.mirrored_actions()


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("pedals: [{throttle: 1, steering: 1}, {brake: 1}]", "either actions, or pedals"),
        ("top_speed_mps: 9", "either actions, or pedals"),
        (
            "top_speed_mps: 9, actions: [[1, 0], [1, 1]], pedals: [{throttle: 1}]",
            "either actions, or pedals",
        ),
        ("top_speed_mps: 9, pedals: [{throttle: 1, brake: 1}, {}]", "both|at once"),
        ("top_speed_mps: 9, pedals: [{throttle: 2}, {brake: 1}]", "of at most 1"),
        ("top_speed_mps: 9, pedals: [{throttle: 1}, {brake: 1}]", "cannot drive"),
        ("top_speed_mps: 9, pedals: [{brake: 1}, {steering: 1}]", "cannot drive"),
        ("top_speed_mps: 9, pedals: [{gas: 1}, {steering: 1}]", "gas"),
    ],
)
def test_tables_of_pedals_that_cannot_be_driven_are_refused(tmp_path, table, reason) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"mine: {{description: Mine., {table}}}\n")
    with pytest.raises(SettingsError, match=reason):
        load_action_table(str(path))


def task_with(table: PedalTable, late: dict[str, Any] | None = None) -> DrivingTask:
    """Return a task with one single-track car that stands on the straight of the oval."""
    settings = {"circuits": ["oval"], "vehicle": "single_track", **(late or {})}
    task = make_task(build_settings(TaskSettings, settings))
    task = DrivingTask(task.settings, task.cars, table)
    nowhere = np.zeros(1)
    place = Starts(np.zeros(1, np.int64), nowhere, np.ones(1, np.int64), nowhere, nowhere)
    task.begin(np.zeros(1, np.int64), place)
    return task
