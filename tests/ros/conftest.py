"""Real processes on a ROS domain of their own, limited to this machine."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from processes import NodeProcess, clean_up

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
    clean_up(started)


@pytest.fixture
def listen(domain_id: int) -> Iterator[Callable[..., Any]]:
    """Make a node that listens in a namespace."""
    from ros_listener import Listener

    listeners: list[Listener] = []

    def make(namespace: str = "") -> Listener:
        listeners.append(Listener(namespace))
        return listeners[-1]

    yield make
    for listener in listeners:
        listener.graph.close()
