"""The topics of the driver node."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.duration import Duration
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Joy

from f1_rl.gazebo.names import CAMERA_INFO_TOPIC, COMMAND_TOPIC, IMAGE_TOPIC, ODOMETRY_TOPIC
from f1_rl.nodes.driver_parameters import DriverParameters
from f1_rl.nodes.limiter import Command
from f1_rl.ros.messages import (
    decode_compressed_image,
    decode_image,
    image_message,
    twist_message,
    twist_stamped_message,
)
from f1_rl.ros.qos import lossless, newest_only

UInt8Array = npt.NDArray[np.uint8]

PROPOSED_TOPIC = "proposed_cmd"
JOYSTICK_TOPIC = "joy"

# Best-effort listeners may miss one; the last stop matters.
_LAST_STOPS = 3
_BETWEEN_STOPS_S = 0.01
_ACKNOWLEDGED_WITHIN_S = 0.3


class DriverTopics:
    """What a configured driver publishes and listens to."""

    def __init__(
        self,
        node: Any,
        parameters: DriverParameters,
        needs_speed: bool,
        *,
        on_image: Callable[[Any], None],
        on_camera_info: Callable[[Any], None],
        on_odometry: Callable[[Any], None],
        on_joystick: Callable[[Any], None],
    ) -> None:
        """Join the topics.

        Args:
            node: The node.
            parameters: Its parameters.
            needs_speed: Whether odometry is listened to.
            on_image: Called with each message of the camera.
            on_camera_info: With each description of it.
            on_odometry: With each odometry.
            on_joystick: With each state of the joystick.
        """
        self._node = node
        self._stamped = parameters.command_type == "twist_stamped"
        self._frame_id = parameters.command_frame_id
        self._compressed = parameters.image_transport == "compressed"
        self.decode: Callable[[Any], UInt8Array] = (
            decode_compressed_image if self._compressed else decode_image
        )
        self._shadow = parameters.shadow
        self._commands = node.create_publisher(
            TwistStamped if self._stamped else Twist,
            PROPOSED_TOPIC if parameters.shadow else COMMAND_TOPIC,
            lossless(1),
        )
        self._debug = node.create_publisher(Image, "~/debug_image", lossless(1))
        self._debug_period_s = 1.0 / parameters.debug_rate_hz
        self._debug_next_s = 0.0
        self._on_image = on_image
        self._auto_reliability = parameters.image_reliability == "auto"
        best_effort = parameters.image_reliability == "best_effort"
        self._images = self._listen_to_images(newest_only() if best_effort else lossless(1))
        listen = node.create_subscription
        self._subscriptions = [listen(CameraInfo, CAMERA_INFO_TOPIC, on_camera_info, newest_only())]
        if needs_speed:
            self._subscriptions.append(listen(Odometry, ODOMETRY_TOPIC, on_odometry, newest_only()))
        if parameters.deadman:
            self._subscriptions.append(listen(Joy, JOYSTICK_TOPIC, on_joystick, newest_only()))

    @property
    def command_topic(self) -> str:
        """Full name of the topic that commands go out on."""
        return str(self._commands.topic_name)

    def publish_command(self, command: Command) -> None:
        """Publish a command."""
        if self._stamped:
            now_ns = self._node.get_clock().now().nanoseconds
            message = twist_stamped_message(*command, now_ns, self._frame_id)
        else:
            message = twist_message(*command)
        self._commands.publish(message)

    def repeat_last_stop(self, stop: Command) -> None:
        """Publish a stop a few times and wait, not for long, until everybody has it."""
        for _ in range(_LAST_STOPS):
            self.publish_command(stop)
            time.sleep(_BETWEEN_STOPS_S)
        self._commands.wait_for_all_acked(Duration(seconds=_ACKNOWLEDGED_WITHIN_S))

    def debug_wanted(self, now_s: float) -> bool:
        """Return whether the next debug picture is due and somebody looks at it."""
        if now_s < self._debug_next_s or not self._debug.get_subscription_count():
            return False
        self._debug_next_s = now_s + self._debug_period_s
        return True

    def publish_debug(self, picture: UInt8Array, stamp_ns: int, frame_id: str) -> None:
        """Publish a debug picture."""
        self._debug.publish(image_message(picture, stamp_ns, frame_id))

    def other_commanders(self) -> list[str]:
        """Return the full names of other nodes that command the same car."""
        if self._shadow:
            return []
        infos = self._node.get_publishers_info_by_topic(self.command_topic)
        names = [f"{info.node_namespace.rstrip('/')}/{info.node_name}" for info in infos]
        own = self._node.get_fully_qualified_name()
        if own in names:
            names.remove(own)
        return names

    def adapt_reliability(self) -> None:
        """Listen with best effort if the camera offers no more; with `auto` reliability."""
        if not self._auto_reliability:
            return
        infos = self._node.get_publishers_info_by_topic(self._images.topic_name)
        offered = [info.qos_profile.reliability for info in infos]
        if offered and ReliabilityPolicy.RELIABLE not in offered:
            self._auto_reliability = False
            self._node.destroy_subscription(self._images)
            self._images = self._listen_to_images(newest_only())

    def _listen_to_images(self, qos: Any) -> Any:
        kind = CompressedImage if self._compressed else Image
        topic = f"{IMAGE_TOPIC}/compressed" if self._compressed else IMAGE_TOPIC
        return self._node.create_subscription(kind, topic, self._on_image, qos)

    def destroy(self) -> None:
        """Leave the topics."""
        self._node.destroy_subscription(self._images)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        self._node.destroy_publisher(self._commands)
        self._node.destroy_publisher(self._debug)
