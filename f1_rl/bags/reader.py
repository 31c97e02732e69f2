"""Reading a bag: one iterator for all storages and compressions, in constant memory.

Bags are read with the library rosbags, with and without an installation of ROS: it opens them
read-only and needs nothing else. Only where rosbags is missing and rosbag2_py is installed, that
is used (`ros_storage`); that way has not been tested, for rosbag2_py is not to be had without an
installation of ROS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from f1_rl.bags.contents import read_contents
from f1_rl.bags.errors import BagError
from f1_rl.bags.files import BagFiles
from f1_rl.bags.message_types import MessageTypes, UnreadableMessageError, message_types
from f1_rl.bags.storage import RawRecord, Record, TopicInfo


class Bag:
    """A rosbag2 bag: a folder with its files, or one of the files alone. A context manager.

    Never writes into the bag. What is damaged is left out and told in `warnings`.

    Attributes:
        path: What was opened.
        files: In the order of their recording.
        topics: By name; the counts are those of `metadata.yaml` where there is one that is not
            behind what is seen at once, in the first file.
        start_ns: When the first message was received; 0 where there is none.
        end_ns: When the last one was.
        custom_data: What the recorder noted beside the messages.
        warnings: What could not be read, in sentences; grows while records are read.
    """

    def __init__(self, path: Path) -> None:
        """Open a bag.

        Args:
            path: Folder of a bag, or one `.mcap` or `.db3` file, which may be compressed (`.zstd`).

        Raises:
            BagError: It is none, or nothing of it can be read.
        """
        self.path = Path(path)
        self.warnings: list[str] = []
        contents = read_contents(self.path, self._warn)
        self.files: tuple[Path, ...] = contents.files
        self.custom_data: Mapping[str, str] = contents.custom_data
        self._files = BagFiles(contents.files, self._warn)
        self._types: MessageTypes | None = None
        try:
            found = self._files.look(all_of_them=contents.topics is None)
        except BaseException:
            self.close()
            raise
        self.topics: Mapping[str, TopicInfo] = found.topics
        self.start_ns, self.end_ns = found.start_ns, found.end_ns
        if contents.topics is not None:
            # A recorder that was killed has written messages that it had not counted yet.
            self.start_ns, self.end_ns = contents.start_ns, max(contents.end_ns, found.end_ns)
            self.topics = {
                name: replace(
                    topic,
                    count=max(topic.count, found.topics[name].count),
                    definition=found.topics[name].definition,
                )
                if name in found.topics
                else topic
                for name, topic in contents.topics.items()
            }

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked; iterators that are under way end with an error."""
        self._files.close()

    def records(self, topics: Sequence[str], start_ns: int = 0) -> Iterator[Record]:
        """Yield messages in the order of their receipt; messages that are damaged are left out.

        Args:
            topics: Names of the topics.
            start_ns: Time of receipt of the first one wanted.

        Raises:
            BagError: The bag has no such topic, or its type is unknown.
        """
        records = map(self.read, self.raw_records(topics, start_ns))
        return (record for record in records if record is not None)

    def read(self, raw: RawRecord) -> Record | None:
        """Return a message with its fields; None of one that is damaged.

        Raises:
            BagError: Its type is unknown.
        """
        if self._types is None:
            self._types = message_types()
        try:
            return self._types.read(raw, self.topics[raw.topic])
        except UnreadableMessageError as error:
            self._warn(str(error))
            return None

    def raw_records(self, topics: Sequence[str], start_ns: int = 0) -> Iterator[RawRecord]:
        """Yield messages as they lie in the bag, in the order of their receipt.

        Args:
            topics: Names of the topics.
            start_ns: Time of receipt of the first one wanted.

        Raises:
            BagError: The bag has no such topic.
        """
        for name in topics:
            if name not in self.topics:
                raise BagError(
                    f"{self.path}: has no topic {name}; choose from {self._topic_list()}."
                )
        return self._files.records(frozenset(topics), start_ns)

    def _topic_list(self) -> str:
        return ", ".join(sorted(self.topics)) or "none"

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)
