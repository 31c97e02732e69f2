"""Points that make no circuit are refused with a sentence that says why and where."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit, CircuitError
from f1_rl.circuits.resampling import resample_closed_line
from f1_rl.circuits.validation import nearest_approach


def circle_points(count: int = 60, radius_m: float = 10.0):
    angle = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    return radius_m * np.cos(angle), radius_m * np.sin(angle)


def build(x_m, y_m, left_m=1.5, right_m=1.5, line_width_m=0.1) -> Circuit:
    return Circuit.from_points("track", x_m, y_m, left_m, right_m, line_width_m)


def stadium(gap_m: float, straight_m: float = 30.0):
    """Two straights gap_m apart, joined by half circles."""
    radius = 0.5 * gap_m
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 24)
    s = np.linspace(0.0, straight_m, 30)[1:-1]
    x = [straight_m + radius * np.cos(angle), s[::-1], -radius * np.cos(angle), s]
    y = [radius * np.sin(angle), radius + 0 * s, radius * np.sin(angle[::-1]), -radius + 0 * s]
    return np.concatenate(x), np.concatenate(y)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_too_few_points_are_counted(count):
    with pytest.raises(CircuitError, match=rf"{count} different points .* at least 4"):
        build(np.arange(count) * 5.0, np.arange(count) ** 2 * 5.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_point(value):
    x_m, y_m = circle_points()
    y_m[16] = value
    with pytest.raises(CircuitError, match="not a finite number at point 17 of 60"):
        build(x_m, y_m)


def test_an_open_line_is_refused_with_the_gap():
    x_m, y_m = circle_points()
    with pytest.raises(CircuitError, match=r"not closed: its last point is 19\.\d+ m from"):
        build(x_m[:35], y_m[:35])


def test_a_closing_point_is_accepted():
    x_m, y_m = circle_points()
    closed = build(np.append(x_m, x_m[0]), np.append(y_m, y_m[0]))
    assert closed == build(x_m, y_m)


def test_a_repeated_point_is_refused():
    x_m, y_m = np.insert(circle_points(), 5, np.array(circle_points())[:, 5], axis=1)
    with pytest.raises(CircuitError, match="repeats point 6"):
        build(x_m, y_m)


def test_a_crossing_is_refused_with_the_place():
    t = np.linspace(0.0, 2.0 * np.pi, 200, endpoint=False) + 0.4
    with pytest.raises(CircuitError, match=r"crosses itself near \((-?0\.\d+), (-?0\.\d+)\)"):
        build(30.0 * np.sin(t), 20.0 * np.sin(2.0 * t))


@pytest.mark.parametrize("phase", np.linspace(0.0, 0.03, 7))
def test_crossings_are_found_wherever_the_samples_lie(phase):
    t = np.linspace(0.0, 2.0 * np.pi, 200, endpoint=False) + phase
    with pytest.raises(CircuitError, match="crosses itself"):
        build(30.0 * np.sin(t), 3.0 * np.sin(2.0 * t), 0.1, 0.1)


@pytest.mark.parametrize(("left_m", "right_m", "side"), [(0.0, 1.0, "left"), (1.0, -2.0, "right")])
def test_a_width_that_is_not_positive_is_refused(left_m, right_m, side):
    with pytest.raises(CircuitError, match=f"to the {side} at point 1; .* greater than zero"):
        build(*circle_points(), left_m, right_m)


def test_road_wider_than_the_turn_is_refused_only_on_the_inner_side():
    x_m, y_m = circle_points(radius_m=4.0)
    with pytest.raises(CircuitError, match=r"radius of 4\.0\d m at .* 4\.50 m of road"):
        build(x_m, y_m, 4.5, 1.0)
    assert build(x_m, y_m, 1.0, 4.5).min_radius_m == pytest.approx(4.0, rel=0.01)
    # Driven clockwise, the inner side is the right one.
    with pytest.raises(CircuitError, match="inner side"):
        build(x_m[::-1], y_m[::-1], 1.0, 4.5)


def pinched_stadium(gap_m: float):
    """A stadium whose straights, 8 m apart, come as near as gap_m in their middle."""
    x_m, y_m = stadium(gap_m=8.0)
    return x_m, y_m * (1.0 - (1.0 - gap_m / 8.0) * np.exp(-(((x_m - 15.0) / 5.0) ** 2)))


def test_overlapping_roads_are_refused_with_both_places_and_by_how_much():
    with pytest.raises(CircuitError, match=r"stretches at \d+\.\d m and \d+\.\d m .* 0\.20 m;"):
        build(*pinched_stadium(gap_m=2.8), 1.5, 1.5)
    # Only the sides that face each other count.
    assert build(*pinched_stadium(gap_m=2.8), 1.3, 3.0).length_m > 70.0
    with pytest.raises(CircuitError, match="overlapping road"):
        build(*pinched_stadium(gap_m=2.8), 1.5, 0.5)


def test_roads_may_come_near_without_touching():
    assert build(*pinched_stadium(gap_m=3.1), 1.5, 1.5).length_m > 70.0
    assert build(*stadium(gap_m=4.0), 1.5, 1.5).length_m > 60.0


def test_a_line_wider_than_the_road_is_refused():
    with pytest.raises(CircuitError, match=r"line of width 3\.5 m"):
        build(*circle_points(), line_width_m=3.5)
    with pytest.raises(CircuitError, match="line of width -1 m"):
        build(*circle_points(), line_width_m=-1.0)


def test_arrays_of_different_lengths_are_refused():
    x_m, y_m = circle_points()
    with pytest.raises(CircuitError, match="as many x as y"):
        build(x_m, y_m[:-1])
    with pytest.raises(CircuitError, match="one width or one for each of its 60"):
        build(x_m, y_m, np.ones(7))


def test_a_length_in_the_wrong_unit_is_refused():
    x_m, y_m = circle_points()
    with pytest.raises(CircuitError, match="check the unit"):
        build(x_m * 1e5, y_m * 1e5)


@pytest.mark.parametrize("gap_m", [2.8, 3.1, 3.6, 3.9])
def test_nearest_approach_measures_the_grass_between_roads(gap_m):
    line = resample_closed_line(np.column_stack(pinched_stadium(gap_m)), np.full((104, 2), 1.5))
    approach = nearest_approach(line, margin_m=1.0)
    assert approach.clearance_m == pytest.approx(gap_m - 3.0, abs=0.02)
    apart_m = abs(approach.arc_length_m - approach.other_arc_length_m)
    assert min(apart_m, line.length_m - apart_m) == pytest.approx(0.5 * line.length_m, abs=1.0)


def test_roads_further_apart_than_the_margin_do_not_approach():
    line = resample_closed_line(np.column_stack(pinched_stadium(4.1)), np.full((104, 2), 1.5))
    assert nearest_approach(line, margin_m=1.0).clearance_m == np.inf
