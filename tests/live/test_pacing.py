"""Keeping real time on a clock that the test turns."""

import pytest

from f1_rl.live.pacing import Pacer


class Clock:
    """Time that passes where somebody waits or works."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def now(self) -> float:
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        assert seconds >= 0.0
        self.now_s += seconds


def run(works_s: list[float]) -> tuple[list[float], Pacer]:
    """Return when each period began after the first, and the pacer."""
    clock = Clock()
    pacer = Pacer(0.05, now=clock.now, sleep=clock.pass_s)
    began_s = []
    for work_s in works_s:
        clock.pass_s(work_s)
        pacer.wait()
        began_s.append(clock.now_s - 100.0)
    return began_s, pacer


def test_periods_do_not_drift_whatever_the_work_takes():
    began_s, pacer = run([0.01, 0.049, 0.0, 0.02, 0.013] * 1000)
    assert began_s == pytest.approx([0.05 * (i + 1) for i in range(5000)])
    assert pacer.real_time_factor == pytest.approx(1.0)


def test_a_moment_of_lateness_is_made_up_for():
    began_s, _ = run([0.01, 0.09, 0.01, 0.01, 0.01])
    assert began_s == pytest.approx([0.05, 0.14, 0.15, 0.20, 0.25])


def test_a_long_halt_is_not_made_up_for():
    began_s, _ = run([0.01, 3.0, *[0.0] * 10])
    # Two periods are caught up with, and no more.
    assert began_s[1] == pytest.approx(3.05)
    assert began_s[-1] == pytest.approx(3.05 + 0.05 * (10 - 2))


def test_a_machine_that_is_too_slow_runs_slower_and_says_by_how_much():
    began_s, pacer = run([0.08] * 200)
    assert began_s[-1] == pytest.approx(0.08 * 200)
    assert pacer.real_time_factor == pytest.approx(0.05 / 0.08, rel=0.02)


def test_a_machine_that_has_recovered_keeps_up_again():
    _, pacer = run([0.08] * 200 + [0.01] * 200)
    assert pacer.real_time_factor == pytest.approx(1.0, abs=0.03)
