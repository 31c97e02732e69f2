"""Each ending rule on steps made by hand; failures kept apart from cuts."""

import numpy as np
import pytest
from driving_helpers import make_step

from f1_rl.driving.endings import EndingSettings, find_endings

FAILURES = ("off_road", "wrong_way", "collision", "stalled")

CASES = [
    ({}, {}, ""),
    # The road is 2 m wide to the left and 1 m to the right.
    ({}, {"lateral_error_m": 1.99}, ""),
    ({}, {"lateral_error_m": 2.01}, "off_road"),
    ({}, {"lateral_error_m": -1.01}, "off_road"),
    ({"off_road_margin_m": 0.5}, {"lateral_error_m": 2.49}, ""),
    ({"off_road_margin_m": 0.5}, {"lateral_error_m": -1.51}, "off_road"),
    ({"off_road_margin_m": None}, {"lateral_error_m": 50.0}, ""),
    ({}, {"heading_error_rad": 1.57}, ""),
    ({}, {"heading_error_rad": -1.58}, "wrong_way"),
    ({"wrong_way": False}, {"heading_error_rad": 3.0}, ""),
    ({}, {"clearance_m": np.array([0.001])}, ""),
    ({}, {"clearance_m": np.array([0.0])}, "collision"),
    ({"collision": False}, {"clearance_m": np.array([0.0])}, ""),
    ({}, {"stalled_s": 2.9}, ""),
    ({}, {"stalled_s": 3.0}, "stalled"),
    ({"stalled_after_s": None}, {"stalled_s": 1e6}, ""),
    ({"time_limit_s": 2.0}, {"time_s": 1.95}, ""),
    # A sum of control periods misses the limit by a rounding error.
    ({"time_limit_s": 2.0}, {"time_s": 2.0 - 1e-12}, "time_limit"),
    ({"time_limit_s": None}, {"time_s": 1e6}, ""),
    ({"laps": 2}, {"laps": 1}, ""),
    ({"laps": 2}, {"laps": 2}, "laps"),
    ({"laps": None}, {"laps": 99}, ""),
]


@pytest.mark.parametrize(("settings", "changes", "reason"), CASES)
def test_rules_end_what_they_say(settings, changes, reason):
    endings = find_endings(EndingSettings(**settings), make_step(**changes))
    assert endings.reasons == [reason]
    assert bool(endings.terminated[0]) == (reason in FAILURES)
    assert bool(endings.truncated[0]) == (reason in ("time_limit", "laps"))


def test_a_failure_in_the_step_of_a_cut_is_a_failure():
    step = make_step(lateral_error_m=3.0, time_s=60.0, laps=1)
    endings = find_endings(EndingSettings(laps=1), step)
    assert endings.reasons == ["off_road"]
    assert endings.terminated[0]
    assert not endings.truncated[0]


def test_of_several_failures_the_first_is_named():
    step = make_step(heading_error_rad=3.0, stalled_s=9.0)
    assert find_endings(EndingSettings(), step).reasons == ["wrong_way"]


def test_each_car_ends_by_its_own_rule():
    step = make_step(
        4,
        lateral_error_m=[0.0, 5.0, 0.0, 0.0],
        stalled_s=[0.0, 0.0, 4.0, 0.0],
        time_s=[1, 1, 1, 60],
    )
    endings = find_endings(EndingSettings(), step)
    assert endings.reasons == ["", "off_road", "stalled", "time_limit"]
    np.testing.assert_array_equal(endings.terminated, [False, True, True, False])
    np.testing.assert_array_equal(endings.truncated, [False, False, False, True])
