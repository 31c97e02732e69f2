"""Delays that are known are found again."""

from typing import Any

import numpy as np
import pytest
from real_cameras import FISHEYE, TILTED, taken

from f1_rl.calibration import CalibratedCamera, CalibrationError, Mounting
from f1_rl.calibration.delay import Commands, Increments, measure_delay
from f1_rl.calibration.picture_turn import PictureTurn
from f1_rl.settings import build_settings


def driven(delay_s: float, lag_s: float = 0.0, seconds: float = 30.0, seed: int = 0) -> Any:
    """Return commands that change now and then, and what a car with a delay makes of them."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(0.0, seconds, 0.05)
    values = np.repeat(rng.normal(0.0, 1.0, len(times_s) // 4 + 1), 4)[: len(times_s)]
    fine_s = np.arange(0.0, seconds, 0.0005)
    told = values[np.searchsorted(times_s, fine_s - delay_s, "right").clip(1) - 1]
    done = np.empty_like(told)
    state, share = 0.0, 1.0 if lag_s == 0.0 else 0.0005 / lag_s
    for i, value in enumerate(told):
        state += share * (value - state)
        done[i] = state
    grown = np.cumsum(done) * 0.0005
    # Looked at in time with the commands, as a simulator in lock-step is.
    seen_s = np.arange(0.0, seconds - 0.05, 0.05)
    at = np.interp(seen_s, fine_s, grown)
    return Commands(times_s, values), Increments(seen_s[:-1], seen_s[1:], np.diff(at))


@pytest.mark.parametrize("delay_s", [0.0, 0.013, 0.05, 0.087, 0.24])
def test_a_delay_between_two_samples_is_found_to_the_millisecond(delay_s: float) -> None:
    found = measure_delay(*driven(delay_s), 1.0, "yaw rate")
    assert found.delay_s == pytest.approx(delay_s, abs=0.002)
    assert found.interval_s[0] - 0.002 <= delay_s <= found.interval_s[1] + 0.002
    assert found.correlation > 0.99


def test_a_lag_counts_as_delay() -> None:
    found = measure_delay(*driven(0.06, lag_s=0.04), 1.0, "yaw rate")
    assert found.delay_s == pytest.approx(0.1, abs=0.02)


def test_noise_widens_the_interval_and_does_not_move_it() -> None:
    commands, effects = driven(0.08)
    rng = np.random.default_rng(0)
    shaken = effects.values * 0.7 + 0.01 + rng.normal(0.0, 0.03, len(effects.values))
    found = measure_delay(commands, Increments(effects.begin_s, effects.end_s, shaken), 1.0, "x")
    assert found.delay_s == pytest.approx(0.08, abs=0.01)
    low, high = found.interval_s
    assert low <= 0.08 <= high
    assert high - low > 0.002


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda c, e: (c, Increments(e.begin_s[:50], e.end_s[:50], e.values[:50])),
            "less than 9 s",
        ),
        (lambda c, e: (Commands(c.times_s, 0 * c.values), e), "never changes"),
        (lambda c, e: (c, Increments(e.begin_s, e.end_s, -e.values)), "does not follow"),
        (lambda c, e: (Commands(c.times_s[:0], c.values[:0]), e), "less than 9 s"),
    ],
)
def test_what_says_nothing_of_a_delay_is_refused(change: Any, said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        measure_delay(*change(*driven(0.08)), 1.0, "yaw rate")


def test_a_picture_that_moves_to_the_right_tells_of_a_turn_to_the_left() -> None:
    rng = np.random.default_rng(0)
    wide = np.repeat(rng.integers(0, 256, (480, 180, 3), np.uint8), 8, axis=1)
    turn = PictureTurn()
    assert turn.add(wide[:, 400:1040]) is None
    for begin, wanted in ((390, 10), (420, -30), (420, 0), (401, 19)):
        assert turn.add(wide[:, begin : begin + 640]) == pytest.approx(wanted / 640, abs=0.001)


def test_a_camera_that_looks_down_tells_of_the_horizon() -> None:
    camera = CalibratedCamera("real", FISHEYE, TILTED)
    level = PictureTurn(camera)
    turns = []
    for yaw_rad in (0.0, 0.05, -0.03):
        mounting = build_settings(
            Mounting, {**TILTED.as_dict(), "yaw_rad": TILTED.yaw_rad + yaw_rad}
        )
        # A car that turns on the spot, but for the camera's way.
        picture = taken(CalibratedCamera("real", FISHEYE, mounting), 30.0, 0.3)
        turns.append(level.add(picture))
    focal_share = 0.5 / np.tan(0.6)
    assert turns[1:] == pytest.approx([0.05 * focal_share, -0.08 * focal_share], abs=0.006)


def test_pictures_without_anything_in_them_tell_nothing() -> None:
    turn = PictureTurn()
    blank = np.full((48, 64, 3), 100, np.uint8)
    assert turn.add(blank) is None
    assert turn.add(blank) is None
