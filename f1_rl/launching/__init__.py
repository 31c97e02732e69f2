"""What each launch starts: one description, run by `ros2 launch` or by `f1-rl launch`.

Needs neither ROS nor its launch packages: `f1_rl.launching.ros2` alone does.
"""

from f1_rl.launching.arguments import Argument
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.launch import Launch
from f1_rl.launching.launches import LAUNCHES
from f1_rl.launching.plan import NodeProcess, Plan, Program
from f1_rl.launching.share import config_file, share_folder

__all__ = [
    "LAUNCHES",
    "Argument",
    "Launch",
    "LaunchError",
    "NodeProcess",
    "Plan",
    "Program",
    "config_file",
    "share_folder",
]
