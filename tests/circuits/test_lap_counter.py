"""Progress, laps and lap times."""

import numpy as np
import pytest

from f1_rl.circuits import LapCounter

LENGTH_M = 100.0


def drive(counter: LapCounter, positions_m, time_s, car: int = 0):
    """Drive one car through unwrapped positions; returns (steps, laps, last lap times)."""
    steps, laps, times = [], [], []
    for position, now in zip(positions_m, time_s, strict=True):
        steps.append(counter.update(np.mod([position], LENGTH_M), now)[car])
        laps.append(int(counter.laps[car]))
        times.append(counter.last_lap_time_s[car])
    return np.array(steps), laps, np.array(times)


def counter_at(arc_length_m: float, **kwargs) -> LapCounter:
    counter = LapCounter(1)
    counter.reset(np.array([0]), arc_length_m, LENGTH_M, **kwargs)
    return counter


def test_progress_and_steps_follow_the_car_across_the_line():
    counter = counter_at(95.0)
    steps, _, _ = drive(counter, [97.0, 103.0, 101.0, 98.0, 110.0], np.arange(1, 6))
    np.testing.assert_allclose(steps, [2.0, 6.0, -2.0, -3.0, 12.0])
    assert counter.progress_m[0] == pytest.approx(15.0)


def test_a_lap_begun_at_the_line_is_timed_to_the_crossing():
    counter = counter_at(0.0, time_s=10.0)
    # 3 m each 0.1 s: the line at 100 m lies a third of the way from 99 m to 102 m.
    positions = np.arange(1, 70) * 3.0
    _, laps, times = drive(counter, positions, 10.0 + 0.1 * np.arange(1, 70))
    assert laps[32] == 0
    assert laps[33] == 1
    assert np.isnan(times[32])
    assert times[33] == pytest.approx(100.0 / 30.0)
    assert laps[-1] == 2
    assert counter.last_lap_time_s[0] == pytest.approx(100.0 / 30.0)


def test_the_lap_being_driven_is_measured_from_the_crossing():
    counter = counter_at(95.0)
    drive(counter, [97.0, 99.0], [0.1, 0.2])
    assert np.isnan(counter.lap_time_s[0])
    assert np.isnan(counter.lap_m[0])
    # The line at 100 m lies a quarter of the way from 99 m to 103 m.
    drive(counter, [103.0, 107.0, 98.0], [0.3, 0.4, 0.5])
    assert counter.lap_time_s[0] == pytest.approx(0.275)
    assert counter.lap_m[0] == pytest.approx(-2.0)


def test_best_lap_is_the_quickest():
    counter = counter_at(0.0)
    durations = [40.0, 20.0, 30.0]
    best = []
    now = 0.0
    for lap, duration in enumerate(durations):
        drive(
            counter, 100.0 * lap + np.arange(1, 11) * 10.0, now + duration * np.arange(1, 11) / 10
        )
        now += duration
        assert counter.last_lap_time_s[0] == pytest.approx(duration)
        best.append(counter.best_lap_time_s[0])
    np.testing.assert_allclose(best, [40.0, 20.0, 20.0])
    assert counter.laps[0] == 3


@pytest.mark.parametrize("offset_m", [-1e-4, -1e-9, 0.0, 1e-9, 1e-4])
def test_a_car_placed_on_the_line_begins_its_lap_there(offset_m):
    counter = counter_at(np.mod(offset_m, LENGTH_M))
    _, laps, times = drive(counter, np.arange(1, 22) * 5.0, np.arange(1, 22))
    assert laps[0] == 0
    assert laps[18] == 0
    assert laps[-1] == 1
    assert times[-1] == pytest.approx(20.0, abs=1e-3)


def test_the_way_to_the_line_is_no_lap():
    counter = counter_at(98.0)
    _, laps, times = drive(counter, 98.0 + np.arange(1, 60) * 2.0, np.arange(1, 60))
    assert laps[:50] == [0] * 50
    assert laps[50:] == [1] * 9
    assert np.isnan(times[:50]).all()
    np.testing.assert_allclose(times[50:], 50.0)


def test_crossing_back_and_forth_counts_once_and_keeps_the_first_time():
    counter = counter_at(0.0)
    positions = [30.0, 60.0, 90.0, 110.0, 95.0, 105.0, 90.0, 101.0]
    _, laps, times = drive(counter, positions, np.arange(1, 9))
    assert laps == [0, 0, 0, 1, 0, 1, 0, 1]
    assert times[3] == pytest.approx(3.5)
    np.testing.assert_allclose(times[3:], 3.5)
    # The second lap is timed from the first crossing.
    drive(counter, [140.0, 180.0, 210.0], [9.0, 10.0, 11.0])
    assert counter.laps[0] == 2
    assert counter.last_lap_time_s[0] == pytest.approx(10.0 + 2.0 / 3.0 - 3.5)


def test_reversing_over_the_line_from_the_start_gives_no_lap():
    counter = counter_at(0.0)
    _, laps, times = drive(counter, [-5.0, 5.0, -5.0, 5.0], np.arange(1, 5))
    assert laps == [0, 0, 0, 0]
    assert np.isnan(times).all()
    drive(counter, [40.0, 80.0, 100.0], [5.0, 6.0, 7.0])
    assert counter.laps[0] == 1
    assert counter.last_lap_time_s[0] == pytest.approx(7.0)


def test_a_lap_may_begin_after_backing_over_the_line():
    counter = counter_at(5.0)
    _, laps, times = drive(counter, [-5.0, 5.0, 50.0, 90.0, 110.0], np.arange(1, 6))
    assert laps == [0, 0, 0, 0, 1]
    assert times[-1] == pytest.approx(4.5 - 1.5)


def test_driving_backwards_gives_no_laps():
    counter = counter_at(0.0)
    _, laps, _ = drive(counter, -np.arange(1, 40) * 10.0, np.arange(1, 40))
    assert set(laps) == {0}
    assert counter.progress_m[0] == pytest.approx(-390.0)


def test_the_line_may_lie_anywhere():
    counter = counter_at(30.0, line_arc_length_m=30.0)
    _, laps, times = drive(counter, 30.0 + np.arange(1, 22) * 5.0, np.arange(1, 22))
    assert laps[18:21] == [0, 1, 1]
    assert times[-1] == pytest.approx(20.0)


def test_cars_are_independent_and_a_subset_can_be_reset():
    counter = LapCounter(3)
    lengths = np.array([100.0, 50.0, 200.0])
    counter.reset(np.arange(3), np.zeros(3), lengths)
    for step in range(1, 12):
        counter.update(np.mod(10.0 * step * np.ones(3), lengths), float(step))
    assert counter.laps.tolist() == [1, 2, 0]
    counter.reset(np.array([2, 0]), np.array([20.0, 0.0]), np.array([50.0, 100.0]), 0.0, 11.0)
    assert counter.laps.tolist() == [0, 2, 0]
    assert counter.progress_m.tolist() == [0.0, pytest.approx(110.0), 0.0]
    assert np.isnan(counter.last_lap_time_s[[0, 2]]).all()
    assert counter.last_lap_time_s[1] == pytest.approx(5.0)
    counter.update(np.array([10.0, 20.0, 30.0]), np.array([12.0, 12.0, 12.0]))
    np.testing.assert_allclose(counter.progress_m, [10.0, 120.0, 10.0])


def test_random_driving_agrees_with_unwrapped_positions():
    rng = np.random.default_rng(3)
    count, steps = 20, 2000
    start = rng.uniform(1.0, LENGTH_M - 1.0, count)
    path = start + np.cumsum(rng.normal(0.7, 4.0, (steps, count)), axis=0)
    counter = LapCounter(count)
    counter.reset(np.arange(count), start, LENGTH_M)
    previous = np.zeros(count, dtype=int)
    for step, position in enumerate(path):
        counter.update(np.mod(position, LENGTH_M), 0.05 * step)
        assert (np.abs(counter.laps - previous) <= 1).all()
        previous = counter.laps.copy()
    np.testing.assert_allclose(counter.progress_m, path[-1] - start, atol=1e-6)
    # The first lap begins at the lowest line crossed forward; with this drift, at line 0 or 1.
    lines = np.floor(path[-1] / LENGTH_M).astype(int)
    backed_over = path.min(axis=0) < 0.0
    assert (counter.laps[~backed_over] == lines[~backed_over] - 1).all()
    assert (counter.laps[backed_over] >= lines[backed_over] - 1).all()


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="at least one car"):
        LapCounter(0)
    counter = LapCounter(2)
    counter.reset(np.array([0]), 0.0, LENGTH_M)
    with pytest.raises(ValueError, match="Car 1 was never reset"):
        counter.update(np.zeros(2), 0.0)
    with pytest.raises(ValueError, match="length"):
        counter.reset(np.array([1]), 0.0, 0.0)
