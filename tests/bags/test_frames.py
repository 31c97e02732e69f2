import math

import numpy as np
import pytest
from bag_making import (
    BEGIN_NS,
    COMPRESSED,
    IMAGE,
    ODOMETRY,
    PERIOD_NS,
    TWIST,
    TWIST_STAMPED,
    Sent,
    compressed_image,
    drive,
    image,
    odometry,
    picture,
    twist,
    twist_stamped,
    write_bag,
)

from f1_rl.bags import Bag, BagError, DriveTopics, FrameReader, find_drive_topics, frames

CAMERA = "/cam_f1_left/image_raw"
GRAY = np.random.default_rng(1).integers(0, 256, (6, 10, 1), np.uint8)
RGB = picture(2, 10, 6)
OPAQUE = np.full((6, 10, 1), 255, np.uint8)
AS_SENT = {
    "rgb8": RGB,
    "bgr8": RGB[..., ::-1],
    "8UC3": RGB[..., ::-1],
    "rgba8": np.concatenate([RGB, OPAQUE], axis=2),
    "bgra8": np.concatenate([RGB[..., ::-1], OPAQUE], axis=2),
    "rgb16": RGB.astype(np.uint16) * 257,
    "bgr16": RGB[..., ::-1].astype(np.uint16) * 257,
    "mono8": GRAY,
    "8UC1": GRAY,
    "mono16": GRAY.astype(np.uint16) * 257,
}


def read(folder, tolerance_ms=50, **topics):
    """Return the frames of a bag, and the reader."""
    with Bag(folder) as bag:
        reader = FrameReader(bag, find_drive_topics(bag, **topics), tolerance_ms * 1_000_000)
        return list(reader), reader


def test_each_picture_comes_with_its_command_and_odometry(tmp_path):
    found, reader = read(write_bag(tmp_path / "drive", drive(6)))
    assert [frame.stamp_ns for frame in found] == [3_000_000_000 + i * PERIOD_NS for i in range(6)]
    assert [frame.command for frame in found] == [(3.0, 0.01 * i) for i in range(6)]
    assert [frame.odometry.x_m for frame in found] == [0.1 * i for i in range(6)]
    for i, frame in enumerate(found):
        np.testing.assert_array_equal(frame.picture, picture(i))
    assert (reader.counts.frames, reader.counts.without_command, reader.notes) == (6, 0, [])


@pytest.mark.parametrize("encoding", AS_SENT)
def test_every_encoding_of_the_driver_node_becomes_rgb(tmp_path, encoding):
    sent = [Sent(CAMERA, IMAGE, 1, image(AS_SENT[encoding], 1, encoding))]
    (frame,), _ = read(write_bag(tmp_path / "drive", sent))
    gray = encoding in ("mono8", "8UC1", "mono16")
    np.testing.assert_array_equal(frame.picture, np.repeat(GRAY, 3, axis=2) if gray else RGB)


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns_give_the_colour_they_were_made_of(tmp_path, pattern):
    colour = {"r": 200, "g": 120, "b": 40}
    tile = np.array([colour[name] for name in pattern], np.uint8).reshape(2, 2)
    sent = [Sent(CAMERA, IMAGE, 1, image(np.tile(tile, (4, 6)), 1, f"bayer_{pattern}8"))]
    (frame,), _ = read(write_bag(tmp_path / "drive", sent))
    assert (frame.picture == [200, 120, 40]).all()


def test_pictures_of_either_byte_order_are_the_same(tmp_path):
    pixels = AS_SENT["rgb16"]
    sent = [Sent(CAMERA, IMAGE, 1, image(pixels, 1, "rgb16", big_endian=True))]
    (frame,), _ = read(write_bag(tmp_path / "drive", sent))
    np.testing.assert_array_equal(frame.picture, RGB)


def test_compressed_pictures_are_read(tmp_path):
    sent = [
        Sent(f"{CAMERA}/compressed", COMPRESSED, i, compressed_image(picture(i), i))
        for i in range(1, 4)
    ]
    found, _ = read(write_bag(tmp_path / "drive", sent))
    for i, frame in enumerate(found, 1):
        np.testing.assert_array_equal(frame.picture, picture(i))


def test_a_picture_that_cannot_be_decoded_is_counted_and_breaks_the_sequence(tmp_path):
    sent = drive(4)
    sent[3].message.encoding = "32FC1"
    found, reader = read(write_bag(tmp_path / "drive", sent))
    assert [frame.follows_unusable for frame in found] == [False, True, False]
    assert (reader.counts.frames, reader.counts.unusable) == (3, 1)
    ((reason, count),) = reader.counts.reasons.items()
    assert count == 1
    assert "'32FC1' cannot be decoded" in reason


def camera(i, received_ns, stamp_ns):
    return Sent(CAMERA, IMAGE, received_ns, image(picture(i), stamp_ns))


def test_stamped_commands_are_aligned_by_their_stamps_not_by_receipt(tmp_path):
    # Received late and in a burst, as over a bad network.
    late_ns = BEGIN_NS + 60_000_000
    sent = [camera(0, BEGIN_NS, 5_000_000_000), camera(1, BEGIN_NS + PERIOD_NS, 5_050_000_000)]
    sent += [
        Sent("/cmd_vel", TWIST_STAMPED, late_ns, twist_stamped(1.0, 0.0, 5_004_000_000)),
        Sent("/cmd_vel", TWIST_STAMPED, late_ns + 1, twist_stamped(2.0, 0.0, 5_054_000_000)),
    ]
    found, _ = read(write_bag(tmp_path / "drive", sent))
    assert [frame.command for frame in found] == [(1.0, 0.0), (2.0, 0.0)]


def test_stamps_of_another_clock_are_told_and_not_used(tmp_path):
    sent = []
    for i in range(3):
        at_ns = BEGIN_NS + i * PERIOD_NS
        sent.append(camera(i, at_ns, 5_000_000_000 + i * PERIOD_NS))
        command = twist_stamped(float(i), 0.0, at_ns + 1_000_000)
        sent.append(Sent("/cmd_vel", TWIST_STAMPED, at_ns + 1_000_000, command))
    found, reader = read(write_bag(tmp_path / "drive", sent))
    assert [frame.command for frame in found] == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]
    assert "by clocks that are" in reader.notes[0]


def test_stamps_that_are_all_zero_are_told_and_replaced_by_receipt(tmp_path):
    sent = []
    for i in range(3):
        at_ns = BEGIN_NS + i * PERIOD_NS
        sent += [camera(i, at_ns, 0), Sent("/cmd_vel", TWIST, at_ns + 1, twist(float(i), 0.0))]
    found, reader = read(write_bag(tmp_path / "drive", sent))
    assert [frame.stamp_ns for frame in found] == [BEGIN_NS + i * PERIOD_NS for i in range(3)]
    assert [frame.command for frame in found] == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]
    assert "are all zero" in reader.notes[0]


@pytest.mark.parametrize(("tolerance_ms", "matched"), [(1, 0), (2, 6), (49, 6)])
def test_only_commands_within_the_tolerance_answer_a_picture(tmp_path, tolerance_ms, matched):
    found, reader = read(write_bag(tmp_path / "drive", drive(6)), tolerance_ms)
    assert sum(frame.command is not None for frame in found) == matched
    assert reader.counts.without_command == 6 - matched


def test_a_command_that_comes_rarely_answers_the_pictures_before_it(tmp_path):
    sent = [item for item in drive(9) if item.topic == CAMERA]
    sent.append(Sent("/cmd_vel", TWIST, BEGIN_NS + 3 * PERIOD_NS + 1, twist(1.0, 0.0)))
    sent.append(Sent("/cmd_vel", TWIST, BEGIN_NS + 6 * PERIOD_NS + 1, twist(2.0, 0.0)))
    sent.sort(key=lambda item: item.received_ns)
    found, _ = read(write_bag(tmp_path / "drive", sent), 120)
    commands = [frame.command and frame.command[0] for frame in found]
    assert commands == [None, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, None, None]


def test_the_nearest_odometry_counts_whatever_its_order(tmp_path):
    stamp_ns = 5_000_000_000
    sent = [
        Sent("/odom", ODOMETRY, BEGIN_NS, odometry(1.0, 0.0, stamp_ns - 30_000_000)),
        camera(0, BEGIN_NS + 1, stamp_ns),
        Sent("/odom", ODOMETRY, BEGIN_NS + 2, odometry(2.0, 0.0, stamp_ns + 10_000_000)),
        Sent("/odom", ODOMETRY, BEGIN_NS + 3, odometry(3.0, 0.0, stamp_ns + 40_000_000)),
    ]
    (frame,), _ = read(write_bag(tmp_path / "drive", sent))
    assert frame.odometry.x_m == 2.0


def test_commands_and_odometry_that_are_not_finite_are_counted_and_left_out(tmp_path):
    sent = drive(2)
    sent[1].message.pose.pose.position.x = math.nan
    sent[2].message.linear.x = math.inf
    found, reader = read(write_bag(tmp_path / "drive", sent), 10)
    assert (found[0].command, found[0].odometry) == (None, None)
    assert found[1].command == (3.0, 0.01)
    assert reader.counts.refused == 2


def test_a_reader_can_be_iterated_again(tmp_path):
    with Bag(write_bag(tmp_path / "drive", drive(4))) as bag:
        reader = FrameReader(bag, find_drive_topics(bag))
        first = [frame.stamp_ns for frame in reader]
        assert [frame.stamp_ns for frame in reader] == first
        assert reader.counts.frames == 4
        assert len(list(frames(bag, find_drive_topics(bag)))) == 4


def test_a_whole_lap_of_gazebo(gazebo_lap):
    found = 0
    with Bag(gazebo_lap) as bag:
        reader = FrameReader(bag, find_drive_topics(bag))
        for frame in reader:
            found += 1
            assert frame.picture.shape == (480, 640, 3)
            assert frame.odometry.stamp_ns == frame.stamp_ns
        assert found == 940
        # The recording ends with a picture that nothing answered any more.
        assert reader.counts.without_command == 1


def topics_of(*pairs):
    """Return what a bag of these topics and types would hold: one message each."""
    makers = {
        IMAGE: lambda: image(picture(0), 1),
        COMPRESSED: lambda: compressed_image(picture(0), 1),
        TWIST: lambda: twist(1.0, 0.0),
        TWIST_STAMPED: lambda: twist_stamped(1.0, 0.0, 1),
        ODOMETRY: lambda: odometry(0.0, 0.0, 1),
    }
    return [Sent(topic, kind, i, makers[kind]()) for i, (topic, kind) in enumerate(pairs, 1)]


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ([("/image", IMAGE)], ("/image", None, None)),
        (
            [(CAMERA, IMAGE), (f"{CAMERA}/compressed", COMPRESSED), ("/cmd_vel", TWIST)],
            (CAMERA, "/cmd_vel", None),
        ),
        (
            [("/a/image", IMAGE), ("/car" + CAMERA, IMAGE), ("/car/odom", ODOMETRY)],
            ("/car" + CAMERA, None, "/car/odom"),
        ),
        (
            [
                ("/image", IMAGE),
                ("/driver/debug_image", IMAGE),
                ("/driver/dashboard", IMAGE),
                ("/teleop", TWIST_STAMPED),
            ],
            ("/image", "/teleop", None),
        ),
        (
            [("/image", IMAGE), ("/proposed_cmd", TWIST), ("/cmd_vel", TWIST)],
            ("/image", "/cmd_vel", None),
        ),
        ([("/image", IMAGE), ("/proposed_cmd", TWIST)], ("/image", "/proposed_cmd", None)),
    ],
)
def test_topics_are_found_by_type_and_name(tmp_path, held, found):
    with Bag(write_bag(tmp_path / "drive", topics_of(*held))) as bag:
        topics = find_drive_topics(bag)
    assert (topics.image_topic, topics.command_topic, topics.odometry_topic) == found


def test_topics_may_have_any_name(tmp_path):
    held = [("/front", IMAGE), ("/rear", IMAGE), ("/a", TWIST), ("/b", TWIST), ("/o", ODOMETRY)]
    with Bag(write_bag(tmp_path / "drive", topics_of(*held))) as bag:
        topics = find_drive_topics(bag, "rear", "/b", "o")
    assert topics == DriveTopics(image_topic="/rear", command_topic="/b", odometry_topic="/o")


@pytest.mark.parametrize(
    ("held", "given", "reason"),
    [
        ([("/cmd_vel", TWIST)], {}, r"holds no pictures.*it has /cmd_vel \(geometry_msgs"),
        ([("/a", IMAGE), ("/b", IMAGE)], {}, r"/a \(sens.*could all be the image topic; choose"),
        ([("/a", IMAGE)], {"image_topic": "/c"}, r"no topic /c; it has /a \(sensor_msgs"),
        (
            [("/a", IMAGE), ("/odom", ODOMETRY)],
            {"command_topic": "/odom"},
            r"/odom \(nav_msgs.*cannot be the command topic.*--command-topic",
        ),
    ],
)
def test_topics_that_are_missing_or_wrong_are_told_with_those_that_are_there(
    tmp_path, held, given, reason
):
    bag = Bag(write_bag(tmp_path / "drive", topics_of(*held)))
    with bag, pytest.raises(BagError, match=reason):
        find_drive_topics(bag, **given)
