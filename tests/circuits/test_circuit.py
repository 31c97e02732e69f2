"""The centre line, poses on it and their projection."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from f1_rl.circuits import Circuit, Poses, load_circuit, random_circuit, read_circuit_csv
from f1_rl.circuits.geometry import wrap_angle

GAZEBO_CENTRE_LINE = Path(__file__).parents[1] / "data" / "circuits" / "gazebo_centreline.csv"
RADIUS_M = 10.0


def circle(points: int = 120, radius_m: float = RADIUS_M, **kwargs) -> Circuit:
    angle = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
    return Circuit.from_points(
        "circle", radius_m * np.cos(angle), radius_m * np.sin(angle), 1.0, 2.0, **kwargs
    )


def brute_force(circuit: Circuit, poses: Poses, spacing_m: float = 1e-3):
    """Arc length and signed distance from a reference sampled every millimetre."""
    arc_length = np.arange(0.0, circuit.length_m, spacing_m)
    line = circuit.pose_at(arc_length)
    found, distance = [], []
    for x, y in zip(poses.x_m, poses.y_m, strict=True):
        nearest = int(np.argmin((line.x_m - x) ** 2 + (line.y_m - y) ** 2))
        dx, dy = x - line.x_m[nearest], y - line.y_m[nearest]
        left = np.cos(line.yaw_rad[nearest]) * dy - np.sin(line.yaw_rad[nearest]) * dx
        found.append(arc_length[nearest])
        distance.append(np.copysign(np.hypot(dx, dy), left))
    return np.array(found), np.array(distance)


def difference_along(circuit: Circuit, a, b):
    gap = np.mod(a - b + 0.5 * circuit.length_m, circuit.length_m) - 0.5 * circuit.length_m
    return np.abs(gap)


@pytest.fixture(scope="module")
def gazebo_circuit() -> Circuit:
    return read_circuit_csv(GAZEBO_CENTRE_LINE)


def test_circle_has_its_analytic_length_curvature_and_heading():
    circuit = circle()
    assert circuit.length_m == pytest.approx(2.0 * np.pi * RADIUS_M, abs=1e-4)
    np.testing.assert_allclose(circuit.curvature_per_m, 1.0 / RADIUS_M, atol=2e-4)
    angle = circuit.arc_length_m / RADIUS_M
    np.testing.assert_allclose(circuit.x_m, RADIUS_M * np.cos(angle), atol=1e-4)
    error = wrap_angle(circuit.heading_rad - angle - 0.5 * np.pi)
    np.testing.assert_allclose(error, 0.0, atol=1e-4)
    assert circuit.min_radius_m == pytest.approx(RADIUS_M, rel=2e-3)
    # The road reaches 2 m outwards, to the right of a left turn.
    np.testing.assert_allclose(circuit.bounds_m, (-12.0, -12.0, 12.0, 12.0), atol=0.01)


def test_samples_are_uniform_and_closed(gazebo_circuit):
    circuit = gazebo_circuit
    steps = np.hypot(
        np.diff(circuit.x_m, append=circuit.x_m[0]), np.diff(circuit.y_m, append=circuit.y_m[0])
    )
    assert steps == pytest.approx(circuit.spacing_m, rel=2e-3)
    assert circuit.spacing_m <= 0.1
    assert circuit.length_m == pytest.approx(139.59, abs=0.02)
    assert circuit.min_radius_m == pytest.approx(3.5, rel=0.03)


def test_points_of_the_centre_line_project_onto_it(gazebo_circuit):
    x_m, y_m = np.loadtxt(GAZEBO_CENTRE_LINE, delimiter=",", usecols=(0, 1)).T
    projection = gazebo_circuit.project(Poses(x_m, y_m, np.zeros_like(x_m)))
    np.testing.assert_allclose(projection.lateral_error_m, 0.0, atol=1e-4)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x_m), np.diff(y_m)))])
    assert difference_along(gazebo_circuit, projection.arc_length_m, along).max() < 0.05


def test_circle_projects_analytically_in_both_directions():
    circuit = circle()
    rng = np.random.default_rng(1)
    angle = rng.uniform(0.0, 2.0 * np.pi, 200)
    radius = rng.uniform(2.0, 20.0, 200)
    yaw = rng.uniform(-np.pi, np.pi, 200)
    poses = Poses(radius * np.cos(angle), radius * np.sin(angle), yaw)

    along = circuit.project(poses)
    assert difference_along(circuit, along.arc_length_m, angle * RADIUS_M).max() < 2e-3
    np.testing.assert_allclose(along.lateral_error_m, RADIUS_M - radius, atol=1e-3)
    heading_error = wrap_angle(yaw - angle - 0.5 * np.pi)
    np.testing.assert_allclose(wrap_angle(along.heading_error_rad - heading_error), 0.0, atol=1e-3)
    np.testing.assert_allclose(along.width_left_m, 1.0)
    np.testing.assert_allclose(along.width_right_m, 2.0)

    against = circuit.project(poses, direction=-1)
    np.testing.assert_allclose(against.lateral_error_m, radius - RADIUS_M, atol=1e-3)
    np.testing.assert_allclose(
        against.arc_length_m, np.mod(circuit.length_m - along.arc_length_m, circuit.length_m)
    )
    np.testing.assert_allclose(
        against.heading_error_rad, wrap_angle(along.heading_error_rad + np.pi), atol=1e-9
    )
    np.testing.assert_allclose(against.curvature_per_m, -along.curvature_per_m)
    np.testing.assert_allclose(against.width_left_m, 2.0)
    np.testing.assert_allclose(against.width_right_m, 1.0)


@pytest.mark.parametrize("name", ["gazebo", "hairpins", "meadow", "random-7"])
def test_projection_agrees_with_a_dense_reference(name, gazebo_circuit):
    circuit = gazebo_circuit if name == "gazebo" else load_circuit(name)
    rng = np.random.default_rng(2)
    x_min, y_min, x_max, y_max = circuit.bounds_m
    near = circuit.pose_at(rng.uniform(0.0, circuit.length_m, 60), rng.uniform(-2.0, 2.0, 60))
    poses = Poses(
        np.append(near.x_m, rng.uniform(x_min - 5.0, x_max + 5.0, 60)),
        np.append(near.y_m, rng.uniform(y_min - 5.0, y_max + 5.0, 60)),
        np.zeros(120),
    )
    arc_length, distance = brute_force(circuit, poses)
    projection = circuit.project(poses)
    np.testing.assert_allclose(np.abs(projection.lateral_error_m), np.abs(distance), atol=1e-3)
    on_road = np.abs(distance) < 2.0
    np.testing.assert_allclose(projection.lateral_error_m[on_road], distance[on_road], atol=1e-3)
    along = difference_along(circuit, projection.arc_length_m, arc_length)
    assert along[on_road].max() < 0.01


@pytest.mark.parametrize("seed", range(5))
def test_projecting_a_pose_gives_back_what_made_it(seed):
    circuit = random_circuit(seed)
    rng = np.random.default_rng(seed)
    arc_length = rng.uniform(0.0, circuit.length_m, 500)
    lateral = rng.uniform(-1.9, 1.9, 500)
    heading_error = rng.uniform(-np.pi, np.pi, 500)
    direction = rng.choice([-1, 1], 500)
    poses = circuit.pose_at(arc_length, lateral, heading_error, direction)
    projection = circuit.project(poses, direction)
    assert difference_along(circuit, projection.arc_length_m, arc_length).max() < 1e-3
    np.testing.assert_allclose(projection.lateral_error_m, lateral, atol=1e-4)
    np.testing.assert_allclose(
        wrap_angle(projection.heading_error_rad - heading_error), 0.0, atol=1e-3
    )
    sign = np.where(direction > 0, 1.0, -1.0)
    curvature = sign * circuit.curvature_at(sign * arc_length)
    np.testing.assert_allclose(projection.curvature_per_m, curvature, atol=1e-3)
    assert (projection.arc_length_m >= 0.0).all()
    assert (projection.arc_length_m < circuit.length_m).all()


def test_arc_length_stays_below_the_length_at_the_start_line():
    circuit = circle()
    for offset in (-1e-9, -1e-17, 0.0, 1e-17, 1e-9):
        for direction in (-1, 1):
            poses = circuit.pose_at(offset, 0.3, 0.0, direction)
            arc_length = circuit.project(poses, direction).arc_length_m
            assert 0.0 <= arc_length[0] < circuit.length_m


def test_the_very_centre_of_a_turn_has_a_finite_projection():
    projection = circle().project(Poses(np.zeros(1), np.zeros(1), np.zeros(1)))
    assert projection.lateral_error_m[0] == pytest.approx(RADIUS_M, abs=1e-3)
    assert np.isfinite(projection.arc_length_m).all()


def test_arguments_of_pose_at_broadcast_and_wrap():
    circuit = circle()
    poses = circuit.pose_at(circuit.length_m * np.array([0.25, 1.25, -0.75]), lateral_m=1.0)
    assert len(poses) == 3
    np.testing.assert_allclose(poses.x_m, 0.0, atol=1e-3)
    np.testing.assert_allclose(poses.y_m, RADIUS_M - 1.0, atol=1e-3)
    np.testing.assert_allclose(np.abs(poses.yaw_rad), np.pi, atol=1e-3)
    assert len(circuit.pose_at(0.0)) == 1


def test_wrong_way_and_off_road_are_told_for_each_car():
    circuit = circle()
    poses = circuit.pose_at(5.0, [0.0, 0.9, 1.1, -1.9, -2.1], [0.0, 1.5, 1.7, -1.7, np.pi])
    projection = circuit.project(poses)
    assert projection.wrong_way.tolist() == [False, False, True, True, True]
    assert projection.on_road.tolist() == [True, True, False, True, False]
    assert circuit.project(poses, -1).wrong_way.tolist() == [True, True, False, False, False]


def test_curvature_and_widths_are_interpolated_between_samples():
    circuit = load_circuit("meadow")
    middle = circuit.arc_length_m + 0.5 * circuit.spacing_m
    expected = 0.5 * (circuit.curvature_per_m + np.roll(circuit.curvature_per_m, -1))
    np.testing.assert_allclose(circuit.curvature_at(middle), expected, atol=2e-3)
    left, right = circuit.half_widths_at(middle)
    expected = 0.5 * (circuit.width_left_m + np.roll(circuit.width_left_m, -1))
    np.testing.assert_allclose(left, expected, atol=1e-3)
    np.testing.assert_allclose(right, left)
    assert circuit.curvature_at(3.0).shape == ()


def test_equal_circuits_are_equal_and_hash_alike():
    assert circle() == circle()
    assert hash(circle()) == hash(circle())
    assert circle() != circle(line_width_m=0.0)
    assert circle() != circle(radius_m=11.0)
    assert circle() != "circle"
    assert len({circle(), circle(), load_circuit("oval")}) == 2


def test_pickled_circuit_is_the_same_and_still_projects():
    circuit = circle()
    copy = pickle.loads(pickle.dumps(circuit))
    assert copy == circuit
    poses = copy.pose_at([1.0, 2.0])
    np.testing.assert_allclose(copy.project(poses).arc_length_m, [1.0, 2.0], atol=1e-6)


def test_circuit_cannot_be_changed():
    circuit = circle()
    for array in (circuit.x_m, circuit.curvature_per_m, circuit.arc_length_m):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(AttributeError):
        circuit.name = "other"


def test_printed_circuit_names_its_size():
    assert repr(circle()) == (
        "Circuit('circle', 62.8 m, tightest radius 10.00 m, road 3.0 to 3.0 m, line 0.10 m)"
    )
    assert "no line" in repr(circle(line_width_m=0.0))
    assert not circle(line_width_m=0.0).has_line


def test_thinning_keeps_rounding_out_of_the_curvature():
    dense = np.linspace(0.0, 2.0 * np.pi, 6000, endpoint=False)
    x_m, y_m = np.round(RADIUS_M * np.cos(dense), 3), np.round(RADIUS_M * np.sin(dense), 3)
    circuit = Circuit.from_points("dense", x_m, y_m, 1.5, 1.5)
    np.testing.assert_allclose(circuit.curvature_per_m, 1.0 / RADIUS_M, atol=0.06)
    assert circuit.length_m == pytest.approx(2.0 * np.pi * RADIUS_M, abs=0.01)


def test_wrap_angle_keeps_angles_within_half_a_turn():
    angles = np.array([0.0, np.pi, -np.pi, 3.0 * np.pi, 1.5 * np.pi, -1.5 * np.pi])
    expected = [0.0, np.pi, np.pi, np.pi, -0.5 * np.pi, 0.5 * np.pi]
    np.testing.assert_allclose(wrap_angle(angles), expected, atol=1e-12)
    wrapped = wrap_angle(np.nextafter(np.pi, [0.0, 4.0]))
    assert ((wrapped > -np.pi) & (wrapped <= np.pi)).all()


def test_poses_are_chosen_by_index_and_must_match():
    poses = Poses(np.arange(4.0), np.arange(4.0) + 10.0, np.zeros(4))
    chosen = poses[np.array([2, 0])]
    assert chosen.x_m.tolist() == [2.0, 0.0]
    assert chosen.y_m.tolist() == [12.0, 10.0]
    assert len(poses[1]) == 1
    with pytest.raises(ValueError, match="equally long"):
        Poses(np.zeros(2), np.zeros(3), np.zeros(2))
