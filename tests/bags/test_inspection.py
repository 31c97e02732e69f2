import pytest
from bag_making import (
    IMAGE,
    PERIOD_NS,
    TWIST,
    Sent,
    drive,
    fingerprint,
    image,
    picture,
    read_metadata,
    storage_file,
    twist,
    write_bag,
    write_metadata,
)
from test_offline_replay import large

from f1_rl.bags import Bag
from f1_rl.bags.inspection import inspect_bag
from f1_rl.nodes.pilot import Pilot
from f1_rl.policy import load_policy

CAMERA = "/cam_f1_left/image_raw"


def inspect(folder, pilot=None, tolerance_ms=50, **topics):
    with Bag(folder) as bag:
        return inspect_bag(bag, tolerance_ns=tolerance_ms * 1_000_000, pilot=pilot, **topics)


def without(sent, topic):
    return [item for item in sent if item.topic != topic]


def test_topics_types_rates_and_sizes_are_told(tmp_path):
    folder = write_bag(tmp_path / "drive", drive(41), custom_data={"circuit": "oval"})
    before = fingerprint(folder)
    report = inspect(folder)
    assert fingerprint(folder) == before
    assert [(t.name, t.type, t.count) for t in report.topics] == [
        (CAMERA, "sensor_msgs/msg/Image", 41),
        ("/cmd_vel", "geometry_msgs/msg/Twist", 41),
        ("/odom", "nav_msgs/msg/Odometry", 41),
    ]
    assert [t.rate_hz for t in report.topics] == pytest.approx([20.0] * 3)
    assert [t.stamps for t in report.topics] == ["yes", "none", "yes"]
    assert report.duration_s == pytest.approx(2.002)
    assert (report.messages, report.files) == (123, 1)
    assert report.size_bytes == storage_file(folder).stat().st_size
    assert report.custom_data == {"circuit": "oval"}
    assert report.pictures == (f"pictures on {CAMERA}: 41 of 64 x 48 (rgb8)",)
    assert [(use.name, use.possible, use.remarks) for use in report.uses] == [
        ("offline replay", True, ()),
        ("online replay", True, ()),
        (
            "learning",
            True,
            ("give the circuit that was driven with --circuit, since rewards come from it.",),
        ),
    ]
    assert report.problems == ()
    assert report.replayable


def test_gaps_and_stamps_that_go_back_are_told(tmp_path):
    sent = drive(10) + drive(10, stamps_from_ns=3_200_000_000)
    for i, item in enumerate(sent[30:]):
        sent[30 + i] = Sent(item.topic, item.type, item.received_ns + 20 * PERIOD_NS, item.message)
    report = inspect(write_bag(tmp_path / "drive", sent))
    camera = report.topics[0]
    assert (camera.gaps, camera.backwards, camera.duplicates) == (1, 1, 0)
    assert camera.longest_gap_s == pytest.approx(0.55)
    assert camera.longest_gap_at_s == pytest.approx(0.45)
    told = " ".join(report.problems)
    assert (
        f"{CAMERA}: 1 gaps, the longest 0.55 s at 0.5 s; record with less running beside it" in told
    )
    assert f"{CAMERA}: 1 stamps go back; was the simulation reset" in told


def test_messages_that_came_in_bursts_have_no_rate_of_their_own(tmp_path):
    sent = drive(14)
    begin_ns = sent[0].received_ns
    for i, item in enumerate(sent):
        # All that a busy recorder took at once, a millisecond apart; then nothing for seconds.
        burst, within = divmod(i // 3, 7)
        received_ns = begin_ns + burst * 9_000_000_000 + within * 1_000_000
        sent[i] = Sent(item.topic, item.type, received_ns, item.message)
    report = inspect(write_bag(tmp_path / "drive", sent))
    assert [topic.rate_hz for topic in report.topics] == pytest.approx([13 / 9.006] * 3)
    assert [topic.gaps for topic in report.topics] == [1] * 3


def test_pictures_without_odometry_teach_nothing(tmp_path):
    sent = drive(6)
    for i, item in enumerate(sent):
        if item.topic == "/odom":
            item.message.header.stamp.sec += 60
            sent[i] = Sent(item.topic, item.type, item.received_ns + 60 * 10**9, item.message)
    report = inspect(write_bag(tmp_path / "drive", sent))
    learning = report.uses[2]
    assert not learning.possible
    assert "no two pictures that follow one another have a command and odometry" in str(learning)


def test_stamps_that_are_all_zero_are_told(tmp_path):
    sent = drive(4)
    for item in sent[::3]:
        item.message.header.stamp.sec = item.message.header.stamp.nanosec = 0
    report = inspect(write_bag(tmp_path / "drive", sent))
    assert report.topics[0].stamps == "zero"
    assert any("are all zero" in problem for problem in report.problems)


def test_what_is_missing_for_each_use_is_told_with_what_to_do(tmp_path):
    full = drive(4)
    report = inspect(write_bag(tmp_path / "blind", without(full, CAMERA)))
    assert not any(use.possible for use in report.uses)
    assert "record the camera" in report.uses[0].remarks[0]
    assert any("holds no pictures" in problem for problem in report.problems)

    report = inspect(write_bag(tmp_path / "uncommanded", without(full, "/cmd_vel")))
    assert [use.possible for use in report.uses] == [True, True, False]
    assert "record cmd_vel" in report.uses[2].remarks[0]

    report = inspect(write_bag(tmp_path / "unmoved", without(full, "/odom")))
    assert [use.possible for use in report.uses] == [True, True, True]
    assert "rewards can come from the pictures alone" in report.uses[2].remarks[0]


def test_commands_that_come_too_late_are_told(tmp_path):
    report = inspect(write_bag(tmp_path / "drive", drive(6)), tolerance_ms=1)
    assert "only 0% of the pictures are answered" in report.uses[0].remarks[0]
    assert not report.uses[2].possible


def test_topics_that_could_be_several_are_told_and_can_be_chosen(tmp_path):
    sent = drive(3)
    sent += [Sent("/rear", IMAGE, 1, image(picture(0), 1)), Sent("/b", TWIST, 2, twist(0.0, 0.0))]
    folder = write_bag(tmp_path / "drive", sent)
    assert inspect(folder).replayable
    report = inspect(folder, image_topic="/rear")
    assert "1 of 64 x 48" in report.pictures[0]


def test_mixed_sizes_and_undecodable_pictures_are_told(tmp_path):
    sent = drive(6)
    sent[3] = Sent(CAMERA, IMAGE, sent[3].received_ns, image(picture(0, 32, 24), 3_050_000_000))
    sent[6].message.data = sent[6].message.data[:-7]
    report = inspect(write_bag(tmp_path / "drive", sent))
    assert report.pictures == (f"pictures on {CAMERA}: 4 of 64 x 48, 1 of 32 x 24 (rgb8)",)
    assert any("of several sizes" in remark for remark in report.uses[0].remarks)
    assert any("9216 bytes of data, but 9209 came" in problem for problem in report.problems)


def test_a_bag_that_does_not_fit_a_policy_is_told(tmp_path, policy):
    pilot = Pilot(load_policy(policy))
    report = inspect(write_bag(tmp_path / "small", drive(3)), pilot)
    assert not report.replayable
    assert "the pictures are 64 x 48, the policy was trained with 640 x 480" in str(report.uses[0])
    slow = [
        Sent(item.topic, item.type, 10**18 + 4 * (item.received_ns - 10**18), item.message)
        for item in drive(4, pictures=large)
    ]
    report = inspect(write_bag(tmp_path / "slow", slow), pilot)
    assert "gives 5.0 pictures/s, the policy acts 20.0 times a second" in str(report.uses[0])
    fitting = write_bag(tmp_path / "fitting", drive(4, pictures=large))
    assert inspect(fitting, pilot).replayable


def test_how_much_of_a_damaged_bag_can_be_read_is_told(tmp_path):
    folder = write_bag(tmp_path / "drive", drive(60))
    file = storage_file(folder)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    report = inspect(folder)
    camera = report.topics[0]
    assert camera.expected == 60
    assert 25 <= camera.count <= 30
    told = " ".join(report.problems)
    assert f"{CAMERA}: {camera.count} of 60 messages can be read" in told
    assert "drive.mcap is damaged" in told


def test_a_bag_without_messages_can_be_used_for_nothing(tmp_path):
    report = inspect(write_bag(tmp_path / "drive", []))
    assert (report.messages, report.duration_s, report.replayable) == (0, 0.0, False)


def test_a_topic_of_an_unknown_type_is_listed(tmp_path):
    folder = write_bag(tmp_path / "drive", drive(3), "sqlite3-none")
    information = read_metadata(folder)
    topic = information["topics_with_message_count"][2]["topic_metadata"]
    topic["type"] = "race_msgs/msg/Command"
    write_metadata(folder, information)
    report = inspect(folder)
    assert ("/cmd_vel", "race_msgs/msg/Command") in [(t.name, t.type) for t in report.topics]
    assert report.replayable
