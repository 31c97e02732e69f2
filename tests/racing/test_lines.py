"""Lines inside the road."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit, circuit_names, load_circuit
from f1_rl.circuits.geometry import Poses
from f1_rl.racing import centre_line, minimum_curvature_line

ANGLE_RAD = np.linspace(0.0, 2.0 * np.pi, 120, endpoint=False)


def ring(radius_m: float, half_width_m: float) -> Circuit:
    """A road between two circles, driven to the left."""
    return Circuit.from_points(
        "ring",
        radius_m * np.cos(ANGLE_RAD),
        radius_m * np.sin(ANGLE_RAD),
        half_width_m,
        half_width_m,
    )


def bending(line: object) -> float:
    """The squared curvature, integrated."""
    return float((line.curvature_per_m**2).mean() * line.length_m)  # type: ignore[attr-defined]


def test_between_two_circles_the_outer_one_bends_least() -> None:
    line = minimum_curvature_line(ring(10.0, 1.5))
    # On a left-hand ring the outside is to the right.
    assert line.values[:, 0] == pytest.approx(-1.5, abs=0.01)
    assert line.length_m == pytest.approx(2.0 * np.pi * 11.5, rel=1e-3)


def test_between_two_circles_the_inner_one_is_the_shortest() -> None:
    line = minimum_curvature_line(ring(10.0, 1.5), length_weight=10.0)
    assert line.length_m == pytest.approx(2.0 * np.pi * 8.5, rel=1e-3)


def test_a_margin_keeps_the_line_from_the_edge() -> None:
    line = minimum_curvature_line(ring(10.0, 1.5), margin_m=0.5)
    assert line.values[:, 0] == pytest.approx(-1.0, abs=0.01)


def test_a_margin_wider_than_the_road_leaves_its_middle() -> None:
    circuit = Circuit.from_points(
        "ring", 10.0 * np.cos(ANGLE_RAD), 10.0 * np.sin(ANGLE_RAD), 1.0, 2.0
    )
    line = minimum_curvature_line(circuit, margin_m=5.0)
    assert line.values[:, 0] == pytest.approx(-0.5, abs=0.01)


@pytest.mark.parametrize("name", [n for n in circuit_names() if n != "grand_tour"])
def test_on_every_circuit_it_bends_less_than_the_centre_line_and_stays_on_the_road(
    name: str,
) -> None:
    circuit = load_circuit(name)
    line = minimum_curvature_line(circuit)
    assert bending(line) < 0.75 * bending(centre_line(circuit))
    there = circuit.project(Poses(line.x_m, line.y_m, line.heading_rad))
    # Between the points that are moved the line is a spline.
    assert (there.lateral_error_m < there.width_left_m + 0.02).all()
    assert (-there.lateral_error_m < there.width_right_m + 0.02).all()


def test_the_more_length_costs_the_shorter_the_line_and_the_more_it_bends() -> None:
    circuit = load_circuit("chicanes")
    lines = [minimum_curvature_line(circuit, length_weight=w) for w in (0.0, 0.01, 0.1, 1.0)]
    lengths_m = [line.length_m for line in lines]
    assert lengths_m == sorted(lengths_m, reverse=True)
    bendings = [bending(line) for line in lines]
    assert bendings == sorted(bendings)


@pytest.mark.parametrize("wrong", [-0.1, np.nan, np.inf])
def test_what_is_no_distance_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"Margin .*: give a number from 0"):
        minimum_curvature_line(ring(10.0, 1.5), margin_m=wrong)
    with pytest.raises(ValueError, match=r"Length weight .*: give a number from 0"):
        minimum_curvature_line(ring(10.0, 1.5), length_weight=wrong)
