"""Circuits that the tests of the simulator draw and drive on."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit


def ring(radius_m: float = 10.0, half_width_m: float = 1.5, line_width_m: float = 0.1) -> Circuit:
    angle = np.linspace(0.0, 2 * np.pi, 400, endpoint=False)
    width_m = np.full(400, half_width_m)
    return Circuit.from_points(
        "ring",
        radius_m * np.cos(angle),
        radius_m * np.sin(angle),
        width_m,
        width_m,
        line_width_m=line_width_m,
    )


@pytest.fixture(scope="session")
def circle() -> Circuit:
    """A circle of 10 m radius driven to the left, with a road 3 m wide."""
    return ring()
