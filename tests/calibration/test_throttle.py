"""The throttle of each speed, from drives in which it is known."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from f1_rl.calibration import CalibrationError
from f1_rl.calibration.actuators import ThrottleSettings
from f1_rl.calibration.delay import Commands
from f1_rl.calibration.throttle import fit_throttle
from f1_rl.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "bags"))


def held(levels: list[tuple[float, float]], seconds: float = 3.0) -> Any:
    """Return throttles held one after the other, and a car that takes a second to each speed."""
    times_s = np.arange(0.0, seconds * len(levels), 0.02)
    place = np.minimum((times_s / seconds).astype(int), len(levels) - 1)
    values, goals = np.array(levels)[place].T
    since_s = times_s - seconds * place
    before = np.append(0.0, np.array(levels)[:-1, 1])[place]
    speeds = before + (goals - before) * np.minimum(since_s, 1.0)
    return Commands(times_s, values), times_s, speeds


def test_the_table_is_that_of_the_car() -> None:
    table = fit_throttle(*held([(0.0, 0.0), (0.1, 0.5), (0.2, 1.5), (0.15, 1.0), (0.0, 0.0)]))
    assert table == ((0.0, 0.0), (0.5, 0.1), (1.0, 0.15), (1.5, 0.2))


def test_a_throttle_that_does_not_move_the_car_is_left_out() -> None:
    table = fit_throttle(*held([(0.03, 0.0), (0.06, 0.0), (0.1, 0.4), (0.2, 1.2)]))
    assert table == ((0.0, 0.0), (0.4, 0.1), (1.2, 0.2))


def test_a_speed_that_fell_though_the_throttle_rose_is_averaged() -> None:
    table = fit_throttle(*held([(0.1, 0.5), (0.15, 1.1), (0.16, 0.9), (0.2, 1.5)]))
    assert table == ((0.0, 0.0), (0.5, 0.1), (1.0, 0.15), (1.5, 0.2))


def test_speeds_that_the_table_writes_alike_are_one() -> None:
    table = fit_throttle(*held([(0.1, 0.5), (0.2, 1.0), (0.3, 2.0001), (0.4, 2.0004)]))
    assert table == ((0.0, 0.0), (0.5, 0.1), (1.0, 0.2), (2.0, 0.3))
    assert ThrottleSettings(table=table).table == table


def test_throttles_that_were_not_held_say_nothing() -> None:
    with pytest.raises(CalibrationError, match=r"0 throttles were held for 1\.5 s"):
        fit_throttle(*held([(0.1, 0.5), (0.2, 1.0), (0.3, 1.5)], seconds=1.0))


def test_a_slow_ramp_is_no_throttle_that_was_held() -> None:
    throttle, times_s, speeds = held([(0.1, 0.5), (0.15, 1.0), (0.2, 1.5)])
    ramp = 0.3 + 0.001 * np.arange(500)
    times_s = 0.02 * np.arange(len(times_s) + len(ramp))
    throttle = Commands(times_s, np.append(throttle.values, ramp))
    table = fit_throttle(throttle, times_s, np.append(speeds, 10.0 * ramp))
    assert table == ((0.0, 0.0), (0.5, 0.1), (1.0, 0.15), (1.5, 0.2))


def test_throttles_are_told_apart_as_finely_as_the_table_does() -> None:
    table = fit_throttle(*held([(0.0004, 0.03), (0.102, 0.5), (0.112, 0.6), (0.118, 0.7)]))
    assert table == ((0.0, 0.0), (0.5, 0.102), (0.6, 0.112), (0.7, 0.118))


def test_the_verb_reads_a_bag(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("rosbags", reason="reading bags needs rosbags")
    from throttle_bags import write_throttle_bag

    levels = [(0.1, 0.5), (0.14, 1.0), (0.22, 2.0)]
    bag = write_throttle_bag(tmp_path / "bag", levels, axis=2)
    assert main(["calibrate", "throttle", str(bag), "--axis", "2", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["table"]
    assert np.array(table) == pytest.approx(
        np.array([(0.0, 0.0), *((v, t) for t, v in levels)]), abs=0.02
    )
    for words, said in (
        (("--axis", "5"), "has 3 axes; choose another --axis"),
        (("--topic", "joy"), "has no sensor_msgs/msg/Joy on joy; it has /actuators"),
    ):
        assert main(["calibrate", "throttle", str(bag), *words]) == 1
        assert said in capsys.readouterr().err
