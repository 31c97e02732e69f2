"""The fastest lap along a line, against formulas."""

import math

import numpy as np
import pytest

from f1_rl.circuits import load_circuit
from f1_rl.circuits.resampling import SampledLine
from f1_rl.driving.actions import load_action_table
from f1_rl.driving.classical import LineFollower
from f1_rl.driving.laps import LapDrive
from f1_rl.driving.settings import TaskSettings
from f1_rl.racing import CommandLimits, GripLimits, driving_limits, fastest_lap, racing_limit
from f1_rl.settings import build_settings
from f1_rl.simulation import KinematicCar, SingleTrackCar

CAR = SingleTrackCar()


def line_of(curvature_per_m: np.ndarray, length_m: float) -> SampledLine:
    """A line of which only curvature and length matter."""
    zeros = np.zeros(len(curvature_per_m))
    return SampledLine(zeros, zeros, zeros, curvature_per_m, zeros[:, None], length_m)


def test_on_a_circle_the_grip_alone_decides() -> None:
    radius_m = 6.0
    line = line_of(np.full(400, 1.0 / radius_m), 2.0 * math.pi * radius_m)
    lap = fastest_lap(line, GripLimits(CAR, 50.0, 50.0))
    speed = math.sqrt(CAR.grip_mps2 * radius_m)
    assert lap.speed_mps == pytest.approx(speed)
    assert lap.lap_time_s == pytest.approx(2.0 * math.pi * radius_m / speed)


def test_out_of_a_tight_turn_and_into_it_again_drive_and_brakes_decide() -> None:
    count, length_m = 4000, 60.0
    curvature = np.zeros(count)
    curvature[1000] = 1.0 / 3.0
    lap = fastest_lap(line_of(curvature, length_m), GripLimits(CAR, 50.0, 50.0))
    slow = math.sqrt(CAR.grip_mps2 * 3.0)
    assert lap.speed_mps[1000] == pytest.approx(slow)
    # v^2 = slow^2 + 2 a s on the way out meets v^2 = slow^2 + 2 b (L - s) on the way in.
    a, b = CAR.max_acceleration_mps2, CAR.max_braking_mps2
    way_m = b * length_m / (a + b)
    top = math.sqrt(slow**2 + 2.0 * a * way_m)
    assert lap.speed_mps.max() == pytest.approx(top, rel=1e-3)
    assert lap.lap_time_s == pytest.approx((top - slow) / a + (top - slow) / b, rel=1e-3)


def test_what_a_turn_takes_of_the_grip_is_missing_for_drive_and_brakes() -> None:
    count, length_m = 2000, 100.0
    # From a bend of 25 m radius into one of 5 m and out of it again.
    curvature = 0.12 - 0.08 * np.cos(np.linspace(0.0, 2.0 * np.pi, count, endpoint=False))
    strong = SingleTrackCar(max_acceleration_mps2=50.0, max_braking_mps2=50.0)
    lap = fastest_lap(line_of(curvature, length_m), GripLimits(strong, 50.0, 50.0))
    gained = np.diff(lap.speed_mps**2) / (2.0 * length_m / count)
    grip = CAR.grip_mps2
    # Steady in the middle of the tight bend, and within the friction circle all around.
    assert lap.speed_mps[count // 2] == pytest.approx(math.sqrt(grip * 5.0), rel=1e-3)
    used = np.hypot(gained, lap.speed_mps[:-1] ** 2 * curvature[:-1])
    assert used.max() == pytest.approx(grip, rel=0.01)
    assert np.abs(gained).max() > 0.2 * grip
    weak = SingleTrackCar(max_acceleration_mps2=0.5, max_braking_mps2=1.0)
    slow = fastest_lap(line_of(curvature, length_m), GripLimits(weak, 50.0, 50.0))
    gained = np.diff(slow.speed_mps**2) / (2.0 * length_m / count)
    assert (gained.min(), gained.max()) == (pytest.approx(-1.0), pytest.approx(0.5))


def test_a_turn_tighter_than_the_steering_allows_cannot_be_driven() -> None:
    curvature = np.full(300, 1.01 / CAR.min_radius_m)
    lap = fastest_lap(line_of(curvature, 10.0), GripLimits(CAR, 5.0, 5.0))
    assert lap.lap_time_s == math.inf


@pytest.mark.parametrize(
    ("curvature", "speed"),
    [
        (0.0, 6.0),
        # On the edge from (6, 1) to (3, 2), where 2 - (v - 3) / 3 = v / 2.
        (0.5, 3.6),
        (-0.5, 3.6),
        (2.0 / 3.0, 3.0),
        (0.7, 0.0),
    ],
)
def test_commands_are_mixed_to_the_fastest_that_turns_so(curvature: float, speed: float) -> None:
    commands = np.array([[6.0, 1.0], [6.0, -1.0], [3.0, 2.0], [3.0, -2.0]])
    assert CommandLimits(commands).top_speeds(np.array([curvature]))[0] == pytest.approx(speed)


def test_commands_on_one_line_are_enough() -> None:
    commands = np.array([[2.0, 1.0], [2.0, -1.0]])
    speeds = CommandLimits(commands).top_speeds(np.array([0.0, 0.5, 0.6]))
    assert speeds == pytest.approx([2.0, 2.0, 0.0])


def test_limits_follow_the_car() -> None:
    commands = load_action_table("racing").commands
    assert isinstance(driving_limits(KinematicCar(), commands), CommandLimits)
    grip = driving_limits(CAR, commands)
    assert isinstance(grip, GripLimits)
    assert (grip.max_speed_mps, grip.max_yaw_rate_radps) == (7.0, 1.8)
    with pytest.raises(TypeError, match="object"):
        driving_limits(object(), commands)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["simple", "oval", "meadow"])
@pytest.mark.parametrize("vehicle", ["kinematic", "single_track"])
def test_no_driver_is_faster_than_the_limit(name: str, vehicle: str) -> None:
    settings = build_settings(TaskSettings, {"circuits": [name], "vehicle": vehicle})
    laps = LapDrive(settings, 1, laps=2)
    drive = laps.drive(LineFollower(laps.task))[0]
    assert drive.completed
    car = KinematicCar() if vehicle == "kinematic" else CAR
    limit = racing_limit(load_circuit(name), car, laps.task.actions.commands)
    assert limit.fastest.lap_time_s < drive.report.lap_time_s
    assert limit.fastest.lap_time_s <= limit.minimum_curvature.lap_time_s
    assert limit.fastest.lap_time_s < limit.centre_line.lap_time_s


def test_with_more_speed_to_command_the_line_of_least_curvature_beats_the_centre_line() -> None:
    commands = np.array([[14.0, 3.0], [14.0, -3.0]])
    limit = racing_limit(load_circuit("chicanes"), CAR, commands)
    assert limit.minimum_curvature.lap_time_s < 0.8 * limit.centre_line.lap_time_s
