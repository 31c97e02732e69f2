"""Drives recorded without ROS: what readers, checks and learners make of them."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="no rosbags: install it to write bags")

from f1_rl.bags import Bag, BagError, FrameReader, find_drive_topics
from f1_rl.bags.drive_recording import DriveRecording
from f1_rl.bags.inspection import inspect_bag

PERIOD_S = 0.05


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def record(folder: Path, periods: int) -> DriveRecording:
    failures: list[str] = []
    recording = DriveRecording(folder, PERIOD_S, {"f1_rl.circuit": "oval"}, failures.append)
    for i in range(periods):
        recording.add(picture(i), (0.1 * i, -i, 3.0), (2.0, 0.5), (4.0 + i, -1.0))
    assert not failures
    return recording


def test_each_period_is_read_as_it_was_recorded(tmp_path):
    recording = record(tmp_path / "bag", 30)
    assert recording.duration_s == pytest.approx(30 * PERIOD_S)
    recording.close()
    assert recording.dropped == 0
    with Bag(tmp_path / "bag") as bag:
        assert not bag.warnings
        assert bag.custom_data == {"f1_rl.circuit": "oval"}
        assert {topic.name: topic.type for topic in bag.topics.values()} == {
            "/cam_f1_left/image_raw": "sensor_msgs/msg/Image",
            "/odom": "nav_msgs/msg/Odometry",
            "/cmd_vel": "geometry_msgs/msg/Twist",
        }
        frames = list(FrameReader(bag, find_drive_topics(bag)))
    assert len(frames) == 30
    np.testing.assert_array_equal(np.diff([frame.stamp_ns for frame in frames]), 50_000_000)
    for i, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.picture, picture(i))
        assert frame.command == (4.0 + i, -1.0)
        motion = frame.odometry
        assert (motion.x_m, motion.y_m) == pytest.approx((0.1 * i, -i))
        assert motion.yaw_rad == pytest.approx(3.0)
        assert (motion.speed_mps, motion.yaw_rate_radps) == (2.0, 0.5)


def test_the_check_finds_nothing_wrong_with_it(tmp_path):
    record(tmp_path / "bag", 30).close()
    with Bag(tmp_path / "bag") as bag:
        report = inspect_bag(bag, tolerance_ns=50_000_000)
    assert report.problems == ()
    assert [(use.name, use.possible) for use in report.uses] == [
        ("offline replay", True),
        ("online replay", True),
        ("learning", True),
    ]
    (hint,) = [remark for use in report.uses for remark in use.remarks]
    assert "--circuit" in hint, "there is odometry, so the circuit judges the drive"


def test_it_says_how_large_it_is_while_it_grows(tmp_path):
    recording = record(tmp_path / "bag", 5)
    before = recording.size_bytes()
    recording.close()
    assert recording.size_bytes() > before


def test_a_folder_that_exists_is_not_written_over(tmp_path):
    with pytest.raises(BagError, match="never overwritten"):
        record(tmp_path, 1)
