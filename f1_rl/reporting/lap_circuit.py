"""Find the circuit on which a recorded lap was driven."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.errors import CircuitError
from f1_rl.circuits.geometry import Poses
from f1_rl.circuits.library import load_circuit
from f1_rl.driving.settings import expand_circuit_names
from f1_rl.reporting.run_folder import Lap, RunData, find_entry

_TOLERANCE_M = 0.25


def circuit_of_lap(run: RunData) -> Circuit | None:
    """Find the circuit whose geometry explains the lateral errors of the recorded lap.

    The trace does not name its circuit, and a run may have several.

    Args:
        run: The run; its circuits are those that its evaluations and its configuration name.

    Returns:
        The circuit, None where there is no lap or none of the circuits can be loaded and fits.
    """
    if run.lap is None:
        return None
    fits = [(_misfit_m(run.lap, circuit), circuit) for circuit in circuits_of(run)]
    misfit_m, circuit = min(fits, key=lambda fit: fit[0], default=(np.inf, None))
    return circuit if misfit_m < _TOLERANCE_M else None


def circuits_of(run: RunData) -> tuple[Circuit, ...]:
    """Load the circuits that a run names; those that cannot be loaded any more are left out."""
    scale = find_entry(run.config, "circuit_scale")
    circuits = []
    sources = dict.fromkeys((*run.circuit_names, *_expanded(run.circuit_sources)))
    for name in sources:
        try:
            scale_or_one = float(scale) if isinstance(scale, int | float) else 1.0
            circuits.append(load_circuit(name, scale=scale_or_one))
        except (CircuitError, OSError):
            continue
    return tuple(circuits)


def _expanded(sources: Sequence[str]) -> Sequence[str]:
    try:
        return expand_circuit_names(sources)
    except ValueError:
        return sources


def _misfit_m(lap: Lap, circuit: Circuit) -> float:
    """Return the median difference between recorded and computed distances from the centre."""
    known = np.isfinite(lap.x_m + lap.y_m + lap.lateral_error_m)
    if not known.any():
        return np.inf
    poses = Poses(lap.x_m[known], lap.y_m[known], np.zeros(int(known.sum())))
    # Magnitudes, because the sign depends on the driving direction.
    computed_m = np.abs(circuit.project(poses).lateral_error_m)
    return float(np.median(np.abs(computed_m - np.abs(lap.lateral_error_m[known]))))
