"""A worker's side of a benchmark: how it says that it is ready, and answers what it is asked."""

import json
import sys
import time
from typing import Any, TextIO


class FinishedError(Exception):
    """Nothing more is to be measured."""


class Channel:
    """Lines of JSON between a worker and the process that measures it."""

    def __init__(self, output: TextIO, source: TextIO = sys.stdin, started_s: float = 0.0) -> None:
        """Take both directions.

        Args:
            output: Where messages go.
            source: Where requests come from.
            started_s: `time.monotonic()` when the process was started.
        """
        self._output = output
        self._source = source
        self._started_s = started_s

    @property
    def age_s(self) -> float:
        """Seconds since the process was started."""
        return time.monotonic() - self._started_s

    def send(self, **message: Any) -> None:
        """Send a message."""
        print(json.dumps(message), file=self._output, flush=True)

    def request(self) -> dict[str, Any]:
        """Wait for the next request.

        Raises:
            FinishedError: There is none.
        """
        line = self._source.readline()
        if not line:
            raise FinishedError
        return dict(json.loads(line))


class Gate:
    """Lets a training loop run while it is measured, and holds it in between."""

    def __init__(self, channel: Channel) -> None:
        """Hold the loop from its first update on."""
        self._channel = channel
        self._facts: dict[str, float] = {}
        self._ready = False
        self._begun_s = self._until_s = 0.0
        self._env_steps = self._updates = 0

    def imported(self) -> None:
        """Say that everything is imported."""
        self._facts["import_s"] = self._channel.age_s

    def built(self, parameters: int) -> None:
        """Say that everything is built, with that many trainable parameters."""
        self._facts["parameters"] = int(parameters)

    def due(self) -> bool:
        """Return whether the loop must call `hold` now."""
        return not self._ready or time.perf_counter() >= self._until_s

    def hold(self, env_steps: int, updates: int) -> None:
        """Report what was done since the last call, and wait for the next measurement.

        Args:
            env_steps: Environment steps so far, resets not counted.
            updates: Updates so far; before the first one there is nothing to hold.

        Raises:
            FinishedError: There is none.
        """
        now_s = time.perf_counter()
        if self._ready:
            self._channel.send(
                seconds=now_s - self._begun_s,
                env_steps=int(env_steps) - self._env_steps,
                updates=int(updates) - self._updates,
            )
        elif updates > 0:
            self._ready = True
            self._channel.send(first_update_s=self._channel.age_s, **self._facts)
        else:
            return
        seconds = float(self._channel.request()["seconds"])
        self._env_steps, self._updates = int(env_steps), int(updates)
        self._begun_s = time.perf_counter()
        self._until_s = self._begun_s + seconds


def measure_repeatedly(channel: Channel, once: Any, amount: float, **facts: Any) -> None:
    """Answer every request by calling something for that many seconds.

    Args:
        channel: To the process that asks.
        once: Called without arguments.
        amount: What one call does, in the unit of the answer.
        facts: Sent when ready, after a first call.
    """
    once()
    channel.send(**facts)
    while True:
        seconds = float(channel.request()["seconds"])
        calls, began_s = 0, time.perf_counter()
        while (elapsed_s := time.perf_counter() - began_s) < seconds or calls == 0:
            once()
            calls += 1
        channel.send(rate=calls * amount / elapsed_s)
