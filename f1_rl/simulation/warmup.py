"""Compiling ahead of time, so that the first run does not pay for it."""

from __future__ import annotations

import numpy as np

from f1_rl.circuits import Circuit
from f1_rl.simulation.camera import View
from f1_rl.simulation.simulator import Simulator


def warm_up() -> None:
    """Compile all kernels into the cache on disk, or load them from it.

    Numba compiles a function at its first call, which takes seconds, and keeps the result
    beside the source (or in the user's cache directory where that is read-only).
    """
    angle = np.linspace(0.0, 2 * np.pi, 200, endpoint=False)
    width_m = np.full(200, 1.5)
    ring = Circuit.from_points(
        "warm-up", 5 * np.cos(angle), 5 * np.sin(angle), width_m, width_m, line_width_m=0.1
    )
    view = View(rows=(250, 300), columns=64, channel_weights=((1.0, 0.0, 0.0),))
    for vehicle in ("kinematic", "single_track"):
        simulator = Simulator([ring], 1, vehicle=vehicle)
        simulator.step(np.ones((1, 2)))
        simulator.view(view)
        simulator.frame(0)
