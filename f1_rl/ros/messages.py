"""What ROS messages mean here: frames, poses, commands and stamps, checked at the boundary."""

from __future__ import annotations

import array
import math
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from cv_bridge import CvBridge
from geometry_msgs.msg import Quaternion, Twist, TwistStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from f1_rl import messages
from f1_rl.messages import (
    NANOSECONDS_PER_MILLISECOND,
    NANOSECONDS_PER_SECOND,
    EncodingError,
    MessageError,
    OdometrySample,
    decode_compressed_image,
    read_odometry,
    read_twist,
    stamp_ns,
    yaw_of,
)
from f1_rl.simulation import Camera

UInt8Array = npt.NDArray[np.uint8]

__all__ = [
    "NANOSECONDS_PER_MILLISECOND",
    "NANOSECONDS_PER_SECOND",
    "EncodingError",
    "MessageError",
    "OdometrySample",
    "byte_array",
    "camera_info_message",
    "compressed_image_message",
    "decode_compressed_image",
    "decode_image",
    "image_message",
    "odometry_message",
    "quaternion_of",
    "read_odometry",
    "read_twist",
    "stamp_message",
    "stamp_ns",
    "twist_message",
    "twist_stamped_message",
    "yaw_of",
]


def stamp_message(time_ns: int) -> Any:
    """Return nanoseconds as a `builtin_interfaces/Time`."""
    seconds, nanoseconds = divmod(time_ns, NANOSECONDS_PER_SECOND)
    return Time(sec=seconds, nanosec=nanoseconds)


def decode_image(message: Any) -> UInt8Array:
    """Return the picture of a `sensor_msgs/Image` in RGB, through cv_bridge.

    Bayer patterns do not go through it: its wheel lacks one of the four.

    Args:
        message: As `f1_rl.messages.decode_image` takes it, which gives the same without ROS.

    Returns:
        `(H, W, 3) uint8`; for a tightly packed rgb8 message a read-only view of its data.

    Raises:
        MessageError: The encoding is another, or the data are not what the fields say.
    """
    pixels, encoding = messages.eight_bit_pixels(message)
    if encoding == "rgb8":
        return pixels
    if encoding.startswith("bayer_"):
        return messages.decode_image(message)
    height, width, channels = pixels.shape
    tight = SimpleNamespace(
        encoding=encoding,
        height=height,
        width=width,
        step=width * channels,
        is_bigendian=0,
        data=pixels.reshape(-1),
    )
    return np.asarray(CvBridge().imgmsg_to_cv2(tight, "rgb8"), np.uint8)


def image_message(
    frame: UInt8Array, time_ns: int, frame_id: str, message: Any | None = None
) -> Any:
    """Return an RGB picture `(H, W, 3)` as `sensor_msgs/Image`, encoding rgb8.

    Args:
        frame: The picture.
        time_ns: When it was taken.
        frame_id: Of the camera.
        message: One that this function returned for a picture of the same size and that was
            published already: it is written over, which spares memory that is new every time,
            most of the cost of a message.
    """
    height, width, channels = frame.shape
    if message is None:
        message = Image(height=height, width=width, encoding="rgb8", step=width * channels)
        message.header.frame_id = frame_id
        message.data = byte_array(frame)
    else:
        np.frombuffer(message.data, np.uint8)[:] = frame.reshape(-1)
    message.header.stamp = stamp_message(time_ns)
    return message


def compressed_image_message(
    frame: UInt8Array, time_ns: int, frame_id: str, quality: int = 90
) -> Any:
    """Return an RGB picture `(H, W, 3)` as a JPEG in a `sensor_msgs/CompressedImage`."""
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    message = CompressedImage(format="rgb8; jpeg compressed bgr8")
    message.header.stamp = stamp_message(time_ns)
    message.header.frame_id = frame_id
    message.data = byte_array(data)
    return message


def byte_array(data: UInt8Array) -> array.array[int]:
    """Return bytes as what a message takes over as it is.

    Anything else that is assigned to `data` is checked element by element in Python.
    """
    taken = array.array("B")
    taken.frombytes(np.ascontiguousarray(data).data.cast("B"))
    return taken


def camera_info_message(camera: Camera, time_ns: int, frame_id: str) -> Any:
    """Return the camera as `sensor_msgs/CameraInfo`: a pinhole without distortion.

    ROS puts pixel centres at whole numbers, the camera at +0.5: hence the principal point lies
    half a pixel before half the width and height.
    """
    focal = camera.focal_length_px
    u, v = camera.width / 2 - 0.5, camera.height / 2 - 0.5
    message = CameraInfo(width=camera.width, height=camera.height, distortion_model="plumb_bob")
    message.header.stamp = stamp_message(time_ns)
    message.header.frame_id = frame_id
    message.d = [0.0] * 5
    message.k = [focal, 0.0, u, 0.0, focal, v, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [focal, 0.0, u, 0.0, 0.0, focal, v, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def odometry_message(sample: OdometrySample, frame_id: str, child_frame_id: str) -> Any:
    """Return a sample as `nav_msgs/Odometry`."""
    message = Odometry(child_frame_id=child_frame_id)
    message.header.stamp = stamp_message(sample.stamp_ns)
    message.header.frame_id = frame_id
    message.pose.pose.position.x = sample.x_m
    message.pose.pose.position.y = sample.y_m
    message.pose.pose.orientation = quaternion_of(sample.yaw_rad)
    message.twist.twist.linear.x = sample.speed_mps
    message.twist.twist.angular.z = sample.yaw_rate_radps
    return message


def quaternion_of(yaw_rad: float) -> Any:
    """Return the rotation by a yaw as a `geometry_msgs/Quaternion`."""
    return Quaternion(x=0.0, y=0.0, z=math.sin(yaw_rad / 2), w=math.cos(yaw_rad / 2))


def twist_message(speed_mps: float, yaw_rate_radps: float) -> Any:
    """Return a command as `geometry_msgs/Twist`."""
    message = Twist()
    message.linear.x = float(speed_mps)
    message.angular.z = float(yaw_rate_radps)
    return message


def twist_stamped_message(
    speed_mps: float, yaw_rate_radps: float, time_ns: int, frame_id: str
) -> Any:
    """Return a command as `geometry_msgs/TwistStamped`."""
    message = TwistStamped(twist=twist_message(speed_mps, yaw_rate_radps))
    message.header.stamp = stamp_message(time_ns)
    message.header.frame_id = frame_id
    return message
