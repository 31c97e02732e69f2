"""A slot between two threads that holds the newest item only."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Hands the newest item to one taker; what was not taken in time is replaced.

    A queue would let a slow taker work on the past: the newest picture is the only one that says
    where the car is.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self._replaced = 0

    @property
    def replaced(self) -> int:
        """How many items were replaced before anybody took them."""
        with self._condition:
            return self._replaced

    def put(self, item: T) -> None:
        """Leave an item in place of the one that may lie there."""
        with self._condition:
            if self._closed:
                return
            if self._item is not None:
                self._replaced += 1
            self._item = item
            self._condition.notify()

    def take(self) -> T | None:
        """Wait for an item and return it; None once the slot is closed."""
        with self._condition:
            while self._item is None and not self._closed:
                self._condition.wait()
            item, self._item = self._item, None
            return None if self._closed else item

    def clear(self) -> None:
        """Throw away what lies there."""
        with self._condition:
            self._item = None

    def close(self) -> None:
        """Let the taker go; nothing is handed over any more."""
        with self._condition:
            self._closed = True
            self._item = None
            self._condition.notify_all()
