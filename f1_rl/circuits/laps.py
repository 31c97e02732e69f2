"""Progress and laps of many cars, each on its own closed circuit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.circuits.geometry import BoolArray, FloatArray, IntArray

# A car placed on the line may be projected this far before or behind it.
AT_LINE_TOLERANCE_M = 1e-3
# Summing thousands of steps must not make a car miss a line it stands on.
_ROUNDING_M = 1e-6


class LapCounter:
    """Counts the laps of N cars from their arc lengths.

    A lap goes from the line to the line. A car that starts elsewhere drives to the line first,
    which is no lap and is not timed; a car that starts on the line is timed from the reset. Driving
    back over the line takes back what crossing it gave, and crossing it again gives it once more,
    but the times of the first crossing stand. A car may move less than half a circuit in a step.

    Attributes:
        progress_m: (N,) distance driven forward since the reset, negative if backwards.
        laps: (N,) int, full laps since the reset.
        last_lap_time_s: (N,) time of the latest full lap, NaN before the first one.
        best_lap_time_s: (N,) time of the quickest full lap, NaN before the first one.
    """

    progress_m: FloatArray
    laps: IntArray
    last_lap_time_s: FloatArray
    best_lap_time_s: FloatArray

    def __init__(self, num_cars: int) -> None:
        """Make a counter; reset every car before the first update.

        Args:
            num_cars: N.

        Raises:
            ValueError: If there is no car.
        """
        if num_cars < 1:
            raise ValueError(f"A lap counter needs at least one car, got {num_cars}.")
        self.progress_m = np.zeros(num_cars)
        self.laps = np.zeros(num_cars, dtype=np.int64)
        self.last_lap_time_s = np.full(num_cars, np.nan)
        self.best_lap_time_s = np.full(num_cars, np.nan)
        self._length_m = np.full(num_cars, np.nan)
        self._arc_length_m = np.zeros(num_cars)
        self._time_s = np.zeros(num_cars)
        # Lines are numbered along the unwrapped road: line k lies k lengths after line 0, and
        # _start_m is where on that road the car stood at the reset.
        self._start_m = np.zeros(num_cars)
        self._furthest_line = np.zeros(num_cars, dtype=np.int64)
        self._first_line = np.zeros(num_cars, dtype=np.int64)
        self._lap_began_s = np.full(num_cars, np.nan)

    def reset(
        self,
        cars: IntArray,
        arc_length_m: npt.ArrayLike,
        length_m: npt.ArrayLike,
        line_arc_length_m: npt.ArrayLike = 0.0,
        time_s: npt.ArrayLike = 0.0,
    ) -> None:
        """Begin anew for some cars.

        Args:
            cars: (K,) indices of the cars.
            arc_length_m: (K,) or one, where they stand, in their driving direction.
            length_m: (K,) or one, lengths of their circuits.
            line_arc_length_m: (K,) or one, where the line at which laps begin and end lies.
            time_s: (K,) or one, the time now.

        Raises:
            ValueError: If a length is not greater than zero.
        """
        length = np.broadcast_to(np.asarray(length_m, dtype=np.float64), np.shape(cars))
        if not (length > 0.0).all():
            raise ValueError(f"The length of a circuit must be greater than zero, got {length}.")
        arc_length = np.asarray(arc_length_m, dtype=np.float64)
        past_line = np.mod(arc_length - np.asarray(line_arc_length_m, dtype=np.float64), length)
        past_line = np.where(length - past_line <= AT_LINE_TOLERANCE_M, 0.0, past_line)
        at_line = past_line <= AT_LINE_TOLERANCE_M

        self.progress_m[cars] = 0.0
        self.laps[cars] = 0
        self.last_lap_time_s[cars] = np.nan
        self.best_lap_time_s[cars] = np.nan
        self._length_m[cars] = length
        self._arc_length_m[cars] = arc_length
        self._time_s[cars] = time_s
        self._start_m[cars] = past_line
        self._furthest_line[cars] = 0
        self._first_line[cars] = 0
        self._lap_began_s[cars] = np.where(at_line, time_s, np.nan)

    def update(self, arc_length_m: FloatArray, time_s: npt.ArrayLike) -> FloatArray:
        """Take the cars' new places.

        Args:
            arc_length_m: (N,) where the cars are, in their driving direction.
            time_s: (N,) or one, the time now.

        Returns:
            (N,) distance driven forward since the last update, negative if backwards.

        Raises:
            ValueError: If a car was never reset.
        """
        if np.isnan(self._length_m).any():
            car = int(np.argmax(np.isnan(self._length_m)))
            raise ValueError(f"Car {car} was never reset; reset every car before an update.")
        time = np.broadcast_to(np.asarray(time_s, dtype=np.float64), self._time_s.shape)
        turns = (arc_length_m - self._arc_length_m) / self._length_m
        step_m: FloatArray = (turns - np.ceil(turns - 0.5)) * self._length_m
        self.progress_m += step_m
        line = np.floor((self._start_m + self.progress_m + _ROUNDING_M) / self._length_m).astype(
            np.int64
        )

        # Until its first lap begins, a car that backs over the line may still begin there.
        waiting = np.isnan(self._lap_began_s)
        self._furthest_line[waiting] = np.minimum(self._furthest_line, line)[waiting]
        crossed = line > self._furthest_line
        if crossed.any():
            self._cross(crossed, line, step_m, time)
        began = ~np.isnan(self._lap_began_s)
        self.laps[:] = np.where(began, np.maximum(line - self._first_line, 0), 0)
        self._arc_length_m[:] = arc_length_m
        self._time_s[:] = time
        return step_m

    @property
    def lap_time_s(self) -> FloatArray:
        """(N,) time since the lap that is being driven began, NaN before the first one."""
        return np.subtract(self._time_s, self._lap_began_s)

    @property
    def lap_m(self) -> FloatArray:
        """(N,) distance driven since the lap that is being driven began, NaN before the first."""
        driven_m = self._start_m + self.progress_m - self._furthest_line * self._length_m
        return np.asarray(np.where(np.isnan(self._lap_began_s), np.nan, driven_m))

    def state(self) -> dict[str, Any]:
        """Return a copy of everything that evolves, for a checkpoint."""
        return {name: array.copy() for name, array in vars(self).items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        for name, array in vars(self).items():
            array[...] = state[name]

    def _cross(self, cars: BoolArray, line: IntArray, step_m: FloatArray, time: FloatArray) -> None:
        """Time the cars (N,) bool that cross a line for the first time."""
        beyond_m = (self._start_m + self.progress_m - line * self._length_m)[cars]
        share = np.clip(beyond_m / step_m[cars], 0.0, 1.0)
        crossed_s = time[cars] - share * (time - self._time_s)[cars]

        lap_s = crossed_s - self._lap_began_s[cars]
        self._first_line[cars] = np.where(np.isnan(lap_s), line[cars], self._first_line[cars])
        self.last_lap_time_s[cars] = lap_s
        self.best_lap_time_s[cars] = np.fmin(self.best_lap_time_s[cars], lap_s)
        self._furthest_line[cars] = line[cars]
        self._lap_began_s[cars] = crossed_s
