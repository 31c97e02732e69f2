"""Teach a car behind ROS topics to drive."""

from f1_rl.launching.ros2 import as_launch_description
from f1_rl.launching.train import TRAIN
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    return as_launch_description(TRAIN)
