"""What all tests share: a quiet, windowless process, and the rule which tests need TensorFlow."""

import contextlib
import os
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

# Before any test imports TensorFlow, matplotlib or pygame.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

TESTS = Path(__file__).parent
# Domains whose ports no other program is given (Linux).
DOMAINS = range(10, 101)
TENSORFLOW_DIRECTORIES = ("learning", "policy")
HAS_TENSORFLOW = find_spec("tensorflow") is not None and find_spec("tf_agents") is not None

# Their modules import TensorFlow, so without it they cannot even be collected.
collect_ignore = [] if HAS_TENSORFLOW else list(TENSORFLOW_DIRECTORIES)

# A shared machine is slow at times, which is no failure; the same examples everywhere are.
hypothesis.settings.register_profile("f1_rl", deadline=None, derandomize=True)
hypothesis.settings.load_profile("f1_rl")


def pytest_report_header() -> str:
    if HAS_TENSORFLOW:
        return "tensorflow: installed"
    left_out = ", ".join(f"tests/{name}" for name in TENSORFLOW_DIRECTORIES)
    return f"tensorflow: not installed, so {left_out} are left out"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        directory = item.path.relative_to(TESTS).parts[0]
        if directory in TENSORFLOW_DIRECTORIES:
            item.add_marker(pytest.mark.tensorflow)
        if not HAS_TENSORFLOW and item.get_closest_marker("tensorflow"):
            item.add_marker(pytest.mark.skip(reason="TensorFlow or TF-Agents is not installed"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return TESTS.parent


@pytest.fixture(scope="module")
def domain_id() -> Iterator[int]:
    """A ROS domain that no other test run on this machine uses at the same time."""
    # A name of Linux's abstract sockets belongs to one process of the machine, whatever its TMPDIR,
    # and is free again when that ends.
    with contextlib.ExitStack() as stack:
        for domain in DOMAINS:
            claim = stack.enter_context(socket.socket(socket.AF_UNIX))
            with contextlib.suppress(OSError):
                claim.bind(f"\0f1_rl-ros-domain-{domain}")
                break
        else:
            pytest.fail("every ROS domain is in use by other tests")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ROS_DOMAIN_ID", str(domain))
            patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
            yield domain
