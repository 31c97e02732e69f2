"""What drives on a circuit are summed up to: the columns of a table of policies and circuits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from f1_rl.circuits import Circuit, FloatArray
from f1_rl.driving.laps import Drive
from f1_rl.racing import racing_limit
from f1_rl.simulation import NO_TRAFFIC
from f1_rl.simulation.vehicles import make_vehicle


@dataclass(frozen=True)
class Score:
    """How a driver did on a circuit, or over several, in all its drives; NaN where unknown.

    Attributes:
        driver: Its name.
        circuits: Their names.
        length_m: Of the circuit; of several the mean.
        drives: How many were driven, from different starts.
        completed: Drives with all the laps that were asked for.
        laps: Full laps in all drives together.
        completion: Share of a lap that was driven, mean over the drives, 0 to 1.
        lap_time_s: Each completed drive's best lap, mean; NaN without one, and over several
            circuits, whose laps have nothing in common.
        lap_time_std_s: Sample standard deviation of these times; 0 of a single one.
        best_lap_s: The shortest of them.
        limit_s: The lap that physics allows the car on this circuit; NaN over several.
        to_limit: Each completed drive's best lap over the limit of its circuit, mean.
        speed_mps: Speed along the centre line, mean over the drives.
        lateral_error_m: Distance from the centre line, mean over each drive, then over the drives.
        p95_lateral_error_m: Distance that 95 % of a drive stayed below, mean over the drives.
        smoothness: Change of the commanded yaw rate, rad/s a second, mean over the drives.
        traffic: The scenario that was driven in.
        collisions: Times that a car touched an obstacle, in all drives together.
    """

    driver: str
    circuits: tuple[str, ...]
    length_m: float
    drives: int
    completed: int
    laps: int
    completion: float
    lap_time_s: float
    lap_time_std_s: float
    best_lap_s: float
    limit_s: float
    to_limit: float
    speed_mps: float
    lateral_error_m: float
    p95_lateral_error_m: float
    smoothness: float
    traffic: str = NO_TRAFFIC
    collisions: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def lap_limits(circuits: Iterable[Circuit], vehicle: str, commands: FloatArray) -> dict[str, float]:
    """Return the shortest lap (s) that physics allows on each circuit, by the circuit's name.

    NaN where no line is found that the car can follow: it may get around all the same.

    Args:
        circuits: The circuits.
        vehicle: The kind of car.
        commands: (A, 2) forward speeds (m/s) and yaw rates (rad/s) of the actions.
    """
    car = make_vehicle(vehicle)
    limits_s = {
        circuit.name: racing_limit(circuit, car, commands).fastest.lap_time_s
        for circuit in circuits
    }
    return {name: limit_s if np.isfinite(limit_s) else np.nan for name, limit_s in limits_s.items()}


def score(
    driver: str, drives: Sequence[Drive], limits_s: Mapping[str, float] | None = None
) -> Score:
    """Sum up drives.

    Args:
        driver: Its name.
        drives: At least one.
        limits_s: The limit of each circuit by its name, as far as it is known.
    """
    limits_s = limits_s or {}
    circuits = {drive.circuit.name: drive.circuit for drive in drives}
    ratios = [
        drive.report.lap_time_s / limits_s.get(drive.circuit.name, np.nan)
        for drive in drives
        if drive.completed
    ]
    times = [drive.report.lap_time_s for drive in drives if drive.completed]
    if len(circuits) > 1:
        times = []

    def mean(name: str) -> float:
        return float(np.mean([getattr(drive.report, name) for drive in drives]))

    return Score(
        driver=driver,
        circuits=tuple(circuits),
        length_m=float(np.mean([circuit.length_m for circuit in circuits.values()])),
        drives=len(drives),
        completed=sum(drive.completed for drive in drives),
        laps=sum(drive.report.laps for drive in drives),
        completion=mean("completion"),
        lap_time_s=float(np.mean(times)) if times else np.nan,
        lap_time_std_s=float(np.std(times, ddof=1)) if len(times) > 1 else 0.0 if times else np.nan,
        best_lap_s=min(times, default=np.nan),
        limit_s=limits_s.get(next(iter(circuits)), np.nan) if len(circuits) == 1 else np.nan,
        to_limit=float(np.mean(ratios)) if ratios else np.nan,
        speed_mps=mean("mean_speed_mps"),
        lateral_error_m=mean("mean_lateral_error_m"),
        p95_lateral_error_m=mean("p95_lateral_error_m"),
        smoothness=mean("command_smoothness"),
        traffic=drives[0].traffic,
        collisions=sum(drive.report.collisions for drive in drives),
    )


def scores_by_circuit(
    driver: str, drives: Sequence[Drive], limits_s: Mapping[str, float] | None = None
) -> list[Score]:
    """Return a score for each circuit, in the order in which they were driven."""
    names = dict.fromkeys(drive.circuit.name for drive in drives)
    return [
        score(driver, [drive for drive in drives if drive.circuit.name == name], limits_s)
        for name in names
    ]
