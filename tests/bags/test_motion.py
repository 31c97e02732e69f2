"""The delay in bags of a simulator that has it."""

from pathlib import Path

import numpy as np
import pytest
from bag_making import (
    BEGIN_NS,
    IMAGE,
    ODOMETRY,
    PERIOD_NS,
    Sent,
    image,
    odometry,
    picture,
    twist,
    write_bag,
)
from recorded_drives import drive, task_settings
from recorded_drives import write_bag as write_drive

from f1_rl.bags import Bag, BagError, find_drive_topics
from f1_rl.bags.motion import (
    reaction_s,
    read_commands,
    read_odometry_increments,
    read_picture_turns,
)
from f1_rl.calibration.delay import measure_delay


@pytest.mark.parametrize("delay_s", [0.0, 0.073, 0.16])
def test_the_delay_of_the_simulator_is_found(delay_s: float, tmp_path: Path) -> None:
    settings = task_settings(variation={"action_delay_s": [delay_s, delay_s]})
    samples = drive(settings, 20.0, noise=(0.15, 0.5), seed=3)
    with Bag(write_drive(tmp_path / "drive", samples)) as bag:
        topics = find_drive_topics(bag)
        commands = read_commands(bag, topics)
        driven, turned = read_odometry_increments(bag, topics.odometry_topic)
        assert reaction_s(bag, topics) == pytest.approx(0.001, abs=1e-6)
        for told, done in ((commands.yaw_rate, turned), (commands.speed, driven)):
            found = measure_delay(told, done, 1.0, "drive")
            # The command is received 1 ms after the picture with which it takes effect.
            assert found.delay_s == pytest.approx(max(delay_s - 0.001, 0.0), abs=0.003)
        by_pictures = measure_delay(
            commands.yaw_rate, read_picture_turns(bag, topics), 1.0, "drive"
        )
        assert by_pictures.delay_s == pytest.approx(delay_s, abs=0.04)


def test_simulated_time_is_told_by_the_times_of_receipt(gazebo_lap: Path) -> None:
    with Bag(gazebo_lap) as bag:
        topics = find_drive_topics(bag)
        _, turned = read_odometry_increments(bag, topics.odometry_topic)
        found = measure_delay(read_commands(bag, topics).yaw_rate, turned, 1.0, "yaw rate")
        assert found.delay_s == pytest.approx(0.0, abs=0.01)


def test_odometry_without_stamps_is_taken_by_its_times_of_receipt(tmp_path: Path) -> None:
    sent = [
        Sent("/odom", ODOMETRY, BEGIN_NS + i * PERIOD_NS, odometry(0.1 * i, 2.0, 0))
        for i in range(4)
    ]
    with Bag(write_bag(tmp_path / "bag", sent)) as bag:
        driven, _ = read_odometry_increments(bag, "/odom")
    assert driven.begin_s == pytest.approx(np.array([0.0, 0.05, 0.1]))
    assert driven.end_s == pytest.approx(np.array([0.05, 0.1, 0.15]))
    assert driven.values == pytest.approx(np.full(3, 0.1))


def test_a_bag_without_commands_is_refused(tmp_path: Path) -> None:
    sent = [
        Sent("/cam", IMAGE, BEGIN_NS + i * PERIOD_NS, image(picture(i), i * PERIOD_NS + 1))
        for i in range(3)
    ]
    with Bag(write_bag(tmp_path / "bag", sent)) as bag:
        topics = find_drive_topics(bag)
        with pytest.raises(BagError, match="holds no commands; record cmd_vel"):
            read_commands(bag, topics)
        with pytest.raises(BagError, match="holds no odometry"):
            read_odometry_increments(bag, topics.odometry_topic)


def test_a_bag_with_one_command_is_refused(tmp_path: Path) -> None:
    sent = [
        Sent("/cam", IMAGE, BEGIN_NS, image(picture(0), BEGIN_NS)),
        Sent("/cmd_vel", "geometry_msgs/msg/Twist", BEGIN_NS + 1, twist(1.0, 0.0)),
    ]
    with (
        Bag(write_bag(tmp_path / "bag", sent)) as bag,
        pytest.raises(BagError, match="holds 1 commands"),
    ):
        read_commands(bag, find_drive_topics(bag))
