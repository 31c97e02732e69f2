"""The messages of a car's topics in CDR, made without ROS."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from rosbags.typesys import Stores, get_typestore

from f1_rl.bags.writer import RecordedTopic
from f1_rl.gazebo.names import BASE_FRAME, ODOMETRY_FRAME, OPTICAL_FRAME
from f1_rl.messages import NANOSECONDS_PER_SECOND, OdometrySample

IMAGES = RecordedTopic("/cam_f1_left/image_raw", "sensor_msgs/msg/Image")
ODOMETRY = RecordedTopic("/odom", "nav_msgs/msg/Odometry")
COMMANDS = RecordedTopic("/cmd_vel", "geometry_msgs/msg/Twist")

_NO_COVARIANCE = np.zeros(36)


class DriveMessages:
    """Turns pictures, motion and commands into what the nodes would have published."""

    def __init__(self) -> None:
        """Load the message types of Jazzy."""
        self._store = get_typestore(Stores.ROS2_JAZZY)

    def image(self, picture: npt.NDArray[np.uint8], stamp_ns: int) -> bytes:
        """Return an RGB picture `(H, W, 3)` as `sensor_msgs/Image`, encoding rgb8."""
        height, width, channels = picture.shape
        return self._serialized(
            IMAGES,
            header=self._header(stamp_ns, OPTICAL_FRAME),
            height=height,
            width=width,
            encoding="rgb8",
            is_bigendian=0,
            step=width * channels,
            data=np.ascontiguousarray(picture).reshape(-1),
        )

    def odometry(self, sample: OdometrySample) -> bytes:
        """Return where the car is and how it moves as `nav_msgs/Odometry`."""
        half_rad = sample.yaw_rad / 2
        pose = self._make(
            "geometry_msgs/msg/Pose",
            position=self._make("geometry_msgs/msg/Point", x=sample.x_m, y=sample.y_m, z=0.0),
            orientation=self._make(
                "geometry_msgs/msg/Quaternion",
                x=0.0,
                y=0.0,
                z=math.sin(half_rad),
                w=math.cos(half_rad),
            ),
        )
        twist = self._twist(sample.speed_mps, sample.yaw_rate_radps)
        return self._serialized(
            ODOMETRY,
            header=self._header(sample.stamp_ns, ODOMETRY_FRAME),
            child_frame_id=BASE_FRAME,
            pose=self._make(
                "geometry_msgs/msg/PoseWithCovariance", pose=pose, covariance=_NO_COVARIANCE
            ),
            twist=self._make(
                "geometry_msgs/msg/TwistWithCovariance", twist=twist, covariance=_NO_COVARIANCE
            ),
        )

    def command(self, speed_mps: float, yaw_rate_radps: float) -> bytes:
        """Return a command as `geometry_msgs/Twist`."""
        message = self._twist(speed_mps, yaw_rate_radps)
        return bytes(self._store.serialize_cdr(message, COMMANDS.type))

    def _twist(self, speed_mps: float, yaw_rate_radps: float) -> Any:
        vector = "geometry_msgs/msg/Vector3"
        return self._make(
            COMMANDS.type,
            linear=self._make(vector, x=float(speed_mps), y=0.0, z=0.0),
            angular=self._make(vector, x=0.0, y=0.0, z=float(yaw_rate_radps)),
        )

    def _header(self, stamp_ns: int, frame_id: str) -> Any:
        seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS_PER_SECOND)
        stamp = self._make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
        return self._make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)

    def _make(self, kind: str, **members: Any) -> Any:
        return self._store.types[kind](**members)

    def _serialized(self, topic: RecordedTopic, **members: Any) -> bytes:
        return bytes(self._store.serialize_cdr(self._make(topic.type, **members), topic.type))
