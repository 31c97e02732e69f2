"""What the tests of the driving task share."""

import pytest
from driving_helpers import ring

from f1_rl.circuits import Circuit
from f1_rl.driving.registration import register_gymnasium_envs


@pytest.fixture(scope="session", autouse=True)
def _registered() -> None:
    register_gymnasium_envs()


@pytest.fixture(scope="session")
def circle() -> Circuit:
    """A circle of 10 m radius driven to the left, with a road 3 m wide."""
    return ring()
