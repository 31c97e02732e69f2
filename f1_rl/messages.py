"""What ROS messages mean here, read from any object with their fields; needs no ROS.

The classes of rclpy and those that a bag is read with have the same fields.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

UInt8Array = npt.NDArray[np.uint8]

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_MILLISECOND = 1_000_000

# Encodings (REP-118) that can be decoded: the encoding of the same with 8 bits, the channels and
# the bytes of a channel.
_ENCODINGS: dict[str, tuple[str, int, int]] = {
    **{name: (name, 3, 1) for name in ("rgb8", "bgr8")},
    **{name: (name, 4, 1) for name in ("rgba8", "bgra8")},
    "8UC3": ("bgr8", 3, 1),
    "mono8": ("mono8", 1, 1),
    "8UC1": ("mono8", 1, 1),
    "rgb16": ("rgb8", 3, 2),
    "bgr16": ("bgr8", 3, 2),
    "rgba16": ("rgba8", 4, 2),
    "bgra16": ("bgra8", 4, 2),
    "mono16": ("mono8", 1, 2),
    "16UC1": ("mono8", 1, 2),
    **{f"bayer_{name}8": (f"bayer_{name}8", 1, 1) for name in ("rggb", "bggr", "gbrg", "grbg")},
    **{f"bayer_{name}16": (f"bayer_{name}8", 1, 2) for name in ("rggb", "bggr", "gbrg", "grbg")},
}

# OpenCV names a pattern by its second row's middle pixels, ROS by its first four. The wheel of
# cv_bridge lacks one of the four, so Bayer does not go through it.
_BAYER_CODES = {
    "bayer_rggb8": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr8": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg8": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg8": cv2.COLOR_BayerGB2RGB,
}


# What OpenCV calls the way to RGB from the encodings with 8 bits that are none.
_TO_RGB = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
    **_BAYER_CODES,
}


class MessageError(ValueError):
    """A message whose content cannot be used; says what is wrong with it."""


class EncodingError(MessageError):
    """A picture of an encoding that nobody here reads: its publisher is set up otherwise."""


@dataclass(frozen=True)
class OdometrySample:
    """Where the car was and how it moved.

    Attributes:
        stamp_ns: When.
        x_m, y_m, yaw_rad: Its pose, yaw in (-pi, pi].
        speed_mps: Forward.
        yaw_rate_radps: Positive to the left.
        z_m: Height of its origin above the ground.
        uprightness: Cosine of the angle between its vertical and the world's.
    """

    stamp_ns: int
    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float
    yaw_rate_radps: float
    z_m: float = 0.0
    uprightness: float = 1.0


def stamp_ns(stamp: Any) -> int:
    """Return a `builtin_interfaces/Time` in nanoseconds."""
    return int(stamp.sec) * NANOSECONDS_PER_SECOND + int(stamp.nanosec)


def decode_image(message: Any) -> UInt8Array:
    """Return the picture of a `sensor_msgs/Image` in RGB.

    16 bits a channel are reduced to 8 by dividing by 257, as cv_bridge does.

    Args:
        message: Of encoding rgb8, bgr8, rgba8, bgra8, mono8, the same with 16 bits, or Bayer; with
            any `step` and either byte order.

    Returns:
        `(H, W, 3) uint8`; for a tightly packed rgb8 message a view of its data.

    Raises:
        MessageError: The encoding is another, or the data are not what the fields say.
    """
    pixels, encoding = eight_bit_pixels(message)
    if encoding == "rgb8":
        return pixels
    return np.asarray(cv2.cvtColor(pixels, _TO_RGB[encoding]), np.uint8)


def decode_compressed_image(message: Any) -> UInt8Array:
    """Return the picture of a `sensor_msgs/CompressedImage` (JPEG or PNG) in RGB.

    Returns:
        `(H, W, 3) uint8`.

    Raises:
        MessageError: The data are not a picture.
    """
    data = np.frombuffer(message.data, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        raise MessageError(
            f"a compressed image of format {message.format!r} with {len(data)} bytes is no "
            "picture that OpenCV can read; send JPEG or PNG."
        )
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def read_odometry(message: Any) -> OdometrySample:
    """Return what a `nav_msgs/Odometry` says.

    Raises:
        MessageError: A number in it is not finite, or its orientation is no rotation.
    """
    pose, twist = message.pose.pose, message.twist.twist
    turn = pose.orientation
    sample = OdometrySample(
        stamp_ns=stamp_ns(message.header.stamp),
        x_m=pose.position.x,
        y_m=pose.position.y,
        yaw_rad=yaw_of(pose.orientation),
        speed_mps=twist.linear.x,
        yaw_rate_radps=twist.angular.z,
        z_m=pose.position.z,
        uprightness=1.0 - 2.0 * (turn.x**2 + turn.y**2),
    )
    numbers = (sample.x_m, sample.y_m, sample.z_m, sample.speed_mps, sample.yaw_rate_radps)
    if not all(map(math.isfinite, numbers)):
        raise MessageError(
            f"odometry at ({sample.x_m}, {sample.y_m}, {sample.z_m}) m with {sample.speed_mps} "
            f"m/s and {sample.yaw_rate_radps} rad/s is not finite; look at what publishes it."
        )
    return sample


def yaw_of(orientation: Any) -> float:
    """Return the yaw of a quaternion, in (-pi, pi]: its rotation about the vertical (REP-103).

    Raises:
        MessageError: It is not finite, or its length is not 1.
    """
    x, y, z, w = orientation.x, orientation.y, orientation.z, orientation.w
    square = x * x + y * y + z * z + w * w
    if not abs(square - 1.0) < 0.02:
        raise MessageError(
            f"the orientation ({x}, {y}, {z}, {w}) is no rotation: its length is "
            f"{math.sqrt(square) if square >= 0 else square} and must be 1."
        )
    return math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def read_twist(message: Any) -> tuple[float, float]:
    """Return forward speed (m/s) and yaw rate (rad/s) of a Twist or a TwistStamped.

    Raises:
        MessageError: One is not finite.
    """
    twist = getattr(message, "twist", message)
    speed_mps, yaw_rate_radps = float(twist.linear.x), float(twist.angular.z)
    if not (math.isfinite(speed_mps) and math.isfinite(yaw_rate_radps)):
        raise MessageError(
            f"a command of {speed_mps} m/s and {yaw_rate_radps} rad/s is not finite; "
            "look at what publishes it."
        )
    return speed_mps, yaw_rate_radps


def eight_bit_pixels(message: Any) -> tuple[UInt8Array, str]:
    """Return the pixels of a `sensor_msgs/Image` as they are, but with 8 bits a channel.

    Returns:
        `(H, W, C) uint8`, tightly packed, and their encoding, which is one with 8 bits.

    Raises:
        MessageError: The encoding cannot be decoded, or the data are not what the fields say.
    """
    pixels = _pixels(message)
    if pixels.dtype.itemsize == 2:
        pixels = np.rint(pixels / np.float32(257.0))
    return np.ascontiguousarray(pixels, dtype=np.uint8), _ENCODINGS[message.encoding][0]


def _pixels(message: Any) -> npt.NDArray[Any]:
    """Return the pixels `(H, W, C)` of an image message as a view, without the rows' padding."""
    known = _ENCODINGS.get(message.encoding)
    if known is None:
        raise EncodingError(
            f"an image of encoding {message.encoding!r} cannot be decoded; "
            f"send one of {', '.join(_ENCODINGS)}."
        )
    _, channels, size = known
    height, width, step = int(message.height), int(message.width), int(message.step)
    size_in_words = f"{width} x {height} image of encoding {message.encoding}"
    if height < 1 or width < 1:
        raise MessageError(f"a {size_in_words} holds no picture; look at what publishes it.")
    if step < width * channels * size:
        raise MessageError(
            f"a {size_in_words} has rows of {width * channels * size} bytes, "
            f"but its step is {step}; look at what publishes it."
        )
    data = np.frombuffer(message.data, np.uint8)
    if len(data) != step * height:
        raise MessageError(
            f"a {size_in_words} and step {step} has {step * height} bytes of data, "
            f"but {len(data)} came; look at what publishes it."
        )
    rows = data.reshape(height, step)[:, : width * channels * size]
    if size == 2:
        rows = np.ascontiguousarray(rows).view(">u2" if message.is_bigendian else "<u2")
    return rows.reshape(height, width, channels)
