"""Real processes for the tests: nodes of the package, and waiting for what they say."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def until(
    condition: Callable[[], bool], timeout_s: float = 10.0, why: Callable[[], Any] | str = ""
) -> None:
    """Wait for a condition; fail with a reason if it does not come about."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, why() if callable(why) else why
        time.sleep(0.01)


class PythonProcess:
    """A program in a process of its own, what it says kept in a file."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._log = tempfile.NamedTemporaryFile("w+")  # noqa: SIM115 - closed by clean_up
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        return Path(self._log.name).read_text()

    def wait_for(self, text: str, timeout_s: float = 30.0) -> None:
        until(lambda: text in self.output() or not self.is_running, timeout_s, self.output)
        assert text in self.output(), self.output()

    def send(self, which: signal.Signals) -> None:
        self._process.send_signal(which)

    def end(self, which: signal.Signals = signal.SIGINT, timeout_s: float = 20.0) -> int:
        self.send(which)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 30.0) -> int:
        return self._process.wait(timeout_s)

    def ask_to_end(self) -> None:
        if self.is_running:
            self.send(signal.SIGINT)

    def clean_up(self) -> None:
        # Only a node that leaves by itself takes its shared memory with it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(15.0)
        if self.is_running:
            self.end(signal.SIGKILL)
        self._log.close()


class NodeProcess(PythonProcess):
    """A node in a process of its own."""

    def __init__(
        self, program: Sequence[str], parameters: dict[str, Any], arguments: Sequence[str]
    ) -> None:
        given = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
        super().__init__([*program, "--ros-args", *given, *arguments])


def clean_up(processes: Sequence[PythonProcess]) -> None:
    """End all, together."""
    for process in processes:
        process.ask_to_end()
    for process in processes:
        process.clean_up()
