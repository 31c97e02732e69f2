"""Writes rosbag2 bags of serialized messages, so that they can be read however writing ends."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2.errors import WriterError
from rosbags.rosbag2.metadata import dump_qos_v9
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer
from rosbags.rosbag2.writer import Writer

from f1_rl.bags.definitions import MessageDefinitions
from f1_rl.bags.errors import BagError

METADATA_FILE = "metadata.yaml"
STORAGES = ("mcap", "sqlite3")
COMPRESSIONS = ("zstd", "none")

_VERSION: Literal[9] = 9
_BYTES_PER_MEGABYTE = 1_000_000
_NANOSECONDS_PER_SECOND = 1_000_000_000
# What rosbag2 writes where there is no message yet.
_NEVER_NS = 2**63 - 1


@dataclass(frozen=True)
class BagFormat:
    """How a bag is written.

    Attributes:
        storage: `mcap` or `sqlite3`.
        compression: `zstd` (by chunk in MCAP, by message in sqlite3) or `none`.
        max_size_mb: Size from which on the next file begins, 10^6 bytes; 0.0: one file.
        max_duration_s: Time after which the next file begins; 0.0: one file.
    """

    storage: str = "mcap"
    compression: str = "zstd"
    max_size_mb: float = 0.0
    max_duration_s: float = 0.0


@dataclass(frozen=True)
class RecordedTopic:
    """A topic as it is written.

    Attributes:
        name: Absolute.
        type: Such as `sensor_msgs/msg/Image`.
        reliable: Whether its publisher sends lost messages again.
        latched: Whether its publisher keeps its last message for who comes later.
    """

    name: str
    type: str
    reliable: bool = True
    latched: bool = False


@dataclass
class _File:
    """What is in one file of a bag."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    start_ns: int = _NEVER_NS
    end_ns: int = 0


class BagWriter:
    """A folder with one file or several, and a `metadata.yaml` that is there from the start.

    Every `flush` puts what came before it where a process that is killed cannot take it along. To
    be used in one thread, because sqlite3 is.

    Attributes:
        folder: The bag.
        topics: Those that were added, by name.
    """

    def __init__(
        self,
        folder: Path,
        bag_format: BagFormat | None = None,
        custom_data: Mapping[str, str] | None = None,
        definitions: MessageDefinitions | None = None,
    ) -> None:
        """Make the folder and its first file.

        Args:
            folder: To make.
            bag_format: How to write; by default MCAP with zstd in one file.
            custom_data: What to note in the bag beside its messages.
            definitions: Of message types.

        Raises:
            BagError: The folder exists, or cannot be made.
        """
        self.folder = folder
        self.topics: dict[str, RecordedTopic] = {}
        self._format = bag_format or BagFormat()
        self._custom_data = dict(custom_data or {})
        self._definitions = definitions or MessageDefinitions()
        self._files: list[_File] = []
        self._connections: dict[str, Connection] = {}
        self._finished = False
        # What cannot be lost any more of the file being written: its size, what it holds.
        self._safe = (0, _File(""))
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise BagError(
                f"{folder} exists already, and a bag is never overwritten; choose another folder."
            ) from None
        except OSError as error:
            raise BagError(
                f"{folder} cannot be made: {error.strerror}; choose another folder."
            ) from error
        self._writer = self._next_file()
        self._write_metadata()

    @property
    def message_count(self) -> int:
        """How many messages were written."""
        return sum(sum(file.counts.values()) for file in self._files)

    @property
    def size_bytes(self) -> int:
        """How large the files are, without what is not flushed yet."""
        return sum((self.folder / file.name).stat().st_size for file in self._files)

    def add_topic(self, topic: RecordedTopic) -> None:
        """Declare a topic; nothing happens if it is declared already.

        Raises:
            UnknownTypeError: Its type is not known here.
            BagError: The file cannot be written.
        """
        if topic.name not in self.topics:
            self._connect(topic)
            self.topics[topic.name] = topic
            self._write_metadata()

    def write(self, topic: str, received_ns: int, data: bytes) -> None:
        """Write a message.

        Args:
            topic: One that was added.
            received_ns: When it was received, which may be a little before the last one was:
                readers sort.
            data: The message in CDR.

        Raises:
            BagError: The file cannot be written.
        """
        if self._is_full(received_ns):
            self._split()
        with self._told():
            self._writer.write(self._connections[topic], received_ns, data)
        file = self._files[-1]
        file.counts[topic] = file.counts.get(topic, 0) + 1
        file.start_ns = min(file.start_ns, received_ns)
        file.end_ns = max(file.end_ns, received_ns)
        if self._writer.begins_chunk:
            self._mark_safe()

    def set_custom_data(self, name: str, value: str) -> None:
        """Note something beside the messages; it counts from the next flush on."""
        self._custom_data[name] = value

    def flush(self) -> None:
        """Put what was written where a killed process cannot take it along.

        Raises:
            BagError: The file cannot be written.
        """
        with self._told():
            self._writer.flush()
        self._mark_safe()
        self._write_metadata()

    def close(self) -> None:
        """Finish the bag.

        Raises:
            BagError: It cannot be written to its end; what was flushed can be read.
        """
        with self._told():
            self._writer.finish(self._metadata())
        self._finished = True
        self._write_metadata()

    def abandon(self) -> None:
        """Close what is open after a failure, keeping what was flushed."""
        if self._finished:
            return
        with contextlib.suppress(Exception):
            self._writer.abort()
        size_bytes, self._files[-1] = self._safe
        with contextlib.suppress(OSError, BagError):
            # What was half written would be taken for damage.
            path = self._writer.file
            if self._format.storage == "mcap" and path.stat().st_size > size_bytes > 0:
                os.truncate(path, size_bytes)
            self._write_metadata()

    def _mark_safe(self) -> None:
        file = self._files[-1]
        self._safe = (self._writer.size_bytes(), replace(file, counts=dict(file.counts)))

    def _is_full(self, received_ns: int) -> bool:
        file, limits = self._files[-1], self._format
        if file.start_ns == _NEVER_NS:
            return False
        duration_s = (received_ns - file.start_ns) / _NANOSECONDS_PER_SECOND
        return (0.0 < limits.max_duration_s <= duration_s) or (
            0.0 < limits.max_size_mb * _BYTES_PER_MEGABYTE <= self._writer.size_bytes()
        )

    def _split(self) -> None:
        with self._told():
            self._writer.finish(self._metadata())
        # Should the next file not open, this one stays whole, with its index.
        self._mark_safe()
        self._writer = self._next_file()
        for topic in self.topics.values():
            self._connect(topic)
        self._write_metadata()

    def _next_file(self) -> _FileWriter:
        with self._told():
            writer = _FileWriter(self.folder, len(self._files), self._format)
        self._files.append(_File(writer.file.name))
        self._safe = (0, _File(writer.file.name))
        return writer

    def _connect(self, topic: RecordedTopic) -> None:
        definition, digest = self._definitions.find(topic.type)
        with self._told():
            self._connections[topic.name] = self._writer.add_connection(
                topic.name,
                topic.type,
                msgdef=definition,
                rihs01=digest,
                offered_qos_profiles=[_quality(topic)],
            )

    def _write_metadata(self) -> None:
        text = yaml.safe_dump({"rosbag2_bagfile_information": self._metadata()}, sort_keys=False)
        partial = self.folder / f".{METADATA_FILE}.partial"
        with self._told():
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.folder / METADATA_FILE)

    def _metadata(self) -> dict[str, Any]:
        start_ns = min((file.start_ns for file in self._files), default=_NEVER_NS)
        end_ns = max((file.end_ns for file in self._files), default=0)
        by_message = self._format.storage == "sqlite3" and self._format.compression == "zstd"
        return {
            "version": _VERSION,
            "storage_identifier": self._format.storage,
            "relative_file_paths": [file.name for file in self._files],
            **_span(start_ns, end_ns),
            "message_count": self.message_count,
            "topics_with_message_count": [
                {
                    "topic_metadata": {
                        "name": topic.name,
                        "type": topic.type,
                        "serialization_format": "cdr",
                        "offered_qos_profiles": dump_qos_v9([_quality(topic)]),
                        "type_description_hash": self._connections[topic.name].digest,
                    },
                    "message_count": sum(file.counts.get(topic.name, 0) for file in self._files),
                }
                for topic in self.topics.values()
            ],
            "compression_format": "zstd" if by_message else "",
            "compression_mode": "message" if by_message else "",
            "files": [
                {
                    "path": file.name,
                    **_span(file.start_ns, file.end_ns),
                    "message_count": sum(file.counts.values()),
                }
                for file in self._files
            ],
            "custom_data": self._custom_data or None,
            "ros_distro": os.environ.get("ROS_DISTRO", "rosbags"),
        }

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what storages raise into one sentence."""
        try:
            yield
        except (OSError, sqlite3.Error, WriterError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> BagError:
        reason = getattr(error, "strerror", None) or str(error)
        return BagError(
            f"{self.folder} cannot be written any further: {reason}; what was written before can "
            "be read, make room or choose another folder for more."
        )


class _FileWriter(Writer):
    """One file of a bag: rosbags' writer, whose bags are a folder with one file each.

    Attributes:
        file: The file.
    """

    def __init__(self, folder: Path, number: int, bag_format: BagFormat) -> None:
        name = f"{folder.name}_{number}"
        mcap = bag_format.storage == "mcap"
        plugin = StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3
        super().__init__(folder / name, version=_VERSION, storage_plugin=plugin)
        if bag_format.compression == "zstd":
            mode = CompressionMode.STORAGE if mcap else CompressionMode.MESSAGE
            self.set_compression(mode, CompressionFormat.ZSTD)
        # The storages name their file after the folder that they put it into.
        in_storage = self.compression_mode if mcap else CompressionMode.NONE
        self._mcap = _Mcap(self.path, in_storage) if mcap else None
        self._sqlite3 = None if mcap else _Sqlite3(self.path, in_storage)
        self.storage = self._mcap or self._sqlite3
        self.file: Path = self.path.with_name(self.storage.path.name) if self.storage else folder

    @property
    def begins_chunk(self) -> bool:
        """Whether all messages so far lie in chunks that are finished."""
        return self._mcap is not None and not self._mcap.chunk.msgs

    def size_bytes(self) -> int:
        """Return the size of the file, with what is not flushed yet where that is known."""
        if self._mcap is not None and not self._mcap.bio.closed:
            return self._mcap.bio.tell()
        return self.file.stat().st_size

    def flush(self) -> None:
        """Hand everything to the operating system."""
        if self._mcap is not None:
            if self._mcap.chunk.msgs:
                self._mcap.close_chunk()
            self._mcap.bio.flush()
        elif self._sqlite3 is not None:
            self._sqlite3.conn.commit()

    def finish(self, metadata: Mapping[str, Any]) -> None:
        """Write the index, with a bag's metadata, and close the file."""
        if self.storage is not None:
            self.storage.close(_VERSION, yaml.safe_dump(dict(metadata), sort_keys=False))
            self.storage = None


class _BesideFolder:
    """Lets a storage put its file beside the folder it is given, not into it."""

    _path: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @path.setter
    def path(self, inside: Path) -> None:
        self._path = inside.parents[1] / inside.name


class _Mcap(_BesideFolder, McapWriter):
    """MCAP."""


class _Sqlite3(_BesideFolder, Sqlite3Writer):
    """sqlite3."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        # Pages of a transaction that is open when the process is killed must not be in the file:
        # readers look at it without the journal.
        self.conn.execute("PRAGMA cache_spill = OFF")


def _span(start_ns: int, end_ns: int) -> dict[str, Any]:
    return {
        "duration": {"nanoseconds": max(0, end_ns - start_ns)},
        "starting_time": {"nanoseconds_since_epoch": start_ns},
    }


def _quality(topic: RecordedTopic) -> Qos:
    """Return how a topic was published, for players."""
    none = QosTime(0, 0)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=10,
        reliability=QosReliability.RELIABLE if topic.reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL if topic.latched else QosDurability.VOLATILE,
        deadline=none,
        lifespan=none,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=none,
        avoid_ros_namespace_conventions=False,
    )
