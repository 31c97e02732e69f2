"""Circuits, steps and cars that the tests of the driving task make by hand."""

from typing import Any

import numpy as np

from f1_rl.circuits import Circuit, Poses, Projection
from f1_rl.driving.step import Step
from f1_rl.simulation import EMPTY_ROAD, Camera, View


def ring(radius_m: float = 10.0, half_width_m: float = 1.5) -> Circuit:
    """A circle driven to the left; its start line is at (radius, 0)."""
    angle = np.linspace(0.0, 2 * np.pi, 400, endpoint=False)
    width_m = np.full(400, half_width_m)
    name = f"ring-{radius_m:g}"
    return Circuit.from_points(
        name, radius_m * np.cos(angle), radius_m * np.sin(angle), width_m, width_m
    )


def make_step(count: int = 1, **changes: Any) -> Step:
    """A step straight ahead at full speed on the centre line, but for `changes`."""

    def full(name: str, value: float) -> np.ndarray:
        return np.broadcast_to(np.asarray(changes.pop(name, value), np.float64), (count,))

    projection = Projection(
        arc_length_m=full("arc_length_m", 10.0),
        lateral_error_m=full("lateral_error_m", 0.0),
        heading_error_rad=full("heading_error_rad", 0.0),
        curvature_per_m=full("curvature_per_m", 0.0),
        width_left_m=full("width_left_m", 2.0),
        width_right_m=full("width_right_m", 1.0),
    )
    commands = np.broadcast_to(np.asarray(changes.pop("commands", (5.0, 0.0)), float), (count, 2))
    values: dict[str, Any] = {
        "projection": projection,
        "driven_m": full("driven_m", 0.25),
        "speed_mps": full("speed_mps", 5.0),
        "yaw_rate_radps": full("yaw_rate_radps", 0.0),
        "commands": commands,
        "previous_commands": np.broadcast_to(
            np.asarray(changes.pop("previous_commands", commands), float), (count, 2)
        ),
        "time_s": full("time_s", 1.0),
        "stalled_s": full("stalled_s", 0.0),
        "laps": np.broadcast_to(np.asarray(changes.pop("laps", 0), np.int64), (count,)),
        "control_period_s": 0.05,
        "max_speed_mps": 5.0,
        "max_yaw_rate_radps": 2.0,
    }
    return Step(**{**values, **changes})


class ScriptedCars:
    """Cars that the test moves: each step puts them where `path` says, cameras see black.

    `path` maps the step number, from 1 on, to poses.
    """

    def __init__(self, circuits, num_cars, path=None, control_period_s=0.1) -> None:
        self.circuits = tuple(circuits)
        self.num_cars = num_cars
        self.camera = Camera()
        self.control_period_s = control_period_s
        self.path = path
        self.circuit_index = np.zeros(num_cars, np.int64)
        self.poses = Poses(*np.zeros((3, num_cars)))
        self.speed_mps = np.zeros(num_cars)
        self.yaw_rate_radps = np.zeros(num_cars)
        self.time_s = np.zeros(num_cars)
        self.traffic = EMPTY_ROAD
        self.clearance_m = np.full(num_cars, np.inf)
        self.steps = 0

    def place(self, cars, circuit_index, poses) -> None:
        self.circuit_index[cars] = circuit_index
        arrays = [a.copy() for a in (self.poses.x_m, self.poses.y_m, self.poses.yaw_rad)]
        for array, value in zip(arrays, (poses.x_m, poses.y_m, poses.yaw_rad), strict=True):
            array[cars] = value
        self.poses = Poses(*arrays)
        self.time_s[cars] = 0.0

    def step(self, commands) -> None:
        self.steps += 1
        self.time_s = self.time_s + self.control_period_s
        self.poses = self.path(self.steps)

    def view(self, view: View) -> np.ndarray:
        return np.zeros((self.num_cars, *view.shape), np.uint8)

    def frame(self, car: int) -> np.ndarray:
        return np.zeros((self.camera.height, self.camera.width, 3), np.uint8)

    def state(self) -> dict[str, Any]:
        raise NotImplementedError

    def restore(self, state: dict[str, Any]) -> None:
        raise NotImplementedError
