"""Bags for the tests, written by rosbags' own writer. Without rosbags these tests are left out."""

from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SAMPLE = TESTS / "data" / "bags" / "gazebo_bend"
POLICY = TESTS / "data" / "policy"
GAZEBO_LAP = TESTS.parents[1] / "shared" / "bags" / "gazebo_lap"
HAS_ROSBAGS = find_spec("rosbags") is not None
HAS_INTERPRETER = find_spec("ai_edge_litert") is not None or find_spec("tensorflow") is not None

collect_ignore_glob = [] if HAS_ROSBAGS else ["test_*.py"]


def pytest_report_header() -> str:
    return "" if HAS_ROSBAGS else "rosbags: not installed, so tests/bags are left out"


@pytest.fixture(scope="session")
def sample() -> Path:
    """Five seconds of a drive in Gazebo, through a bend: 100 pictures of 640 x 480."""
    return SAMPLE


@pytest.fixture(scope="session")
def gazebo_lap() -> Path:
    """A whole lap of 940 pictures."""
    if not GAZEBO_LAP.is_dir():
        pytest.skip(f"the recorded lap is not there: {GAZEBO_LAP}")
    return GAZEBO_LAP


@pytest.fixture
def policy() -> Path:
    """A policy for pictures of 640 x 480."""
    if not HAS_INTERPRETER:
        pytest.skip("no TFLite interpreter is installed")
    return POLICY
