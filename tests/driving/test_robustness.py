"""Drives under a perturbation are held against the nominal ones from the same starts."""

import math

import pytest
from test_scores import drive

from f1_rl.circuits import load_circuit
from f1_rl.driving.robustness import hold_against


@pytest.fixture(scope="module")
def oval():
    return load_circuit("oval")


def test_times_are_compared_from_start_to_start_and_errors_as_means(oval):
    failed = {"lap_time_s": math.nan, "laps": 0, "completion": 0.5, "ending": "off_road"}
    nominal = [drive(oval), drive(oval, lap_time_s=30.0), drive(oval)]
    perturbed = [
        drive(oval, lap_time_s=22.0, mean_lateral_error_m=0.3),
        drive(oval, lap_time_s=39.0),
        drive(oval, **failed, mean_lateral_error_m=0.8),
    ]
    held = hold_against("mine", "fog", perturbed, nominal)
    assert (held.driver, held.perturbation) == ("mine", "fog")
    assert (held.completed, held.drives) == (2, 3)
    assert held.completion == pytest.approx(2.5 / 3)
    assert held.lap_time_s == pytest.approx(30.5)
    assert held.lap_time_ratio == pytest.approx((1.1 + 1.3) / 2)
    assert held.lateral_error_m == pytest.approx(0.4)
    assert held.lateral_error_ratio == pytest.approx(4.0)


def test_without_a_lap_there_is_no_time_and_without_an_error_no_ratio(oval):
    failed = drive(oval, lap_time_s=math.nan, ending="off_road")
    held = hold_against("mine", "fog", [failed], [drive(oval, mean_lateral_error_m=0.0)])
    assert math.isnan(held.lap_time_s)
    assert math.isnan(held.lap_time_ratio)
    assert math.isnan(held.lateral_error_ratio)


def test_drives_of_other_starts_are_not_compared(oval):
    with pytest.raises(ValueError, match="longer"):
        hold_against("mine", "fog", [drive(oval)], [drive(oval), drive(oval)])
