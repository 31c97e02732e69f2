"""The obstacles of Gazebo's worlds, which are known from the worlds' times alone."""

from __future__ import annotations

import dataclasses

import numpy as np

from f1_rl.circuits import Circuit, FloatArray, IntArray, Poses
from f1_rl.gazebo.slower_cars import lap_ms
from f1_rl.messages import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND
from f1_rl.simulation import Traffic
from f1_rl.simulation.obstacles import Obstacle, Obstacles


class WorldObstacles:
    """The obstacles of N worlds that were written with the same traffic and `traffic_seed`.

    Boxes stand where the world has them. Slower cars are where their trajectories have them at
    the stamp of a frame; they drive on while a car is placed, and begin anew with Gazebo alone.
    """

    def __init__(self, traffic: Traffic, circuit: Circuit, num_cars: int) -> None:
        """Place them as the world file has them.

        Args:
            traffic: What there is; without a seed, that of a world by default, 0.
            circuit: The road.
            num_cars: Worlds N.

        Raises:
            ValueError: There is no room for all.
            SettingsError: The slower cars hardly move.
        """
        traffic = dataclasses.replace(traffic, seed=traffic.seed or 0)
        self._circuit = circuit
        self._obstacles = Obstacles(traffic, [circuit], num_cars)
        self._index = np.zeros(num_cars, np.int64)
        self._lap_ns = 1
        if traffic.count:
            nowhere = circuit.pose_at(np.zeros(num_cars))
            everyone = np.arange(num_cars)
            self._obstacles.place(everyone, self._index, nowhere, np.random.default_rng(0))
        if traffic.cars:
            speed_mps = float(self._obstacles.speed_mps[0, -1])
            self._lap_ns = lap_ms(circuit, speed_mps) * NANOSECONDS_PER_MILLISECOND

    @property
    def clearance_m(self) -> FloatArray:
        """(N,) least distance to an obstacle in the last step, 0 where touched."""
        return self._obstacles.clearance_m.copy()

    @property
    def poses_m(self) -> FloatArray:
        """(N, M, 3) x, y (m) and yaw (rad) of the obstacles' middles; first the boxes."""
        return self._obstacles.poses_m

    def around(self, car: int) -> tuple[Obstacle, ...]:
        """Return where the obstacles of one car's world are."""
        return self._obstacles.around(car)

    def look(self, stamps_ns: IntArray) -> None:
        """Find where the obstacles are at the times (N,) of the cars' frames."""
        self._obstacles.move(self._index, self._time_s(stamps_ns))

    def begin(self, cars: IntArray) -> None:
        """Forget how near some cars, (K,), came to them."""
        self._obstacles.clearance_m[cars] = np.inf

    def advance(self, before: Poses, after: Poses, stamps_ns: IntArray) -> None:
        """Measure how near the cars came to them in a step.

        Args:
            before: (N,) poses of the cars at the step's begin, when `look` was last called.
            after: (N,) at its end.
            stamps_ns: (N,) time at its end.
        """
        self._obstacles.advance(self._index, before, after, self._time_s(stamps_ns))

    def leave_room(self, car: int, place: Poses) -> bool:
        """Return whether no slower car is within `start_clear_m` of a place along the road.

        Args:
            car: Whose world.
            place: One pose.
        """
        traffic = self._obstacles.traffic
        if not traffic.cars:
            return True
        there = Poses(*self._obstacles.poses_m[car, traffic.boxes :].T)
        ahead_m = self._arc_length_m(there) - self._arc_length_m(place)
        length_m = self._circuit.length_m
        apart_m = np.abs((ahead_m + length_m / 2) % length_m - length_m / 2)
        return bool((apart_m >= traffic.start_clear_m).all())

    @property
    def lap_ns(self) -> int:
        """Time after which the slower cars are where they were."""
        return self._lap_ns

    def _arc_length_m(self, poses: Poses) -> FloatArray:
        return self._circuit.project(poses).arc_length_m

    def _time_s(self, stamps_ns: IntArray) -> FloatArray:
        return np.asarray(stamps_ns % self._lap_ns / NANOSECONDS_PER_SECOND)
