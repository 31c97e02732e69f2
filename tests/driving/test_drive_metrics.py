"""Driving metrics on laps with known answers."""

import numpy as np
import pytest
from driving_helpers import ScriptedCars, make_step

from f1_rl.driving.actions import ActionTable
from f1_rl.driving.metrics import DriveMetrics
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import DrivingTask, Starts

TABLE = ActionTable("test", "", ((5.0, 0.0), (5.0, 2.0), (5.0, -2.0)))
EVERYONE = np.ones(1, np.bool_)


def report(metrics: DriveMetrics, **facts):
    facts = {"laps": 0, "lap_time_s": float("nan"), "length_m": 100.0, "ending": "", **facts}
    return metrics.report(0, **facts)


def fed(*steps, rewards=0.0) -> DriveMetrics:
    metrics = DriveMetrics(1)
    for step in steps:
        metrics.update(step, np.array([rewards]), EVERYONE)
    return metrics


def test_lateral_error_is_averaged_without_its_sign_and_bounded_for_most_steps():
    steps = [make_step(lateral_error_m=sign * 0.1) for sign in (1, -1) * 48]
    steps += [make_step(lateral_error_m=0.9)] * 4
    made = report(fed(*steps))
    assert made.mean_lateral_error_m == pytest.approx(0.132)
    # 96 of 100 steps stay below 0.1 m, and the answer is rounded up to 5 mm.
    assert made.p95_lateral_error_m == pytest.approx(0.105)
    steps += [make_step(lateral_error_m=0.9)] * 4
    assert report(fed(*steps)).p95_lateral_error_m == pytest.approx(0.905)


def test_a_lateral_error_beyond_the_histogram_is_counted_in_its_last_bin():
    made = report(fed(make_step(lateral_error_m=40.0)))
    assert made.p95_lateral_error_m == pytest.approx(5.0)
    assert made.mean_lateral_error_m == pytest.approx(40.0)


def test_smoothness_is_the_change_of_the_commanded_yaw_rate_per_second():
    turns = [(0.0, 0.0), (0.0, 1.0), (1.0, -1.0), (-1.0, -1.0)]
    steps = [make_step(commands=(5, now), previous_commands=(5, before)) for before, now in turns]
    assert report(fed(*steps)).command_smoothness == pytest.approx(3.0 / (4 * 0.05))


def test_speed_return_and_completion_are_summed():
    made = report(fed(*[make_step(driven_m=0.2)] * 10, rewards=0.5), length_m=8.0)
    assert made.steps == 10
    assert made.mean_speed_mps == pytest.approx(4.0)
    assert made.completion == pytest.approx(0.25)
    assert made.episode_return == pytest.approx(5.0)


def test_completion_is_a_share_of_one_lap():
    backwards = fed(*[make_step(driven_m=-0.2)] * 10)
    assert report(backwards).completion == 0.0
    far = fed(*[make_step(driven_m=0.2)] * 10)
    assert report(far, laps=3, length_m=0.5).completion == 1.0


def test_leaving_the_road_and_turning_around_are_counted_once_each_time():
    lateral = [0.0, 3.0, 3.0, 0.0, -2.0, 0.0]
    heading = [0.0, 0.0, 3.0, 3.0, 0.0, 0.0]
    steps = [
        make_step(lateral_error_m=offset, heading_error_rad=angle)
        for offset, angle in zip(lateral, heading, strict=True)
    ]
    made = report(fed(*steps))
    assert (made.off_track, made.wrong_way) == (2, 1)


def test_touching_an_obstacle_is_counted_once_each_time():
    clearances_m = [np.inf, 0.0, 0.0, 0.2, 0.0]
    made = report(fed(*(make_step(clearance_m=np.array([c])) for c in clearances_m)))
    assert made.collisions == 2


def test_a_drive_of_no_steps_has_a_report():
    made = report(DriveMetrics(1))
    assert (made.steps, made.completion, made.p95_lateral_error_m) == (0, 0.0, 0.0)
    assert np.isnan(made.lap_time_s)


def test_reset_and_inactive_cars_keep_others_apart():
    metrics = DriveMetrics(2)
    step = make_step(2, lateral_error_m=[0.2, 3.0])
    metrics.update(step, np.ones(2), np.array([True, True]))
    metrics.update(step, np.ones(2), np.array([True, False]))
    facts = {"laps": 0, "lap_time_s": 0.0, "length_m": 9.0, "ending": ""}
    assert [metrics.report(car, **facts).steps for car in (0, 1)] == [2, 1]
    metrics.reset(np.array([0]))
    assert [metrics.report(car, **facts).steps for car in (0, 1)] == [0, 1]
    assert metrics.report(1, **facts).off_track == 1


def test_a_circular_lap_has_the_known_time_speed_and_error(circle):
    """A car on a concentric circle, 0.5 m inside, that passes the line between two steps."""
    angle_per_step = 2 * np.pi / 40.4

    def path(step):
        angle = np.array([angle_per_step * step])
        return circle.pose_at(angle / (2 * np.pi) * circle.length_m, 0.5)

    task = DrivingTask(TaskSettings(), ScriptedCars([circle], 1, path), TABLE)
    zero = np.zeros(1)
    task.begin(np.array([0]), Starts(np.zeros(1, int), zero, np.ones(1, int), zero + 0.5, zero))
    for _ in range(41):
        task.step(np.array([[5.0, 1.0]]))
    made = task.report(0)
    assert made.laps == 1
    # Steps of 0.1 s; the line lies four tenths of a step behind the fortieth.
    assert made.lap_time_s == pytest.approx(4.04, abs=1e-3)
    assert made.mean_speed_mps == pytest.approx(circle.length_m / 4.04, rel=1e-3)
    assert made.mean_lateral_error_m == pytest.approx(0.5, abs=1e-3)
    assert made.completion == 1.0
    assert made.command_smoothness == 0.0


def test_state_of_the_metrics_continues():
    metrics = fed(make_step(lateral_error_m=3.0), make_step())
    other = DriveMetrics(1)
    other.restore(metrics.state())
    for each in (metrics, other):
        each.update(make_step(lateral_error_m=3.0), np.ones(1), EVERYONE)
    assert report(metrics).as_dict() == pytest.approx(report(other).as_dict(), nan_ok=True)
    assert report(other).off_track == 2
