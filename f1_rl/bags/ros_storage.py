"""Files of a bag read by rosbag2_py, where an installation of ROS is all there is.

Not tested: rosbag2_py does not come without an installation of ROS. Bags are read with rosbags
wherever that is installed; see `reader`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import rosbag2_py

from f1_rl.bags.storage import RawRecord, TopicInfo

_STORAGE_IDS = {".mcap": "mcap", ".db3": "sqlite3"}


class RosStorage:
    """A whole file of a bag; see `Storage`."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self.warnings: list[str] = []
        self._path = path
        metadata = self._open().get_metadata()
        self.topics = {
            item.topic_metadata.name: TopicInfo(
                item.topic_metadata.name, item.topic_metadata.type, item.message_count
            )
            for item in metadata.topics_with_message_count
        }
        empty = not metadata.message_count
        self.start_ns = 0 if empty else int(metadata.starting_time.nanoseconds)
        self.end_ns = 0 if empty else self.start_ns + int(metadata.duration.nanoseconds)

    def records(self, topics: Collection[str], start_ns: int) -> Iterator[RawRecord]:
        """Yield messages in the order of their receipt."""
        wanted = [name for name in self.topics if name in topics]
        if not wanted:
            return
        reader = self._open()
        reader.set_filter(rosbag2_py.StorageFilter(topics=wanted))
        if start_ns:
            reader.seek(start_ns)
        while reader.has_next():
            name, data, received_ns = reader.read_next()
            yield RawRecord(name, self.topics[name].type, received_ns, data)

    def close(self) -> None:
        """Do nothing: rosbag2_py closes with its readers."""

    def _open(self) -> rosbag2_py.SequentialReader:
        reader = rosbag2_py.SequentialReader()
        reader.open(
            rosbag2_py.StorageOptions(
                uri=str(self._path), storage_id=_STORAGE_IDS.get(self._path.suffix, "")
            ),
            rosbag2_py.ConverterOptions("cdr", "cdr"),
        )
        return reader
