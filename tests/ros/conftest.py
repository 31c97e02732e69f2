"""Real processes on a ROS domain of their own, limited to this machine."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

HAS_ROS = find_spec("rclpy") is not None
HERE = Path(__file__).parent
FIRST_FRAME_S = 60.0


class _LeftOut(pytest.Module):
    def collect(self) -> Any:
        pytest.skip("rclpy is not installed, or ROS is not sourced", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> Any:
    if HAS_ROS or module_path.name == "test_car_faults.py":
        return None
    return _LeftOut.from_parent(parent, path=module_path)


class NodeProcess:
    """A node in a process of its own."""

    def __init__(self, command: list[str], parameters: dict[str, Any], arguments: list[str]):
        given = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by clean_up
        self._process = subprocess.Popen(
            [sys.executable, *command, "--ros-args", *given, *arguments],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def end(self, how: signal.Signals, timeout_s: float = 10.0) -> int:
        self._process.send_signal(how)
        return self._process.wait(timeout_s)

    def wait(self, timeout_s: float = 30.0) -> int:
        return self._process.wait(timeout_s)

    def output(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def wait_for(self, text: str, timeout_s: float = 30.0) -> None:
        until = time.monotonic() + timeout_s
        while text not in self.output():
            assert self.is_running, self.output()
            assert time.monotonic() < until, f"no {text!r} in: {self.output()}"
            time.sleep(0.02)

    def ask_to_end(self) -> None:
        if self.is_running:
            self._process.send_signal(signal.SIGINT)

    def clean_up(self) -> None:
        # Only a node that leaves by itself takes its shared memory with it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(15.0)
        if self.is_running:
            self.end(signal.SIGKILL)
        self.log.close()


@pytest.fixture(scope="module")
def start(domain_id: int) -> Iterator[Callable[..., NodeProcess]]:
    """Start `python -m <module>` or a script as a node; ended after the module's tests."""
    started: list[NodeProcess] = []

    def begin(
        what: str = "f1_rl.nodes.simulator",
        *arguments: str,
        ready: str | None = "ready",
        **parameters: Any,
    ) -> NodeProcess:
        command = [str(HERE / what)] if what.endswith(".py") else ["-m", what]
        process = NodeProcess(command, parameters, [*arguments])
        started.append(process)
        if ready is not None:
            process.wait_for(ready)
        return process

    yield begin
    for process in started:
        process.ask_to_end()
    for process in started:
        process.clean_up()
