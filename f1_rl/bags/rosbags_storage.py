"""Files of a bag that the library rosbags reads: MCAP and sqlite3, whole and with their index."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

from rosbags.rosbag2 import Reader

from f1_rl.bags.storage import RawRecord, TopicInfo


class RosbagsStorage:
    """A whole `.mcap` or `.db3` file; see `Storage`.

    What rosbags raises about a damaged file is passed on, in whatever class it comes.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and read its index."""
        self._reader = Reader(path)
        self._reader.open()
        self.warnings: list[str] = []
        self.topics = {
            name: TopicInfo(name, topic.msgtype or "", topic.msgcount, topic.msgdef.data)
            for name, topic in self._reader.topics.items()
        }
        empty = not self._reader.message_count
        self.start_ns = 0 if empty else self._reader.start_time
        self.end_ns = 0 if empty else self._reader.end_time - 1

    def records(self, topics: Collection[str], start_ns: int) -> Iterator[RawRecord]:
        """Yield messages in the order of their receipt."""
        wanted = [item for item in self._reader.connections if item.topic in topics]
        if not wanted:
            return
        for connection, received_ns, data in self._reader.messages(wanted, start=start_ns or None):
            yield RawRecord(connection.topic, connection.msgtype, received_ns, data)

    def close(self) -> None:
        """Close the file."""
        # Closing what a damaged file has broken may fail too; there is nothing left to lose.
        with contextlib.suppress(Exception):
            self._reader.close()
