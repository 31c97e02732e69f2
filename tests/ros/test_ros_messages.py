import array
import math

import cv2
import numpy as np
import pytest
from cv_bridge import CvBridge
from geometry_msgs.msg import Quaternion, Twist, TwistStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage, Image

from f1_rl import messages
from f1_rl.ros.messages import (
    MessageError,
    OdometrySample,
    camera_info_message,
    compressed_image_message,
    decode_compressed_image,
    decode_image,
    image_message,
    odometry_message,
    quaternion_of,
    read_odometry,
    read_twist,
    stamp_message,
    stamp_ns,
    twist_message,
    twist_stamped_message,
    yaw_of,
)
from f1_rl.simulation import Camera

RGB = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
GRAY = np.random.default_rng(1).integers(0, 256, (6, 10, 1), np.uint8)
OPAQUE = np.full((6, 10, 1), 255, np.uint8)
AS_SENT = {
    "rgb8": RGB,
    "bgr8": RGB[..., ::-1],
    "rgba8": np.concatenate([RGB, OPAQUE], axis=2),
    "bgra8": np.concatenate([RGB[..., ::-1], OPAQUE], axis=2),
    "mono8": GRAY,
}


def to_message(pixels, encoding, *, padding=0, big_endian=False):
    height, width = pixels.shape[:2]
    if pixels.dtype == np.uint16:
        pixels = pixels.astype(">u2" if big_endian else "<u2")
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    message = Image(height=height, width=width, encoding=encoding, step=rows.shape[1])
    message.is_bigendian = int(big_endian)
    message.data = array.array("B", rows.tobytes())
    return message


@pytest.mark.parametrize("padding", [0, 1, 6])
@pytest.mark.parametrize("encoding", AS_SENT)
def test_every_encoding_with_any_step_becomes_rgb(encoding, padding):
    decoded = decode_image(to_message(AS_SENT[encoding], encoding, padding=padding))
    expected = np.repeat(GRAY, 3, axis=2) if encoding == "mono8" else RGB
    np.testing.assert_array_equal(decoded, expected)
    assert decoded.dtype == np.uint8


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("encoding", ["rgb16", "bgr16", "rgba16", "bgra16", "mono16"])
def test_16_bits_of_either_byte_order_become_8(encoding, big_endian):
    eight = encoding.replace("16", "8")
    sent = AS_SENT[eight].astype(np.uint16) * 257
    decoded = decode_image(to_message(sent, encoding, padding=2, big_endian=big_endian))
    np.testing.assert_array_equal(decoded, decode_image(to_message(AS_SENT[eight], eight)))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns_give_the_colour_they_were_made_of(pattern, bits):
    colour = {"r": 200, "g": 120, "b": 40}
    tile = np.array([colour[name] for name in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(tile, (4, 6))[..., None]
    if bits == 16:
        mosaic = mosaic.astype(np.uint16) * 257
    decoded = decode_image(to_message(mosaic, f"bayer_{pattern}{bits}"))
    assert decoded.shape == (8, 12, 3)
    assert (decoded == [200, 120, 40]).all()


@pytest.mark.parametrize("encoding", AS_SENT)
def test_decoding_agrees_with_cv_bridge(encoding):
    message = to_message(AS_SENT[encoding], encoding)
    np.testing.assert_array_equal(decode_image(message), CvBridge().imgmsg_to_cv2(message, "rgb8"))


@pytest.mark.parametrize("encoding", AS_SENT)
def test_decoding_without_ros_gives_the_same(encoding):
    message = to_message(AS_SENT[encoding], encoding, padding=3)
    np.testing.assert_array_equal(messages.decode_image(message), decode_image(message))


def truncate(message):
    message.data = message.data[:-1]


def lengthen(message):
    message.data = message.data + array.array("B", [0])


def empty(message):
    message.height = 0
    message.data = array.array("B")


def unknown(message):
    message.encoding = "32FC1"


def narrow(message):
    message.step = 29


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, "180 bytes of data, but 179 came"),
        (lengthen, "180 bytes of data, but 181 came"),
        (empty, "holds no picture"),
        (unknown, "'32FC1' cannot be decoded"),
        (narrow, "its step is 29"),
    ],
)
def test_damaged_images_are_refused_with_the_reason(damage, reason):
    message = to_message(RGB, "rgb8")
    damage(message)
    with pytest.raises(MessageError, match=reason):
        decode_image(message)


def test_a_published_frame_comes_back_the_same():
    message = image_message(RGB, 1_250_000_007, "camera")
    np.testing.assert_array_equal(decode_image(message), RGB)
    assert (message.encoding, message.step, message.header.frame_id) == ("rgb8", 30, "camera")
    assert stamp_ns(message.header.stamp) == 1_250_000_007


def test_a_message_is_written_over_by_the_next_frame():
    message = image_message(RGB, 1, "camera")
    again = image_message(255 - RGB, 2, "camera", message)
    np.testing.assert_array_equal(decode_image(again), 255 - RGB)
    assert stamp_ns(again.header.stamp) == 2
    assert again is message


def test_compressed_images_are_decoded():
    smooth = cv2.resize(RGB, (64, 48), interpolation=cv2.INTER_CUBIC)
    message = compressed_image_message(smooth, 5, "camera", quality=98)
    error = np.abs(decode_compressed_image(message).astype(int) - smooth)
    assert error.mean() < 4
    png = CompressedImage(format="png")
    png.data = array.array("B", cv2.imencode(".png", smooth[..., ::-1])[1].tobytes())
    np.testing.assert_array_equal(decode_compressed_image(png), smooth)


@pytest.mark.parametrize("data", [b"", b"no picture"])
def test_compressed_images_that_are_none_are_refused(data):
    message = CompressedImage(format="jpeg", data=array.array("B", data))
    with pytest.raises(MessageError, match="no picture that OpenCV can read"):
        decode_compressed_image(message)


@pytest.mark.parametrize("yaw_rad", [-3.1, -1.0, 0.0, 0.5, 3.1])
def test_odometry_survives_the_message(yaw_rad):
    sample = OdometrySample(3_000_000_001, 1.5, -2.5, yaw_rad, 4.0, -0.5)
    read = read_odometry(odometry_message(sample, "odom", "base_link"))
    assert read.stamp_ns == sample.stamp_ns
    assert (read.x_m, read.y_m, read.speed_mps, read.yaw_rate_radps) == (1.5, -2.5, 4.0, -0.5)
    assert read.yaw_rad == pytest.approx(yaw_rad)


def test_yaw_is_the_turn_about_the_vertical_of_a_tilted_car():
    half_roll, half_yaw = 0.05, 0.4
    # Yaw after roll: q = q_yaw * q_roll.
    tilted = Quaternion(
        w=math.cos(half_yaw) * math.cos(half_roll),
        x=math.cos(half_yaw) * math.sin(half_roll),
        y=math.sin(half_yaw) * math.sin(half_roll),
        z=math.sin(half_yaw) * math.cos(half_roll),
    )
    assert yaw_of(tilted) == pytest.approx(0.8)


def test_orientations_that_are_no_rotation_are_refused():
    with pytest.raises(MessageError, match="no rotation"):
        yaw_of(Quaternion(x=0.0, y=0.0, z=0.0, w=0.0))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("field", ["x_m", "y_m", "speed_mps", "yaw_rate_radps"])
def test_odometry_that_is_not_finite_is_refused(field, value):
    values = {"x_m": 0.0, "y_m": 0.0, "yaw_rad": 0.0, "speed_mps": 0.0, "yaw_rate_radps": 0.0}
    sample = OdometrySample(0, **{**values, field: value})
    with pytest.raises(MessageError, match="not finite"):
        read_odometry(odometry_message(sample, "odom", "base_link"))


def test_orientation_that_is_not_a_number_is_refused():
    message = Odometry()
    message.pose.pose.orientation.w = math.nan
    with pytest.raises(MessageError, match="no rotation"):
        read_odometry(message)


@pytest.mark.parametrize(
    ("message", "kind"),
    [(twist_message(2.0, -0.5), Twist), (twist_stamped_message(2.0, -0.5, 9, "car"), TwistStamped)],
)
def test_commands_are_read_of_either_kind(message, kind):
    assert isinstance(message, kind)
    assert read_twist(message) == (2.0, -0.5)


def test_commands_that_are_not_finite_are_refused():
    with pytest.raises(MessageError, match="not finite"):
        read_twist(twist_message(math.nan, 0.0))


def test_camera_info_projects_as_the_camera_draws():
    camera = Camera(width=320, height=240)
    info = camera_info_message(camera, 7, "camera")
    k = np.array(info.k).reshape(3, 3)
    # A point of the ground 2 m ahead, in the optical frame: x right, y down, z ahead.
    u, v, w = k @ [0.0, camera.z_m, 2.0]
    assert v / w == pytest.approx(float(camera.row_at(2.0)))
    assert u / w == pytest.approx(camera.width / 2 - 0.5)
    assert (info.width, info.height, stamp_ns(info.header.stamp)) == (320, 240, 7)


def test_stamps_keep_every_nanosecond():
    for time_ns in (0, 999_999_999, 1_000_000_000, 86_400_000_000_001):
        assert stamp_ns(stamp_message(time_ns)) == time_ns
    assert quaternion_of(0.0).w == 1.0
