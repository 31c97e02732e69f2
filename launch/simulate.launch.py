"""Start the embedded simulator on the topics of the Gazebo car."""

from f1_rl.launching.ros2 import as_launch_description
from f1_rl.launching.simulate import SIMULATE
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    return as_launch_description(SIMULATE)
