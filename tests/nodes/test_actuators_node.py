"""The actuators node as a real process, between commands and a car's electronics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import NodeProcess, until

pytest.importorskip("rclpy", reason="no rclpy: install it or source ROS")

from geometry_msgs.msg import Twist
from sensor_msgs.msg import Joy
from std_srvs.srv import Trigger

from f1_rl.ros.graph import Graph
from f1_rl.ros.messages import twist_message
from f1_rl.ros.qos import lossless
from f1_rl.settings import write_yaml

Start = Callable[..., NodeProcess]

CAR = {
    "wheelbase_m": 0.26,
    "max_speed_mps": 3.0,
    "steering": {"left_rad": 0.4, "right_rad": 0.4, "max_rate_radps": 20.0},
    "throttle": {"table": [[0.0, 0.0], [4.0, 0.4]]},
}


class Car:
    """Electronics that note what they are told, and somebody who commands."""

    def __init__(self) -> None:
        self.graph = Graph("car")
        node = self.graph.node
        self.axes: list[tuple[float, list[float]]] = []
        self.angles: list[tuple[float, float]] = []
        node.create_subscription(
            Joy,
            "actuators",
            lambda m: self.axes.append((time.monotonic(), list(m.axes))),
            lossless(50),
        )
        node.create_subscription(
            Twist,
            "cmd_angle",
            lambda m: self.angles.append((m.linear.x, m.angular.z)),
            lossless(50),
        )
        self._publisher = node.create_publisher(Twist, "cmd_vel", lossless(1))
        self.command: tuple[float, float] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def call(self, name: str) -> Any:
        client = self.graph.node.create_client(Trigger, f"actuators/{name}")
        try:
            return self.graph.call(client, Trigger.Request(), time.monotonic() + 20.0)
        finally:
            self.graph.node.destroy_client(client)

    @property
    def throttle(self) -> float:
        return self.axes[-1][1][1] if self.axes else -1.0

    def stays_neutral(self) -> bool:
        began = len(self.axes)
        until(lambda: len(self.axes) > began + 5, 5.0, "the car is told nothing")
        return all(axes == [0.0, 0.0] for _, axes in self.axes[began + 1 :])

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self.graph.close()

    def _play(self) -> None:
        while not self._ended.wait(0.03):
            if self.command is not None:
                self._publisher.publish(twist_message(*self.command))


@pytest.fixture(scope="module")
def car(domain_id: int) -> Iterator[Car]:
    it = Car()
    yield it
    it.close()


@pytest.fixture
def car_file(tmp_path: Path) -> Path:
    write_yaml(tmp_path / "car.yaml", CAR)
    return tmp_path / "car.yaml"


def test_a_car_drives_armed_and_commanded_alone(start: Start, car: Car, car_file: Path) -> None:
    node = start("actuators", ready="disarmed", car=car_file)
    car.command = (0.8, 0.4)
    until(lambda: len(car.axes) > 5, 10.0, node.output)
    assert car.stays_neutral()

    assert car.call("arm").success
    until(lambda: car.throttle > 0.0, 5.0, node.output)
    steering, throttle = car.axes[-1][1]
    assert throttle == pytest.approx(0.08)
    until(lambda: car.axes[-1][1][0] > 0.3, 2.0, lambda: car.axes[-1])
    assert 0.0 <= steering <= car.axes[-1][1][0] == pytest.approx(0.1293 / 0.4, rel=0.01)

    # The node's own limit is below what is commanded.
    car.command = (5.0, 0.0)
    until(lambda: car.throttle == pytest.approx(0.1), 2.0, lambda: car.axes[-1])

    car.command = None
    began_s = time.monotonic()
    until(lambda: car.throttle == 0.0, 2.0, node.output)
    assert time.monotonic() - began_s < 0.6
    assert car.stays_neutral()
    assert "no command for 0.20 s" in node.output()

    car.command = (0.8, 0.0)
    until(lambda: car.throttle > 0.0, 2.0, node.output)
    assert car.call("disarm").success
    until(lambda: car.throttle == 0.0, 1.0, node.output)
    assert car.stays_neutral()

    assert car.call("arm").success
    until(lambda: car.throttle > 0.0, 2.0, node.output)
    assert node.end() == 0
    until(lambda: car.axes[-1][1] == [0.0, 0.0], 1.0, lambda: car.axes[-1])
    car.command = None


def test_the_angle_of_the_wheels_is_told_as_a_twist(start: Start, car: Car, car_file: Path) -> None:
    node = start("actuators", ready="disarmed", car=car_file, output="twist", max_speed_mps=3.0)
    car.command = (2.0, 1.0)
    assert car.call("arm").success
    until(lambda: bool(car.angles) and car.angles[-1][1] > 0.12, 5.0, node.output)
    assert car.angles[-1] == pytest.approx((2.0, 0.1293), abs=1e-3)
    car.command = None
    assert node.end() == 0
    assert car.angles[-1][0] == 0.0


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({}, "set the parameter car to its file"),
        ({"car": "/nowhere.yaml"}, "/nowhere.yaml: cannot be read"),
        ({"car": "{car}", "timeout_s": 9.0}, "give at most 2.0"),
        ({"car": "{car}", "output": "ackermann"}, "needs the ROS package ackermann_msgs"),
    ],
)
def test_what_cannot_be_used_ends_the_process_with_a_sentence(
    start: Start, parameters: dict[str, Any], sentence: str, car_file: Path
) -> None:
    if parameters.get("output") == "ackermann":
        try:
            import ackermann_msgs  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("ackermann_msgs is installed")
    values = {name: str(value).format(car=car_file) for name, value in parameters.items()}
    node = start("actuators", **values)
    assert node.wait() == 2
    assert sentence in node.output()
