"""`f1-rl calibrate throttle`: which throttle holds which speed."""

import argparse

from f1_rl.bags import Bag
from f1_rl.bags.drive_topics import find_odometry_topic
from f1_rl.bags.motion import read_odometry_increments, read_throttle
from f1_rl.calibration.throttle import fit_throttle
from f1_rl.cli import options


def run(arguments: argparse.Namespace) -> int:
    """Fit and tell."""
    with Bag(arguments.bag) as bag:
        odometry = find_odometry_topic(bag, arguments.odometry_topic)
        throttle = read_throttle(bag, arguments.topic, arguments.axis)
        driven, _ = read_odometry_increments(bag, odometry)
    speeds = driven.values / (driven.end_s - driven.begin_s)
    table = fit_throttle(throttle, driven.end_s, speeds)
    if arguments.json:
        options.print_json({"table": [list(pair) for pair in table]})
        return 0
    print(f"{arguments.bag}: {len(table) - 1} throttles held a speed; in the car's file:")
    print("throttle:")
    print(f"  table: {[list(pair) for pair in table]}")
    return 0
