"""The one place from which commands go to the car."""

import logging
import threading
from collections.abc import Callable

from f1_rl.nodes.limiter import STOP, Command, CommandLimiter, CommandLimits
from f1_rl.nodes.watchdog import Watchdog

logger = logging.getLogger(__name__)

NO_FRAME = "no_frame"
_NO_FRAME = ("frame to drive by", "check that the camera publishes new pictures")


class Helm:
    """Lets commands through to the car, or stops it.

    The car is stopped while anybody holds it, for whatever reason; who holds it has to free it.
    While it is held, or no command was steered for longer than the watchdog's timeout, a stop goes
    out at every tick. Nothing goes out while the helm is not engaged, except the stop that ends
    an engagement. May be used by many threads.
    """

    def __init__(
        self,
        publish: Callable[[Command], None],
        limiter: CommandLimiter,
        watchdog: Watchdog,
        on_change: Callable[[str, str | None], None] = lambda reason, sentence: None,
        *,
        silence: tuple[str, str] = _NO_FRAME,
    ) -> None:
        """Begin not engaged, held by nobody.

        Args:
            publish: Sends a command.
            limiter: Limits commands.
            watchdog: Is fed with the times at which frames arrived.
            on_change: Called with a reason and its sentence when it begins to hold the car, and
                with the reason and None when it no longer does.
            silence: What is missing when nothing comes any more, and what to do about it.
        """
        self._lock = threading.RLock()
        self._publish = publish
        self._limiter = limiter
        self._watchdog = watchdog
        self._on_change = on_change
        self._silence = silence
        self._holds: dict[str, str] = {}
        self._engaged = False
        self._closed = False
        self._last = STOP

    @property
    def engaged(self) -> bool:
        """Whether commands go out."""
        with self._lock:
            return self._engaged

    @property
    def holds(self) -> dict[str, str]:
        """Why the car is held: reason and sentence."""
        with self._lock:
            return dict(self._holds)

    @property
    def last_command(self) -> Command:
        """What was sent last."""
        with self._lock:
            return self._last

    @property
    def limited(self) -> int:
        """How many commands were cut by the limits."""
        with self._lock:
            return self._limiter.limited

    def set_limits(self, limits: CommandLimits) -> None:
        """Limit otherwise from the next command on."""
        with self._lock:
            self._limiter.limits = limits

    def frame_age_s(self, now_s: float) -> float:
        """Return the time since the arrival of the last frame that was steered by."""
        with self._lock:
            return self._watchdog.age_s(now_s)

    def engage(self, now_s: float) -> None:
        """Let commands go out; the first is a stop, until the first frame has come."""
        with self._lock:
            if self._closed:
                return
            self._watchdog.reset()
            self._watchdog.feed(now_s)
            self._engaged = True
            self._stop()

    def disengage(self) -> None:
        """Stop the car and fall silent."""
        with self._lock:
            if self._engaged:
                self._stop()
            self._engaged = False
            self._release(NO_FRAME)

    def close(self) -> None:
        """Stop the car, whatever state the helm is in; nothing ever goes out after that."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._engaged = False
            self._stop()

    def hold(self, reason: str, sentence: str) -> None:
        """Stop the car at once and until `free` is called with the same reason."""
        with self._lock:
            new = reason not in self._holds
            self._holds[reason] = sentence
            if new:
                # First of all: whoever is told may write to a terminal that takes nothing.
                if self._engaged:
                    self._stop()
                self._on_change(reason, sentence)

    def free(self, reason: str) -> None:
        """No longer hold the car for this reason."""
        with self._lock:
            self._release(reason)

    def steer(self, wanted: Command, arrived_s: float, now_s: float) -> Command | None:
        """Send a command, within the limits, unless the car is held.

        Args:
            wanted: The command.
            arrived_s: When the frame arrived that it answers to.
            now_s: The time; both on one steady clock.

        Returns:
            What was sent; None if the car is held, the frame too old, or the helm not engaged.
        """
        with self._lock:
            if not self._engaged:
                return None
            self._watchdog.feed(arrived_s)
            if self._watchdog.expired(now_s):
                return None
            self._release(NO_FRAME)
            if self._holds:
                return None
            self._send(self._limiter.limit(wanted, now_s))
            return self._last

    def tick(self, now_s: float) -> None:
        """Stop the car if it has to stand; to be called often, by a thread of its own."""
        with self._lock:
            if not self._engaged:
                return
            silent = self._watchdog.expired(now_s) and NO_FRAME not in self._holds
            if silent:
                what, remedy = self._silence
                self._holds[NO_FRAME] = f"no {what} for {self._watchdog.timeout_s:.2f} s; {remedy}."
            if self._holds:
                self._stop()
            if silent:
                self._on_change(NO_FRAME, self._holds[NO_FRAME])

    def _release(self, reason: str) -> None:
        if self._holds.pop(reason, None) is not None:
            self._on_change(reason, None)

    def _stop(self) -> None:
        self._limiter.reset()
        self._send(STOP)

    def _send(self, command: Command) -> None:
        self._last = command
        self._publish(command)


class Ticker:
    """Calls a function again and again from a thread of its own.

    The function of a watchdog must not wait for an executor or an inference that hangs.
    """

    def __init__(self, function: Callable[[], None], period_s: float, name: str) -> None:
        """Start."""
        self._function = function
        self._period_s = period_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; returns when it has ended."""
        self._ended.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._ended.wait(self._period_s):
            try:
                self._function()
            except Exception:
                # The next tick may succeed; a watchdog that has died never will.
                logger.exception("a tick of %s failed", self._thread.name)
