"""Two drivers and two simulators at once: whole laps in real time, 20 decisions a second."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image
from trainer_helpers import until, values_of

from f1_rl.circuits import LapCounter, Poses, load_circuit
from f1_rl.ros.graph import Graph
from f1_rl.ros.messages import read_odometry, stamp_ns
from f1_rl.ros.qos import lossless

PERIOD_NS = 50_000_000


class Marshal:
    """Counts the laps of one car by its odometry, and its frames."""

    def __init__(self, namespace: str) -> None:
        self.graph = Graph("marshal", namespace=namespace)
        self._circuit = load_circuit("simple")
        self._counter = LapCounter(1)
        self._placed = False
        self.worst_m = 0.0
        self.stamps_ns: list[int] = []
        self.figures: dict[str, str] = {}
        self._name = f"{namespace}/driver"
        listen = self.graph.node.create_subscription
        listen(Odometry, "odom", self._follow, lossless(50))
        listen(
            Image,
            "cam_f1_left/image_raw",
            lambda message: self.stamps_ns.append(stamp_ns(message.header.stamp)),
            lossless(5),
        )
        listen(DiagnosticArray, "/diagnostics", self._note, lossless(50))

    @property
    def laps(self) -> int:
        return int(self._counter.laps[0])

    def _follow(self, message: Any) -> None:
        sample = read_odometry(message)
        pose = Poses(*(np.array([v]) for v in (sample.x_m, sample.y_m, sample.yaw_rad)))
        where = self._circuit.project(pose)
        if not self._placed:
            length_m = np.array([self._circuit.length_m])
            self._counter.reset(np.array([0]), where.arc_length_m, length_m)
            self._placed = True
        self._counter.update(where.arc_length_m, np.array([sample.stamp_ns / 1e9]))
        self.worst_m = max(self.worst_m, abs(float(where.lateral_error_m[0])))

    def _note(self, message: Any) -> None:
        for status in message.status:
            if status.name == self._name:
                self.figures = values_of(status)


@pytest.mark.slow
def test_two_drivers_drive_laps_of_two_simulators_in_real_time(
    start: Callable[..., Any], domain_id: int
) -> None:
    names = ("/left", "/right")
    marshals = [Marshal(name) for name in names]
    try:
        simulators = [start("simulator", "-r", f"__ns:={name}", ready="ready") for name in names]
        drivers = [start("driver", "-r", f"__ns:={name}", ready="active") for name in names]
        rates = [0.0, 0.0]

        def laps_done() -> bool:
            for i, marshal in enumerate(marshals):
                rates[i] = max(rates[i], float(marshal.figures.get("command_rate_hz", "0")))
            return all(marshal.laps >= 1 for marshal in marshals)

        until(laps_done, lambda: str([(m.laps, m.worst_m, m.figures) for m in marshals]), 150.0)
        for marshal, rate_hz in zip(marshals, rates, strict=True):
            assert marshal.worst_m < 1.5
            assert rate_hz == pytest.approx(20.0, abs=3.0)
            assert set(np.diff(marshal.stamps_ns)) <= {PERIOD_NS, 2 * PERIOD_NS, 3 * PERIOD_NS}
            assert int(marshal.figures["frames_commanded"]) > 300
        for process in (*drivers, *simulators):
            assert process.end() == 0
    finally:
        for marshal in marshals:
            marshal.graph.close()
