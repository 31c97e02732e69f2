import subprocess
import sys
from pathlib import Path

import pytest
from bag_making import (
    BEGIN_NS,
    KINDS,
    PERIOD_NS,
    digest,
    drive,
    fingerprint,
    picture,
    read_metadata,
    storage_file,
    told,
    write_bag,
    write_metadata,
    write_split_bag,
)

from f1_rl.bags import Bag, BagError

ROOT = Path(__file__).parents[2]
TOPICS = ["/cam_f1_left/image_raw", "/cmd_vel", "/odom"]


def read(path, topics=None, start_ns=0):
    """Return what a bag gives, and what it warns of."""
    with Bag(path) as bag:
        records = bag.raw_records(topics or sorted(bag.topics), start_ns)
        return [(r.topic, r.received_ns, digest(r.data)) for r in records], bag.warnings


@pytest.mark.parametrize("kind", KINDS)
def test_every_storage_and_compression_gives_the_messages_that_were_written(tmp_path, kind):
    sent = drive()
    folder = write_bag(tmp_path / "drive", sent, kind)
    before = fingerprint(folder)
    assert read(folder) == (told(sent), [])
    assert fingerprint(folder) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_alone_is_read_as_the_folder_is(tmp_path, kind):
    folder = write_bag(tmp_path / "drive", drive(), kind)
    assert read(storage_file(folder)) == read(folder)


@pytest.mark.parametrize("kind", ["mcap-chunk_zstd", "mcap-file", "sqlite3-none", "sqlite3-file"])
def test_split_files_are_read_one_after_the_other(tmp_path, kind):
    sent = drive(36)
    folder = write_split_bag(tmp_path / "drive", sent, 12, kind)
    assert read(folder) == (told(sent), [])
    (folder / "metadata.yaml").unlink()
    messages, warnings = read(folder)
    # drive_10 comes after drive_9, not after drive_1.
    assert messages == told(sent)
    assert "metadata.yaml is missing" in warnings[0]


@pytest.mark.parametrize("kind", KINDS)
def test_without_metadata_a_bag_tells_of_itself_what_metadata_would(tmp_path, kind):
    folder = write_bag(tmp_path / "drive", drive(), kind)
    with Bag(folder) as bag:
        expected = ({n: (t.type, t.count) for n, t in bag.topics.items()}, bag.start_ns, bag.end_ns)
    (folder / "metadata.yaml").unlink()
    with Bag(folder) as bag:
        found = ({n: (t.type, t.count) for n, t in bag.topics.items()}, bag.start_ns, bag.end_ns)
    assert found == expected


def test_a_bag_tells_topics_times_and_notes(tmp_path):
    notes = {"policy": "first-lap", "circuit": "oval"}
    with Bag(write_bag(tmp_path / "drive", drive(5), custom_data=notes)) as bag:
        assert {name: (t.type, t.count) for name, t in bag.topics.items()} == {
            "/cam_f1_left/image_raw": ("sensor_msgs/msg/Image", 5),
            "/odom": ("nav_msgs/msg/Odometry", 5),
            "/cmd_vel": ("geometry_msgs/msg/Twist", 5),
        }
        assert bag.start_ns == BEGIN_NS
        assert bag.end_ns == BEGIN_NS + 4 * PERIOD_NS + 2_000_000
        assert dict(bag.custom_data) == notes


@pytest.mark.parametrize("kind", KINDS)
def test_some_topics_from_some_time_on(tmp_path, kind):
    sent = drive(8)
    folder = write_bag(tmp_path / "drive", sent, kind)
    start_ns = BEGIN_NS + 3 * PERIOD_NS
    wanted = [item for item in sent if item.topic == "/odom" and item.received_ns >= start_ns]
    assert read(folder, ["/odom"], start_ns)[0] == told(wanted)


def test_messages_have_the_fields_that_they_have_in_ros(tmp_path):
    with Bag(write_bag(tmp_path / "drive", drive(1))) as bag:
        image, odometry, command = bag.records(TOPICS)
    assert (image.message.height, image.message.width, image.message.encoding) == (48, 64, "rgb8")
    assert bytes(image.message.data) == picture(0).tobytes()
    assert odometry.message.header.stamp.sec == 3
    assert command.message.linear.x == 3.0
    assert command.received_ns == BEGIN_NS + 2_000_000


def test_a_type_that_only_the_bag_defines_is_read_too(tmp_path):
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg("float64 grip\nstring tyre\n", "race_msgs/msg/Tyre"))
    message = store.types["race_msgs/msg/Tyre"](grip=0.9, tyre="soft")
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/tyre", "race_msgs/msg/Tyre", typestore=store)
        writer.write(connection, 1, bytes(store.serialize_cdr(message, "race_msgs/msg/Tyre")))
    with Bag(tmp_path / "bag") as bag:
        (record,) = bag.records(["/tyre"])
    assert (record.message.grip, record.message.tyre) == (0.9, "soft")


def test_two_iterators_of_one_bag_do_not_disturb_each_other(tmp_path):
    sent = drive(9)
    folder = write_split_bag(tmp_path / "drive", sent, 3, "sqlite3-file")
    with Bag(folder) as bag:
        one, other = bag.raw_records(TOPICS), bag.raw_records(TOPICS)
        pairs = list(zip(one, other, strict=True))
    assert len(pairs) == len(sent)
    assert all(left == right for left, right in pairs)


def test_metadata_of_older_recorders_and_moved_folders_is_understood(tmp_path):
    folder = write_bag(tmp_path / "drive", drive(3))
    information = read_metadata(folder)
    information["version"] = 2
    information["relative_file_paths"] = ["/home/driver/old place/drive/drive.mcap"]
    for name in ("files", "custom_data", "ros_distro"):
        del information[name]
    write_metadata(folder, information)
    assert read(folder) == (told(drive(3)), [])


def test_a_bag_whose_recorder_counted_nothing_yet_is_counted(tmp_path):
    folder = write_bag(tmp_path / "drive", drive(3))
    information = read_metadata(folder)
    for item in information["topics_with_message_count"]:
        item["message_count"] = 0
    information["starting_time"]["nanoseconds_since_epoch"] = 2**63 - 1
    write_metadata(folder, information)
    with Bag(folder) as bag:
        assert bag.topics["/odom"].count == 3
        assert bag.start_ns == BEGIN_NS


def test_an_unknown_topic_is_named_with_those_that_are_there(tmp_path):
    bag = Bag(write_bag(tmp_path / "drive", drive(2)))
    with bag, pytest.raises(BagError, match=r"no topic /scan; choose from /cam.*, /cmd_vel"):
        bag.records(["/scan"])


def test_reading_imports_neither_rclpy_nor_tensorflow(tmp_path):
    folder = write_bag(tmp_path / "drive", drive(2))
    statement = (
        "import sys; from pathlib import Path; from f1_rl.bags import *; import f1_rl.bags.reader\n"
        f"bag = Bag(Path({str(folder)!r})); n = len(list(frames(bag, find_drive_topics(bag))))\n"
        "print(n, {'rclpy', 'tensorflow'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", statement], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["2", "set()"]


def test_memory_does_not_grow_with_the_length_of_a_bag(tmp_path):
    def grey(number):
        return picture(number % 4, 8, 6).repeat(80, axis=0).repeat(80, axis=1)

    folder = write_bag(tmp_path / "drive", drive(600, pictures=grey))
    # 550 MB of pictures, which compress well.
    statement = (
        "import resource; from pathlib import Path; from f1_rl.bags import *\n"
        f"bag = Bag(Path({str(folder)!r})); topics = find_drive_topics(bag)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "size = sum(frame.picture.nbytes for frame in frames(bag, topics))\n"
        "print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", statement], cwd=ROOT, capture_output=True, text=True, check=True
    )
    size_bytes, grown_kb = map(int, ended.stdout.split())
    assert size_bytes > 550e6
    assert grown_kb < 60_000


def test_a_whole_lap_of_gazebo(gazebo_lap):
    before = fingerprint(gazebo_lap)
    with Bag(gazebo_lap) as bag:
        counts = dict.fromkeys(bag.topics, 0)
        last_ns = 0
        for record in bag.raw_records(list(bag.topics)):
            counts[record.topic] += 1
            assert record.received_ns >= last_ns
            last_ns = record.received_ns
        assert counts == {name: topic.count for name, topic in bag.topics.items()}
        assert set(counts.values()) == {940}
        assert not bag.warnings
    assert fingerprint(gazebo_lap) == before


def test_rosbag2_py_gives_the_same(tmp_path):
    pytest.importorskip("rosbag2_py", reason="rosbag2_py comes with an installation of ROS 2 alone")
    from f1_rl.bags.ros_storage import RosStorage

    sent = drive(4)
    storage = RosStorage(storage_file(write_bag(tmp_path / "drive", sent)))
    read_back = [(r.topic, r.received_ns, digest(r.data)) for r in storage.records(TOPICS, 0)]
    assert read_back == told(sent)
