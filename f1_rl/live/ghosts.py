"""Ghosts: where another drive was at the same time of its lap, and how many seconds apart."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from f1_rl.circuits import Circuit
from f1_rl.files import locked, new_file
from f1_rl.live.snapshot import Pose
from f1_rl.settings import FiniteFloat, NonNegativeFloat, PositiveFloat

FORMAT = 1
# Of a saved lap: a tenth of a millimetre, a tenth of a milliradian.
_DECIMALS = 4

Times = Annotated[list[NonNegativeFloat], Meta(min_length=2)]
Numbers = Annotated[list[FiniteFloat], Meta(min_length=2)]


class Trace:
    """Where a car was and how far it had come, from the moment its lap or race began.

    Attributes:
        time_s, progress_m, x_m, y_m, yaw_rad: One entry a control period, times ascending.
    """

    def __init__(self) -> None:
        """Begin with nothing driven."""
        self.time_s: list[float] = []
        self.progress_m: list[float] = []
        self.x_m: list[float] = []
        self.y_m: list[float] = []
        self.yaw_rad: list[float] = []
        self._furthest_m: list[float] = []

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.time_s)

    def add(self, time_s: float, progress_m: float, pose: Pose) -> None:
        """Add where the car is now.

        Args:
            time_s: Since the lap or race began, later than the entry before.
            progress_m: Driven since then, along the centre line.
            pose: Of the car.
        """
        self.time_s.append(time_s)
        self.progress_m.append(progress_m)
        self.x_m.append(pose.x_m)
        self.y_m.append(pose.y_m)
        self.yaw_rad.append(pose.yaw_rad)
        before = self._furthest_m[-1] if self._furthest_m else -math.inf
        self._furthest_m.append(max(before, progress_m))

    def pose_at(self, time_s: float) -> Pose:
        """Return where the car was at a time, at its end or beginning where that lies beyond."""
        after = min(bisect_right(self.time_s, time_s), len(self) - 1)
        if after == 0:
            return Pose(self.x_m[0], self.y_m[0], self.yaw_rad[0])
        share = _share(self.time_s, after, time_s)
        turn = math.remainder(self.yaw_rad[after] - self.yaw_rad[after - 1], 2 * math.pi)
        return Pose(
            _between(self.x_m, after, share),
            _between(self.y_m, after, share),
            math.remainder(self.yaw_rad[after - 1] + share * turn, 2 * math.pi),
        )

    def time_at(self, progress_m: float) -> float | None:
        """Return when the car had first come so far; None: it never has."""
        after = bisect_left(self._furthest_m, progress_m)
        if after == len(self):
            return None
        if after == 0:
            return self.time_s[0]
        share = _share(self._furthest_m, after, progress_m)
        return _between(self.time_s, after, share)


def gap_s(own: Trace, other: Trace) -> float | None:
    """Return how many seconds a car is behind another that started at the same moment.

    That is the time since the other was where the car is now; where the car leads, less than zero:
    the time since the car was where the other is now.

    Args:
        own: Of the car, up to now.
        other: Of the other, up to now.
    """
    if not (len(own) and len(other)):
        return None
    reached_s = other.time_at(own.progress_m[-1])
    if reached_s is not None:
        return own.time_s[-1] - reached_s
    led_s = own.time_at(other.progress_m[-1])
    return None if led_s is None else led_s - other.time_s[-1]


class _SavedLap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lap in the file."""

    lap_time_s: PositiveFloat
    time_s: Times
    progress_m: Numbers
    x_m: Numbers
    y_m: Numbers
    yaw_rad: Numbers

    def __post_init__(self) -> None:
        """Check what single numbers do not show."""
        columns = (self.time_s, self.progress_m, self.x_m, self.y_m, self.yaw_rad)
        if len({len(column) for column in columns}) != 1:
            raise ValueError("the columns of a lap differ in length")
        if sorted(self.time_s) != self.time_s:
            raise ValueError("the times of a lap go back")

    def trace(self) -> Trace:
        trace = Trace()
        rows = (self.time_s, self.progress_m, self.x_m, self.y_m, self.yaw_rad)
        for time_s, progress_m, *pose in zip(*rows, strict=True):
            trace.add(time_s, progress_m, Pose(*pose))
        return trace


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file: laps by track, then by driver."""

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)] = FORMAT
    laps: dict[str, dict[str, _SavedLap]] = msgspec.field(default_factory=dict)


class Ghosts:
    """The best lap of each driver on each track, kept in a small file.

    Several processes may keep theirs in one file: it holds the best of them all.

    Attributes:
        path: Of the file.
        warning: What was wrong with the file when it was read; empty: nothing.
    """

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one; a damaged one is put aside.

        Raises:
            OSError: It is there and cannot be read.
        """
        self.path = path
        self.warning = ""
        self._traces: dict[tuple[str, str], Trace] = {}
        self._file = self._read()

    def best(self, track: str) -> Mapping[str, Trace]:
        """Return the best laps on a track by driver; see `track_name`."""
        drivers = self._file.laps.get(track, {})
        return {driver: self._trace(track, driver) for driver in drivers}

    def best_lap_s(self, track: str, driver: str) -> float | None:
        """Return the time of a driver's best lap on a track; None: there is none."""
        lap = self._file.laps.get(track, {}).get(driver)
        return None if lap is None else lap.lap_time_s

    def offer(self, track: str, driver: str, lap: Trace) -> bool:
        """Keep a lap if it is the driver's best on that track, in the file too.

        Better laps that another process has saved there meanwhile are taken from it.

        Args:
            track: See `track_name`.
            driver: Whose it is.
            lap: From line to line; its last time is the lap time.

        Returns:
            Whether it was.

        Raises:
            OSError: It was, and the file cannot be read or written; it is kept in memory.
        """
        best_s = self.best_lap_s(track, driver)
        if best_s is not None and best_s <= lap.time_s[-1]:
            return False
        columns = (lap.time_s, lap.progress_m, lap.x_m, lap.y_m, lap.yaw_rad)
        rounded = ([round(value, _DECIMALS) for value in column] for column in columns)
        saved = _SavedLap(lap.time_s[-1], *rounded)
        self._file.laps.setdefault(track, {})[driver] = saved
        self._traces[track, driver] = lap
        with locked(self.path):
            self._merge(self._read())
            with new_file(self.path, "wb") as file:
                file.write(msgspec.json.encode(self._file))
        return self._file.laps[track][driver] is saved

    def _trace(self, track: str, driver: str) -> Trace:
        if (track, driver) not in self._traces:
            self._traces[track, driver] = self._file.laps[track][driver].trace()
        return self._traces[track, driver]

    def _read(self) -> _File:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_File)
        except FileNotFoundError:
            return _File()
        except ValueError as error:
            self.warning = self._put_aside(str(error))
            return _File()

    def _merge(self, other: _File) -> None:
        """Take the laps that are as good as those here, or better."""
        for track, drivers in other.laps.items():
            for driver, lap in drivers.items():
                best_s = self.best_lap_s(track, driver)
                if best_s is None or lap.lap_time_s <= best_s:
                    self._file.laps.setdefault(track, {})[driver] = lap
                    self._traces.pop((track, driver), None)

    def _put_aside(self, reason: str) -> str:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            self.path.replace(aside)
        except OSError as error:
            return f"{self.path}: is damaged ({reason}) and cannot be moved: {error.strerror}."
        return (
            f"{self.path}: is damaged ({reason}); it was renamed to {aside.name}, and the best "
            "laps begin anew."
        )


def track_name(circuit: Circuit, vehicle: str) -> str:
    """Return a name under which laps can be compared: of the circuit, its length and the car."""
    return f"{circuit.name}, {circuit.length_m:.2f} m, {vehicle}"


def _share(values: list[float], after: int, value: float) -> float:
    """Return how far a value lies from the entry before `after` to that one, 0 to 1."""
    step = values[after] - values[after - 1]
    return min(1.0, max(0.0, (value - values[after - 1]) / step)) if step > 0.0 else 1.0


def _between(values: list[float], after: int, share: float) -> float:
    return values[after - 1] + share * (values[after] - values[after - 1])
