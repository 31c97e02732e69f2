"""Play a bag to a driver in shadow mode, which proposes commands and drives nothing."""

from f1_rl.launching.replay import REPLAY
from f1_rl.launching.ros2 import as_launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    return as_launch_description(REPLAY)
