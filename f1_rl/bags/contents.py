"""Which files a bag has, and what its `metadata.yaml` says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import yaml

from f1_rl.bags.errors import BagError
from f1_rl.bags.storage import TopicInfo

METADATA_NAME = "metadata.yaml"
STORAGE_SUFFIXES = (".mcap", ".db3")
COMPRESSED_SUFFIXES = (".zstd", ".zst")


@dataclass(frozen=True)
class BagContents:
    """What is known of a bag before its files are opened.

    Attributes:
        files: In the order of their recording.
        topics: What `metadata.yaml` says of them; None where there is no usable one.
        start_ns: When the first message was received; 0 where that is not known.
        end_ns: When the last one was.
        custom_data: What the recorder noted beside the messages.
    """

    files: tuple[Path, ...]
    topics: Mapping[str, TopicInfo] | None = None
    start_ns: int = 0
    end_ns: int = 0
    custom_data: Mapping[str, str] = field(default_factory=dict)


def read_contents(path: Path, warn: Callable[[str], None]) -> BagContents:
    """Return what a path holds.

    Args:
        path: Folder of a bag, or one of its files.
        warn: Called with each sentence about what is missing.

    Raises:
        BagError: It is no bag.
    """
    if path.is_file():
        if path.name == METADATA_NAME:
            return read_contents(path.parent, warn)
        return BagContents((_checked_file(path),))
    if not path.is_dir():
        raise BagError(f"{path}: does not exist; give the folder of a bag, or its .mcap or .db3.")
    found = tuple(sorted(filter(is_storage, path.iterdir()), key=_natural_order))
    metadata = path / METADATA_NAME
    if not metadata.is_file():
        if not found:
            raise BagError(
                f"{path}: is no bag: it holds neither {METADATA_NAME} nor a .mcap or .db3 file; "
                "give the folder that a recorder wrote."
            )
        warn(
            f"{METADATA_NAME} is missing (was the recorder killed?): the files are read without "
            "it; `ros2 bag reindex` writes it anew."
        )
        return BagContents(found)
    try:
        return _from_metadata(path, _information(metadata), found, warn)
    except (KeyError, TypeError, ValueError, AttributeError, yaml.YAMLError, OSError) as error:
        if isinstance(error, BagError):
            raise
        if not found:
            raise BagError(
                f"{path}: its {METADATA_NAME} cannot be read, and there is no .mcap or .db3 file; "
                "give another bag."
            ) from error
        reason = " ".join(str(error).split())
        warn(f"{METADATA_NAME} cannot be read ({reason}): the files are read without it.")
        return BagContents(found)


def is_storage(path: Path) -> bool:
    """Return whether a file is one of a bag, by its name."""
    name = path.name
    for suffix in COMPRESSED_SUFFIXES:
        name = name.removesuffix(suffix)
    return name.endswith(STORAGE_SUFFIXES) and not name.startswith(".") and path.is_file()


def _checked_file(path: Path) -> Path:
    if path.suffix == ".bag":
        raise BagError(f"{path}: is a bag of ROS 1; convert it with: rosbags-convert.")
    if not is_storage(path):
        raise BagError(f"{path}: is no bag; give the folder of a bag, or its .mcap or .db3 file.")
    return path


def _information(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    information: dict[str, Any] = content["rosbag2_bagfile_information"]
    return information


def _from_metadata(
    folder: Path,
    information: dict[str, Any],
    found: tuple[Path, ...],
    warn: Callable[[str], None],
) -> BagContents:
    # Older recorders wrote the path with the bag's folder in front; and folders are moved.
    names = [PurePath(str(name)).name for name in information["relative_file_paths"]]
    files = tuple(folder / name for name in names)
    missing = [path.name for path in files if not path.is_file()]
    files = tuple(path for path in files if path.is_file())
    if not files:
        if not found:
            raise BagError(
                f"{folder}: all its files are missing ({', '.join(missing) or 'none'}); put them "
                "beside its metadata.yaml."
            )
        warn(f"the files of {METADATA_NAME} are missing: those that are there are read.")
        return BagContents(found)
    if missing:
        warn(f"{len(missing)} of its {len(names)} files are missing: {', '.join(missing)}.")
    topics = {}
    for item in information["topics_with_message_count"]:
        topic = item["topic_metadata"]
        name = str(topic["name"])
        topics[name] = TopicInfo(name, str(topic["type"]), int(item["message_count"]))
    start_ns = int(information["starting_time"]["nanoseconds_since_epoch"])
    duration_ns = int(information["duration"]["nanoseconds"])
    custom = information.get("custom_data") or {}
    noted = {str(key): str(value) for key, value in custom.items()}
    if not any(topic.count for topic in topics.values()):
        # A recorder that was killed may have written messages and not counted them yet.
        return BagContents(files, custom_data=noted)
    return BagContents(files, topics, start_ns, start_ns + duration_ns, noted)


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a key by which `bag_2` comes before `bag_10`."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
