"""From commands to steering and throttle."""

import math
from pathlib import Path
from typing import Any

import pytest

from f1_rl.calibration import CalibrationError
from f1_rl.calibration.actuators import Actuators, ActuatorSettings, read_actuators
from f1_rl.settings import SettingsError, build_settings, merge, write_yaml

CAR = {
    "wheelbase_m": 0.26,
    "max_speed_mps": 2.0,
    "steering": {"left_rad": 0.4, "right_rad": 0.3, "max_rate_radps": 4.0},
    "throttle": {"table": [[0.0, 0.0], [0.5, 0.12], [2.5, 0.3]]},
}


def actuators(changes: dict[str, Any] | None = None) -> Actuators:
    return Actuators(build_settings(ActuatorSettings, merge(CAR, changes or {})))


def settled(speed_mps: float, yaw_rate_radps: float, **changes: Any) -> Any:
    """Return what the car is told once the servo has had its time."""
    car = actuators(changes)
    car.command(speed_mps, yaw_rate_radps, 0.0)
    return car.command(speed_mps, yaw_rate_radps, 10.0)


def test_the_wheels_stand_as_the_turn_asks() -> None:
    told = settled(1.5, 1.0)
    assert told.steering_rad == pytest.approx(math.atan(0.26 * 1.0 / 1.5))
    assert told.steering == pytest.approx(told.steering_rad / 0.4)
    # So a car of that wheelbase turns at the rate that was commanded.
    assert 1.5 * math.tan(told.steering_rad) / 0.26 == pytest.approx(1.0)
    right = settled(1.5, -1.0)
    assert right.steering_rad == pytest.approx(-told.steering_rad)
    assert right.steering == pytest.approx(right.steering_rad / 0.3)


def test_the_throttle_is_that_of_the_speed() -> None:
    assert settled(1.5, 0.0).throttle == pytest.approx(0.21)
    assert settled(0.25, 0.0).throttle == pytest.approx(0.06)
    assert settled(9.0, 0.0)[:2] == (2.0, 0.0)
    assert settled(9.0, 0.0).throttle == pytest.approx(0.255)


def test_a_car_that_may_not_drive_so_fast_drives_the_same_turn() -> None:
    car = Actuators(build_settings(ActuatorSettings, CAR), max_speed_mps=0.5)
    car.command(4.0, 2.0, 0.0)
    told = car.command(4.0, 2.0, 10.0)
    assert told.speed_mps == 0.5
    assert told.steering_rad == pytest.approx(math.atan(0.26 * 2.0 / 4.0))


@pytest.mark.parametrize("speed_mps", [0.0, -1.0, 0.1, math.nan])
def test_a_stand_and_backwards_are_neutral_and_straight(speed_mps: float) -> None:
    told = settled(speed_mps, 1.0, throttle={"dead_band_mps": 0.2})
    assert tuple(told) == (0.0, 0.0, 0.0, 0.0)


def test_steering_keeps_to_its_limits_trim_and_dead_band() -> None:
    assert settled(0.5, 3.0).steering == 1.0
    assert settled(0.5, -3.0).steering == -1.0
    trimmed = {"trim_rad": 0.05}
    assert settled(1.0, 0.0, steering=trimmed).steering_rad == pytest.approx(0.05)
    assert settled(0.5, 3.0, steering=trimmed).steering_rad == pytest.approx(0.4)
    banded = {"dead_band_rad": 0.03}
    assert settled(1.0, 0.1, steering=banded).steering_rad == 0.0
    assert settled(1.0, 0.2, steering=banded).steering_rad == pytest.approx(math.atan(0.052))


def test_the_wheels_turn_no_faster_than_the_servo_shall() -> None:
    car = actuators()
    assert car.command(0.5, 3.0, 0.0).steering_rad == 0.0
    assert car.command(0.5, 3.0, 0.05).steering_rad == pytest.approx(0.2)
    assert car.command(0.5, 3.0, 0.07).steering_rad == pytest.approx(0.28)
    # A stop takes the throttle at once, the wheels at their rate.
    told = car.command(0.0, 0.0, 0.09)
    assert (told.throttle, told.steering_rad) == (0.0, pytest.approx(0.2))


def test_the_tightest_turn_is_that_of_the_weaker_side() -> None:
    assert actuators().tightest_radius_m == pytest.approx(0.26 / math.tan(0.3))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wheelbase_m": 0.0}, "wheelbase_m is 0.0; give a number above 0"),
        ({"steering": {"left_rad": 2.0}}, "steering.left_rad is 2.0"),
        ({"throttle": {"table": [[0.0, 0.0]]}}, "table must begin with"),
        ({"throttle": {"table": [[0.0, 0.0], [1.0, 0.3], [0.9, 0.4]]}}, "table must begin with"),
        ({"throttle": {"table": [[0.1, 0.0], [1.0, 0.3]]}}, "table must begin with"),
        ({"throttle": {"table": [[0.0, 0.0], [1.0, 1.3]]}}, "throttle.table"),
        ({"wheel_base_m": 0.3}, "did you mean 'wheelbase_m'"),
    ],
)
def test_a_car_that_cannot_be_is_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    write_yaml(tmp_path / "car.yaml", merge(CAR, changes))
    with pytest.raises(CalibrationError, match=said) as refused:
        read_actuators(tmp_path / "car.yaml")
    assert "car.yaml" in str(refused.value)
    with pytest.raises(SettingsError):
        build_settings(ActuatorSettings, merge(CAR, changes))
