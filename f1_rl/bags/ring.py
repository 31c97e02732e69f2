"""The last seconds of a drive, in memory, for when something goes wrong."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backports import zstd

from f1_rl.bags.writer import BagFormat, BagWriter, RecordedTopic

_NANOSECONDS_PER_SECOND = 1_000_000_000
# Pictures are worth compressing while they wait, commands are not.
_LARGE_BYTES = 16_384
_FASTEST = 1


@dataclass(frozen=True)
class Message:
    """A message as it came.

    Attributes:
        topic: Its topic.
        received_ns: When it was received.
        data: In CDR.
    """

    topic: RecordedTopic
    received_ns: int
    data: bytes


@dataclass(frozen=True)
class PackedMessage:
    """A message that is remembered, its data perhaps compressed."""

    topic: RecordedTopic
    received_ns: int
    data: bytes
    compressed: bool

    def unpack(self) -> Message:
        """Return it as it came."""
        data = zstd.decompress(self.data) if self.compressed else self.data
        return Message(self.topic, self.received_ns, data)


class Ring:
    """Remembers the messages of the last seconds, large ones compressed; for several threads.

    Of a latched topic the last message is remembered however old it is.

    Attributes:
        size_bytes: Memory that the messages take.
        cut: Whether the limit of memory has made it shorter than it should be.
    """

    def __init__(self, duration_s: float, max_bytes: int) -> None:
        """Remember nothing yet.

        Args:
            duration_s: How long messages are remembered.
            max_bytes: How much memory they may take.
        """
        self._duration_ns = round(duration_s * _NANOSECONDS_PER_SECOND)
        self._max_bytes = max_bytes
        self._kept: deque[PackedMessage] = deque()
        self._latched: dict[str, PackedMessage] = {}
        self._lock = threading.Lock()
        self.size_bytes = 0
        self.cut = False

    @property
    def duration_s(self) -> float:
        """How much time lies between the first and the last message remembered."""
        with self._lock:
            if not self._kept:
                return 0.0
            span_ns = self._kept[-1].received_ns - self._kept[0].received_ns
        return span_ns / _NANOSECONDS_PER_SECOND

    def add(self, message: Message) -> None:
        """Remember a message, and forget what is too old or too much."""
        large = len(message.data) >= _LARGE_BYTES
        data = zstd.compress(message.data, _FASTEST) if large else message.data
        kept = PackedMessage(message.topic, message.received_ns, data, large)
        with self._lock:
            self._kept.append(kept)
            self.size_bytes += len(data)
            while self._kept[0].received_ns < message.received_ns - self._duration_ns:
                self._forget_first()
            while self.size_bytes > self._max_bytes and len(self._kept) > 1:
                self.cut = True
                self._forget_first()

    def messages(self) -> list[PackedMessage]:
        """Return what is remembered now, in the order of receipt."""
        with self._lock:
            return sorted(self._latched.values(), key=_received) + list(self._kept)

    def _forget_first(self) -> None:
        kept = self._kept.popleft()
        self.size_bytes -= len(kept.data)
        if kept.topic.latched:
            self._latched[kept.topic.name] = kept


def write_messages(
    folder: Path,
    messages: Iterable[PackedMessage],
    bag_format: BagFormat,
    custom_data: Mapping[str, str],
) -> int:
    """Write what a ring remembered into a bag of its own, and return how many messages it is.

    Raises:
        BagError: The bag cannot be written.
    """
    writer = BagWriter(folder, bag_format, custom_data)
    try:
        for kept in messages:
            message = kept.unpack()
            writer.add_topic(message.topic)
            writer.write(message.topic.name, message.received_ns, message.data)
        writer.close()
    except BaseException:
        writer.abandon()
        raise
    return writer.message_count


def _received(kept: PackedMessage) -> int:
    return kept.received_ns
