"""Obstacles around cars: where they are, how near they come, what a checkpoint keeps."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1_rl.circuits import Circuit, Poses, load_circuit
from f1_rl.simulation import Simulator, Traffic, View
from f1_rl.simulation.car_parameters import CAR
from f1_rl.simulation.obstacles_kernels import least_clearance, rectangle_distance

VIEW = View((245, 260, 300), 64, ((1.0, 0.0, 0.0),))
BOX = Traffic(boxes=1, lateral_m=(0.0, 0.0), seed=0)

length = st.floats(0.1, 1.2)
rectangles = st.tuples(
    st.floats(-1.5, 1.5), st.floats(-1.5, 1.5), st.floats(-math.pi, math.pi), length, length
)


def as_rectangle(values: tuple[float, ...]) -> tuple[float, ...]:
    x, y, yaw, half_length, half_width = values
    return x, y, math.cos(yaw), math.sin(yaw), half_length, half_width


def sampled(values: tuple[float, ...], count: int = 25) -> np.ndarray:
    """Points on a grid over a rectangle, its corners included."""
    x, y, yaw, half_length, half_width = values
    share = np.linspace(-1.0, 1.0, count)
    ahead, left = (grid.ravel() for grid in np.meshgrid(share * half_length, share * half_width))
    cos, sin = math.cos(yaw), math.sin(yaw)
    return np.stack([x + cos * ahead - sin * left, y + sin * ahead + cos * left], axis=1)


@settings(max_examples=150, deadline=None)
@given(rectangles, rectangles)
def test_distance_of_rectangles_is_that_of_their_points(one, other) -> None:
    """Of all sampled points, none is nearer, and one is as near as the grids are fine."""
    apart = sampled(one)[:, None] - sampled(other)[None]
    nearest = float(np.sqrt((apart**2).sum(axis=-1)).min())
    fineness = sum(math.hypot(values[3], values[4]) / 24 for values in (one, other))
    distance = rectangle_distance(as_rectangle(one), as_rectangle(other))
    assert distance <= nearest + 1e-9
    assert nearest <= distance + fineness
    assert distance == pytest.approx(rectangle_distance(as_rectangle(other), as_rectangle(one)))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((2.0, 0.0, 0.0, 0.5, 0.5), 0.5),
        ((1.5, 0.0, 0.0, 0.5, 0.5), 0.0),
        ((1.8, 1.9, 0.0, 0.5, 0.5), math.hypot(0.3, 0.9)),
        ((0.0, 2.0, math.pi / 4, 0.5, 0.5), 1.5 - math.sqrt(0.5)),
        # The shadows on both axes of the first meet, but a corner looks past its corner.
        ((1.4, 0.9, math.pi / 4, 0.4, 0.4), (2.3 - 1.5) / math.sqrt(2) - 0.4),
    ],
)
def test_distance_of_known_rectangles(other, expected) -> None:
    one = as_rectangle((0.0, 0.0, 0.0, 1.0, 0.5))
    assert rectangle_distance(one, as_rectangle(other)) == pytest.approx(expected, abs=1e-12)


def test_a_touch_within_a_period_counts() -> None:
    """The car is on neither side at the ends, and through it in between; turning past pi, too."""
    out = np.zeros(1)
    box = np.array([[[0.0, 0.0, 0.0]]])
    before, after = np.array([[0.6, -1.0, 3.1]]), np.array([[0.6, 1.0, -3.1]])
    footprint, half = np.array([0.0, 0.5, 0.2]), np.array([[0.3, 0.3]])
    least_clearance(before, after, footprint, box, box, half, 5, out)
    assert out[0] == 0.0
    least_clearance(before, after, footprint, box, box, half, 1, out)
    assert out[0] == pytest.approx(0.5, abs=0.05)


def place_behind_the_box(circuit: Circuit, gap_m: float, lateral_m: float = 0.0) -> Simulator:
    """A car that stands with its nose `gap_m` before the only box."""
    simulator = Simulator([circuit], 1, traffic=BOX)
    simulator.place([0], 0, circuit.pose_at(0.0))
    box = simulator.obstacles.poses_m[0, 0]
    front_m = CAR.length_m - CAR.rear_overhang_m
    back_m = front_m + gap_m + 0.2
    x_m = box[0] - back_m * np.cos(box[2]) - lateral_m * np.sin(box[2])
    y_m = box[1] - back_m * np.sin(box[2]) + lateral_m * np.cos(box[2])
    simulator.place([0], 0, Poses(np.array([x_m]), np.array([y_m]), box[2:]))
    return simulator


def test_clearance_is_the_distance_from_nose_to_box(circle: Circuit) -> None:
    simulator = place_behind_the_box(circle, 0.5)
    assert np.isinf(simulator.clearance_m[0])
    simulator.step(np.array([[2.0, 0.0]]))
    assert simulator.clearance_m[0] == pytest.approx(0.4, abs=1e-9)
    for _ in range(5):
        simulator.step(np.array([[2.0, 0.0]]))
    assert simulator.clearance_m[0] == 0.0


def test_clearance_beside_the_box_is_what_is_left_of_the_offset(circle: Circuit) -> None:
    simulator = place_behind_the_box(circle, -0.5, lateral_m=0.7)
    simulator.step(np.zeros((1, 2)))
    assert simulator.clearance_m[0] == pytest.approx(0.7 - 0.2 - CAR.width_m / 2, abs=1e-9)


def test_without_traffic_there_is_nothing_near(circle: Circuit) -> None:
    simulator = Simulator([circle], 2)
    simulator.step(np.ones((2, 2)))
    assert np.isinf(simulator.clearance_m).all()


@pytest.mark.parametrize("direction", [1, -1])
def test_slower_cars_drive_along_the_circuit_the_learning_car_s_way(
    circle: Circuit, direction: int
) -> None:
    """After t seconds each is v t farther, at its offset, along the circle of 10 m radius."""
    simulator = Simulator([circle], 1, traffic=Traffic(cars=2, lateral_m=(0.6, 0.6)), seed=5)
    simulator.place([0], 0, circle.pose_at(0.0, direction=direction))
    before = simulator.obstacles.poses_m[0]
    for _ in range(30):
        simulator.step(np.zeros((1, 2)))
    after = simulator.obstacles.poses_m[0]
    angle = np.unwrap(np.arctan2([before[:, 1], after[:, 1]], [before[:, 0], after[:, 0]]), axis=0)
    speed_mps = direction * (angle[1] - angle[0]) * 10.0 / 1.5
    assert 1.5 <= speed_mps[0] <= 2.5
    np.testing.assert_allclose(speed_mps, speed_mps[0], rtol=1e-3)
    offset_m = np.hypot(after[:, 0], after[:, 1]) - 10.0
    np.testing.assert_allclose(np.abs(offset_m), 0.6, atol=1e-3)
    turned = np.mod(after[:, 2] - angle[1] - direction * np.pi / 2 + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(turned, 0.0, atol=1e-3)


def test_obstacles_leave_the_place_of_the_car_free(circle: Circuit) -> None:
    simulator = Simulator([circle], 8, traffic="mixed")
    start = circle.pose_at(np.arange(8) * 7.0, direction=np.array([1, -1] * 4))
    simulator.place(np.arange(8), 0, start)
    away = simulator.obstacles.poses_m[..., :2] - np.stack([start.x_m, start.y_m], axis=1)[:, None]
    # 8 m along a circle of 10 m radius, less the offset.
    assert np.hypot(away[..., 0], away[..., 1]).min() > 6.0


def test_seeded_traffic_is_the_same_wherever_the_car_begins(circle: Circuit) -> None:
    simulator = Simulator([circle], 2, traffic=Traffic(boxes=3, seed=4), seed=1)
    simulator.place([0, 1], 0, circle.pose_at([0.0, 20.0]))
    first, second = simulator.obstacles.poses_m
    np.testing.assert_array_equal(first, second)
    other = Simulator([circle], 1, traffic=Traffic(boxes=3, seed=5))
    assert (other.obstacles.poses_m[0] != first).any()


def test_placing_a_car_draws_its_own_traffic_anew(circle: Circuit) -> None:
    simulator = Simulator([circle], 3, traffic="boxes")
    before = simulator.obstacles.poses_m
    simulator.place([1], 0, circle.pose_at(0.0))
    changed = (simulator.obstacles.poses_m != before).any(axis=(1, 2))
    np.testing.assert_array_equal(changed, [False, True, False])


def run(simulator: Simulator, steps: int) -> list[np.ndarray]:
    seen = []
    for step in range(steps):
        if step % 4 == 3:
            simulator.place([step % 2], [1], simulator.circuits[1].pose_at(2.0 * step))
        simulator.step(np.tile([4.0, 0.3], (2, 1)))
        seen += [simulator.obstacles.poses_m, simulator.clearance_m, simulator.view(VIEW)]
    return seen


def test_restored_state_goes_on_exactly(circle: Circuit) -> None:
    circuits = [circle, load_circuit("simple")]
    original = Simulator(circuits, 2, traffic="mixed", seed=3)
    run(original, 6)
    saved = pickle.loads(pickle.dumps(original.state()))
    expected = run(original, 9)
    resumed = Simulator(circuits, 2, traffic="mixed", seed=8)
    resumed.restore(saved)
    for a, b in zip(expected, run(resumed, 9), strict=True):
        np.testing.assert_array_equal(a, b)


def test_states_of_before_there_was_traffic_are_restored(circle: Circuit) -> None:
    simulator = Simulator([circle], 1)
    state = simulator.state()
    del state["obstacles"]
    simulator.restore(state)
    simulator.step(np.ones((1, 2)))


def test_a_cars_obstacles_are_told_one_by_one_boxes_first():
    traffic = Traffic(boxes=2, cars=1, seed=3)
    simulator = Simulator([load_circuit("oval")], 2, traffic=traffic)
    simulator.step(np.zeros((2, 2)))
    around = simulator.obstacles_around(1)
    assert [obstacle.kind for obstacle in around] == ["box", "box", "car"]
    poses_m = [(each.x_m, each.y_m, each.yaw_rad) for each in around]
    np.testing.assert_array_equal(poses_m, simulator.obstacles.poses_m[1])
    assert Simulator([load_circuit("oval")], 1).obstacles_around(0) == ()
