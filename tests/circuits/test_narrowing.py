"""Roads narrowed in turns that are tighter than they are wide."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit, CircuitError


def pinched(**arguments) -> Circuit:
    """An ellipse of 20 by 5 m: its ends turn with a radius of 25 / 20 m, left all the way."""
    angle = np.linspace(0.0, 2.0 * np.pi, 200, endpoint=False)
    return Circuit.from_points(
        "pinched", 20.0 * np.cos(angle), 5.0 * np.sin(angle), 2.0, 3.0, **arguments
    )


def test_a_turn_tighter_than_its_road_is_refused_with_what_to_do():
    with pytest.raises(CircuitError, match=r"radius of 1\.2\d m .* import --narrow'"):
        pinched()


def test_the_inner_side_of_a_tight_turn_is_narrowed():
    circuit = pinched(narrow=True)
    radius_m = 1.0 / circuit.curvature_per_m
    assert (circuit.width_left_m <= 0.9 * radius_m + 1e-9).all()
    tightest = radius_m.argmin()
    assert circuit.width_left_m[tightest] == pytest.approx(0.9 * 1.25, rel=0.01)


def test_everything_else_stays_as_wide_as_it_was():
    circuit = pinched(narrow=True)
    np.testing.assert_array_equal(circuit.width_right_m, 3.0)
    assert circuit.width_left_m.max() == 2.0
    flat = np.abs(circuit.y_m) > 4.9
    np.testing.assert_array_equal(circuit.width_left_m[flat], 2.0)


def test_the_road_narrows_evenly_across_the_start_line_too():
    circuit = pinched(narrow=True)
    change = np.diff(np.append(circuit.width_left_m, circuit.width_left_m[0]))
    assert np.abs(change).max() <= 0.3 * circuit.spacing_m + 1e-9


def test_a_circuit_that_is_wide_enough_stays_as_it_is():
    angle = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)
    points = 10.0 * np.cos(angle), 10.0 * np.sin(angle)
    assert Circuit.from_points("ring", *points, 2.0, 3.0, narrow=True) == Circuit.from_points(
        "ring", *points, 2.0, 3.0
    )
