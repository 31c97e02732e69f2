import csv
import json
import math

import av
import numpy as np
import pytest
from bag_making import (
    IMAGE,
    INFO,
    ODOMETRY,
    PERIOD_NS,
    STORE,
    Sent,
    camera_info,
    drive,
    fingerprint,
    image,
    read_metadata,
    told,
    write_bag,
)
from test_reading import read

from f1_rl.bags import Bag, BagError, FrameReader, find_drive_topics, replaying
from f1_rl.bags.agreement import recorded_actions
from f1_rl.bags.definitions import MessageDefinitions
from f1_rl.bags.offline import (
    BLANK_CONTRAST,
    FROZEN_TIMEOUT_S,
    FROZEN_TURN_TIMEOUT_S,
    GAP_S,
    OfflineReplay,
)
from f1_rl.bags.replaying import ReplayOutputs, replay_bag
from f1_rl.bags.writer import BagWriter, RecordedTopic
from f1_rl.calibration import CalibratedCamera, Intrinsics, Mounting
from f1_rl.nodes.pilot import Pilot
from f1_rl.policy import load_policy
from f1_rl.reporting.camera_overlay import HEAT_COLOUR
from f1_rl.simulation import Camera

CAMERA = "/cam_f1_left/image_raw"


@pytest.fixture
def pilot(policy):
    return Pilot(load_policy(policy))


def large(number):
    """Return a picture of the policy's size that tells which one it is."""
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (24, 32, 3), np.uint8).repeat(20, axis=0).repeat(20, axis=1)


def replay(folder, pilot, outputs=None, tolerance_ms=50):
    with Bag(folder) as bag:
        reader = FrameReader(bag, find_drive_topics(bag), tolerance_ms * 1_000_000)
        return replay_bag(reader, pilot, outputs or ReplayOutputs())


def outcomes(folder, pilot):
    with Bag(folder) as bag:
        return [
            (replayed.outcome, replayed.first)
            for replayed in OfflineReplay(FrameReader(bag, find_drive_topics(bag)), pilot)
        ]


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_picture_goes_through_preprocessing_and_network(sample, pilot, tmp_path):
    result = replay(sample, pilot, ReplayOutputs(tmp_path / "out"))
    rows = table(tmp_path / "out" / "frames.csv")
    assert len(rows) == result.agreement.frames == 100
    with Bag(sample) as bag:
        for i, record in enumerate(bag.records([CAMERA])):
            picture = np.array(record.message.data).reshape(480, 640, 3)
            decision = pilot.decide(picture, i == 0)
            assert int(rows[i]["action"]) == decision.action
            assert float(rows[i]["speed_mps"]) == decision.command.speed_mps
            q_values = [np.float32(rows[i][f"q {name}"]) for name in pilot.action_names]
            np.testing.assert_array_equal(q_values, decision.q_values)


def test_the_same_bag_and_policy_give_the_same_bytes(sample, policy, tmp_path):
    written = []
    for name in ("one", "two"):
        outputs = ReplayOutputs(tmp_path / name, video=True, bag=tmp_path / f"{name}-bag" / "same")
        replay(sample, Pilot(load_policy(policy)), outputs)
        files = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        bag = tmp_path / f"{name}-bag" / "same"
        files |= {path.name: path.read_bytes() for path in bag.iterdir()}
        # What was measured is the one file that differs.
        del files["latency.json"]
        written.append(files)
    assert set(written[0]) == {
        "frames.csv",
        "replay.json",
        "replay.html",
        "replay.mp4",
        "same_0.mcap",
        "metadata.yaml",
    }
    assert written[0] == written[1]


def test_the_recorded_command_lies_beside_the_decision(sample, pilot, tmp_path):
    replay(sample, pilot, ReplayOutputs(tmp_path))
    rows = table(tmp_path / "frames.csv")
    with Bag(sample) as bag:
        (topic,) = (name for name in bag.topics if name.endswith("cmd_vel"))
        commands = [record.message for record in bag.records([topic])]
    # Each picture is answered by the command one millisecond later.
    recorded = [float(row["recorded_yaw_rate_radps"]) for row in rows]
    assert recorded == [command.angular.z for command in commands[-100:]]
    assert {row["recorded_speed_mps"] for row in rows} == {"3.0"}
    assert rows[0]["frame"] == "0"
    assert rows[20]["time_s"] == "1.000000000"


def test_the_summary_counts_and_names(sample, pilot, tmp_path):
    replay(sample, pilot, ReplayOutputs(tmp_path))
    summary = json.loads((tmp_path / "replay.json").read_text())
    assert summary["bag"] == "gazebo_bend"
    assert summary["outcomes"] == {"decided": 100}
    assert summary["image_topic"] == CAMERA
    assert summary["policy_hash"] == pilot.policy.manifest.hash
    agreement = summary["agreement"]
    assert agreement["compared"] == 100
    assert sum(map(sum, agreement["confusion"])) == 100
    assert sum(map(sum, agreement["steering_confusion"])) == 100
    assert agreement["speed"]["mean"] > 1.0
    # Nothing measured is in it.
    assert "latency" not in summary


def test_the_page_stands_alone(sample, pilot, tmp_path):
    replay(sample, pilot, ReplayOutputs(tmp_path, video=True))
    page = (tmp_path / "replay.html").read_text()
    assert "gazebo_bend" in page
    assert 'src="replay.mp4"' in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert page.count("<svg") == 4
    with av.open(str(tmp_path / "replay.mp4")) as video:
        picture = next(video.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    # What the decision comes from is coloured in the camera's picture.
    assert np.abs(picture[330:470, 60:790] - HEAT_COLOUR).sum(axis=-1).min() < 230


def test_a_new_bag_holds_the_old_one_and_the_proposed_commands(sample, pilot, tmp_path):
    before = fingerprint(sample)
    result = replay(sample, pilot, ReplayOutputs(tmp_path / "out", bag=tmp_path / "new"))
    assert fingerprint(sample) == before
    with Bag(tmp_path / "new") as bag:
        records = list(bag.records(["/proposed_cmd"]))
        old = [name for name in bag.topics if name != "/proposed_cmd"]
    assert read(tmp_path / "new", old) == read(sample)
    rows = table(tmp_path / "out" / "frames.csv")
    assert len(records) == result.agreement.frames
    for record, row in zip(records, rows, strict=True):
        stamp = record.message.header.stamp
        assert stamp.sec * 10**9 + stamp.nanosec == int(row["stamp_ns"])
        assert record.message.twist.linear.x == float(row["speed_mps"])
        assert record.message.twist.angular.z == float(row["yaw_rate_radps"])
    assert read_metadata(tmp_path / "new")["custom_data"] == {"proposals": "/proposed_cmd"}


@pytest.mark.parametrize(
    ("definition", "note"),
    [
        ("float64 x\n", ""),
        ("", "no definition of my_msgs/msg/Thing is here; install the package my_msgs"),
        ("your_msgs/Wall wall\n", "no definition of your_msgs/msg/Wall is here"),
        ("float64[ x\n", "the bag's definition of my_msgs/msg/Thing cannot be read"),
    ],
)
def test_a_type_that_is_not_installed_is_copied_as_the_bag_defines_it_or_noted(
    tmp_path, pilot, definition, note
):
    class Definitions(MessageDefinitions):
        def find(self, message_type):
            if message_type == "my_msgs/msg/Thing":
                return definition, f"RIHS01_{0:064}"
            return super().find(message_type)

    thing = bytes(12)
    writer = BagWriter(tmp_path / "drive", definitions=Definitions())
    writer.add_topic(RecordedTopic("/thing", "my_msgs/msg/Thing"))
    for item in drive(4, pictures=large):
        writer.add_topic(RecordedTopic(item.topic, item.type))
        data = bytes(STORE.serialize_cdr(item.message, item.type))
        writer.write(item.topic, item.received_ns, data)
    writer.write("/thing", item.received_ns, thing)
    writer.close()
    result = replay(tmp_path / "drive", pilot, ReplayOutputs(tmp_path, bag=tmp_path / "new"))
    with Bag(tmp_path / "new") as bag:
        copied = [raw.data for raw in bag.raw_records(["/thing"])] if not note else []
        assert ("/thing" in bag.topics) == (not note)
    assert copied == [thing] * (not note)
    told = [sentence for sentence in result.notes if sentence.startswith("/thing is not copied: ")]
    assert len(told) == bool(note)
    assert all(note in sentence for sentence in told)
    page = (tmp_path / "replay.html").read_text(encoding="utf-8")
    assert ("/thing is not copied" in page) == bool(note)


def test_commands_that_a_policy_proposed_before_keep_their_topic(sample, pilot, tmp_path):
    replay(sample, pilot, ReplayOutputs(bag=tmp_path / "one"))
    replay(tmp_path / "one", pilot, ReplayOutputs(bag=tmp_path / "two"))
    with Bag(tmp_path / "two") as bag:
        assert bag.topics["/proposed_cmd"].count == bag.topics["/proposed_cmd_offline"].count


def test_the_report_is_written_where_the_new_bag_cannot_be(sample, pilot, tmp_path):
    (tmp_path / "file").write_text("")
    outputs = ReplayOutputs(tmp_path / "out", bag=tmp_path / "file" / "bag")
    with pytest.raises((BagError, OSError), match="file"):
        replay(sample, pilot, outputs)
    assert {"replay.json", "replay.html"} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("kind", ["folder", "bag", "bag of a lone file"])
def test_nothing_is_written_into_the_bag_that_is_replayed(tmp_path, pilot, kind):
    folder = write_bag(tmp_path / "drive", drive(2, pictures=large))
    before = fingerprint(folder)
    source = folder if kind != "bag of a lone file" else folder / "drive.mcap"
    inside = folder if kind == "bag of a lone file" else folder / "out"
    outputs = ReplayOutputs(inside) if kind == "folder" else ReplayOutputs(bag=inside)
    with pytest.raises(BagError, match="into which nothing is written"):
        replay(source, pilot, outputs)
    assert fingerprint(folder) == before


def test_an_existing_bag_is_not_overwritten_and_nothing_else_is_written(sample, pilot, tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(BagError, match="never overwritten"):
        replay(sample, pilot, ReplayOutputs(tmp_path / "out", bag=tmp_path / "new"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("report", ["new", "new/report"])
def test_a_report_in_the_new_bag_is_refused_before_the_replay(sample, pilot, tmp_path, report):
    outputs = ReplayOutputs(tmp_path / report, bag=tmp_path / "new")
    with pytest.raises(BagError, match="lies in the new bag"):
        replay(sample, pilot, outputs)
    assert not (tmp_path / "new").exists()


def pictures_at(*stamps_ms):
    """Return pictures of these stamps, received in this order."""
    return [
        Sent(CAMERA, IMAGE, 10**18 + i * PERIOD_NS, image(large(i), 10**9 + ms * 1_000_000))
        for i, ms in enumerate(stamps_ms)
    ]


def test_pictures_are_let_through_as_the_driver_lets_them(tmp_path, pilot):
    stamps_ms = (0, 50, 50, 60, 110, 90, 160, 700, 750)
    folder = write_bag(tmp_path / "drive", pictures_at(*stamps_ms))
    assert outcomes(folder, pilot) == [
        ("decided", True),
        ("decided", False),
        ("duplicate", False),
        ("early", False),
        ("decided", False),
        ("backwards", False),
        ("decided", False),
        # After a gap the stack begins anew.
        ("decided", True),
        ("decided", False),
    ]


def test_a_blank_picture_and_one_of_another_size_break_the_sequence(tmp_path, pilot):
    sent = pictures_at(*range(0, 350, 50))
    sent[2] = Sent(
        CAMERA, IMAGE, sent[2].received_ns, image(np.zeros((480, 640, 3), np.uint8), 1_100_000_000)
    )
    sent[4] = Sent(CAMERA, IMAGE, sent[4].received_ns, image(large(4)[:240], 1_200_000_000))
    folder = write_bag(tmp_path / "drive", sent)
    assert [first for _, first in outcomes(folder, pilot)] == [
        True,
        False,
        False,
        True,
        False,
        True,
        False,
    ]
    result = replay(folder, pilot)
    assert result.outcomes == {"decided": 5, "unusable": 2}
    assert any("is blank" in note for note in result.notes)
    assert any("is 640 x 240, the policy was trained with 640 x 480" in n for n in result.notes)


def test_a_picture_of_another_size_is_filmed_as_it_is_where_the_camera_is_calibrated(
    tmp_path, policy
):
    focal = Camera().focal_length_px
    lens = Intrinsics(640, 480, (focal, focal), (319.5, 239.5))
    place = Mounting(x_m=Camera().x_m, y_m=Camera().y_m, z_m=Camera().z_m)
    pilot = Pilot(load_policy(policy), CalibratedCamera("own", lens, place))
    sent = pictures_at(0, 50, 100)
    sent[1] = Sent(CAMERA, IMAGE, sent[1].received_ns, image(large(1)[:240], 1_050_000_000))
    folder = write_bag(tmp_path / "drive", sent)
    result = replay(folder, pilot, ReplayOutputs(tmp_path / "out", video=True))
    assert result.outcomes == {"decided": 2, "unusable": 1}
    with av.open(str(tmp_path / "out" / "replay.mp4")) as video:
        assert len(list(video.decode(video=0))) == 3


def test_a_bag_of_another_camera_is_refused_with_the_reason(tmp_path, pilot):
    small = write_bag(tmp_path / "small", drive(3))
    with pytest.raises(BagError, match="none of its pictures: the picture is 64 x 48"):
        replay(small, pilot)
    info = Sent("/cam_f1_left/camera_info", INFO, 1, camera_info(640, 480, 900.0))
    zoomed = write_bag(tmp_path / "zoomed", [info, *drive(3, pictures=large)])
    with pytest.raises(BagError, match=r"horizontal field of view of 0\.6"):
        replay(zoomed, pilot)


def test_the_description_of_another_camera_is_not_that_of_this_one(tmp_path, pilot):
    info = Sent("/cam_rear/camera_info", INFO, 1, camera_info(640, 480, 900.0))
    folder = write_bag(tmp_path / "drive", [info, *drive(3, pictures=large)])
    assert replay(folder, pilot).outcomes == {"decided": 3}


def test_a_bag_whose_pictures_cannot_be_decoded_is_refused_with_the_reason(tmp_path, pilot):
    sent = drive(3)
    for item in sent[::3]:
        item.message.encoding = "32FC1"
    with pytest.raises(BagError, match="'32FC1' cannot be decoded"):
        replay(write_bag(tmp_path / "drive", sent), pilot)


def test_a_policy_that_sees_the_speed_needs_odometry(tmp_path, pilot, monkeypatch):
    monkeypatch.setattr(pilot, "needs_speed", True)
    sent = [item for item in drive(3, pictures=large) if item.type != ODOMETRY]
    with pytest.raises(BagError, match=r"needs the car.s speed.*record odom"):
        replay(write_bag(tmp_path / "drive", sent), pilot)


def test_a_bag_without_commands_is_replayed_with_nothing_to_compare(tmp_path, pilot):
    sent = [item for item in drive(4, pictures=large) if item.topic == CAMERA]
    result = replay(write_bag(tmp_path / "drive", sent), pilot, ReplayOutputs(tmp_path / "out"))
    assert (result.agreement.frames, result.agreement.compared) == (4, 0)
    assert math.isnan(result.agreement.same_steering)
    assert any("holds no commands" in note for note in result.notes)
    assert json.loads((tmp_path / "out" / "replay.json").read_text())["agreement"]["compared"] == 0
    assert "none to compare with" in (tmp_path / "out" / "replay.html").read_text()


def test_of_a_damaged_bag_the_rest_is_replayed_and_the_damage_noted(tmp_path, pilot):
    sent = drive(20, pictures=large)
    folder = write_bag(tmp_path / "drive", sent)
    file = folder / "drive.mcap"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    result = replay(folder, pilot)
    assert 5 < result.agreement.frames < 20
    assert any("drive.mcap is damaged" in note for note in result.notes)
    assert len(told(sent)) == 60


def test_a_policy_agrees_with_itself(sample, pilot, tmp_path):
    """Replace the recorded commands by the policy's own: all of them have to agree."""
    replay(sample, pilot, ReplayOutputs(bag=tmp_path / "new"))
    with Bag(tmp_path / "new") as bag:
        topics = find_drive_topics(bag, command_topic="/proposed_cmd")
        result = replay_bag(FrameReader(bag, topics), pilot, ReplayOutputs())
    agreement = result.agreement
    assert agreement.same_action == agreement.within_table == agreement.same_steering == 1.0
    assert agreement.yaw_rate.largest == agreement.speed.largest == 0.0
    counts = np.array(agreement.confusion)
    assert np.trace(counts[:-1]) == 100
    assert tuple(np.diag(counts[:-1])) == agreement.actions


def test_commands_far_from_every_action_are_none_of_the_table():
    table_ = np.array([[4.0, 0.0], [3.0, 1.0], [3.0, -1.0]])
    commands = np.array([[4.0, 0.0], [3.0, 0.9], [0.0, 0.0], [3.1, -1.1]])
    np.testing.assert_array_equal(recorded_actions(commands, table_), [0, 1, 3, 2])


def test_the_checks_are_those_of_the_driver_node():
    pytest.importorskip("rclpy", reason="the driver's parameters need rclpy")
    from f1_rl.nodes.driver_parameters import DriverParameters

    parameters = DriverParameters()
    assert parameters.watchdog_timeout_s == GAP_S
    assert parameters.blank_contrast == BLANK_CONTRAST
    assert parameters.frozen_turn_timeout_s == FROZEN_TURN_TIMEOUT_S
    assert parameters.frozen_timeout_s == FROZEN_TIMEOUT_S


def test_a_whole_lap_of_gazebo(gazebo_lap, pilot):
    result = replay(gazebo_lap, pilot)
    assert result.outcomes == {"decided": 940}
    assert result.agreement.compared == 939
    # It drove a lap to the left, mostly, and the policy sees that.
    assert result.agreement.curvature.mean_absolute < 0.2


def test_the_first_decision_which_also_sets_up_is_left_out_of_the_latency():
    assert replaying._latency([9.0, 1.0, 3.0]).largest_s == 3.0
    assert replaying._latency([9.0, 1.0, 3.0]).p50_s == 2.0
    assert replaying._latency([9.0]).p50_s == 9.0
