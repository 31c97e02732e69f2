"""Bags of a car that is driven straight on with some throttles."""

from pathlib import Path

import numpy as np
from bag_making import BEGIN_NS, ODOMETRY, TYPES, Sent, header, odometry, write_bag

JOY = "sensor_msgs/msg/Joy"


def write_throttle_bag(path: Path, levels: list[tuple[float, float]], axis: int = 1) -> Path:
    """Write a drive in which each throttle is held for 4 s and brings its speed within 0.5 s.

    Args:
        path: Of the bag.
        levels: Throttle, and the speed that it holds.
        axis: Of the throttle.
    """
    sent, x_m, speed = [], 0.0, 0.0
    rng = np.random.default_rng(0)
    for number, (throttle, goal_mps) in enumerate(levels):
        for step in range(80):
            at_ns = BEGIN_NS + (80 * number + step) * 50_000_000
            axes = np.zeros(axis + 1, np.float32)
            axes[axis] = throttle
            joy = TYPES[JOY](header=header(at_ns), axes=axes, buttons=np.zeros(0, np.int32))
            speed += (goal_mps - speed) * 0.1
            x_m += 0.05 * speed + rng.normal(0.0, 0.0002)
            sent += [
                Sent("/actuators", JOY, at_ns, joy),
                Sent("/odom", ODOMETRY, at_ns + 1000, odometry(x_m, speed, at_ns)),
            ]
    return write_bag(path, sent)
