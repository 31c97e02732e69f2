"""The obstacles of a world behind topics, which are known from its time alone."""

from __future__ import annotations

import dataclasses

import numpy as np

from f1_rl.circuits import Circuit, FloatArray, IntArray, Poses
from f1_rl.gazebo.slower_cars import lap_ms
from f1_rl.messages import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND
from f1_rl.simulation import Traffic
from f1_rl.simulation.obstacles import Obstacle, Obstacles


def of_world(traffic: Traffic) -> Traffic:
    """Return traffic as worlds have it: in the same places always, without a seed those of 0."""
    return dataclasses.replace(traffic, seed=traffic.seed or 0)


def traffic_lap_ns(circuit: Circuit, obstacles: Obstacles) -> int:
    """Return the time after which a world's slower cars are where they were; at least 1.

    Args:
        circuit: The road.
        obstacles: Placed on it.

    Raises:
        SettingsError: The slower cars hardly move.
    """
    if not obstacles.traffic.cars:
        return 1
    return lap_ms(circuit, float(obstacles.speed_mps[0, -1])) * NANOSECONDS_PER_MILLISECOND


class WorldObstacles:
    """The obstacles of N worlds, Gazebo's or the simulator node's, that have the same traffic.

    Boxes stand where the world has them. Slower cars are where their trajectories have them at
    the stamp of a frame; they drive on while a car is placed, and begin anew with the world alone.
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
        self._circuit = circuit
        self._obstacles = Obstacles(of_world(traffic), [circuit], num_cars)
        self._index = np.zeros(num_cars, np.int64)
        nowhere = circuit.pose_at(np.zeros(num_cars))
        everyone = np.arange(num_cars)
        self._obstacles.place(everyone, self._index, nowhere, np.random.default_rng(0))
        self._lap_ns = traffic_lap_ns(circuit, self._obstacles)

    @property
    def traffic(self) -> Traffic:
        """What there is in each world."""
        return self._obstacles.traffic

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
