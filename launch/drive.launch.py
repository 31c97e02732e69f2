"""Drive a car by its camera and a saved policy: a real one, or the simulator's."""

from f1_rl.launching.drive import DRIVE
from f1_rl.launching.ros2 import as_launch_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    return as_launch_description(DRIVE)
