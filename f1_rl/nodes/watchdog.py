"""When to stop because nothing comes any more."""


class Watchdog:
    """Says when the last sign of life is too long ago.

    All times are of one steady clock, in seconds (`time.monotonic`): the clock of the day may be
    set, and simulated time may stand still.
    """

    def __init__(self, timeout_s: float) -> None:
        """Begin expired, until the first sign of life.

        Raises:
            ValueError: The timeout is not positive.
        """
        if not timeout_s > 0.0:
            raise ValueError(f"a watchdog with a timeout of {timeout_s} s: give more than 0 s.")
        self.timeout_s = timeout_s
        self._last_s: float | None = None

    def feed(self, time_s: float) -> None:
        """Note a sign of life; one that is older than the last is ignored."""
        if self._last_s is None or time_s > self._last_s:
            self._last_s = time_s

    def reset(self) -> None:
        """Forget all signs of life."""
        self._last_s = None

    def age_s(self, now_s: float) -> float:
        """Return the time since the last sign of life, infinite before the first."""
        return float("inf") if self._last_s is None else now_s - self._last_s

    def expired(self, now_s: float) -> bool:
        """Return whether the last sign of life is longer ago than the timeout."""
        return self.age_s(now_s) > self.timeout_s
