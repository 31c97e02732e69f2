"""Lines inside the road."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit, circuit_names, load_circuit
from f1_rl.circuits.geometry import Poses
from f1_rl.circuits.resampling import SampledLine
from f1_rl.racing import centre_line, fastest_lap, lines, lines_inside
from f1_rl.racing.limits import GripLimits
from f1_rl.simulation import SingleTrackCar

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


def line_inside(circuit: Circuit, margin_m: float = 0.0, length_weight: float = 0.0) -> SampledLine:
    return lines_inside(circuit, margin_m, (length_weight,))[0]


def bending(line: SampledLine) -> float:
    """The squared curvature, integrated."""
    return float((line.curvature_per_m**2).mean() * line.length_m)


def test_between_two_circles_the_outer_one_bends_least() -> None:
    line = line_inside(ring(10.0, 1.5))
    # On a left-hand ring the outside is to the right.
    assert line.values[:, 0] == pytest.approx(-1.5, abs=0.01)
    assert line.length_m == pytest.approx(2.0 * np.pi * 11.5, rel=1e-3)


def test_between_two_circles_the_inner_one_is_the_shortest() -> None:
    line = line_inside(ring(10.0, 1.5), length_weight=10.0)
    assert line.length_m == pytest.approx(2.0 * np.pi * 8.5, rel=1e-3)


def test_a_margin_keeps_the_line_from_the_edge() -> None:
    line = line_inside(ring(10.0, 1.5), margin_m=0.5)
    assert line.values[:, 0] == pytest.approx(-1.0, abs=0.01)


def test_a_margin_wider_than_the_road_leaves_its_middle() -> None:
    circuit = Circuit.from_points(
        "ring", 10.0 * np.cos(ANGLE_RAD), 10.0 * np.sin(ANGLE_RAD), 1.0, 2.0
    )
    line = line_inside(circuit, margin_m=5.0)
    assert line.values[:, 0] == pytest.approx(-0.5, abs=0.01)


@pytest.mark.parametrize("name", [n for n in circuit_names() if n != "grand_tour"])
def test_on_every_circuit_it_bends_less_than_the_centre_line_and_stays_on_the_road(
    name: str,
) -> None:
    circuit = load_circuit(name)
    line = line_inside(circuit)
    assert bending(line) < 0.75 * bending(centre_line(circuit))
    there = circuit.project(Poses(line.x_m, line.y_m, line.heading_rad))
    # Between the points that are moved the line is a spline.
    assert (there.lateral_error_m < there.width_left_m + 0.02).all()
    assert (-there.lateral_error_m < there.width_right_m + 0.02).all()


def test_the_more_length_costs_the_shorter_the_line_and_the_more_it_bends() -> None:
    circuit = load_circuit("chicanes")
    weighed = lines_inside(circuit, length_weights=(0.0, 0.01, 0.1, 1.0))
    lengths_m = [line.length_m for line in weighed]
    assert lengths_m == sorted(lengths_m, reverse=True)
    bendings = [bending(line) for line in weighed]
    assert bendings == sorted(bendings)


def test_lines_come_in_the_order_of_their_weights_and_the_same_in_any_order() -> None:
    circuit = load_circuit("oval")
    several, backward = (lines_inside(circuit, 0.1, w) for w in ((0.0, 0.1, 0.0), (0.1, 0.0)))
    assert several[0] is several[2]
    for line, other in zip(several[:2], backward[::-1], strict=True):
        np.testing.assert_array_equal(line.x_m, other.x_m)
    assert bending(several[0]) < bending(several[1])


@pytest.mark.parametrize("name", ["hairpins", "meadow"])
def test_lines_rest_where_more_iterations_make_no_lap_faster(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit, limits = load_circuit(name), GripLimits(SingleTrackCar(), 12.0, 3.0)
    laps = [fastest_lap(line, limits) for line in lines_inside(circuit)]
    monkeypatch.setattr(lines, "_CONVERGED", 1e-9)
    lines._lines_inside.cache_clear()
    rested = [fastest_lap(line, limits) for line in lines_inside(circuit)]
    lines._lines_inside.cache_clear()
    shortest, rested_shortest = (min(lap.lap_time_s for lap in each) for each in (laps, rested))
    assert shortest == pytest.approx(rested_shortest, rel=5e-4)


@pytest.mark.parametrize("wrong", [-0.1, np.nan, np.inf])
def test_what_is_no_distance_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"Margin .*: give a number from 0"):
        line_inside(ring(10.0, 1.5), margin_m=wrong)
    with pytest.raises(ValueError, match=r"Length weight .*: give a number from 0"):
        line_inside(ring(10.0, 1.5), length_weight=wrong)
