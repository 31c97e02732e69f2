"""Writing bags of every kind: messages by rosbags' types, files by its writer."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import lz4.frame
import numpy as np
import yaml
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
PERIOD_NS = 50_000_000
BEGIN_NS = 1_700_000_000_000_000_000
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
TWIST, TWIST_STAMPED = "geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped"
ODOMETRY, INFO = "nav_msgs/msg/Odometry", "sensor_msgs/msg/CameraInfo"

# Storage and compression as rosbags' writer knows them, but for lz4, which it is taught below.
KINDS = (
    "mcap-none",
    "mcap-chunk_zstd",
    "mcap-chunk_lz4",
    "mcap-message",
    "mcap-file",
    "sqlite3-none",
    "sqlite3-message",
    "sqlite3-file",
)
_MODES = {
    "none": CompressionMode.NONE,
    "chunk_zstd": CompressionMode.STORAGE,
    "chunk_lz4": CompressionMode.NONE,
    "message": CompressionMode.MESSAGE,
    "file": CompressionMode.FILE,
}


@dataclass(frozen=True)
class Sent:
    """A message to be written."""

    topic: str
    type: str
    received_ns: int
    message: Any


def header(stamp_ns: int, frame_id: str = "camera") -> Any:
    time = TYPES["builtin_interfaces/msg/Time"](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return TYPES["std_msgs/msg/Header"](stamp=time, frame_id=frame_id)


def image(
    pixels: np.ndarray, stamp_ns: int, encoding: str = "rgb8", big_endian: bool = False
) -> Any:
    height, width = pixels.shape[:2]
    if pixels.dtype == np.uint16:
        pixels = pixels.astype(">u2" if big_endian else "<u2")
    data = np.frombuffer(np.ascontiguousarray(pixels).tobytes(), np.uint8)
    return TYPES[IMAGE](
        header=header(stamp_ns),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=len(data) // height,
        data=data,
    )


def compressed_image(pixels: np.ndarray, stamp_ns: int, suffix: str = "png") -> Any:
    data = cv2.imencode(f".{suffix}", pixels[..., ::-1])[1].reshape(-1)
    return TYPES[COMPRESSED](header=header(stamp_ns), format=suffix, data=data)


def vector(x: float = 0.0, z: float = 0.0) -> Any:
    return TYPES["geometry_msgs/msg/Vector3"](x=x, y=0.0, z=z)


def twist(speed_mps: float, yaw_rate_radps: float) -> Any:
    return TYPES[TWIST](linear=vector(x=speed_mps), angular=vector(z=yaw_rate_radps))


def twist_stamped(speed_mps: float, yaw_rate_radps: float, stamp_ns: int) -> Any:
    return TYPES[TWIST_STAMPED](header=header(stamp_ns), twist=twist(speed_mps, yaw_rate_radps))


def odometry(x_m: float, speed_mps: float, stamp_ns: int) -> Any:
    point = TYPES["geometry_msgs/msg/Point"](x=x_m, y=0.0, z=0.0)
    turn = TYPES["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0)
    pose = TYPES["geometry_msgs/msg/Pose"](position=point, orientation=turn)
    nothing = np.zeros(36)
    return TYPES[ODOMETRY](
        header=header(stamp_ns, "odom"),
        child_frame_id="base_link",
        pose=TYPES["geometry_msgs/msg/PoseWithCovariance"](pose=pose, covariance=nothing),
        twist=TYPES["geometry_msgs/msg/TwistWithCovariance"](
            twist=twist(speed_mps, 0.0), covariance=nothing
        ),
    )


def camera_info(width: int, height: int, focal_length_px: float) -> Any:
    k = np.array([focal_length_px, 0, width / 2, 0, focal_length_px, height / 2, 0, 0, 1.0])
    region = TYPES["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return TYPES[INFO](
        header=header(0),
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=k,
        r=np.eye(3).reshape(-1),
        p=np.zeros(12),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Return a noisy picture that tells which one it is."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def drive(
    frames: int = 12,
    stamps_from_ns: int = 3_000_000_000,
    pictures: Callable[[int], np.ndarray] = picture,
) -> list[Sent]:
    """Return a drive: every 50 ms a picture, odometry of its stamp, and 2 ms later a command."""
    sent = []
    for i in range(frames):
        at_ns, stamp_ns = BEGIN_NS + i * PERIOD_NS, stamps_from_ns + i * PERIOD_NS
        sent += [
            Sent("/cam_f1_left/image_raw", IMAGE, at_ns, image(pictures(i), stamp_ns)),
            Sent("/odom", ODOMETRY, at_ns + 100_000, odometry(0.1 * i, 2.0, stamp_ns)),
            Sent("/cmd_vel", TWIST, at_ns + 2_000_000, twist(3.0, 0.01 * i)),
        ]
    return sent


def write_bag(
    folder: Path,
    sent: Sequence[Sent],
    kind: str = "mcap-chunk_zstd",
    custom_data: dict[str, str] | None = None,
) -> Path:
    """Write a bag of a kind; see `KINDS`."""
    storage, _, compression = kind.partition("-")
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    writer = Writer(folder, version=9, storage_plugin=plugin)
    writer.set_compression(_MODES[compression], CompressionFormat.ZSTD)
    for name, value in (custom_data or {}).items():
        writer.set_custom_data(name, value)
    writer.open()
    if compression == "chunk_lz4":
        writer.storage.compression = "lz4"
        writer.storage.compressor = lz4.frame.compress
    connections = {}
    for item in sent:
        if item.topic not in connections:
            connections[item.topic] = writer.add_connection(item.topic, item.type, typestore=STORE)
        data = bytes(STORE.serialize_cdr(item.message, item.type))
        writer.write(connections[item.topic], item.received_ns, data)
        if storage == "mcap" and writer.storage.chunk.bio.tell() > 20_000:
            # Small chunks, so that there are several.
            writer.storage.close_chunk()
    writer.close()
    return folder


def write_split_bag(folder: Path, sent: Sequence[Sent], files: int, kind: str) -> Path:
    """Write a bag in several files, as a recorder with --max-bag-size does."""
    folder.mkdir()
    length = -(-len(sent) // files)
    names, counts = [], {}
    for i in range(files):
        part = write_bag(folder / f"part{i}", sent[i * length : (i + 1) * length], kind)
        information = read_metadata(part)
        file = part / information["relative_file_paths"][0]
        # As rosbag2 counts: _10 comes after _2.
        name = f"drive_{i}{''.join(file.suffixes)}"
        shutil.move(file, folder / name)
        shutil.rmtree(part)
        names.append(name)
        for item in information["topics_with_message_count"]:
            topic = item["topic_metadata"]["name"]
            total = counts.setdefault(topic, {**item, "message_count": 0})
            total["message_count"] += item["message_count"]
    information["relative_file_paths"] = names
    information["topics_with_message_count"] = list(counts.values())
    information["message_count"] = len(sent)
    information["starting_time"]["nanoseconds_since_epoch"] = sent[0].received_ns
    information["duration"]["nanoseconds"] = sent[-1].received_ns - sent[0].received_ns
    write_metadata(folder, information)
    return folder


def read_metadata(folder: Path) -> dict[str, Any]:
    content = yaml.safe_load((folder / "metadata.yaml").read_text())
    return content["rosbag2_bagfile_information"]


def write_metadata(folder: Path, information: dict[str, Any]) -> None:
    text = yaml.safe_dump({"rosbag2_bagfile_information": information})
    (folder / "metadata.yaml").write_text(text)


def storage_file(folder: Path) -> Path:
    """Return the one file of a bag that holds the messages."""
    (file,) = (path for path in folder.iterdir() if path.name != "metadata.yaml")
    return file


def fingerprint(folder: Path) -> dict[str, tuple[str, int]]:
    """Return content and time of change of every file of a bag."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def told(sent: Sequence[Sent]) -> list[tuple[str, int, str]]:
    """Return topic, time and digest of these messages, as a reader is to give them."""
    return [
        (item.topic, item.received_ns, digest(STORE.serialize_cdr(item.message, item.type)))
        for item in sorted(sent, key=lambda item: item.received_ns)
    ]
