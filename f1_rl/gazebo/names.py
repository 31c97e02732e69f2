"""The names that worlds, models, bridge, launch files and nodes must agree on."""

from __future__ import annotations

from f1_rl.gazebo.settings import Car

WORLD = "f1"
"""Name of the world in every world file, and so in Gazebo's services."""

ENTITY = "f1"
"""Name of the car in every world, whichever car it is."""

# Relative, as the ROS side has them; Gazebo's own are the same below the root.
IMAGE_TOPIC = "cam_f1_left/image_raw"
CAMERA_INFO_TOPIC = "cam_f1_left/camera_info"
ODOMETRY_TOPIC = "odom"
COMMAND_TOPIC = "cmd_vel"
CONTACT_TOPIC = "contacts"
CLOCK_TOPIC = "clock"

ODOMETRY_FRAME = "odom"
BASE_FRAME = "base_link"
OPTICAL_FRAME = "cam_f1_left_optical"

CONTROL_SERVICE = f"world/{WORLD}/control"
SET_POSE_SERVICE = f"world/{WORLD}/set_pose/blocking"

CAR_MODELS: dict[Car, str] = {"kinematic": "f1_kinematic", "ackermann": "f1_ackermann"}
"""The model's folder for each kind of car."""


def circuit_model(circuit: str) -> str:
    """Return the folder of a circuit's model."""
    return f"circuit_{circuit}"


def gazebo_topic(topic: str) -> str:
    """Return what Gazebo calls a topic."""
    return f"/{topic}"
