"""A run folder as training leaves it, and the circuit that it is about."""

from collections.abc import Callable
from pathlib import Path

import pytest
from run_making import RunMaker

from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.library import load_circuit


@pytest.fixture(scope="session")
def circuit() -> Circuit:
    return load_circuit("simple")


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory, circuit: Circuit) -> Path:
    """One whole run for the tests that change nothing in it."""
    return RunMaker(tmp_path_factory.mktemp("runs") / "20260101-whole", circuit).write()


@pytest.fixture
def run_maker(tmp_path: Path, circuit: Circuit) -> RunMaker:
    return RunMaker(tmp_path / "20260101-quick", circuit)


@pytest.fixture
def write_run(run_maker: RunMaker) -> Callable[..., Path]:
    return run_maker.write
