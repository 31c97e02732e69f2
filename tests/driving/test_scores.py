"""Drives are summed up to the figures that tables of policies and circuits show."""

import math
from dataclasses import replace

import pytest

from f1_rl.circuits import load_circuit
from f1_rl.driving.actions import load_action_table
from f1_rl.driving.laps import Drive
from f1_rl.driving.metrics import DriveReport
from f1_rl.driving.scores import lap_limits, score, scores_by_circuit

REPORT = DriveReport(
    steps=100,
    episode_return=1.0,
    laps=1,
    lap_time_s=20.0,
    completion=1.0,
    mean_lateral_error_m=0.1,
    p95_lateral_error_m=0.3,
    mean_speed_mps=6.0,
    command_smoothness=2.0,
    off_track=0,
    wrong_way=0,
    ending="laps",
)


def drive(circuit, **changes) -> Drive:
    return Drive(circuit, 1, 0.0, replace(REPORT, **changes))


def test_collisions_are_summed_over_the_drives(oval):
    drives = [
        Drive(oval, 1, 0.0, replace(REPORT, collisions=n), traffic="mixed") for n in (0, 2, 1)
    ]
    made = score("mine", drives)
    assert (made.traffic, made.collisions) == ("mixed", 3)


@pytest.fixture(scope="module")
def oval():
    return load_circuit("oval")


def test_the_figures_are_means_over_the_drives_and_times_those_of_whole_laps(oval):
    made = score(
        "mine",
        [
            drive(oval),
            drive(oval, lap_time_s=22.0, mean_lateral_error_m=0.3, mean_speed_mps=5.0),
            drive(
                oval,
                laps=0,
                lap_time_s=math.nan,
                completion=0.4,
                ending="off_road",
                p95_lateral_error_m=0.9,
                command_smoothness=8.0,
            ),
        ],
    )
    assert (made.driver, made.circuits, made.drives, made.completed) == ("mine", ("oval",), 3, 2)
    assert made.laps == 2
    assert made.completion == pytest.approx(0.8)
    assert made.lap_time_s == pytest.approx(21.0)
    assert made.lap_time_std_s == pytest.approx(math.sqrt(2.0))
    assert made.best_lap_s == 20.0
    assert made.speed_mps == pytest.approx(17.0 / 3)
    assert made.lateral_error_m == pytest.approx(0.5 / 3)
    assert made.p95_lateral_error_m == pytest.approx(0.5)
    assert made.smoothness == pytest.approx(4.0)


def test_a_single_lap_has_no_spread_and_none_has_no_time(oval):
    assert score("mine", [drive(oval)]).lap_time_std_s == 0.0
    none = score("mine", [drive(oval, laps=0, lap_time_s=math.nan, ending="off_road")])
    assert none.completed == 0
    assert math.isnan(none.lap_time_s)
    assert math.isnan(none.best_lap_s)


def test_laps_of_several_circuits_have_no_time_in_common(oval):
    drives = [drive(oval), drive(load_circuit("simple"), mean_speed_mps=8.0), drive(oval)]
    total = score("mine", drives)
    assert total.circuits == ("oval", "simple")
    assert math.isnan(total.lap_time_s)
    assert (total.completed, total.drives) == (3, 3)
    assert total.speed_mps == pytest.approx(20.0 / 3)
    each = scores_by_circuit("mine", drives)
    assert [(made.circuits, made.drives) for made in each] == [(("oval",), 2), (("simple",), 1)]


def test_laps_are_held_against_the_limit_of_their_circuit(oval):
    simple = load_circuit("simple")
    drives = [drive(oval), drive(oval, lap_time_s=22.0), drive(simple, lap_time_s=30.0)]
    drives.append(drive(simple, laps=0, lap_time_s=math.nan, ending="off_road"))
    limits_s = {"oval": 20.0, "simple": 25.0}
    on_oval, on_simple = scores_by_circuit("mine", drives, limits_s)
    assert (on_oval.limit_s, on_oval.to_limit) == (20.0, pytest.approx(1.05))
    assert (on_simple.limit_s, on_simple.to_limit) == (25.0, pytest.approx(1.2))
    total = score("mine", drives, limits_s)
    assert math.isnan(total.limit_s)
    assert total.to_limit == pytest.approx((1.0 + 1.1 + 1.2) / 3)
    assert math.isnan(score("mine", drives).to_limit)


def test_there_is_no_limit_where_the_car_can_follow_no_line():
    small = load_circuit("simple", scale=0.3)
    limits_s = lap_limits([small], "kinematic", load_action_table("racing").commands)
    assert math.isnan(score("mine", [drive(small)], limits_s).to_limit)


def test_the_limit_follows_from_circuit_car_and_actions(oval):
    slow, quick = (load_action_table(name).commands for name in ("simple", "racing"))
    limits_s = [lap_limits([oval], "kinematic", commands)["oval"] for commands in (slow, quick)]
    # The inner edge is shorter than the centre line, and 3 or 7 m/s are not exceeded.
    assert limits_s[0] > 0.9 * oval.length_m / 3.0
    assert limits_s[1] > 0.9 * oval.length_m / 7.0
    assert limits_s[0] > 2.0 * limits_s[1]
