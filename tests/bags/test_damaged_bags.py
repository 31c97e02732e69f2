import contextlib
import shutil
import sqlite3
import struct
from binascii import crc32

import hypothesis
import hypothesis.strategies as st
import lz4.frame
import pytest
from backports import zstd
from bag_making import (
    KINDS,
    STORE,
    TWIST,
    drive,
    fingerprint,
    storage_file,
    told,
    twist,
    write_bag,
    write_split_bag,
)
from test_reading import TOPICS, read

from f1_rl.bags import Bag, BagError

WHOLE = ["mcap-none", "mcap-chunk_zstd", "mcap-chunk_lz4", "mcap-message", "sqlite3-none"]


def cut(path, share):
    """Cut a file off, as a full disk or a killed recorder does."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def is_beginning(part, whole, kind=""):
    """Return whether messages are the first ones of a bag, in order.

    Pages of sqlite3 are not in the order of the messages: a picture at the end may be gone and a
    small message after it be there.
    """
    if kind.startswith("sqlite3"):
        return part == [item for item in whole if item in part]
    return part == whole[: len(part)]


@pytest.mark.parametrize("metadata", ["with", "without"])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.97])
@pytest.mark.parametrize("kind", WHOLE)
def test_of_a_bag_that_was_cut_off_the_beginning_is_read(tmp_path, kind, share, metadata):
    sent = drive(60)
    folder = write_bag(tmp_path / "drive", sent, kind)
    cut(storage_file(folder), share)
    if metadata == "without":
        (folder / "metadata.yaml").unlink()
    before = fingerprint(folder)
    messages, warnings = read(folder)
    assert is_beginning(messages, told(sent), kind)
    assert len(messages) > 0.8 * share * len(sent)
    assert any("is damaged" in sentence for sentence in warnings)
    assert fingerprint(folder) == before


@pytest.mark.parametrize("kind", ["mcap-file", "sqlite3-file"])
def test_of_a_compressed_file_that_was_cut_off_the_beginning_is_read(tmp_path, kind):
    sent = drive(60)
    folder = write_bag(tmp_path / "drive", sent, kind)
    cut(storage_file(folder), 0.6)
    messages, warnings = read(folder)
    assert is_beginning(messages, told(sent), kind)
    assert len(messages) > 0.4 * len(sent)
    assert any(".zstd is damaged" in sentence for sentence in warnings)


@pytest.mark.parametrize("kind", ["mcap-chunk_zstd", "mcap-chunk_lz4"])
def test_a_damaged_chunk_costs_its_own_messages_alone(tmp_path, kind):
    sent = drive(60)
    folder = write_bag(tmp_path / "drive", sent, kind)
    file = storage_file(folder)
    add_checksums(file)
    assert read(folder) == (told(sent), [])
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    file.write_bytes(bytes(content))
    messages, warnings = read(folder)
    missing = [item for item in told(sent) if item not in messages]
    assert 0 < len(missing) <= 12
    assert messages == [item for item in told(sent) if item not in missing]
    assert any(f"a chunk of {len(missing)} messages" in sentence for sentence in warnings)


def add_checksums(path):
    """Write the checksum of each chunk, as rosbag2 does and rosbags does not."""
    content = bytearray(path.read_bytes())
    at = 8
    while at < len(content) - 8:
        kind, length = struct.unpack_from("<BQ", content, at)
        if kind == 6:
            body = bytes(content[at + 9 : at + 9 + length])
            (name,) = struct.unpack_from("<I", body, 28)
            packed = body[32 + name + 8 :]
            plain = zstd.decompress(packed) if name == 4 else lz4.frame.decompress(packed)
            struct.pack_into("<I", content, at + 9 + 24, crc32(plain))
        at += 9 + length
    path.write_bytes(bytes(content))


def test_damaged_rows_of_sqlite3_cost_themselves_alone(tmp_path):
    sent = drive(60)
    folder = write_bag(tmp_path / "drive", sent, "sqlite3-none")
    file = storage_file(folder)
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4 * 4096] = b"\xff" * (4 * 4096)
    file.write_bytes(bytes(content))
    messages, _ = read(folder)
    expected = told(sent)
    # Bytes within a message are not seen by sqlite3; it has no checksums.
    unharmed = [item for item in messages if item in expected]
    assert len(unharmed) > 0.8 * len(expected)
    assert unharmed == [item for item in expected if item in unharmed]


def test_damaged_rows_of_sqlite3_come_in_the_order_of_their_receipt(tmp_path):
    sent = drive(60)
    folder = write_bag(tmp_path / "drive", [*sent[30:60], *sent[:30], *sent[60:]], "sqlite3-none")
    cut(storage_file(folder), 0.7)
    messages, warnings = read(folder)
    assert len(messages) > 60
    assert messages == [item for item in told(sent) if item in messages]
    assert any("is damaged" in sentence for sentence in warnings)


def test_what_a_killed_recorder_left_in_the_journal_of_sqlite3_is_read(tmp_path):
    sent = drive(20)
    folder = write_bag(tmp_path / "drive", sent, "sqlite3-none")
    file = storage_file(folder)
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode=WAL")
    rows = database.execute("SELECT * FROM messages WHERE id > 30").fetchall()
    database.execute("DELETE FROM messages WHERE id > 30")
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)
    database.commit()
    # As long as nobody closes the file, the last messages are in the journal alone.
    left = shutil.copytree(folder, tmp_path / "left")
    database.close()
    (left / "drive.db3-shm").unlink()
    before = fingerprint(left)
    assert read(left) == (told(sent), [])
    assert fingerprint(left) == before


def test_a_file_that_was_never_flushed_is_told_with_the_reason(tmp_path):
    folder = write_bag(tmp_path / "drive", drive(3))
    storage_file(folder).write_bytes(b"")
    with pytest.raises(BagError, match=r"drive\.mcap: is an empty file"):
        Bag(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_something_else_is_refused(tmp_path, kind):
    folder = write_bag(tmp_path / "drive", drive(3), kind)
    storage_file(folder).write_bytes(b"no bag at all " * 100)
    with pytest.raises(BagError, match="drive"):
        Bag(folder)


def test_a_missing_file_of_several_is_told_and_the_others_are_read(tmp_path):
    sent = drive(12)
    folder = write_split_bag(tmp_path / "drive", sent, 3, "mcap-chunk_zstd")
    (folder / "drive_1.mcap").unlink()
    messages, warnings = read(folder)
    assert messages == told([*sent[:12], *sent[24:]])
    assert warnings == ["1 of its 3 files are missing: drive_1.mcap."]


def test_a_damaged_file_of_several_costs_its_own_messages_alone(tmp_path):
    sent = drive(12)
    folder = write_split_bag(tmp_path / "drive", sent, 3, "mcap-chunk_zstd")
    (folder / "drive_1.mcap").write_bytes(b"")
    messages, warnings = read(folder)
    assert messages == told([*sent[:12], *sent[24:]])
    assert "drive_1.mcap: is an empty file" in warnings[0]


@pytest.mark.parametrize(
    "text", ["", "[", "rosbag2_bagfile_information: 3", "rosbag2_bagfile_information: {version: 9}"]
)
def test_metadata_that_cannot_be_read_is_told_and_the_files_are_read(tmp_path, text):
    sent = drive(4)
    folder = write_bag(tmp_path / "drive", sent)
    (folder / "metadata.yaml").write_text(text)
    messages, warnings = read(folder)
    assert messages == told(sent)
    assert "metadata.yaml cannot be read" in warnings[0]


def test_files_are_put_in_order_whatever_digits_their_names_have(tmp_path):
    sent = drive(2)
    folder = write_bag(tmp_path / "drive", sent)
    (folder / "metadata.yaml").unlink()
    storage_file(folder).rename(folder / "1\N{SUPERSCRIPT TWO}3.mcap")
    assert read(folder)[0] == told(sent)


def test_metadata_of_renamed_files_is_told_and_the_files_are_read(tmp_path):
    sent = drive(4)
    folder = write_bag(tmp_path / "drive", sent)
    storage_file(folder).rename(folder / "renamed.mcap")
    messages, warnings = read(folder)
    assert messages == told(sent)
    assert "the files of metadata.yaml are missing" in warnings[0]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "is no bag: it holds neither metadata.yaml nor"),
        (lambda path: path.write_text("hello"), "is no bag; give the folder"),
    ],
)
def test_what_is_no_bag_is_refused_with_the_reason(tmp_path, make, reason):
    make(tmp_path / "thing")
    with pytest.raises(BagError, match=reason):
        Bag(tmp_path / "thing")


def test_a_bag_of_ros_1_is_refused_with_what_converts_it(tmp_path):
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    with pytest.raises(BagError, match="ROS 1; convert it with: rosbags-convert"):
        Bag(tmp_path / "old.bag")


def test_a_bag_without_messages_has_none(tmp_path):
    folder = write_bag(tmp_path / "drive", [])
    with Bag(folder) as bag:
        assert (dict(bag.topics), bag.start_ns, bag.end_ns) == ({}, 0, 0)


def test_a_message_that_is_not_of_its_type_is_left_out_and_told(tmp_path):
    from rosbags.rosbag2 import StoragePlugin, Writer

    good = bytes(STORE.serialize_cdr(twist(1.0, 0.0), TWIST))
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/cmd_vel", TWIST, typestore=STORE)
        for i, data in enumerate([good, good[:9], b"", good]):
            writer.write(connection, i, data)
    with Bag(tmp_path / "bag") as bag:
        assert [record.received_ns for record in bag.records(["/cmd_vel"])] == [0, 3]
        assert len(bag.warnings) == 2
        assert "/cmd_vel received at 1 ns is no geometry_msgs/msg/Twist" in bag.warnings[0]


def test_an_mcap_file_without_chunks_is_read_even_when_it_was_cut_off(tmp_path):
    path = tmp_path / "fast.mcap"
    path.write_bytes(mcap_without_chunks(drive(20)))
    sent = told(drive(20))
    assert read(path)[0] == sent
    cut(path, 0.5)
    messages, warnings = read(path)
    assert is_beginning(messages, sent)
    assert len(messages) > 0.4 * len(sent)
    assert any("bytes hold no record" in sentence for sentence in warnings)


@pytest.mark.parametrize("kind", [5, 6, 7], ids=["message", "chunk", "index"])
def test_a_record_that_is_too_short_ends_what_is_read_of_an_mcap_file(tmp_path, kind):
    sent = drive(12)
    whole = mcap_without_chunks(sent)
    end = whole.rindex(struct.pack("<BQ", 15, 4))
    file = tmp_path / "drive.mcap"
    file.write_bytes(whole[:end] + struct.pack("<BQ", kind, 2) + b"ab" + bytes(40))
    messages, warnings = read(file)
    assert messages == told(sent)
    assert any("bytes hold no record" in sentence for sentence in warnings)


def test_a_message_that_is_too_short_ends_what_is_read_of_its_chunk(tmp_path):
    content = mcap_without_chunks(drive(12))
    end = content.rindex(struct.pack("<BQ", 15, 4))
    short = struct.pack("<BQ", 5, 2) + b"ab"
    head = struct.pack("<QQQI", 1, 2, len(short), 0) + struct.pack("<IQ", 0, len(short))
    chunk = struct.pack("<BQ", 6, len(head + short)) + head + short
    file = tmp_path / "drive.mcap"
    file.write_bytes(content[:end] + chunk)
    assert read(file)[0] == told(drive(12))


def mcap_without_chunks(sent):
    """Return an MCAP file as rosbag2's preset `fastwrite` makes it: neither chunks nor index."""

    def text(value):
        return struct.pack("<I", len(value)) + value.encode()

    def record(kind, content):
        return struct.pack("<BQ", kind, len(content)) + content

    types = {
        "/cam_f1_left/image_raw": "sensor_msgs/msg/Image",
        "/cmd_vel": "geometry_msgs/msg/Twist",
        "/odom": "nav_msgs/msg/Odometry",
    }
    content = b"\x89MCAP0\r\n" + record(1, text("ros2") + text("test"))
    for i, (topic, kind) in enumerate(types.items(), 1):
        content += record(3, struct.pack("<H", i) + text(kind) + text("ros2msg") + text(""))
        content += record(4, struct.pack("<HH", i, i) + text(topic) + text("cdr") + text(""))
    for item in sent:
        number, at_ns = list(types).index(item.topic) + 1, item.received_ns
        data = bytes(STORE.serialize_cdr(item.message, item.type))
        content += record(5, struct.pack("<HIQQ", number, 0, at_ns, at_ns) + data)
    content += record(15, struct.pack("<I", 0)) + record(2, struct.pack("<QQI", 0, 0, 0))
    return content + b"\x89MCAP0\r\n"


@pytest.fixture(scope="module")
def whole_bags(tmp_path_factory):
    """A small bag of each kind, and what it holds."""
    folder = tmp_path_factory.mktemp("whole")
    sent = drive(6)
    return folder, {kind: write_bag(folder / kind, sent, kind) for kind in KINDS}, told(sent)


@hypothesis.settings(max_examples=60)
@hypothesis.given(kind=st.sampled_from(KINDS), share=st.floats(0.0, 1.0), metadata=st.booleans())
def test_a_bag_cut_off_anywhere_gives_a_beginning_or_a_reason(whole_bags, kind, share, metadata):
    folder, bags, expected = whole_bags
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(bags[kind], copy)
    cut(storage_file(copy), share)
    if not metadata:
        (copy / "metadata.yaml").unlink()
    try:
        messages, _ = read(copy)
    except BagError:
        return
    assert is_beginning(messages, expected, kind)


@hypothesis.settings(max_examples=60)
@hypothesis.given(
    kind=st.sampled_from(KINDS), where=st.floats(0.0, 0.999), junk=st.binary(min_size=1, max_size=8)
)
def test_bytes_changed_anywhere_lead_to_messages_or_a_reason(whole_bags, kind, where, junk):
    folder, bags, _ = whole_bags
    copy = folder / "changed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(bags[kind], copy)
    file = storage_file(copy)
    content = bytearray(file.read_bytes())
    at = int(where * len(content))
    content[at : at + len(junk)] = junk
    file.write_bytes(bytes(content))
    with contextlib.suppress(BagError), Bag(copy) as bag:
        for topic in bag.topics.values():
            assert topic.count >= 0
        wanted = [name for name in bag.topics if name in TOPICS]
        assert len(list(bag.records(wanted))) <= 18
