"""Cars behind topics among obstacles, without processes."""

from types import SimpleNamespace

import numpy as np

from f1_rl.circuits import Poses, load_circuit
from f1_rl.ros.cars import RosCars
from f1_rl.simulation import Traffic
from f1_rl.simulation.traffic import place_obstacles

CIRCUIT = load_circuit("simple")
TRAFFIC = Traffic(cars=1, car_speed_mps=(2.0, 2.0), seed=4)


class ToyCar:
    """Is where it is put, drives along the road, and takes a fifth of a second to be placed."""

    def __init__(self) -> None:
        self.report = None
        self.odometry = SimpleNamespace(x_m=0.0, y_m=0.0, yaw_rad=0.0)
        self.placed = 0
        self._stamp_ns = 0
        self._speed_mps = 0.0

    def place(self, pose) -> None:
        self.placed += 1
        self._stand(Poses(pose.x_m, pose.y_m, pose.yaw_rad))
        self._pass(200)

    def begin_step(self, speed_mps, _yaw_rate_radps) -> None:
        self._speed_mps = speed_mps

    def finish_step(self) -> None:
        here = self.odometry
        on_road = CIRCUIT.project(Poses(here.x_m, here.y_m, here.yaw_rad))
        ahead_m = on_road.arc_length_m + 0.1 * self._speed_mps
        self._stand(CIRCUIT.pose_at(ahead_m, on_road.lateral_error_m))
        self._pass(100)

    def _stand(self, pose: Poses) -> None:
        x_m, y_m, yaw_rad = (float(part[0]) for part in (pose.x_m, pose.y_m, pose.yaw_rad))
        self.odometry = SimpleNamespace(x_m=x_m, y_m=y_m, yaw_rad=yaw_rad)

    def _pass(self, milliseconds: int) -> None:
        self._stamp_ns += milliseconds * 1_000_000
        self.report = SimpleNamespace(stamp_ns=self._stamp_ns)


def placed_behind(metres: float) -> tuple[RosCars, ToyCar]:
    """A car that is put behind where the slower one begins, on its lane."""
    lane = place_obstacles(TRAFFIC, CIRCUIT, np.random.default_rng(4))
    car = ToyCar()
    cars = RosCars([car], CIRCUIT, TRAFFIC)
    pose = CIRCUIT.pose_at(lane.arc_length_m[0] - metres, lane.lateral_m[0])
    cars.place(np.zeros(1, np.int64), np.zeros(1, np.int64), pose)
    return cars, car


def test_a_car_that_drives_into_a_slower_one_touches_it():
    cars, car = placed_behind(9.0)
    assert car.placed == 1
    assert np.isinf(cars.clearance_m[0])
    clearances_m = [np.inf]
    for _ in range(30):
        cars.step(np.array([[6.0, 0.0]]))
        clearances_m.append(cars.clearance_m[0])
        if clearances_m[-1] == 0.0:
            break
    # 9 m and two fifths, less half of both cars, at 4 m/s more than the other.
    assert clearances_m[-1] == 0.0
    assert 18 <= len(clearances_m) <= 26
    assert clearances_m == sorted(clearances_m, reverse=True)


def test_a_slower_car_that_is_too_near_is_let_by_before_the_car_begins():
    cars, car = placed_behind(-5.0)
    # 13 m at 2 m/s, a fifth of a second at a time.
    assert 31 <= car.placed <= 34
    (arc_m,) = CIRCUIT.project(cars.poses).arc_length_m
    x_m, y_m, _ = cars.obstacles.poses_m[0, 0]
    assert np.hypot(x_m - car.odometry.x_m, y_m - car.odometry.y_m) > 7.0
    assert 0.0 <= arc_m <= CIRCUIT.length_m
