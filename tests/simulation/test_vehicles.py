import math

import numpy as np
import pytest

from f1_rl.simulation import KinematicCar, SingleTrackCar, Vehicle, VehicleState


def drive(
    car: Vehicle, speed_mps: float, yaw_rate_radps: float, seconds: float, state: VehicleState
) -> list[VehicleState]:
    """Drive one car for a while in periods of 50 ms; its state after each."""
    trace = []
    for _ in range(round(seconds / 0.05)):
        car.advance(state, np.array([[speed_mps, yaw_rate_radps]]), np.array([0.05]))
        trace.append(VehicleState(**{k: v.copy() for k, v in vars(state).items()}))
    return trace


def moving(speed_mps: float) -> VehicleState:
    state = VehicleState.at_rest(1)
    state.speed_mps[:] = speed_mps
    return state


@pytest.mark.parametrize("yaw_rate_radps", [0.0, 1e-9, 0.7, -2.0])
def test_kinematic_car_follows_the_exact_arc(yaw_rate_radps: float) -> None:
    state = VehicleState.at_rest(1)
    KinematicCar().advance(state, np.array([[3.0, yaw_rate_radps]]), np.array([2.5]))
    turn = 2.5 * yaw_rate_radps
    radius_m = 3.0 / yaw_rate_radps if abs(yaw_rate_radps) > 1e-6 else np.inf
    straight = np.isinf(radius_m)
    x_m = 7.5 if straight else radius_m * np.sin(turn)
    y_m = 0.0 if straight else radius_m * (1 - np.cos(turn))
    assert state.x_m[0] == pytest.approx(x_m, abs=1e-7)
    assert state.y_m[0] == pytest.approx(y_m, abs=1e-7)
    assert np.cos(state.yaw_rad[0] - turn) == pytest.approx(1.0)
    assert -np.pi < state.yaw_rad[0] <= np.pi
    assert (state.speed_mps[0], state.yaw_rate_radps[0]) == (3.0, yaw_rate_radps)


def test_kinematic_path_does_not_depend_on_the_period() -> None:
    one, many = VehicleState.at_rest(1), VehicleState.at_rest(1)
    command = np.array([[5.0, 1.3]])
    KinematicCar().advance(one, command, np.array([1.0]))
    for _ in range(1000):
        KinematicCar().advance(many, command, np.array([0.001]))
    for name in ("x_m", "y_m", "yaw_rad"):
        assert getattr(one, name)[0] == pytest.approx(getattr(many, name)[0], abs=1e-9)


def test_single_track_stops_within_the_braking_distance() -> None:
    car = SingleTrackCar()
    state = moving(6.0)
    drive(car, 0.0, 0.0, 3.0, state)
    assert state.speed_mps[0] == 0.0
    assert state.x_m[0] == pytest.approx(6.0**2 / (2 * car.max_braking_mps2), rel=1e-3)


def test_single_track_accelerates_at_its_limit() -> None:
    car = SingleTrackCar()
    trace = drive(car, 8.0, 0.0, 1.0, VehicleState.at_rest(1))
    assert trace[-1].speed_mps[0] == pytest.approx(car.max_acceleration_mps2 * 1.0)
    assert trace[-1].x_m[0] == pytest.approx(0.5 * car.max_acceleration_mps2, rel=1e-6)


def test_braking_is_bounded_by_the_grip() -> None:
    car = SingleTrackCar(friction=0.2)
    state = moving(5.0)
    drive(car, 0.0, 0.0, 0.5, state)
    assert state.speed_mps[0] == pytest.approx(5.0 - 0.2 * 9.81 * 0.5)


def test_slow_corner_is_driven_as_commanded() -> None:
    state = moving(2.0)
    trace = drive(SingleTrackCar(), 2.0, 1.0, 5.0, state)
    assert trace[-1].yaw_rate_radps[0] == pytest.approx(1.0, rel=1e-6)
    assert trace[-1].steering_rad[0] == pytest.approx(np.arctan(0.67 * 1.0 / 2.0))


def test_corner_taken_too_fast_is_driven_at_the_radius_that_grip_allows() -> None:
    car = SingleTrackCar()
    state = moving(7.0)
    drive(car, 7.0, 7.0 / 3.0, 1.0, state)
    trace = drive(car, 7.0, 7.0 / 3.0, 8.0, state)
    x_m = np.array([s.x_m[0] for s in trace])
    y_m = np.array([s.y_m[0] for s in trace])
    # Circle through all positions: x^2 + y^2 = 2 a x + 2 b y + c.
    design = np.stack([2 * x_m, 2 * y_m, np.ones_like(x_m)], axis=-1)
    a, b, c = np.linalg.lstsq(design, x_m**2 + y_m**2, rcond=None)[0]
    radius_m = np.sqrt(c + a * a + b * b)
    assert radius_m == pytest.approx(7.0**2 / (0.9 * 9.81), rel=1e-3)
    assert radius_m > 3.0


def test_braking_in_a_corner_leaves_less_grip_for_it() -> None:
    car = SingleTrackCar()
    cornering = moving(7.0)
    drive(car, 7.0, 3.0, 1.0, cornering)
    drive(car, 0.0, 3.0, 0.05, cornering)
    lateral = cornering.yaw_rate_radps[0] * cornering.speed_mps[0]
    assert lateral == pytest.approx(np.sqrt(car.grip_mps2**2 - car.max_braking_mps2**2), rel=0.02)


def test_steering_turns_at_a_limited_rate_to_a_limited_angle() -> None:
    car = SingleTrackCar()
    trace = drive(car, 1.0, 10.0, 0.5, moving(1.0))
    assert trace[0].steering_rad[0] == pytest.approx(0.05 * car.max_steering_rate_radps)
    assert trace[-1].steering_rad[0] == car.max_steering_rad
    radius_m = 1.0 / trace[-1].yaw_rate_radps[0]
    assert radius_m == pytest.approx(car.min_radius_m)


def test_reversing_turns_to_the_commanded_side() -> None:
    state = moving(-1.0)
    trace = drive(SingleTrackCar(), -1.0, 0.5, 1.0, state)
    assert trace[-1].yaw_rate_radps[0] == pytest.approx(0.5)
    assert trace[-1].x_m[0] < 0.0


def test_finer_integration_changes_next_to_nothing() -> None:
    ends = []
    for step_s in (0.005, 0.0005):
        state = VehicleState.at_rest(1)
        car = SingleTrackCar(longest_step_s=step_s)
        drive(car, 6.0, 1.5, 3.0, state)
        ends.append([state.x_m[0], state.y_m[0]])
    np.testing.assert_allclose(ends[0], ends[1], atol=0.03)


def test_zero_duration_changes_nothing() -> None:
    for car in (KinematicCar(), SingleTrackCar()):
        state = moving(3.0)
        car.advance(state, np.array([[1.0, 1.0]]), np.zeros(1))
        assert (state.speed_mps[0], state.x_m[0], state.steering_rad[0]) == (3.0, 0.0, 0.0)


@pytest.mark.parametrize("car", [KinematicCar(), SingleTrackCar()])
def test_commands_that_are_not_numbers_are_refused(car: Vehicle) -> None:
    state = VehicleState.at_rest(2)
    with pytest.raises(ValueError, match="car 1"):
        car.advance(state, np.array([[1.0, 0.0], [np.nan, 0.0]]), np.full(2, 0.05))
    with pytest.raises(ValueError, match="shape"):
        car.advance(state, np.zeros((2, 3)), np.full(2, 0.05))
    assert not state.x_m.any()


def test_lagging_steering_comes_in_as_a_first_order_system() -> None:
    car = SingleTrackCar(steering_lag_s=0.1)
    state = VehicleState.at_rest(1)
    state.speed_mps[:] = 5.0
    curvature = 0.05
    drive(car, 5.0, 5.0 * curvature, 0.1, state)
    asked = math.atan(car.wheelbase_m * curvature)
    assert state.steering_rad[0] == pytest.approx(asked * (1.0 - math.exp(-1.0)), rel=0.02)


def test_lagging_drive_starts_gently_and_does_not_overshoot() -> None:
    car = SingleTrackCar(drive_lag_s=0.1)
    state = VehicleState.at_rest(1)
    drive(car, 50.0, 0.0, 0.1, state)
    # What is driven by then grows as a (1 - exp(-t / T)).
    driven = car.max_acceleration_mps2 * (1.0 - math.exp(-1.0))
    assert state.acceleration_mps2[0] == pytest.approx(driven, rel=0.02)
    lost = car.max_acceleration_mps2 * 0.1 * math.exp(-1.0)
    assert state.speed_mps[0] == pytest.approx(lost, rel=0.05)

    gentle = [each.speed_mps[0] for each in drive(car, 0.5, 0.0, 3.0, VehicleState.at_rest(1))]
    assert max(gentle) < 0.505
    assert gentle[-1] == pytest.approx(0.5, abs=1e-3)


def test_a_car_that_hardly_lags_drives_as_one_that_does_not() -> None:
    states = []
    for lag_s in (0.0, 1e-4):
        state = VehicleState.at_rest(1)
        drive(SingleTrackCar(drive_lag_s=lag_s, steering_lag_s=lag_s), 4.0, 0.6, 2.0, state)
        states.append(state)
    at_once, hardly = states
    assert hardly.x_m == pytest.approx(at_once.x_m, abs=0.01)
    assert hardly.y_m == pytest.approx(at_once.y_m, abs=0.01)


def test_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="friction"):
        SingleTrackCar(friction=0.0)
    with pytest.raises(ValueError, match=r"drive_lag_s -0\.1: give a number >= 0"):
        SingleTrackCar(drive_lag_s=-0.1)
