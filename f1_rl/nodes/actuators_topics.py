"""The topics of the actuators node."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.duration import Duration
from sensor_msgs.msg import Joy

from f1_rl.calibration import CalibrationError
from f1_rl.calibration.actuators import Actuation
from f1_rl.gazebo.names import COMMAND_TOPIC
from f1_rl.nodes.actuators_parameters import ActuatorsParameters
from f1_rl.ros.messages import stamp_message, twist_message
from f1_rl.ros.qos import lossless, newest_only

_LAST_NEUTRALS = 3
_BETWEEN_S = 0.01
_ACKNOWLEDGED_WITHIN_S = 0.3


class ActuatorsTopics:
    """Hears commands and tells the car's electronics."""

    def __init__(
        self, node: Any, parameters: ActuatorsParameters, on_command: Callable[[Any], None]
    ) -> None:
        """Join the topics.

        Raises:
            CalibrationError: The messages that are to be published are not installed.
        """
        self._node = node
        self._parameters = parameters
        stamped = parameters.command_type == "twist_stamped"
        if parameters.output == "joy":
            self._make = self._joy
            self._publisher = node.create_publisher(Joy, "actuators", lossless(1))
        elif parameters.output == "twist":
            self._make = self._twist
            self._publisher = node.create_publisher(Twist, "cmd_angle", lossless(1))
        else:
            self._make = self._ackermann
            self._ackermann_type = _ackermann_type()
            self._publisher = node.create_publisher(self._ackermann_type, "drive", lossless(1))
        node.create_subscription(
            TwistStamped if stamped else Twist, COMMAND_TOPIC, on_command, newest_only()
        )

    @property
    def topic(self) -> str:
        """Full name of the topic that the electronics listen to."""
        return str(self._publisher.topic_name)

    def publish(self, actuation: Actuation) -> None:
        """Tell the electronics."""
        self._publisher.publish(self._make(actuation))

    def repeat_neutral(self, make: Callable[[], Actuation]) -> None:
        """Publish neutral a few times and wait, not for long, until everybody has it."""
        for _ in range(_LAST_NEUTRALS):
            self.publish(make())
            time.sleep(_BETWEEN_S)
        self._publisher.wait_for_all_acked(Duration(seconds=_ACKNOWLEDGED_WITHIN_S))

    def _joy(self, actuation: Actuation) -> Any:
        steering, throttle = self._parameters.steering_axis, self._parameters.throttle_axis
        axes = [0.0] * (max(steering, throttle) + 1)
        axes[steering], axes[throttle] = actuation.steering, actuation.throttle
        message = Joy(axes=axes)
        self._stamp(message)
        return message

    def _twist(self, actuation: Actuation) -> Any:
        return twist_message(actuation.speed_mps, actuation.steering_rad)

    def _ackermann(self, actuation: Actuation) -> Any:
        message = self._ackermann_type()
        message.drive.speed = actuation.speed_mps
        message.drive.steering_angle = actuation.steering_rad
        self._stamp(message)
        return message

    def _stamp(self, message: Any) -> None:
        message.header.stamp = stamp_message(self._node.get_clock().now().nanoseconds)
        message.header.frame_id = self._parameters.frame_id


def _ackermann_type() -> Any:
    # Not on PyPI, and few cars want it.
    try:
        return importlib.import_module("ackermann_msgs.msg").AckermannDriveStamped
    except ImportError as error:
        raise CalibrationError(
            "output:=ackermann needs the ROS package ackermann_msgs, which is not installed; "
            "install ros-jazzy-ackermann-msgs, or choose output:=joy or output:=twist."
        ) from error
