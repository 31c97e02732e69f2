"""What is left of an MCAP file that has lost its index or is damaged inside.

An MCAP file is a row of records, most of them in chunks, with an index behind (see
https://mcap.dev/spec). The index is not needed: whoever goes through the records from the front
finds everything up to where the recorder was killed, and past chunks that are damaged.
"""

from __future__ import annotations

import heapq
import struct
from binascii import crc32
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from f1_rl.bags.errors import BagError
from f1_rl.bags.storage import RawRecord, TopicInfo

_MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _INDEX, _DATA_END = 2, 3, 4, 5, 6, 7, 15
_HEAD = struct.Struct("<BQ")
_MESSAGE_HEAD = struct.Struct("<HIQQ")
_CHUNK_HEAD = struct.Struct("<QQQI")
# Larger records than this come of damaged lengths, and so do smaller ones of these kinds.
_LARGEST_RECORD = 1 << 34
_INDEX_HEAD = struct.Struct("<HI")
_SMALLEST = {_MESSAGE: _MESSAGE_HEAD.size, _CHUNK: _CHUNK_HEAD.size, _INDEX: _INDEX_HEAD.size}


@dataclass(frozen=True)
class _Channel:
    topic: str
    type: str
    definition: str


@dataclass
class _Chunk:
    """Where a chunk lies; `counts` are its messages by channel, None where that is not known."""

    offset: int
    length: int
    start_ns: int
    end_ns: int
    whole: bool
    counts: dict[int, int] | None = field(default=None)


class McapSalvage:
    """Reads an MCAP file from the front; see `Storage`."""

    def __init__(self, path: Path, shown: Path) -> None:
        """Go through the file once, over the chunks without reading them where that is possible.

        Args:
            path: The file.
            shown: What to call it in messages.

        Raises:
            BagError: It holds no message that can be read.
        """
        self.warnings: list[str] = []
        self._shown = shown
        self._size = path.stat().st_size
        self._file: BinaryIO = path.open("rb")
        self._schemas: dict[int, tuple[str, str]] = {}
        self._channels: dict[int, _Channel] = {}
        self._chunks: list[_Chunk] = []
        self._loose = _Chunk(0, 0, 0, 0, True, {})
        try:
            self._walk()
            self._learn_channels()
        except BaseException:
            self._file.close()
            raise
        counts: dict[int, int] = {}
        spans = [(item.start_ns, item.end_ns) for item in [*self._chunks, self._loose]]
        for chunk in [*self._chunks, self._loose]:
            for number, count in (chunk.counts or {}).items():
                counts[number] = counts.get(number, 0) + count
        self.topics: dict[str, TopicInfo] = {}
        for number, channel in self._channels.items():
            known = self.topics.get(channel.topic)
            total = counts.get(number, 0) + (known.count if known else 0)
            self.topics[channel.topic] = TopicInfo(
                channel.topic, channel.type, total, channel.definition
            )
        self.start_ns = min((start for start, end in spans if end), default=0)
        self.end_ns = max((end for _, end in spans), default=0)
        if not self.topics:
            self._file.close()
            raise BagError(f"{shown}: holds no message that can be read; record again.")

    def records(self, topics: Collection[str], start_ns: int) -> Iterator[RawRecord]:
        """Yield messages in the order of their receipt."""
        sources = [self._loose_records(topics, start_ns)] if self._loose.counts else []
        sources += [
            self._chunk_records(chunk, topics, start_ns)
            for chunk in self._chunks
            if chunk.end_ns >= start_ns
        ]
        for _, _, record in heapq.merge(*sources, key=lambda item: item[:2]):
            if record is not None:
                yield record

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _walk(self) -> None:
        """Find the chunks, and the messages that lie in none."""
        if self._file.read(len(_MAGIC)) != _MAGIC:
            raise BagError(f"{self._shown}: is no MCAP file; give a bag.")
        offset = len(_MAGIC)
        while offset + _HEAD.size <= self._size:
            self._file.seek(offset)
            kind, length = _HEAD.unpack(self._file.read(_HEAD.size))
            if kind in (_FOOTER, _DATA_END):
                return
            begin, end = offset + _HEAD.size, offset + _HEAD.size + length
            if not 0 < kind <= _DATA_END or not _may_be_long(kind, length):
                break
            if kind == _CHUNK and end - length + _CHUNK_HEAD.size <= self._size:
                start_ns, end_ns, _, _ = _CHUNK_HEAD.unpack(self._file.read(_CHUNK_HEAD.size))
                whole = end <= self._size
                self._chunks.append(_Chunk(begin, length, start_ns, end_ns, whole))
            elif end > self._size:
                break
            elif kind == _INDEX:
                self._take_index(self._file.read(length))
            elif kind == _MESSAGE:
                self._take_loose(self._file.read(_MESSAGE_HEAD.size))
            elif kind in (_SCHEMA, _CHANNEL):
                self._take(kind, self._file.read(length))
            offset = end
        lost = self._size - min(offset, self._size)
        if lost:
            self.warnings.append(
                f"{self._shown.name}: its last {lost} of {self._size} bytes hold no record that "
                "can be read."
            )

    def _take_index(self, content: bytes) -> None:
        channel, size = _INDEX_HEAD.unpack_from(content)
        if self._chunks:
            chunk = self._chunks[-1]
            chunk.counts = {**(chunk.counts or {}), channel: size // 16}

    def _take_loose(self, head: bytes) -> None:
        channel, _, received_ns, _ = _MESSAGE_HEAD.unpack(head)
        loose = self._loose
        assert loose.counts is not None
        loose.start_ns = received_ns if not loose.counts else min(loose.start_ns, received_ns)
        loose.end_ns = max(loose.end_ns, received_ns)
        loose.counts[channel] = loose.counts.get(channel, 0) + 1

    def _take(self, kind: int, content: bytes) -> None:
        """Learn a schema or a channel."""
        reader = _Fields(content)
        if kind == _SCHEMA:
            number, name, _ = reader.number(), reader.text(), reader.text()
            self._schemas[number] = (name, reader.text())
            return
        number, schema, topic, encoding = (
            reader.number(),
            reader.number(),
            reader.text(),
            reader.text(),
        )
        if encoding == "cdr":
            self._channels[number] = _Channel(topic, *self._schemas.get(schema, ("", "")))

    def _learn_channels(self) -> None:
        """Read the chunks that hold channels not known yet, or whose messages are not counted."""
        for chunk in self._chunks:
            if chunk.counts is not None and set(chunk.counts) <= set(self._channels):
                continue
            counts: dict[int, int] = {}
            for kind, content in self._chunk_contents(chunk):
                if kind in (_SCHEMA, _CHANNEL):
                    self._take(kind, content)
                elif kind == _MESSAGE:
                    channel = _MESSAGE_HEAD.unpack_from(content)[0]
                    counts[channel] = counts.get(channel, 0) + 1
            chunk.counts = counts

    def _loose_records(
        self, topics: Collection[str], start_ns: int
    ) -> Iterator[tuple[int, int, RawRecord | None]]:
        """Yield the messages that lie in no chunk, in the order of the file."""
        offset = len(_MAGIC)
        while offset + _HEAD.size <= self._size:
            self._file.seek(offset)
            kind, length = _HEAD.unpack(self._file.read(_HEAD.size))
            if kind in (_FOOTER, _DATA_END) or not _may_be_long(kind, length):
                return
            if offset + _HEAD.size + length > self._size:
                return
            if kind == _MESSAGE:
                record = self._record(self._file.read(length), topics, start_ns)
                if record is not None:
                    yield record.received_ns, offset, record
            offset += _HEAD.size + length

    def _chunk_records(
        self, chunk: _Chunk, topics: Collection[str], start_ns: int
    ) -> Iterator[tuple[int, int, RawRecord | None]]:
        """Yield the messages of a chunk; the first item is a mark, so that it is read in time."""
        yield chunk.start_ns, -1, None
        found = (
            self._record(content, topics, start_ns)
            for kind, content in self._chunk_contents(chunk)
            if kind == _MESSAGE
        )
        records = [record for record in found if record is not None]
        for record in sorted(records, key=lambda item: item.received_ns):
            yield record.received_ns, chunk.offset, record

    def _record(self, content: bytes, topics: Collection[str], start_ns: int) -> RawRecord | None:
        number, _, received_ns, _ = _MESSAGE_HEAD.unpack_from(content)
        channel = self._channels.get(number)
        if channel is None or channel.topic not in topics or received_ns < start_ns:
            return None
        return RawRecord(channel.topic, channel.type, received_ns, content[_MESSAGE_HEAD.size :])

    def _chunk_contents(self, chunk: _Chunk) -> Iterator[tuple[int, bytes]]:
        """Yield kind and content of the records of a chunk, as far as they can be read."""
        self._file.seek(chunk.offset)
        reader = _Fields(self._file.read(chunk.length))
        _, _, size, checksum = _CHUNK_HEAD.unpack(reader.take(_CHUNK_HEAD.size))
        compression = reader.text()
        packed = reader.content[reader.at + 8 :]
        try:
            plain = _decompress(compression, packed, chunk.whole)
        except Exception as error:
            # Each of the three formats has an error class of its own.
            self._leave_out(chunk, str(error))
            return
        if chunk.whole and (len(plain) != size or (checksum and crc32(plain) != checksum)):
            self._leave_out(chunk, "its checksum does not fit")
            return
        at = 0
        while at + _HEAD.size <= len(plain):
            kind, length = _HEAD.unpack_from(plain, at)
            at += _HEAD.size
            if at + length > len(plain) or not _may_be_long(kind, length):
                return
            yield kind, plain[at : at + length]
            at += length

    def _leave_out(self, chunk: _Chunk, reason: str) -> None:
        count = sum(chunk.counts.values()) if chunk.counts else 0
        sentence = (
            f"{self._shown.name}: a chunk{f' of {count} messages' if count else ''} received from "
            f"{chunk.start_ns} to {chunk.end_ns} ns is damaged ({reason}) and is left out."
        )
        if sentence not in self.warnings:
            self.warnings.append(sentence)


class _Fields:
    """Takes the fields of a record, one after the other."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def take(self, size: int) -> bytes:
        """Return that many bytes."""
        self.at += size
        return self.content[self.at - size : self.at]

    def number(self) -> int:
        """Return a number of 16 bits."""
        return int.from_bytes(self.take(2), "little")

    def text(self) -> str:
        """Return a text with its length in front."""
        return self.take(int.from_bytes(self.take(4), "little")).decode("utf-8", "replace")


def _may_be_long(kind: int, length: int) -> bool:
    """Return whether a record may have such a length."""
    return _SMALLEST.get(kind, 0) <= length <= _LARGEST_RECORD


def _decompress(compression: str, packed: bytes, whole: bool) -> bytes:
    """Return what a chunk holds; of one that was cut, what comes before the cut."""
    if not compression:
        return packed
    if compression == "zstd":
        from backports import zstd

        maker: Callable[[], Any] = zstd.ZstdDecompressor
    elif compression == "lz4":
        import lz4.frame

        maker = lz4.frame.LZ4FrameDecompressor
    else:
        raise ValueError(f"its compression {compression!r} is unknown")
    plain: bytes = maker().decompress(packed)
    return plain
