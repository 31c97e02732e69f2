"""Cars behind ROS 2 topics, as the driving task wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import Circuit, FloatArray, IntArray, Poses
from f1_rl.driving.cars import CarFault
from f1_rl.gazebo.world_obstacles import WorldObstacles
from f1_rl.ros.car import RosCar
from f1_rl.ros.clockwork import Pose
from f1_rl.simulation import EMPTY_ROAD, Camera, Obstacle, Traffic, View


class RosCars:
    """N cars behind topics, each in a world of its own that shows the same circuit: `Cars`.

    All are commanded before any is waited for, so their worlds compute at the same time.

    Attributes:
        cars: The cars.
        circuits: The one circuit.
        obstacles: Those of the worlds.
    """

    def __init__(
        self, cars: Sequence[RosCar], circuit: Circuit, traffic: Traffic = EMPTY_ROAD
    ) -> None:
        """Bring cars of the same camera and control period together.

        Args:
            cars: The cars.
            circuit: What their worlds show.
            traffic: The obstacles of their worlds.

        Raises:
            ValueError: The circuit has no room for the traffic.
            SettingsError: The slower cars hardly move.
        """
        self.cars = tuple(cars)
        self.circuits = (circuit,)
        self.obstacles = WorldObstacles(traffic, circuit, len(self.cars))
        self._circuit_index = np.zeros(len(self.cars), np.int64)

    @property
    def num_cars(self) -> int:
        """N."""
        return len(self.cars)

    @property
    def camera(self) -> Camera:
        """The camera of every car."""
        return self.cars[0].camera

    @property
    def control_period_s(self) -> float:
        """Time that one step takes, seconds."""
        return self.cars[0].control_period_s

    @property
    def circuit_index(self) -> IntArray:
        """(N,) zeros: there is one circuit."""
        return self._circuit_index

    @property
    def poses(self) -> Poses:
        """Poses of the N cars when their frames were taken."""
        samples = [car.odometry for car in self.cars]
        return Poses(
            np.array([sample.x_m for sample in samples]),
            np.array([sample.y_m for sample in samples]),
            np.array([sample.yaw_rad for sample in samples]),
        )

    @property
    def speed_mps(self) -> FloatArray:
        """(N,) forward speed."""
        return np.array([car.odometry.speed_mps for car in self.cars])

    @property
    def yaw_rate_radps(self) -> FloatArray:
        """(N,) rate of turn."""
        return np.array([car.odometry.yaw_rate_radps for car in self.cars])

    @property
    def time_s(self) -> FloatArray:
        """(N,) simulated time since each car was placed."""
        return np.array([car.time_s for car in self.cars])

    @property
    def traffic(self) -> Traffic:
        """The obstacles of each car's world; they have a seed."""
        return self.obstacles.traffic

    @property
    def clearance_m(self) -> FloatArray:
        """(N,) least distance to an obstacle in the last step, 0 where touched."""
        return self.obstacles.clearance_m

    def obstacles_around(self, car: int) -> tuple[Obstacle, ...]:
        """Return where the obstacles of one car's world are."""
        return self.obstacles.around(car)

    def step(self, commands: FloatArray) -> None:
        """Drive one control period.

        Args:
            commands: (N, 2) forward speed (m/s) and yaw rate (rad/s).

        Raises:
            CarFault: Of the first car that failed; the others have done their step, and all are
                commanded to stand.
        """
        before = self.poses
        begun: list[RosCar] = []
        faults = _Faults()
        for car, (speed_mps, yaw_rate_radps) in zip(self.cars, commands, strict=True):
            if faults.none_in(car.begin_step, float(speed_mps), float(yaw_rate_radps)):
                begun.append(car)
        for car in begun:
            faults.none_in(car.finish_step)
        try:
            faults.raise_first()
        except CarFault:
            # Where time goes on, it may be long before somebody places them.
            self.stop()
            raise
        self.obstacles.advance(before, self.poses, self._stamps_ns)

    def place(self, cars: IntArray, circuit_index: IntArray, poses: Poses) -> None:
        """Teleport some cars, standing still, and make sure that they are there.

        Slower cars drive on meanwhile; where one is too near, it is let by, for a lap at most.

        Args:
            cars: (K,) which cars.
            circuit_index: (K,) zeros.
            poses: K poses.

        Raises:
            CarFault: One is not there, although it was tried again for `recovery_timeout_s`.
        """
        for i, car in enumerate(np.atleast_1d(cars)):
            self._place_one(int(car), poses[np.array([i])])
        self.obstacles.begin(np.atleast_1d(cars))

    def _place_one(self, car: int, place: Poses) -> None:
        pose = Pose(float(place.x_m[0]), float(place.y_m[0]), float(place.yaw_rad[0]))
        self.cars[car].place(pose)
        self.obstacles.look(self._stamps_ns)
        until_ns = self._stamps_ns[car] + self.obstacles.lap_ns
        # Placing takes time, and may be done again.
        while not self.obstacles.leave_room(car, place) and self._stamps_ns[car] < until_ns:
            self.cars[car].place(pose)
            self.obstacles.look(self._stamps_ns)

    @property
    def _stamps_ns(self) -> IntArray:
        """(N,) times of the cars' frames."""
        reports = (car.report for car in self.cars)
        return np.array([0 if report is None else report.stamp_ns for report in reports])

    def view(self, view: View) -> npt.NDArray[np.uint8]:
        """Return what the cameras see, reduced to `view`: `(N, R, C, K)`."""
        return view.take(np.stack([car.picture for car in self.cars]))

    def frame(self, car: int) -> npt.NDArray[np.uint8]:
        """Return the whole picture `(H, W, 3)` RGB of one car."""
        return self.cars[car].picture

    def state(self) -> dict[str, Any]:
        """Return nothing: where the cars are, is not kept here."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Refuse: time behind topics does not go back.

        Raises:
            CarFault: Always.
        """
        raise CarFault(
            "a car behind topics cannot be put back into the midst of an episode; begin a new one."
        )

    def stop(self) -> None:
        """Command the cars to stand, as whoever stops driving must: none times out by itself."""
        for car in self.cars:
            car.stop()

    def leave(self) -> None:
        """Stop, and wait a moment for it to be heard, before their nodes end."""
        for car in self.cars:
            car.leave()

    def interrupt(self) -> None:
        """Have every step and placing fail from now on; may be called by any thread."""
        for car in self.cars:
            car.interrupt()


class _Faults:
    """Collects the faults of several cars, so that each gets to do its part."""

    def __init__(self) -> None:
        self._first: CarFault | None = None

    def none_in(self, do: Callable[..., None], *arguments: float) -> bool:
        try:
            do(*arguments)
        except CarFault as fault:
            self._first = self._first or fault
            return False
        return True

    def raise_first(self) -> None:
        if self._first is not None:
            raise self._first
