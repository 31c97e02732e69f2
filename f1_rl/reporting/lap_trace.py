"""A recorded lap by how far it had come: what laps are compared by, place for place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.lap_circuit import circuit_of_lap
from f1_rl.reporting.run_folder import FloatArray, RunData

# Laps are recorded from the start line; a trace that begins farther from it is of something else.
_AT_LINE_SHARE: Final = 0.05


@dataclass(frozen=True)
class LapTrace:
    """The first lap of a trace, one element a control period; all arrays (T,), T >= 2."""

    circuit: Circuit
    progress_m: FloatArray
    """Distance from the start line along the centre line; never falls."""
    time_s: FloatArray
    x_m: FloatArray
    y_m: FloatArray
    speed_mps: FloatArray
    lateral_error_m: FloatArray

    @property
    def track(self) -> tuple[str, float]:
        """Name and length (m) of the circuit: laps of one name and another size are not alike."""
        return self.circuit.name, round(self.circuit.length_m, 2)

    @property
    def is_complete(self) -> bool:
        """Whether it reached the line again."""
        return bool(self.progress_m[-1] >= self.circuit.length_m)

    @property
    def lap_time_s(self) -> float:
        """When it reached the line again, interpolated; NaN where it did not."""
        return float(self.at(self.time_s, np.array([self.circuit.length_m]))[0])

    def at(self, values: FloatArray, progress_m: FloatArray) -> FloatArray:
        """Return one of the columns at other places, (P,); NaN where the car did not come."""
        return np.interp(progress_m, self.progress_m, values, right=np.nan)


def trace_of(run: RunData) -> LapTrace | None:
    """Return the recorded lap of a run.

    None where there is none, where it does not begin at the start line, or where its circuit
    cannot be loaded.
    """
    lap, circuit = run.lap, circuit_of_lap(run)
    if lap is None or circuit is None:
        return None
    known = np.isfinite(lap.arc_length_m + lap.time_s + lap.x_m + lap.y_m + lap.lateral_error_m)
    arc_length_m, time_s = lap.arc_length_m[known], lap.time_s[known]
    length_m = circuit.length_m
    from_line_m = (arc_length_m + length_m / 2) % length_m - length_m / 2
    if len(time_s) < 2 or abs(from_line_m[0]) > _AT_LINE_SHARE * length_m:
        return None
    steps_m = np.diff(arc_length_m)
    steps_m -= length_m * np.round(steps_m / length_m)
    progress_m = from_line_m[0] + np.concatenate([[0.0], np.cumsum(steps_m)])
    # A car that slides back is timed where it first was.
    progress_m = np.maximum.accumulate(np.maximum(progress_m, 0.0))
    end = int(np.searchsorted(progress_m, length_m)) + 1
    columns = [progress_m, time_s]
    columns += [c[known] for c in (lap.x_m, lap.y_m, lap.speed_mps, lap.lateral_error_m)]
    columns = [column[:end] for column in columns]
    if time_s[0] > 0.0:
        # The first row is what came of the first command: the car began at the line at time 0.
        columns = [np.insert(c, 0, 0.0 if i < 2 else c[0]) for i, c in enumerate(columns)]
    return LapTrace(circuit, *columns)
