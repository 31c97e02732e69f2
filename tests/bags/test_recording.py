"""What is written of a drive, and what happens when the disk cannot keep up."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="no rosbags: install it to write bags")

from rosbags.typesys import Stores, get_typestore

from f1_rl.bags import Bag, BagError, DriveTopics, FrameReader
from f1_rl.bags import recording as recording_module
from f1_rl.bags.definitions import MessageDefinitions, UnknownTypeError
from f1_rl.bags.inspection import inspect_bag
from f1_rl.bags.metadata import describe_recording
from f1_rl.bags.recording import Recording, RecordingLimits
from f1_rl.bags.ring import Message, Ring
from f1_rl.bags.writer import BagFormat, BagWriter, RecordedTopic

STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGES = RecordedTopic("/image", "sensor_msgs/msg/CompressedImage")
LATCHED = RecordedTopic("/map", "std_msgs/msg/String", latched=True)
TEXTS = RecordedTopic("/text", "std_msgs/msg/String")
FORMATS = [
    BagFormat(storage, compression)
    for storage in ("mcap", "sqlite3")
    for compression in ("zstd", "none")
]


def image(number: int, size: int = 50_000) -> bytes:
    """Return a message in CDR that cannot be compressed."""
    time_type, header = (
        STORE.types["builtin_interfaces/msg/Time"],
        STORE.types["std_msgs/msg/Header"],
    )
    message = STORE.types[IMAGES.type](
        header(time_type(number, 0), "camera"),
        "jpeg",
        np.random.default_rng(number).integers(0, 255, size, dtype=np.uint8),
    )
    return bytes(STORE.serialize_cdr(message, IMAGES.type))


def text(content: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types[TEXTS.type](content), TEXTS.type))


def at_ns(time_s: float) -> int:
    return round(1e9 * (1000.0 + time_s))


@pytest.mark.parametrize("bag_format", FORMATS, ids=str)
def test_what_is_written_is_read(tmp_path: Path, bag_format: BagFormat) -> None:
    limited = BagFormat(bag_format.storage, bag_format.compression, max_size_mb=0.2)
    writer = BagWriter(tmp_path / "bag", limited, {"f1_rl.car": "mine"})
    writer.add_topic(IMAGES)
    for i in range(20):
        writer.write("/image", at_ns(i), image(i))
        writer.flush()
    writer.add_topic(TEXTS)
    writer.write("/text", at_ns(20), text("end"))
    writer.close()
    with Bag(tmp_path / "bag") as bag:
        assert not bag.warnings
        assert {name: topic.count for name, topic in bag.topics.items()} == {
            "/image": 20,
            "/text": 1,
        }
        assert (bag.start_ns, bag.end_ns) == (at_ns(0), at_ns(20))
        assert bag.custom_data == {"f1_rl.car": "mine"}
        raw = list(bag.raw_records(["/image", "/text"]))
    assert [record.data for record in raw] == [*(image(i) for i in range(20)), text("end")]
    described = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text())
    assert len(described["rosbag2_bagfile_information"]["files"]) >= 4


@pytest.mark.parametrize("bag_format", FORMATS, ids=str)
def test_what_was_flushed_can_be_read_whatever_comes_then(
    tmp_path: Path, bag_format: BagFormat
) -> None:
    writer = BagWriter(tmp_path / "bag", bag_format)
    writer.add_topic(IMAGES)
    for i in range(10):
        writer.write("/image", at_ns(i), image(i))
    writer.flush()
    for i in range(10, 13):
        writer.write("/image", at_ns(i), image(i))
    # As it lies there when the process is killed now.
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (tmp_path / "bag").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    with Bag(copy) as bag:
        assert [raw.data for raw in bag.raw_records(["/image"])] == [image(i) for i in range(10)]
    writer.abandon()
    with Bag(tmp_path / "bag") as bag:
        assert bag.topics["/image"].count == 10
        assert len(list(bag.raw_records(["/image"]))) == 10


@pytest.mark.parametrize("max_duration_s", [0.0, 6.0])
@pytest.mark.parametrize("bag_format", FORMATS, ids=str)
def test_what_a_killed_recorder_had_not_counted_yet_is_counted_in_the_check(
    tmp_path: Path, bag_format: BagFormat, max_duration_s: float
) -> None:
    limited = BagFormat(bag_format.storage, bag_format.compression, max_duration_s=max_duration_s)
    writer = BagWriter(tmp_path / "bag", limited)
    writer.add_topic(IMAGES)
    for i in range(10):
        writer.write("/image", at_ns(i), image(i))
    writer.flush()
    metadata = (tmp_path / "bag" / "metadata.yaml").read_bytes()
    for i in range(10, 12):
        writer.write("/image", at_ns(i), image(i))
    writer.flush()
    # As it lies there when the process is killed between the messages and their count.
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (tmp_path / "bag").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "metadata.yaml").write_bytes(metadata)
    writer.abandon()
    with Bag(copy) as bag:
        report = inspect_bag(bag, tolerance_ns=50_000_000)
    assert (report.messages, report.duration_s) == (12, 11.0)
    assert not any("can be read" in problem for problem in report.problems if "image:" in problem)


@pytest.mark.parametrize("bag_format", FORMATS, ids=str)
def test_a_file_that_is_finished_stays_whole_where_the_next_cannot_be_opened(
    tmp_path: Path, bag_format: BagFormat
) -> None:
    folder = tmp_path / "bag"
    limited = BagFormat(bag_format.storage, bag_format.compression, max_duration_s=10.0)
    writer = BagWriter(folder, limited)
    writer.add_topic(IMAGES)
    suffix = "mcap" if bag_format.storage == "mcap" else "db3"
    (folder / f"bag_1.{suffix}").mkdir()
    for i in range(10):
        writer.write("/image", at_ns(i), image(i))
        if i == 4:
            writer.flush()
    with pytest.raises(BagError, match="cannot be written any further"):
        writer.write("/image", at_ns(10), image(10))
    writer.abandon()
    with Bag(folder) as bag:
        assert bag.topics["/image"].count == 10
        assert [raw.data for raw in bag.raw_records(["/image"])] == [image(i) for i in range(10)]
        assert not bag.warnings


def test_a_type_that_nothing_defines_is_refused_and_packages_define_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    definitions = MessageDefinitions()
    with pytest.raises(UnknownTypeError, match="install the package my_msgs"):
        definitions.find("my_msgs/msg/Crash")
    folder = tmp_path / "share" / "my_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "Crash.msg").write_text("std_msgs/Header header\nWall[] walls\nstring<=4 name\n")
    (folder / "Wall.msg").write_text("geometry_msgs/Point where\n")
    text, digest = MessageDefinitions().find("my_msgs/msg/Crash")
    assert "MSG: my_msgs/Wall" in text
    assert "float64 x" in text
    assert digest.startswith("RIHS01_")


def test_a_ring_remembers_its_seconds_and_what_is_latched() -> None:
    ring = Ring(3.0, 10**9)
    ring.add(Message(LATCHED, at_ns(0), text("of old")))
    for i in range(1, 100):
        ring.add(Message(IMAGES, at_ns(i / 10), image(i)))
    kept = [each.unpack() for each in ring.messages()]
    assert kept[0] == Message(LATCHED, at_ns(0), text("of old"))
    assert kept[1] == Message(IMAGES, at_ns(6.9), image(69))
    assert kept[-1] == Message(IMAGES, at_ns(9.9), image(99))
    assert len(kept) == 32
    assert ring.duration_s == pytest.approx(3.0)
    assert not ring.cut


def test_a_ring_stays_within_its_memory() -> None:
    ring = Ring(1000.0, 500_000)
    for i in range(50):
        ring.add(Message(IMAGES, at_ns(i), image(i)))
    assert ring.size_bytes <= 500_000
    assert ring.cut
    assert ring.messages()[-1].unpack().data == image(49)


class Notes:
    """What a recording told."""

    def __init__(self) -> None:
        self.rings: list[tuple[Path, int]] = []
        self.failures: list[str] = []

    def recording(
        self, folder: Path, limits: RecordingLimits | None = None, continuous: bool = True
    ) -> Recording:
        return Recording(
            folder,
            BagFormat(),
            limits or RecordingLimits(min_free_mb=0.0),
            describe_recording(note="test"),
            continuous=continuous,
            on_ring=lambda folder, count: self.rings.append((folder, count)),
            on_failure=self.failures.append,
        )


def test_a_slow_disk_blocks_nobody_and_what_is_dropped_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    class Slow(BagWriter):
        def write(self, topic: str, received_ns: int, data: bytes) -> None:
            go_on.wait(20.0)
            super().write(topic, received_ns, data)

    monkeypatch.setattr(recording_module, "BagWriter", Slow)
    notes = Notes()
    recording = notes.recording(tmp_path / "bag", RecordingLimits(queue_mb=1.0, min_free_mb=0.0))
    began_s = time.monotonic()
    for i in range(100):
        recording.put(Message(IMAGES, at_ns(i), image(i)))
    assert time.monotonic() - began_s < 5.0
    assert 75 <= recording.dropped <= 85
    go_on.set()
    recording.close()
    assert recording.written == 100 - recording.dropped
    with Bag(tmp_path / "bag") as bag:
        assert bag.topics["/image"].count == recording.written
    assert not notes.failures


def test_rings_are_written_beside_the_bag_and_never_over_another(tmp_path: Path) -> None:
    (tmp_path / "bag-ring-1").mkdir()
    notes = Notes()
    recording = notes.recording(tmp_path / "bag", continuous=False)
    for i in range(5):
        recording.put(Message(IMAGES, at_ns(i), image(i)))
    assert recording.save_ring() == tmp_path / "bag-ring-2"
    recording.put(Message(IMAGES, at_ns(5), image(5)))
    assert recording.save_ring() == tmp_path / "bag-ring-3"
    recording.close()
    assert notes.rings == [(tmp_path / "bag-ring-2", 5), (tmp_path / "bag-ring-3", 6)]
    assert not (tmp_path / "bag").exists()
    with Bag(tmp_path / "bag-ring-2") as bag:
        assert bag.custom_data == {"f1_rl.note": "test"}


def test_a_disk_with_too_little_room_ends_the_recording_in_a_sentence(tmp_path: Path) -> None:
    notes = Notes()
    recording = notes.recording(tmp_path / "bag", RecordingLimits(min_free_mb=1e9))
    recording.put(Message(IMAGES, at_ns(0), image(0)))
    deadline_s = time.monotonic() + 10.0
    while not notes.failures and time.monotonic() < deadline_s:
        time.sleep(0.05)
    recording.put(Message(IMAGES, at_ns(1), image(1)))
    recording.close()
    assert len(notes.failures) == 1
    assert "fewer than min_free_mb" in notes.failures[0]
    with Bag(tmp_path / "bag") as bag:
        assert bag.topics["/image"].count == 1
        assert not bag.warnings


def test_a_ring_is_not_written_to_a_disk_with_too_little_room(tmp_path: Path) -> None:
    notes = Notes()
    limits = RecordingLimits(min_free_mb=1e9)
    recording = notes.recording(tmp_path / "new" / "bag", limits, continuous=False)
    recording.put(Message(IMAGES, at_ns(0), image(0)))
    ring = recording.save_ring()
    recording.close()
    assert not notes.rings
    assert len(notes.failures) == 1
    assert notes.failures[0].startswith(f"{ring} is not written: ")
    assert "fewer than min_free_mb (1000000000); make room" in notes.failures[0]
    assert not ring.exists()


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BagError, match="cannot be made: Not a directory"):
        Notes().recording(tmp_path / "file" / "bag")
    with pytest.raises(BagError, match="exists already, and a bag is never overwritten"):
        Notes().recording(tmp_path)


def test_the_metadata_names_policy_and_hash(repository: Path) -> None:
    policy = repository / "tests" / "data" / "policy"
    noted = describe_recording(
        policy=str(policy), circuit="oval", versions={"commit": "abc", "numpy": "1.26"}
    )
    assert noted["f1_rl.policy"] == str(policy)
    assert len(noted["f1_rl.policy_hash"]) == 64
    assert noted["f1_rl.commit"] == "abc"
    assert noted["f1_rl.version.numpy"] == "1.26"
    assert "f1_rl.car" not in noted
    assert "f1_rl.policy_hash" not in describe_recording(policy="/nowhere")


def test_what_a_driver_says_before_the_first_picture_hides_no_stamps(tmp_path: Path) -> None:
    types = STORE.types
    time_type, header = types["builtin_interfaces/msg/Time"], types["std_msgs/msg/Header"]
    vector, twist_type = types["geometry_msgs/msg/Vector3"], types["geometry_msgs/msg/Twist"]
    pixels = np.zeros(4 * 4 * 3, np.uint8)
    writer = BagWriter(tmp_path / "bag")
    writer.add_topic(RecordedTopic("/cmd_vel", "geometry_msgs/msg/Twist"))
    writer.add_topic(RecordedTopic("/image_raw", "sensor_msgs/msg/Image"))
    for i in range(110):
        if i >= 100:
            stamped = header(time_type(i, 0), "camera")
            image_raw = types["sensor_msgs/msg/Image"](stamped, 4, 4, "rgb8", 0, 12, pixels)
            data = bytes(STORE.serialize_cdr(image_raw, "sensor_msgs/msg/Image"))
            writer.write("/image_raw", at_ns(0.1 * i), data)
        twist = twist_type(vector(float(i), 0.0, 0.0), vector(0.0, 0.0, 0.0))
        data = bytes(STORE.serialize_cdr(twist, "geometry_msgs/msg/Twist"))
        writer.write("/cmd_vel", at_ns(0.1 * i + 0.01), data)
    writer.close()
    with Bag(tmp_path / "bag") as bag:
        frames = list(
            FrameReader(bag, DriveTopics(image_topic="/image_raw", command_topic="/cmd_vel"))
        )
    assert [(frame.stamp_ns, frame.command) for frame in frames] == [
        (i * 10**9, (float(i), 0.0)) for i in range(100, 110)
    ]
