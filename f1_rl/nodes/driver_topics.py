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
from std_msgs.msg import Float32MultiArray

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


class PictureTopic:
    """A topic of pictures that are drawn only while somebody looks, and not too often."""

    def __init__(self, node: Any, name: str, rate_hz: float) -> None:
        """Offer the topic.

        Args:
            node: The node.
            name: Of the topic.
            rate_hz: The most pictures a second.
        """
        self._node = node
        self._publisher = node.create_publisher(Image, name, lossless(1))
        self._period_s = 1.0 / rate_hz
        self._next_s = 0.0

    @property
    def watched(self) -> bool:
        """Whether somebody looks."""
        return bool(self._publisher.get_subscription_count())

    def due(self, now_s: float) -> bool:
        """Return whether the next picture is due and somebody looks; then it counts as drawn."""
        if now_s < self._next_s or not self.watched:
            return False
        self._next_s = now_s + self._period_s
        return True

    def publish(self, picture: UInt8Array, stamp_ns: int, frame_id: str) -> None:
        """Publish an RGB picture `(H, W, 3)`; it may be painted over afterwards."""
        self._publisher.publish(image_message(picture, stamp_ns, frame_id))

    def destroy(self) -> None:
        """Withdraw the topic."""
        self._node.destroy_publisher(self._publisher)


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
        self.debug = PictureTopic(node, "~/debug_image", parameters.debug_rate_hz)
        self.dashboard = PictureTopic(node, "~/dashboard", parameters.dashboard_rate_hz)
        self._q_values = node.create_publisher(Float32MultiArray, "~/q_values", lossless(1))
        self._on_image = on_image
        self._auto_reliability = parameters.image_reliability == "auto"
        best_effort = parameters.image_reliability == "best_effort"
        self._images = self._listen_to_images(newest_only() if best_effort else lossless(1))
        listen = node.create_subscription
        self._subscriptions = [listen(CameraInfo, CAMERA_INFO_TOPIC, on_camera_info, newest_only())]
        self._on_odometry = on_odometry
        self._needs_odometry = needs_speed
        self._odometry: Any | None = None
        self.follow_odometry()
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

    def publish_q_values(self, q_values: npt.NDArray[np.float32]) -> None:
        """Publish the value of each action, if somebody listens."""
        if self._q_values.get_subscription_count():
            self._q_values.publish(Float32MultiArray(data=q_values.tolist()))

    def follow_odometry(self) -> None:
        """Listen to odometry while it is needed: by the policy, or for a map that is looked at."""
        needed = self._needs_odometry or self.dashboard.watched
        if needed and self._odometry is None:
            self._odometry = self._node.create_subscription(
                Odometry, ODOMETRY_TOPIC, self._on_odometry, newest_only()
            )
        elif not needed and self._odometry is not None:
            self._node.destroy_subscription(self._odometry)
            self._odometry = None

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
        if self._odometry is not None:
            self._node.destroy_subscription(self._odometry)
        for publisher in (self._commands, self._q_values):
            self._node.destroy_publisher(publisher)
        for topic in (self.debug, self.dashboard):
            topic.destroy()
