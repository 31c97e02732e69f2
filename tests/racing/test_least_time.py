"""The line of least time."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit, FloatArray, load_circuit
from f1_rl.circuits.geometry import Poses
from f1_rl.driving.actions import load_action_table
from f1_rl.racing import (
    CommandLimits,
    DrivingLimits,
    GripLimits,
    driving_limits,
    fastest_lap,
    least_time,
    line_of_least_time,
    lines_inside,
)
from f1_rl.racing.lap_kernels import bound_speeds, lap_time_slopes
from f1_rl.racing.lines import Curvature, Road, offsets_inside
from f1_rl.simulation import SingleTrackCar

GRIP = GripLimits(SingleTrackCar(), 12.0, 3.0)
COMMANDS = CommandLimits(load_action_table("racing").commands)
Slopes = tuple[float, FloatArray, FloatArray, FloatArray]
ANGLE_RAD = np.linspace(0.0, 2.0 * np.pi, 120, endpoint=False)


@pytest.mark.parametrize("name", ["simple", "serpent", "hairpins"])
@pytest.mark.parametrize("limits", [GRIP, COMMANDS], ids=["grip", "commands"])
def test_no_line_that_it_begins_with_is_faster_and_it_stays_on_the_road(
    name: str, limits: DrivingLimits
) -> None:
    circuit = load_circuit(name)
    line = line_of_least_time(circuit, limits)
    others = [fastest_lap(other, limits).lap_time_s for other in lines_inside(circuit)]
    assert fastest_lap(line, limits).lap_time_s < min(others) * 0.999
    there = circuit.project(Poses(line.x_m, line.y_m, line.heading_rad))
    assert (there.lateral_error_m < there.width_left_m + 0.02).all()
    assert (-there.lateral_error_m < there.width_right_m + 0.02).all()


def test_a_car_that_no_turn_slows_gets_a_shorter_way() -> None:
    circuit = load_circuit("simple")
    limits = driving_limits(SingleTrackCar(), load_action_table("simple").commands)
    assert limits.top_speeds(circuit.curvature_per_m).min() == limits.top_speeds(np.zeros(1))
    lap = fastest_lap(line_of_least_time(circuit, limits), limits)
    others = [fastest_lap(other, limits).lap_time_s for other in lines_inside(circuit)]
    assert lap.lap_time_s < min(others) * 0.999


def test_in_a_ring_of_which_the_grip_decides_it_is_the_inner_edge() -> None:
    # Time around is 2 pi r / sqrt(mu g r): the shorter way wins, where least curvature is outside.
    circle = Circuit.from_points("ring", 6.0 * np.cos(ANGLE_RAD), 6.0 * np.sin(ANGLE_RAD), 1.5, 1.5)
    limits = GripLimits(SingleTrackCar(), 50.0, 50.0)
    lap = fastest_lap(line_of_least_time(circle, limits, margin_m=0.5), limits)
    assert lap.line.values[:, 0] == pytest.approx(1.0, abs=0.05)
    expected_s = 2.0 * np.pi * np.sqrt(5.0 / limits.grip_mps2)
    assert lap.lap_time_s == pytest.approx(expected_s, rel=0.01)


def test_a_road_that_the_car_cannot_follow_gets_the_line_of_least_curvature() -> None:
    circle = Circuit.from_points("ring", 1.5 * np.cos(ANGLE_RAD), 1.5 * np.sin(ANGLE_RAD), 0.3, 0.3)
    slow = CommandLimits(np.array([[7.0, 0.5], [7.0, -0.5]]))
    line = line_of_least_time(circle, slow)
    np.testing.assert_array_equal(line.x_m, lines_inside(circle)[0].x_m)


@pytest.mark.parametrize("most_mps2", [2.0, 20.0], ids=["drive and brakes", "grip"])
def test_slopes_are_those_of_small_changes(most_mps2: float) -> None:
    place = np.linspace(0.0, 2.0 * np.pi, 300, endpoint=False)
    curvature = 0.15 + 0.1 * np.sin(24.0 * place) + 0.02 * np.cos(5.0 * place)
    steps_m = 0.5 + 0.05 * np.sin(7.0 * place)
    # Below what grip allows: where a turn takes all of it there is no slope.
    steady = np.minimum(0.85 * np.sqrt(GRIP.grip_mps2 / curvature), 8.0 - np.cos(place))
    given = [np.roll(each, -int(steady.argmin())) for each in (steady**2, curvature, steps_m)]

    def lap_time(squares: FloatArray, curvature: FloatArray, steps_m: FloatArray) -> Slopes:
        bounds = (GRIP.grip_mps2, most_mps2, 1.5 * most_mps2)
        return lap_time_slopes(np.sqrt(squares), curvature, steps_m, *bounds)

    time_s, *slopes = lap_time(*given)
    speed = np.sqrt(given[0])
    bound_speeds(speed, given[1], given[2], GRIP.grip_mps2, most_mps2, 1.5 * most_mps2)
    assert time_s == pytest.approx((2.0 * given[2] / (speed + np.roll(speed, -1))).sum())
    rng = np.random.default_rng(0)
    for index, slope in enumerate(slopes):
        change = rng.normal(size=300)
        times_s = []
        for way in (1e-6, -1e-6):
            changed = [*given]
            changed[index] = given[index] + way * change
            times_s.append(lap_time(*changed)[0])
        assert slope @ change == pytest.approx((times_s[0] - times_s[1]) / 2e-6, rel=1e-5)
    assert (slopes[0] != 0.0).sum() < 200


def test_the_slope_of_a_whole_line_is_that_of_small_moves() -> None:
    circuit = load_circuit("serpent")
    road, offsets = Road.of(circuit, 0.0), offsets_inside(circuit, 0.0)[0.01]
    curvature = Curvature.of(road.line(offsets), road.normals)
    slopes, _ = least_time._slopes(road, offsets, curvature, COMMANDS)
    change = np.random.default_rng(0).normal(size=len(offsets))
    more, less = (
        least_time._lap_time(road, offsets + way * change, COMMANDS) for way in (1e-6, -1e-6)
    )
    assert slopes @ change == pytest.approx((more - less) / 2e-6, rel=1e-4)
