"""Record a drive into a bag, and its last seconds apart when the driver faults."""

from f1_rl.launching.record import RECORD
from f1_rl.launching.ros2 import as_launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    return as_launch_description(RECORD)
