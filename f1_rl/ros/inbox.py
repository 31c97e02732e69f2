"""What has come from a car: its newest frame and its latest odometry."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from f1_rl.ros.messages import MessageError, OdometrySample, read_odometry, stamp_ns

# More than comes between two frames, even at the 1 kHz of a simulator's physics.
_ODOMETRY_KEPT = 256


@dataclass(frozen=True)
class Arrival:
    """A frame as it came, not decoded yet.

    Attributes:
        stamp_ns: When it was taken.
        message: The message.
        arrived_s: When it came, on `time.monotonic()`.
    """

    stamp_ns: int
    message: Any
    arrived_s: float


class Inbox:
    """Keeps the newest frame by stamp, and odometry, for whoever waits for them.

    Frames that come twice or out of order are discarded and counted. One thread delivers, another
    waits.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Arrival | None = None
        self._odometry: deque[OdometrySample] = deque(maxlen=_ODOMETRY_KEPT)
        self._unused = False
        self._discarded = 0
        self._earliest_old_ns: int | None = None
        self._trouble = ""

    def deliver_frame(self, message: Any) -> None:
        """Take a frame: the callback of its subscription."""
        arrival = Arrival(stamp_ns(message.header.stamp), message, time.monotonic())
        with self._changed:
            self._changed.notify_all()
            if self._frame is not None and arrival.stamp_ns <= self._frame.stamp_ns:
                self._discarded += 1
                earliest = self._earliest_old_ns
                self._earliest_old_ns = min(arrival.stamp_ns, earliest or arrival.stamp_ns)
                return
            self._discarded += self._unused
            self._frame = arrival
            self._unused = True

    def deliver_odometry(self, message: Any) -> None:
        """Take a sample of the odometry: the callback of its subscription."""
        try:
            sample = read_odometry(message)
        except MessageError as error:
            with self._changed:
                self._trouble = str(error)
                self._changed.notify_all()
            return
        with self._changed:
            if not self._odometry or sample.stamp_ns > self._odometry[-1].stamp_ns:
                self._odometry.append(sample)
                self._changed.notify_all()

    def clear(self) -> None:
        """Forget everything, stamps too, so that time may begin again."""
        with self._changed:
            self._frame = None
            self._unused = False
            self._odometry.clear()
            self._earliest_old_ns = None
            self._trouble = ""

    def poke(self) -> None:
        """Have whoever waits look again."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, enough: Callable[[], bool], deadline_s: float) -> bool:
        """Wait until a condition on what has come holds.

        Args:
            enough: The condition; called with the inbox locked, it may raise to end the wait.
            deadline_s: When to give up, on `time.monotonic()`.

        Returns:
            Whether it holds.
        """
        with self._changed:
            while not enough():
                left = deadline_s - time.monotonic()
                if left <= 0.0:
                    return False
                self._changed.wait(left)
            return True

    @property
    def frame(self) -> Arrival | None:
        """The newest frame."""
        return self._frame

    @property
    def earliest_old_ns(self) -> int | None:
        """The earliest stamp of frames that came late or twice since `use_frame`, if any did."""
        return self._earliest_old_ns

    @property
    def trouble(self) -> str:
        """What was wrong with odometry that could not be used, or empty."""
        return self._trouble

    @property
    def newest_odometry(self) -> OdometrySample | None:
        """The newest sample."""
        return self._odometry[-1] if self._odometry else None

    def odometry_at(self, time_ns: int, tolerance_ns: int) -> OdometrySample | None:
        """Return the sample nearest to a time, or None if none is that near."""
        with self._changed:
            samples = list(self._odometry)
        nearest = min(samples, key=lambda sample: abs(sample.stamp_ns - time_ns), default=None)
        if nearest is None or abs(nearest.stamp_ns - time_ns) > tolerance_ns:
            return None
        return nearest

    def use_frame(self) -> int:
        """Count the newest frame as used; return how many went by unused since the last call."""
        with self._changed:
            discarded, self._discarded = self._discarded, 0
            self._unused = False
            self._earliest_old_ns = None
        return discarded
