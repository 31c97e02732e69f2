"""Plays the messages of a bag at their pace, in a thread of its own; knows nothing of ROS."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterable

from f1_rl.bags import RawRecord

_NANOSECONDS_PER_SECOND = 1_000_000_000
# CDR begins with four bytes, the second of which is odd where numbers begin with their low byte.
_STAMP_AT = 4


class Playback:
    """Hands over messages when they are due, until they end or it is closed.

    Attributes:
        played: How many messages have been handed over.
    """

    def __init__(
        self,
        passes: Callable[[], Iterable[RawRecord]],
        publish: Callable[[RawRecord], None],
        *,
        is_frame: Callable[[RawRecord], bool],
        rate: float,
        loop: bool,
        paused: bool,
    ) -> None:
        """Do not begin yet; `run` does.

        Args:
            passes: Begins to read the messages, from their first.
            publish: Called with each message when it is due.
            is_frame: Whether a message is a picture, up to which a step goes.
            rate: Recorded seconds a second.
            loop: Whether it begins anew at the end.
            paused: Whether it begins paused.
        """
        self.played = 0
        self._passes = passes
        self._publish = publish
        self._is_frame = is_frame
        self._rate = rate
        self._loop = loop
        self._paused = paused
        self._steps = 0
        self._closed = False
        self._changed = threading.Condition()
        # When the recorded time `_from_ns` was or will be, on the steady clock.
        self._from_ns: int | None = None
        self._at_s = 0.0

    @property
    def paused(self) -> bool:
        """Whether messages are held back."""
        return self._paused

    def run(self) -> bool:
        """Play; returns whether it came to the end, and was not closed before."""
        while True:
            before = self.played
            for record in self._passes():
                if not self._wait_until_due(record):
                    return False
                self._publish(record)
                self.played += 1
            if not self._loop or self.played == before:
                return True
            with self._changed:
                self._from_ns = None

    def pause(self, paused: bool) -> None:
        """Hold messages back, or go on."""
        with self._changed:
            self._paused = paused
            self._steps = 0
            # The next message is due at once, and the others follow it at their distance.
            self._from_ns = None
            self._changed.notify()

    def step(self) -> bool:
        """Play up to the next picture; returns False if it is not paused."""
        with self._changed:
            if self._paused:
                self._steps += 1
                self._changed.notify()
            return self._paused

    def set_rate(self, rate: float) -> None:
        """Go on at another rate."""
        with self._changed:
            now_s = time.monotonic()
            if self._from_ns is not None:
                passed_s = (now_s - self._at_s) * self._rate
                self._from_ns += round(passed_s * _NANOSECONDS_PER_SECOND)
                self._at_s = now_s
            self._rate = rate
            self._changed.notify()

    def close(self) -> None:
        """End it; may be called by any thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _wait_until_due(self, record: RawRecord) -> bool:
        """Wait; returns False if it is closed."""
        with self._changed:
            while not self._closed:
                if self._paused:
                    if self._steps:
                        self._steps -= self._is_frame(record)
                        return True
                    self._changed.wait()
                    continue
                now_s = time.monotonic()
                if self._from_ns is None:
                    self._from_ns, self._at_s = record.received_ns, now_s
                after_s = (record.received_ns - self._from_ns) / _NANOSECONDS_PER_SECOND
                wait_s = self._at_s + after_s / self._rate - now_s
                if wait_s <= 0.0:
                    return True
                self._changed.wait(wait_s)
            return False


def restamped(data: bytes, time_ns: int) -> bytes:
    """Return a message in CDR that begins with a `std_msgs/Header`, with another stamp in it."""
    order = "<" if data[1] & 1 else ">"
    seconds, nanoseconds = divmod(time_ns, _NANOSECONDS_PER_SECOND)
    stamp = struct.pack(f"{order}iI", seconds, nanoseconds)
    return data[:_STAMP_AT] + stamp + data[_STAMP_AT + len(stamp) :]
