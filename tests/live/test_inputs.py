"""Who steers, what silence does, and how a car follows a hand."""

import math

import pytest

from f1_rl.live.inputs import BRAKE, COASTING_MPS2, HANDS_OFF, DriverInput, HandControl, Wheel
from f1_rl.simulation.car_parameters import CAR

PERIOD_S = 0.05


def press(page: str, throttle: object = 1.0, steer: object = 0.0) -> dict[str, object]:
    return {"type": "input", "throttle": throttle, "steer": steer, "page": page}


def drive(control: HandControl, given: DriverInput, seconds: float) -> tuple[float, float]:
    for _ in range(round(seconds / PERIOD_S)):
        command = control.command(given)
    return command


@pytest.fixture
def control() -> HandControl:
    return HandControl(7.0, 1.8, PERIOD_S)


def test_nobody_at_the_wheel_brakes():
    assert Wheel().read(0.0) == BRAKE


def test_the_wheel_says_what_the_page_says_until_that_falls_silent():
    wheel = Wheel()
    wheel.hear(press("a", 0.5, -0.25), 10.0)
    assert wheel.read(10.5) == DriverInput(0.5, -0.25)
    assert not wheel.silent(10.5)
    assert wheel.silent(10.51)
    assert wheel.read(10.51) == BRAKE
    wheel.hear(press("a", 0.5), 10.6)
    assert wheel.read(10.6) == DriverInput(0.5, 0.0)


def test_the_newest_page_that_steers_has_the_wheel():
    wheel = Wheel()
    wheel.hear(press("a"), 0.0)
    wheel.hear(press("b", -0.5), 0.1)
    # The first one goes on pressing, which takes nothing back.
    wheel.hear(press("a"), 0.2)
    assert wheel.holder == "b"
    assert wheel.read(0.2) == DriverInput(-0.5, 0.0)
    wheel.hear(press("a", 0.0), 0.3)
    assert wheel.holder == "b"
    wheel.hear(press("a", 0.7), 0.4)
    assert wheel.holder == "a"
    assert wheel.read(0.4) == DriverInput(0.7, 0.0)


def test_a_page_that_watches_does_not_keep_the_car_going():
    wheel = Wheel()
    wheel.hear(press("a"), 0.0)
    for i in range(20):
        wheel.hear(press("b", 0.0), 0.1 * i)
    assert wheel.holder == "a"
    assert wheel.read(1.9) == BRAKE


@pytest.mark.parametrize("value", [None, "1", math.nan, math.inf, True, [1.0]])
def test_input_that_is_no_number_is_left_out(value):
    wheel = Wheel()
    wheel.hear(press("a", 0.5, 0.5), 0.0)
    wheel.hear(press("a", value), 0.1)
    wheel.hear(press("a", 0.5, value), 0.1)
    wheel.hear({"type": "input"}, 0.1)
    assert wheel.read(0.1) == DriverInput(0.5, 0.5)


def test_input_beyond_its_range_is_cut():
    wheel = Wheel()
    wheel.hear(press("a", 9.0, -9.0), 0.0)
    assert wheel.read(0.0) == DriverInput(1.0, -1.0)


def test_full_throttle_reaches_the_largest_speed_with_the_drive_of_the_car(control):
    full = DriverInput(1.0, 0.0)
    assert control.command(full)[0] == pytest.approx(CAR.max_acceleration_mps2 * PERIOD_S)
    assert drive(control, full, 1.0)[0] == pytest.approx(CAR.max_acceleration_mps2 * 1.05)
    assert drive(control, full, 5.0)[0] == 7.0


def test_half_throttle_reaches_half_of_it_from_either_side(control):
    half = DriverInput(0.5, 0.0)
    assert drive(control, half, 5.0)[0] == pytest.approx(3.5)
    drive(control, DriverInput(1.0, 0.0), 5.0)
    assert control.command(half)[0] == pytest.approx(7.0 - COASTING_MPS2 * PERIOD_S)
    assert drive(control, half, 5.0)[0] == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("given", "slowing_mps2"),
    [
        (HANDS_OFF, COASTING_MPS2),
        (DriverInput(-0.5, 0.0), (COASTING_MPS2 + CAR.max_braking_mps2) / 2),
        (BRAKE, CAR.max_braking_mps2),
    ],
)
def test_the_car_coasts_and_brakes_to_a_stop(control, given, slowing_mps2):
    drive(control, DriverInput(1.0, 0.0), 5.0)
    assert drive(control, given, 0.5)[0] == pytest.approx(7.0 - 0.5 * slowing_mps2)
    assert drive(control, given, 4.0) == (0.0, 0.0)


def test_steering_turns_to_the_left_smoothly_and_no_tighter_than_the_car_can(control):
    left = DriverInput(1.0, 1.0)
    for _ in range(5):
        speed_mps, yaw_rate_radps = control.command(left)
        assert yaw_rate_radps <= speed_mps / CAR.min_radius_m + 1e-9
    drive(control, DriverInput(1.0, 0.0), 3.0)
    rates = [control.command(left)[1] for _ in range(6)]
    assert rates == pytest.approx([0.45, 0.9, 1.35, 1.8, 1.8, 1.8])
    assert drive(control, DriverInput(1.0, -1.0), 1.0)[1] == pytest.approx(-1.8)


def test_a_car_that_stands_does_not_turn_on_the_spot(control):
    assert drive(control, DriverInput(0.0, 1.0), 1.0) == (0.0, 0.0)


def test_after_a_reset_the_car_stands(control):
    drive(control, DriverInput(1.0, 1.0), 3.0)
    control.reset()
    speed_mps, yaw_rate_radps = control.command(HANDS_OFF)
    assert (speed_mps, yaw_rate_radps) == (0.0, 0.0)
