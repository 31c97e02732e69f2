"""Which topics of a bag are the camera, the commands and the odometry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from f1_rl.bags.errors import BagError
from f1_rl.bags.reader import Bag
from f1_rl.settings import Settings

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
COMMAND_TYPES = ("geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped")
_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
ODOMETRY_TYPES = ("nav_msgs/msg/Odometry",)

# What the nodes and Gazebo's bridge call them, without namespace; the first that is there counts.
_IMAGE_NAMES = ("cam_f1_left/image_raw", "cam_f1_left/image_raw/compressed")
_COMMAND_NAMES = ("cmd_vel", "recorded/cmd_vel", "proposed_cmd")
_ODOMETRY_NAMES = ("odom",)
# Pictures with a drawing in them are none to drive by.
_NO_CAMERA = ("debug_image", "dashboard")


class DriveTopics(Settings, frozen=True):
    """Names of the topics of a drive.

    Attributes:
        image_topic: The camera's pictures.
        command_topic: What the driver commanded; None where the bag holds no commands.
        odometry_topic: How the car moved; None where the bag does not hold that.
    """

    image_topic: str
    command_topic: str | None = None
    odometry_topic: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All that there are."""
        every = (self.image_topic, self.command_topic, self.odometry_topic)
        return tuple(name for name in every if name is not None)


def find_drive_topics(
    bag: Bag,
    image_topic: str | None = None,
    command_topic: str | None = None,
    odometry_topic: str | None = None,
) -> DriveTopics:
    """Return the topics of a drive: those given, or those found by type and name.

    Raises:
        BagError: A given one is not there or of another type, there are no pictures, or there are
            several topics that could be meant; names those that are there.
    """
    image = _choose(bag, "image", IMAGE_TYPES, _IMAGE_NAMES, image_topic)
    if image is None:
        raise BagError(
            f"{bag.path}: holds no pictures ({' or '.join(IMAGE_TYPES)}); it has "
            f"{described(bag, bag.topics)}; record the camera, too."
        )
    return DriveTopics(
        image_topic=image,
        command_topic=_choose(bag, "command", COMMAND_TYPES, _COMMAND_NAMES, command_topic),
        odometry_topic=find_odometry_topic(bag, odometry_topic),
    )


def find_odometry_topic(bag: Bag, given: str | None = None) -> str | None:
    """Return the topic of the odometry, of a bag that may hold no pictures; None: there is none.

    Raises:
        BagError: See `find_drive_topics`.
    """
    return _choose(bag, "odometry", ODOMETRY_TYPES, _ODOMETRY_NAMES, given)


def first_camera_info(bag: Bag, image_topic: str) -> Any | None:
    """Return the first `sensor_msgs/CameraInfo` of the camera whose pictures these are, or None."""
    folder = image_topic.removesuffix("/compressed").rpartition("/")[0]
    topic = bag.topics.get(f"{folder}/camera_info")
    if topic is None or topic.type != _CAMERA_INFO:
        return None
    return next((record.message for record in bag.records([topic.name])), None)


def described(bag: Bag, names: Collection[str]) -> str:
    """Return topics with types and counts, for a sentence."""
    items = [f"{name} ({bag.topics[name].type}, {bag.topics[name].count})" for name in names]
    return ", ".join(sorted(items)) or "no topics"


def _choose(
    bag: Bag, use: str, types: Collection[str], names: Collection[str], given: str | None
) -> str | None:
    if given is not None:
        return _checked(bag, use, types, given)
    candidates = [
        topic.name
        for topic in bag.topics.values()
        if topic.type in types and topic.count and not topic.name.endswith(_NO_CAMERA)
    ]
    for name in names:
        named = [item for item in candidates if item == name or item.endswith(f"/{name}")]
        if len(named) == 1:
            return named[0]
        if named:
            candidates = named
            break
    if len(candidates) > 1:
        raise BagError(
            f"{bag.path}: {described(bag, candidates)} could all be the {use} topic; "
            f"choose one with --{use}-topic."
        )
    return candidates[0] if candidates else None


def _checked(bag: Bag, use: str, types: Collection[str], given: str) -> str:
    name = given if given in bag.topics else f"/{given}"
    if name not in bag.topics:
        raise BagError(
            f"{bag.path}: has no topic {given}; it has {described(bag, bag.topics)}; "
            f"choose another --{use}-topic."
        )
    if bag.topics[name].type not in types:
        raise BagError(
            f"{bag.path}: {described(bag, [name])} cannot be the {use} topic, which is of "
            f"{' or '.join(types)}; choose another --{use}-topic."
        )
    return name
