"""The circuits that come with the package."""

import numpy as np
import pytest

from f1_rl.circuits import (
    DEFAULT_CIRCUIT,
    CircuitError,
    check_circuit_name,
    circuit_definition,
    circuit_names,
    load_circuit,
    write_circuit_csv,
)
from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.corners import half_turns, round_corners, turn_angles


@pytest.fixture(scope="module")
def library() -> dict[str, Circuit]:
    return {name: load_circuit(name) for name in circuit_names()}


def test_library_has_at_least_eight_circuits_the_default_first(library):
    assert len(library) >= 8
    assert circuit_names()[0] == DEFAULT_CIRCUIT == "simple"


def test_default_circuit_is_short_and_turns_both_ways(library):
    simple = library["simple"]
    assert 140.0 <= simple.length_m <= 180.0
    assert simple.min_radius_m == pytest.approx(3.5, abs=0.2)
    assert simple.curvature_per_m.max() > 0.2
    assert simple.curvature_per_m.min() < -0.2


@pytest.mark.parametrize("name", circuit_names())
def test_circuit_has_the_size_of_this_field_and_no_kinks(name, library):
    circuit = library[name]
    assert circuit.name == name
    assert 140.0 <= circuit.length_m <= 1400.0
    assert circuit.min_radius_m >= 2.6
    assert circuit_definition(name).description
    # Clothoids change the curvature gradually; without them it would jump by up to 0.36.
    jumps = np.abs(np.diff(circuit.curvature_per_m, append=circuit.curvature_per_m[0]))
    assert jumps.max() < 0.045


def test_library_is_varied(library):
    circuits = library.values()
    assert max(circuit.length_m for circuit in circuits) > 1000.0
    assert min(circuit.min_radius_m for circuit in circuits) < 3.0
    assert sum(not circuit.has_line for circuit in circuits) >= 2
    assert any(np.ptp(circuit.width_left_m) > 0.5 for circuit in circuits)
    assert {np.sign(np.sum(circuit.curvature_per_m)) for circuit in circuits} == {-1.0, 1.0}
    ratios = [circuit.length_m / circuit.min_radius_m for circuit in circuits]
    assert max(ratios) > 10.0 * min(ratios)


def test_scale_makes_a_circuit_larger_in_all_its_measures(library):
    double = load_circuit("meadow", scale=2.0)
    assert double.length_m == pytest.approx(2.0 * library["meadow"].length_m, rel=1e-3)
    assert double.width_left_m.max() == pytest.approx(
        2.0 * library["meadow"].width_left_m.max(), rel=1e-3
    )
    with pytest.raises(CircuitError, match="scale"):
        load_circuit("meadow", scale=0.0)


@pytest.mark.parametrize("name", ["meadow", "random-3"])
def test_a_scale_behind_a_name_makes_that_circuit_smaller(name):
    half = load_circuit(f"{name}@0.5")
    assert half.name == f"{name}@0.5"
    np.testing.assert_array_equal(half.x_m, load_circuit(name, scale=0.5).x_m)
    assert load_circuit(f"{name}@0.5", scale=2.0).length_m == load_circuit(name).length_m


def test_a_scale_behind_a_file_makes_its_circuit_smaller(tmp_path):
    path = tmp_path / "here@home.csv"
    write_circuit_csv(load_circuit("oval"), path)
    assert load_circuit(path).name == "here@home"
    assert load_circuit(f"{path}@0.5").length_m == pytest.approx(
        0.5 * load_circuit(path).length_m, rel=1e-3
    )


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf"])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(CircuitError, match=f"'oval@{scale}' must be a number greater than zero"):
        check_circuit_name(f"oval@{scale}")


@pytest.mark.parametrize("name", ["simple", "forest", "random-3"])
def test_a_scale_far_too_large_is_refused_before_memory_ends(name):
    with pytest.raises(CircuitError, match=rf"'{name}' is [\d,]+ km long where at most 100 km"):
        load_circuit(name, scale=1e9)


@pytest.mark.parametrize("scale", [1e-3, 1e-9])
def test_a_scale_far_too_small_is_refused_for_the_line(scale):
    with pytest.raises(CircuitError, match=r"'simple' has a line of width 0\.1 m"):
        load_circuit("simple", scale=scale)


def test_unknown_names_are_refused_with_what_there_is():
    with pytest.raises(CircuitError, match=r"no circuit 'simpel' \(did you mean 'simple'\?\)"):
        load_circuit("simpel")
    with pytest.raises(CircuitError, match="oval"):
        load_circuit("zzz")
    with pytest.raises(CircuitError, match="write random- and a whole number"):
        load_circuit("random-x")


def test_half_turns_end_at_the_middle_of_the_corner():
    angles = np.radians([10.0, 60.0, 90.0, 150.0])
    path, begin = half_turns(angles)
    corner = np.column_stack([begin, np.zeros(4)])
    apex = path[:, -1]
    # The apex lies on the bisector of the corner, on its inner side.
    expected = np.column_stack([-np.sin(0.5 * angles), np.cos(0.5 * angles)])
    direction = (apex - corner) / np.linalg.norm(apex - corner, axis=1)[:, None]
    np.testing.assert_allclose(direction, expected, atol=1e-9)
    # A turn with clothoids takes more room than a plain arc of the same radius.
    assert (begin > np.tan(0.5 * angles)).all()


def test_rounded_corners_reach_their_radii_and_keep_their_straights():
    corners = np.array([[30.0, 0.0], [30.0, 20.0], [0.0, 20.0], [0.0, 0.0]])
    radii = np.array([3.0, 4.0, 5.0, 6.0])
    np.testing.assert_allclose(turn_angles(corners), 0.5 * np.pi)
    rounded = round_corners("box", corners, radii)
    circuit = Circuit.from_points("box", *rounded.points_m.T, 1.0, 1.0)
    apexes = rounded.points_m[rounded.apexes]
    at = [np.argmin(np.hypot(circuit.x_m - x, circuit.y_m - y)) for x, y in apexes]
    np.testing.assert_allclose(1.0 / circuit.curvature_per_m[at], radii, rtol=0.01)
    # The start line is in the middle of the straight before the first corner.
    assert circuit.y_m[0] == pytest.approx(0.0, abs=1e-3)
    assert circuit.heading_rad[0] == pytest.approx(0.0, abs=1e-3)
    assert circuit.x_m[0] == pytest.approx(0.5 * (6.0 + 30.0 - 3.0), abs=3.0)


def test_corners_too_near_for_their_radii_are_refused():
    corners = np.array([[30.0, 0.0], [30.0, 8.0], [0.0, 8.0], [0.0, 0.0]])
    with pytest.raises(CircuitError, match=r"needs 11\.\d+ m between corner 1 and the next"):
        round_corners("box", corners, np.full(4, 4.0))


@pytest.mark.parametrize(
    ("corner", "reason"),
    [
        ([30.0, 4.0, 3.0], "does not turn at corner 2"),
        ([30.0, 0.0, 3.0], "does not turn at corner 1"),
        ([34.0, 4.0, 0.0], "unusable corner 2"),
        ([np.nan, 4.0, 2.0], "unusable corner 2"),
    ],
)
def test_unusable_corners_are_refused_with_their_number(corner, reason):
    rows = np.array([[30.0, 0.0, 3.0], corner, [30.0, 20.0, 3.0], [0.0, 20.0, 3.0], [0, 0, 3.0]])
    with pytest.raises(CircuitError, match=reason):
        round_corners("box", rows[:, :2], rows[:, 2])
    with pytest.raises(CircuitError, match="2 corners"):
        round_corners("box", rows[:2, :2], rows[:2, 2])


def test_turns_that_touch_make_no_kink():
    _, begin = half_turns(np.array([0.5 * np.pi]))
    side = 2.0 * 5.0 * begin[0] + 1e-9
    corners = side * np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    circuit = Circuit.from_points(
        "o", *round_corners("o", corners, np.full(4, 5.0)).points_m.T, 1, 1
    )
    assert circuit.curvature_per_m.min() > -0.01
    assert circuit.min_radius_m == pytest.approx(5.0, rel=0.02)
