"""The lap times that physics allows on a circuit."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np

from f1_rl.circuits import Circuit, FloatArray
from f1_rl.racing.lap import FastestLap, fastest_lap
from f1_rl.racing.least_time import line_of_least_time
from f1_rl.racing.limits import DrivingLimits, driving_limits
from f1_rl.racing.lines import centre_line, lines_inside
from f1_rl.simulation import Vehicle


@dataclass(frozen=True)
class RacingLimit:
    """The fastest flying laps of a car on a circuit, for lines inside the road.

    Attributes:
        centre_line: Along the centre line.
        minimum_curvature: Along the line of least curvature.
        fastest: Along the line of least time, see `fastest_lap_inside`.
    """

    centre_line: FastestLap
    minimum_curvature: FastestLap
    fastest: FastestLap


def racing_limit(circuit: Circuit, vehicle: Vehicle, commands: FloatArray) -> RacingLimit:
    """Return the limit on a circuit, computed once for each circuit and car.

    Args:
        circuit: To drive around along its centre line; against it the limit differs by less than a
            percent, since drive and brakes are not alike.
        vehicle: The car.
        commands: (A, 2) forward speeds (m/s) and yaw rates (rad/s) of the actions.

    Raises:
        TypeError: Nothing is known of the limits of such a car.
    """
    pairs = tuple((float(speed), float(yaw_rate)) for speed, yaw_rate in commands)
    # Vehicles are frozen dataclasses.
    return _racing_limit(circuit, cast(Hashable, vehicle), pairs)


@lru_cache(maxsize=128)
def _racing_limit(
    circuit: Circuit, vehicle: Hashable, commands: tuple[tuple[float, float], ...]
) -> RacingLimit:
    limits = driving_limits(cast(Vehicle, vehicle), np.array(commands))
    centre = fastest_lap(centre_line(circuit), limits)
    least = fastest_lap(lines_inside(circuit)[0], limits)
    fastest = min(centre, fastest_lap_inside(circuit, limits), key=lambda lap: lap.lap_time_s)
    return RacingLimit(centre, least, fastest)


def fastest_lap_inside(
    circuit: Circuit, limits: DrivingLimits, margin_m: float = 0.0
) -> FastestLap:
    """Return the fastest lap on a line inside the road, as far as it is found.

    That along the line of least time, or else the fastest along a line between the one of least
    curvature and the shortest one (F. Braghin et al., "Race driver model", Computers & Structures
    86, 2008), from which the search for the other begins.

    Args:
        circuit: To drive around.
        limits: Of the car.
        margin_m: How far from the road's edges the line stays.
    """
    lines = (line_of_least_time(circuit, limits, margin_m), *lines_inside(circuit, margin_m))
    return min((fastest_lap(line, limits) for line in lines), key=lambda lap: lap.lap_time_s)
