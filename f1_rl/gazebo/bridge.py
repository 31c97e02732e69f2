"""What ros_gz_bridge passes between Gazebo and ROS: the one `config/bridge.yaml` of all worlds.

The keys are those that ros_gz_bridge 1.0 (Jazzy) reads. Two things that file cannot say there:

* Services. Their keys `service_name`, `gz_req_type_name` and `gz_rep_type_name` came in the middle
  of 2025; an older bridge reports such an entry as an error. On the command line every version
  takes services, also beside a `config_file` (topics there would keep it from being read).
* Reliability. The node's parameters `qos_overrides.<topic>...` set it, with the topic's full name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import yaml

from f1_rl.gazebo import names


@dataclass(frozen=True)
class BridgedTopic:
    """An entry of the bridge's configuration; the fields are its keys.

    Attributes:
        ros_topic_name: Relative to the bridge's namespace.
        gz_topic_name: What Gazebo calls it.
        ros_type_name: Type of the ROS messages.
        gz_type_name: Type of Gazebo's messages.
        direction: Who speaks.
        publisher_queue: Depth of the queue in which what goes out waits.
        subscriber_queue: Depth of the queue in which what comes in waits.
        lazy: Whether Gazebo is listened to only while somebody listens to the bridge. It looks
            once a second: what is waited for in lock-step must not be lazy.
    """

    ros_topic_name: str
    gz_topic_name: str
    ros_type_name: str
    gz_type_name: str
    direction: Literal["GZ_TO_ROS", "ROS_TO_GZ"]
    publisher_queue: int
    subscriber_queue: int
    lazy: bool


@dataclass(frozen=True)
class BridgedService:
    """A service of Gazebo, offered in ROS.

    Attributes:
        name: Relative to the bridge's namespace; below the root in Gazebo.
        ros_type: Type of the ROS service.
    """

    name: str
    ros_type: str


def _from_gazebo(
    topic: str, ros_type: str, gz_type: str, depth: int, *, lazy: bool
) -> BridgedTopic:
    gz_topic = names.gazebo_topic(topic)
    return BridgedTopic(topic, gz_topic, ros_type, gz_type, "GZ_TO_ROS", depth, depth, lazy)


BRIDGED_TOPICS = (
    _from_gazebo(names.IMAGE_TOPIC, "sensor_msgs/msg/Image", "gz.msgs.Image", 2, lazy=False),
    _from_gazebo(
        names.CAMERA_INFO_TOPIC, "sensor_msgs/msg/CameraInfo", "gz.msgs.CameraInfo", 2, lazy=True
    ),
    _from_gazebo(names.ODOMETRY_TOPIC, "nav_msgs/msg/Odometry", "gz.msgs.Odometry", 50, lazy=False),
    _from_gazebo(
        names.CONTACT_TOPIC, "ros_gz_interfaces/msg/Contacts", "gz.msgs.Contacts", 10, lazy=False
    ),
    # One message a physics step: only for those who ask.
    _from_gazebo(names.CLOCK_TOPIC, "rosgraph_msgs/msg/Clock", "gz.msgs.Clock", 1, lazy=True),
    BridgedTopic(
        names.COMMAND_TOPIC,
        names.gazebo_topic(names.COMMAND_TOPIC),
        "geometry_msgs/msg/Twist",
        "gz.msgs.Twist",
        "ROS_TO_GZ",
        publisher_queue=1,
        subscriber_queue=1,
        lazy=False,
    ),
)
"""All topics; depths are those of the simulator node."""

BRIDGED_SERVICES = (
    BridgedService(names.CONTROL_SERVICE, "ros_gz_interfaces/srv/ControlWorld"),
    BridgedService(names.SET_POSE_SERVICE, "ros_gz_interfaces/srv/SetEntityPose"),
)
"""All services; SetEntityPose needs ros_gz 1.0.11."""


def bridge_yaml() -> str:
    """Return the text of `config/bridge.yaml`."""
    header = (
        "# Topics of ros_gz_bridge for every world, written by `make worlds`. Its services are\n"
        "# given on the command line (f1_rl.gazebo.service_arguments), which every version takes.\n"
    )
    entries = [asdict(topic) for topic in BRIDGED_TOPICS]
    return header + yaml.safe_dump(entries, sort_keys=False)


def service_arguments() -> list[str]:
    """Return the command-line arguments that make `parameter_bridge` offer Gazebo's services."""
    return [f"{service.name}@{service.ros_type}" for service in BRIDGED_SERVICES]


def qos_overrides(namespace: str = "") -> dict[str, str | int]:
    """Return the parameters of the bridge that fix each topic's quality of service.

    All is reliable: in lock-step no frame may be lost, and a reliable publisher serves listeners
    of either kind. Commands are taken from any publisher, so from best-effort ones too.

    Args:
        namespace: The bridge's.
    """
    parameters: dict[str, str | int] = {}
    for topic in BRIDGED_TOPICS:
        path = "/".join(part for part in (namespace.strip("/"), topic.ros_topic_name) if part)
        out = topic.direction == "GZ_TO_ROS"
        prefix = f"qos_overrides./{path}.{'publisher' if out else 'subscription'}"
        parameters[f"{prefix}.reliability"] = "reliable" if out else "best_effort"
        parameters[f"{prefix}.history"] = "keep_last"
        parameters[f"{prefix}.depth"] = topic.publisher_queue if out else topic.subscriber_queue
    return parameters
