"""Latencies and rates over the last while."""

from collections import deque
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Percentiles:
    """Percentiles of durations, seconds; NaN where there was none."""

    p50_s: float
    p95_s: float
    p99_s: float
    largest_s: float


class Durations:
    """The last durations of something."""

    def __init__(self, length: int = 1000) -> None:
        """Keep that many."""
        self._values: deque[float] = deque(maxlen=length)

    def add(self, duration_s: float) -> None:
        """Note one."""
        self._values.append(duration_s)

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()

    def percentiles(self) -> Percentiles:
        """Return the percentiles of those that are kept."""
        values = np.array(tuple(self._values))
        if not len(values):
            return Percentiles(*(float("nan"),) * 4)
        p50, p95, p99 = np.percentile(values, (50, 95, 99))
        return Percentiles(float(p50), float(p95), float(p99), float(values.max()))


class Rate:
    """How often something happens, over a sliding window."""

    def __init__(self, window_s: float = 2.0) -> None:
        """Look back that far."""
        self.total = 0
        self._window_s = window_s
        self._times_s: deque[float] = deque()

    def add(self, now_s: float) -> None:
        """Note that it happened."""
        self.total += 1
        self._times_s.append(now_s)
        while self._times_s[0] <= now_s - self._window_s:
            self._times_s.popleft()

    def hz(self, now_s: float) -> float:
        """Return how often a second it happened in the window; may be called by any thread."""
        # Only who adds may remove: two at once would take the last one from each other.
        begin_s = now_s - self._window_s
        return sum(time_s > begin_s for time_s in tuple(self._times_s)) / self._window_s
