"""Where the messages of a bag are played: never where they could drive a car."""

from __future__ import annotations

from collections.abc import Mapping

from f1_rl.bags import Bag, BagError, DriveTopics
from f1_rl.gazebo.names import CAMERA_INFO_TOPIC, COMMAND_TOPIC, IMAGE_TOPIC, ODOMETRY_TOPIC

# Whatever may move something, or would be taken for what a node says now, goes below this.
RECORDED = "recorded"
CLOCK_TYPE = "rosgraph_msgs/msg/Clock"

_COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"
_CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
_TRANSFORMS_TYPE = "tf2_msgs/msg/TFMessage"
# What is measured: nobody is driven by it but drivers.
_STAMPED_MEASUREMENTS = frozenset(
    {
        "nav_msgs/msg/Odometry",
        "ros_gz_interfaces/msg/Contacts",
        "sensor_msgs/msg/Image",
        "sensor_msgs/msg/Imu",
        "sensor_msgs/msg/JointState",
        "sensor_msgs/msg/LaserScan",
        "sensor_msgs/msg/NavSatFix",
        "sensor_msgs/msg/PointCloud2",
        _CAMERA_INFO_TYPE,
        _COMPRESSED_TYPE,
    }
)
_MEASUREMENTS = _STAMPED_MEASUREMENTS | {_TRANSFORMS_TYPE}
_STAMPED = _STAMPED_MEASUREMENTS | {"geometry_msgs/msg/TwistStamped"}


def played_names(bag: Bag, drive: DriveTopics) -> dict[str, str]:
    """Return on which relative name each topic of a bag is played; its clock is left out.

    Camera, odometry and commands go where the driver looks for them, whatever they were called.

    Raises:
        BagError: Two topics would go to one name.
    """
    names = {
        topic.name: _name(topic.name, topic.type)
        for topic in bag.topics.values()
        if topic.type != CLOCK_TYPE
    }
    compressed = bag.topics[drive.image_topic].type == _COMPRESSED_TYPE
    names[drive.image_topic] = f"{IMAGE_TOPIC}/compressed" if compressed else IMAGE_TOPIC
    if drive.odometry_topic is not None:
        names[drive.odometry_topic] = ODOMETRY_TOPIC
    if drive.command_topic is not None:
        names[drive.command_topic] = f"{RECORDED}/{COMMAND_TOPIC}"
    folder = drive.image_topic.removesuffix("/compressed").rpartition("/")[0]
    described = f"{folder}/camera_info"
    if described in names and bag.topics[described].type == _CAMERA_INFO_TYPE:
        names[described] = CAMERA_INFO_TOPIC
    _refuse_equal(bag, names)
    return names


def is_measurement(message_type: str) -> bool:
    """Return whether messages of a type are measured, so that nothing moves by them."""
    return message_type in _MEASUREMENTS


def has_header(message_type: str) -> bool:
    """Return whether messages of a type are known to begin with a header."""
    return message_type in _STAMPED


def is_harmless(full_name: str) -> bool:
    """Return whether nobody is driven by what goes out on a topic."""
    return RECORDED in full_name.split("/")


def _name(topic: str, message_type: str) -> str:
    relative = topic.lstrip("/")
    if is_measurement(message_type) or is_harmless(relative):
        return relative
    return f"{RECORDED}/{relative}"


def _refuse_equal(bag: Bag, names: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for topic, name in names.items():
        if name in seen:
            raise BagError(
                f"{bag.path}: {seen[name]} and {topic} would both be played on {name}; choose "
                "another image_topic, command_topic or odometry_topic."
            )
        seen[name] = topic
