"""The outline of a circuit's road, as the plots and the video draw it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.run_folder import FloatArray


@dataclass(frozen=True)
class Outline:
    """The two edges of a road and its centre line, seen from above; closed, in metres."""

    left_m: FloatArray
    """(M + 1, 2): x and y of the edge left of the centre line; the last point is the first."""
    right_m: FloatArray
    centre_m: FloatArray

    @property
    def start_m(self) -> FloatArray:
        """(2, 2): the start line, from the right edge to the left."""
        return np.stack([self.right_m[0], self.left_m[0]])


def outline_of(circuit: Circuit, max_points: int = 1500) -> Outline:
    """Compute the edges of a circuit's road.

    Args:
        circuit: The circuit.
        max_points: Points of the centre line beyond which only every n-th is taken.

    Returns:
        The outline.
    """
    chosen = np.arange(0, len(circuit.x_m), max(1, -(-len(circuit.x_m) // max_points)))
    chosen = np.append(chosen, 0)
    centre = np.stack([circuit.x_m, circuit.y_m], axis=1)[chosen]
    heading = circuit.heading_rad[chosen]
    normal = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    return Outline(
        left_m=centre + normal * circuit.width_left_m[chosen, np.newaxis],
        right_m=centre - normal * circuit.width_right_m[chosen, np.newaxis],
        centre_m=centre,
    )
