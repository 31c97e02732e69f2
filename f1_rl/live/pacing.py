"""Keeping a loop in step with real time."""

from __future__ import annotations

import time
from collections.abc import Callable

# Lateness that is made up for by shorter waits; what is beyond it is given up.
_MOST_PERIODS_LATE = 2.0
# Over so much time it is judged whether the machine keeps up.
_JUDGED_OVER_S = 2.0


class Pacer:
    """Holds a loop to a period, by due times that do not drift.

    A loop that is late for a moment makes up for it. One that is too slow for good runs slower
    than real time, and nothing piles up.

    Attributes:
        real_time_factor: Share of real time that was kept lately; 1 is all of it.
    """

    def __init__(
        self,
        period_s: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Begin now.

        Args:
            period_s: The period.
            now: A steady clock, seconds.
            sleep: Waits for so many seconds, or less.
        """
        self._period_s = period_s
        self._now = now
        self._sleep = sleep
        self.restart()

    def restart(self) -> None:
        """Begin anew, with nothing to make up for."""
        self.real_time_factor = 1.0
        self._due_s = self._judged_s = self._now()
        self._periods = 0

    def wait(self) -> None:
        """Wait until the next period begins."""
        self._due_s += self._period_s
        self._periods += 1
        now_s = self._now()
        if now_s < self._due_s:
            self._sleep(self._due_s - now_s)
        else:
            self._due_s = max(self._due_s, now_s - _MOST_PERIODS_LATE * self._period_s)
        self._judge()

    def _judge(self) -> None:
        elapsed_s = self._now() - self._judged_s
        if elapsed_s >= _JUDGED_OVER_S:
            self.real_time_factor = min(1.0, self._periods * self._period_s / elapsed_s)
            self._judged_s, self._periods = self._now(), 0
