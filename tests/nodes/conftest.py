"""The driver as a real process, and a stand-in camera, on a ROS domain of their own."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driver_bench import HAS_LITERT, PERIOD_S, POLICY, Bench
from processes import NodeProcess, clean_up

HAS_ROS = find_spec("rclpy") is not None


class _LeftOut(pytest.Module):
    def collect(self) -> Any:
        missing = "no TFLite interpreter" if HAS_ROS else "no rclpy: install it or source ROS"
        pytest.skip(missing, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> Any:
    if not module_path.name.startswith("test_driver_node") or (HAS_ROS and HAS_LITERT):
        return None
    return _LeftOut.from_parent(parent, path=module_path)


@pytest.fixture(scope="module")
def start(domain_id: int) -> Iterator[Callable[..., NodeProcess]]:
    """Start `python -m f1_rl.nodes.<node>` or a program, the driver with the tests' policy."""
    started: list[NodeProcess] = []

    def begin(
        node: str = "driver", *arguments: str, ready: str | None = None, **parameters: Any
    ) -> NodeProcess:
        if node not in ("simulator", "trainer", "recorder", "player", "actuators"):
            parameters.setdefault("policy", POLICY)
        program = ["-c", node] if "\n" in node else ["-m", f"f1_rl.nodes.{node}"]
        process = NodeProcess(program, parameters, arguments)
        started.append(process)
        if ready is not None:
            process.wait_for(ready)
        return process

    yield begin
    clean_up(started)


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    """What the car sees on its way along the centre line at 6 m/s."""
    from f1_rl.circuits import load_circuit
    from f1_rl.simulation import Simulator

    circuit = load_circuit("simple")
    way_m = np.arange(0.0, circuit.length_m, 6.0 * PERIOD_S)[::4]
    simulator = Simulator([circuit], len(way_m))
    lateral_m = 0.2 * np.sin(way_m)
    simulator.place(np.arange(len(way_m)), 0, circuit.pose_at(way_m, lateral_m))
    return [simulator.frame(car) for car in range(len(way_m))]


@pytest.fixture(scope="module")
def bench(domain_id: int, pictures: list[np.ndarray]) -> Iterator[Bench]:
    """A camera and an ear on the module's domain."""
    it = Bench(pictures)
    yield it
    it.close()
