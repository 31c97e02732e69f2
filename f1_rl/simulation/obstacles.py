"""Boxes and slower cars around each learning car, in a world of its own."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from f1_rl.circuits import Circuit, FloatArray, IntArray, Poses
from f1_rl.simulation.car_parameters import CAR
from f1_rl.simulation.obstacles_kernels import least_clearance
from f1_rl.simulation.scenery import Scenery
from f1_rl.simulation.traffic import Placement, Traffic, place_obstacles

_FOOTPRINT = np.array([CAR.middle_x_m, 0.5 * CAR.length_m, 0.5 * CAR.width_m])
"""Of the learning car: how far ahead of its origin its middle is, half its length and width."""

_SWEEP = 5
"""Moments of a control period at which the distance is measured: at 7 m/s every 7 cm."""


@dataclass(frozen=True)
class Obstacle:
    """One obstacle, seen from above.

    Attributes:
        kind: Whether it stands, or drives slowly.
        x_m: Position of its middle.
        y_m: Likewise.
        yaw_rad: Where it points.
    """

    kind: Literal["box", "car"]
    x_m: float
    y_m: float
    yaw_rad: float


class Obstacles:
    """The obstacles of N worlds, M in each: first the boxes, then the slower cars.

    Attributes:
        traffic: What there is in each world.
        clearance_m: (N,) least distance between the learning car and an obstacle during its last
            control period, seen from above, 0.0 where they touched; infinite without obstacles.
    """

    def __init__(self, traffic: Traffic, circuits: Sequence[Circuit], num_cars: int) -> None:
        """Check that there is room on all circuits; the obstacles are placed with the cars.

        Raises:
            ValueError: If there is not.
        """
        for circuit in circuits:
            traffic.check(circuit)
        self.traffic = traffic
        self.clearance_m: FloatArray = np.full(num_cars, np.inf)
        self._circuits = circuits
        shape = num_cars, traffic.count
        self._begin_m, self._lateral_m, self._speed_mps = (np.zeros(shape) for _ in range(3))
        self._direction = np.ones(num_cars, dtype=np.int64)
        self._x_m, self._y_m, self._yaw_rad = (np.zeros(shape) for _ in range(3))
        self._scenery = Scenery.of_traffic(traffic, self.poses_m)
        self._half_sizes_m = 0.5 * self._scenery.sizes_m[:, :2]

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return self.traffic.count > 0

    @property
    def poses_m(self) -> FloatArray:
        """(N, M, 3) x, y (m) and yaw (rad) of the obstacles' middles; a copy."""
        return np.stack([self._x_m, self._y_m, self._yaw_rad], axis=-1)

    @property
    def speed_mps(self) -> FloatArray:
        """(N, M) speed of the obstacles along the circuit, 0 of the boxes; a copy."""
        return self._speed_mps.copy()

    @property
    def scenery(self) -> Scenery:
        """What cameras see of them."""
        return replace(self._scenery, poses_m=self.poses_m) if self else self._scenery

    def around(self, car: int) -> tuple[Obstacle, ...]:
        """Return where the obstacles of one car's world are."""
        return tuple(
            Obstacle("box" if i < self.traffic.boxes else "car", float(x), float(y), float(yaw))
            for i, (x, y, yaw) in enumerate(
                zip(self._x_m[car], self._y_m[car], self._yaw_rad[car], strict=True)
            )
        )

    def place(
        self, cars: IntArray, circuit_index: IntArray, poses: Poses, rng: np.random.Generator
    ) -> None:
        """Place the obstacles of some worlds anew.

        Args:
            cars: (K,) whose.
            circuit_index: (K,) the circuit of each world.
            poses: (K,) of the learning cars; they say where the road is left free, and in which
                direction the slower cars drive.
            rng: Source of randomness, unless the traffic has a seed.
        """
        if not self:
            return
        for i, (car, index) in enumerate(zip(cars, circuit_index, strict=True)):
            circuit = self._circuits[index]
            placed, direction = self._draw(circuit, poses[i], rng)
            self._begin_m[car] = placed.arc_length_m
            self._lateral_m[car] = placed.lateral_m
            self._speed_mps[car] = placed.speed_mps
            self._direction[car] = direction
            self._put(circuit, np.array([car]), placed.arc_length_m[None], slice(None))
        self.clearance_m[cars] = np.inf

    def _draw(
        self, circuit: Circuit, pose: Poses, rng: np.random.Generator
    ) -> tuple[Placement, int]:
        """Return where the obstacles of a world begin, and the driving direction there."""
        if self.traffic.seed is not None:
            return place_obstacles(
                self.traffic, circuit, np.random.default_rng(self.traffic.seed)
            ), 1
        here = circuit.project(pose)
        direction = -1 if here.wrong_way[0] else 1
        start_m = direction * float(here.arc_length_m[0])
        return place_obstacles(self.traffic, circuit, rng, start_m), direction

    def advance(
        self, circuit_index: IntArray, before: Poses, after: Poses, time_s: FloatArray
    ) -> None:
        """Drive the slower cars for one control period, and measure the clearance in it.

        Args:
            circuit_index: (N,) the circuit of each world.
            before: (N,) poses of the learning cars at the period's begin.
            after: (N,) at its end.
            time_s: (N,) time since each was placed, at its end.
        """
        if not self:
            return
        earlier = self.poses_m
        self.move(circuit_index, time_s)
        least_clearance(
            _stacked(before),
            _stacked(after),
            _FOOTPRINT,
            earlier,
            self.poses_m,
            self._half_sizes_m,
            _SWEEP,
            self.clearance_m,
        )

    def move(self, circuit_index: IntArray, time_s: FloatArray) -> None:
        """Put the slower cars where they are at a time.

        Args:
            circuit_index: (N,) the circuit of each world.
            time_s: (N,) time since they began.
        """
        if not self.traffic.cars:
            return
        moving = slice(self.traffic.boxes, None)
        arc_m = (self._begin_m + self._speed_mps * time_s[:, None])[:, moving]
        for index in np.unique(circuit_index):
            here = np.flatnonzero(circuit_index == index)
            self._put(self._circuits[index], here, arc_m[here], moving)

    def _put(self, circuit: Circuit, worlds: IntArray, arc_m: FloatArray, which: slice) -> None:
        """Put some obstacles of worlds on a circuit to arc lengths, (K, len(which))."""
        direction = np.broadcast_to(self._direction[worlds, None], arc_m.shape).ravel()
        lateral_m = self._lateral_m[worlds, which].ravel()
        poses = circuit.pose_at(arc_m.ravel(), lateral_m, direction=direction)
        self._x_m[worlds, which] = poses.x_m.reshape(arc_m.shape)
        self._y_m[worlds, which] = poses.y_m.reshape(arc_m.shape)
        self._yaw_rad[worlds, which] = poses.yaw_rad.reshape(arc_m.shape)

    def state(self) -> dict[str, Any]:
        """Everything that evolves, as plain arrays, independent of this object."""
        return copy.deepcopy({name: getattr(self, name) for name in _STATE})

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Args:
            state: What :meth:`state` of obstacles of the same traffic returned.
        """
        for name in _STATE:
            getattr(self, name)[...] = state[name]


_STATE = (
    *("clearance_m", "_begin_m", "_lateral_m", "_speed_mps", "_direction"),
    *("_x_m", "_y_m", "_yaw_rad"),
)


def _stacked(poses: Poses) -> FloatArray:
    return np.stack([poses.x_m, poses.y_m, poses.yaw_rad], axis=-1)
