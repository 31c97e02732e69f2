"""Small bags of made-up drives, for the tests of player and recorder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from nav_msgs.msg import Odometry
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo

from f1_rl.bags.writer import BagFormat, BagWriter, RecordedTopic
from f1_rl.ros.messages import image_message, stamp_message, twist_message

PERIOD_NS = 50_000_000
BEGIN_NS = 1_700_000_000_000_000_000
# Headers are of another clock than receipt, as with a simulator.
STAMPS_FROM_NS = 3_000_000_000

TYPES = {
    "image": "sensor_msgs/msg/Image",
    "info": "sensor_msgs/msg/CameraInfo",
    "odom": "nav_msgs/msg/Odometry",
    "command": "geometry_msgs/msg/Twist",
    "proposed": "geometry_msgs/msg/Twist",
    "clock": "rosgraph_msgs/msg/Clock",
}
NAMES = {
    "image": "/cam_f1_left/image_raw",
    "info": "/cam_f1_left/camera_info",
    "odom": "/odom",
    "command": "/cmd_vel",
    "proposed": "/proposed_cmd",
}


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Return a noisy picture that tells which one it is."""
    return np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)


def make_bag(
    folder: Path,
    frames: int = 40,
    names: dict[str, str] | None = None,
    bag_format: BagFormat | None = None,
    pictures: Sequence[np.ndarray] | None = None,
) -> Path:
    """Write a bag with a picture every 50 ms, and the other topics beside each."""
    topics = {
        key: RecordedTopic(name, TYPES[key]) for key, name in {**NAMES, **(names or {})}.items()
    }
    writer = BagWriter(folder, bag_format)
    for topic in topics.values():
        writer.add_topic(topic)
    for i in range(frames):
        at_ns, stamp_ns = BEGIN_NS + i * PERIOD_NS, STAMPS_FROM_NS + i * PERIOD_NS
        shown = picture(i) if pictures is None else pictures[i % len(pictures)]
        odometry, info = Odometry(), CameraInfo(width=shown.shape[1], height=shown.shape[0])
        odometry.header.stamp = info.header.stamp = stamp_message(stamp_ns)
        messages = {
            "clock": Clock(clock=stamp_message(stamp_ns)),
            "info": info,
            "image": image_message(shown, stamp_ns, "camera"),
            "odom": odometry,
            "command": twist_message(i, 0.1),
            "proposed": twist_message(-i, 0.1),
        }
        for after_ns, (key, message) in enumerate(messages.items()):
            if key in topics:
                writer.write(topics[key].name, at_ns + after_ns, serialize_message(message))
    writer.close()
    return folder
