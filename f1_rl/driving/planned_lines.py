"""The lines that a driver who knows the circuits follows, and the roads around them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np

from f1_rl.circuits import Circuit, FloatArray, IntArray
from f1_rl.circuits.resampling import SampledLine
from f1_rl.driving.cars import Cars
from f1_rl.driving.look_ahead_kernels import Ways
from f1_rl.racing import (
    DrivingLimits,
    driving_limits,
    fastest_lap,
    fastest_lap_inside,
    reversed_line,
)
from f1_rl.simulation import SingleTrackCar, Vehicle

SLOWEST_MPS = 1.0
"""No plan is slower, even where the car cannot follow it."""


class Reserve(NamedTuple):
    """What a plan leaves, for corrections.

    Attributes:
        margin_m: Of the road, on either side.
        share: Of grip, brakes and steering.
    """

    margin_m: float
    share: float


@dataclass(frozen=True)
class Places:
    """Where cars are on planned lines, and on the roads around them.

    Attributes:
        which: (N,) the line and the road of each.
        near_line: (N,) the nearest sample of its line.
        near_road: (N,) that of its road.
    """

    which: IntArray
    near_line: IntArray
    near_road: IntArray


class PlannedLines:
    """The fastest lines around circuits, in both directions, and the speeds along them.

    Attributes:
        lines: Two for each circuit, along it and against it.
        roads: The centre lines of their roads, two for each as well.
    """

    def __init__(
        self, circuits: Sequence[Circuit], vehicle: Vehicle, commands: FloatArray, reserve: Reserve
    ) -> None:
        """Plan; seconds for long circuits.

        Args:
            circuits: To drive around.
            vehicle: Of all of them.
            commands: (A, 2) that bound its own.
            reserve: What is left for corrections.

        Raises:
            TypeError: Nothing is known of the limits of such a car.
        """
        pairs = tuple((float(speed), float(yaw_rate)) for speed, yaw_rate in commands)
        # Vehicles are frozen dataclasses.
        plans = [_plan(each, cast(Hashable, vehicle), pairs, reserve) for each in circuits]
        self._lines = [plan.line for plan in plans]
        self._roads = list(circuits)
        self.lines = _ways([(way, plan.line.spacing_m) for plan in plans for way in plan.samples])
        self.roads = _ways([(way, each.spacing_m) for each in circuits for way in _road(each)])

    def locate(self, cars: Cars) -> Places:
        """Return where cars are; they drive the way that they look."""
        poses, index = cars.poses, cars.circuit_index
        which, near_line, near_road = (np.zeros(len(index), np.int64) for _ in range(3))
        for number in np.unique(index):
            here = np.flatnonzero(index == number)
            line, road = self._lines[number], self._roads[number]
            along = line.project(poses[here])
            direction = np.where(along.wrong_way, -1.0, 1.0)
            which[here] = 2 * number + (direction < 0.0)
            near_line[here] = _sample(line, along.arc_length_m, direction)
            near_road[here] = _sample(road, road.project(poses[here]).arc_length_m, direction)
        return Places(which, near_line, near_road)


@dataclass(frozen=True)
class _Plan:
    """The fastest line around a circuit, as a circuit of no width, and its samples, both ways."""

    line: Circuit
    samples: tuple[FloatArray, ...]


@lru_cache(maxsize=128)
def _plan(
    circuit: Circuit,
    vehicle: Hashable,
    pairs: tuple[tuple[float, float], ...],
    reserve: Reserve,
) -> _Plan:
    limits = _limits(cast(Vehicle, vehicle), np.array(pairs), 1.0 - reserve.share)
    fastest = fastest_lap_inside(circuit, limits, reserve.margin_m)
    line = _as_circuit(fastest.line)
    back = fastest_lap(reversed_line(fastest.line), limits)
    # Against the line, its last sample comes first, a spacing after the start.
    speeds = [fastest.speed_mps, np.roll(back.speed_mps, 1)]
    speeds = [np.maximum(speed, SLOWEST_MPS) for speed in speeds]
    samples = [
        _samples(line, direction, speed, _times(line.spacing_m, speed))
        for direction, speed in zip((1, -1), speeds, strict=True)
    ]
    return _Plan(line, tuple(samples))


def _limits(vehicle: Vehicle, commands: FloatArray, share: float) -> DrivingLimits:
    """Return the limits of a car that can do this share of what this one can."""
    if isinstance(vehicle, SingleTrackCar):
        vehicle = replace(
            vehicle,
            friction=share * vehicle.friction,
            max_braking_mps2=share * vehicle.max_braking_mps2,
            max_steering_rad=share * vehicle.max_steering_rad,
        )
    return driving_limits(vehicle, commands)


def _as_circuit(line: SampledLine) -> Circuit:
    nothing = np.zeros(len(line.x_m))
    return Circuit(
        name="racing line",
        x_m=line.x_m,
        y_m=line.y_m,
        heading_rad=line.heading_rad,
        curvature_per_m=line.curvature_per_m,
        width_left_m=nothing,
        width_right_m=nothing,
        line_width_m=0.0,
        length_m=line.length_m,
    )


def _times(spacing_m: float, speed_mps: FloatArray) -> FloatArray:
    """Return the times (M,) from the first sample to each, from the speeds at them."""
    steps_s = 2.0 * spacing_m / (speed_mps[:-1] + speed_mps[1:])
    return np.concatenate([[0.0], np.cumsum(steps_s)])


def _samples(way: Circuit, direction: int, *more: FloatArray) -> FloatArray:
    """Return the samples of a way, in the direction of driving from its first one on.

    Args:
        way: A closed one.
        direction: 1 along it, -1 against it.
        more: (M,) the last columns, in the direction of driving.
    """
    order = direction * np.arange(len(way.x_m)) % len(way.x_m)
    heading = way.heading_rad[order] + (0.0 if direction > 0 else np.pi)
    columns = [way.x_m[order], way.y_m[order], np.cos(heading), np.sin(heading), heading]
    return np.column_stack([*columns, direction * way.curvature_per_m[order], *more])


def _road(circuit: Circuit) -> list[FloatArray]:
    left, right = circuit.width_left_m, circuit.width_right_m
    back = -np.arange(len(left)) % len(left)
    return [
        _samples(circuit, 1, left, right),
        _samples(circuit, -1, right[back], left[back]),
    ]


def _sample(way: Circuit, arc_length_m: FloatArray, direction: FloatArray) -> IntArray:
    """Return the samples (K,), counted in the driving direction, at arc lengths along a way."""
    samples = np.rint(direction * arc_length_m / way.spacing_m).astype(np.int64)
    return np.asarray(samples % len(way.x_m))


def _ways(ways: Sequence[tuple[FloatArray, float]]) -> Ways:
    ends = np.concatenate([[0], np.cumsum([len(samples) for samples, _ in ways])])
    samples = np.concatenate([samples for samples, _ in ways])
    return Ways(samples, ends, np.array([spacing_m for _, spacing_m in ways]))
