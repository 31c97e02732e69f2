"""The files of a bag: opened one after the other, unpacked where they are compressed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from f1_rl.bags.contents import COMPRESSED_SUFFIXES
from f1_rl.bags.errors import BagError
from f1_rl.bags.storage import RawRecord, Storage, TopicInfo

HOW_TO_INSTALL = "reading bags needs the package rosbags; install it with: pip install rosbags."
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Found:
    """What the files themselves say.

    Attributes:
        topics: By name.
        start_ns: When the first message was received; 0 where there is none.
        end_ns: When the last one was.
    """

    topics: dict[str, TopicInfo]
    start_ns: int
    end_ns: int


class BagFiles:
    """Reads the files of a bag as one sequence, of which one file at a time is open."""

    def __init__(self, paths: tuple[Path, ...], warn: Callable[[str], None]) -> None:
        """Open nothing yet.

        Args:
            paths: The files in the order of their recording.
            warn: Called with each sentence about what cannot be read.
        """
        self._paths = paths
        self._warn = warn
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._unpacked: tuple[Path, Path] | None = None

    def look(self, all_of_them: bool) -> Found:
        """Return what the files hold.

        Args:
            all_of_them: Whether every file is looked into; otherwise the first that can be read.

        Raises:
            BagError: None can be read.
        """
        topics: dict[str, TopicInfo] = {}
        spans: list[tuple[int, int]] = []
        failures: list[str] = []
        for path in self._paths:
            try:
                storage = self._open(path)
            except BagError as error:
                failures.append(str(error))
                continue
            try:
                for name, topic in storage.topics.items():
                    count = topic.count + (topics[name].count if name in topics else 0)
                    topics[name] = replace(topic, count=count)
                if storage.end_ns:
                    spans.append((storage.start_ns, storage.end_ns))
            finally:
                storage.close()
            if not all_of_them:
                break
        if len(failures) == len(self._paths):
            raise BagError(failures[0])
        for failure in failures:
            self._warn(failure)
        start_ns = min((start for start, _ in spans), default=0)
        return Found(topics, start_ns, max((end for _, end in spans), default=0))

    def records(self, topics: Collection[str], start_ns: int) -> Iterator[RawRecord]:
        """Yield the messages of some topics received at that time or later."""
        for path in self._paths:
            try:
                yield from self._file_records(path, topics, start_ns)
            except BagError as error:
                self._warn(str(error))

    def close(self) -> None:
        """Remove what was unpacked."""
        folder, self._folder, self._unpacked = self._folder, None, None
        if folder is not None:
            folder.cleanup()

    def _file_records(
        self, path: Path, topics: Collection[str], start_ns: int
    ) -> Iterator[RawRecord]:
        storage = self._open(path)
        read = 0
        try:
            for record in storage.records(topics, start_ns):
                read += 1
                plain = self._decompressed(record)
                if plain is not None:
                    yield plain
            return
        except Exception as error:
            # A damaged file makes the libraries beneath raise errors of many classes.
            reason = _one_line(error)
        finally:
            for warning in storage.warnings:
                self._warn(warning)
            storage.close()
        yield from self._rest(path, topics, start_ns, read, reason)

    def _rest(
        self, path: Path, topics: Collection[str], start_ns: int, read: int, reason: str
    ) -> Iterator[RawRecord]:
        """Yield what is left of a file after so many messages, past its damage."""
        storage = self._salvage(path, reason)
        try:
            for i, record in enumerate(storage.records(topics, start_ns)):
                plain = self._decompressed(record) if i >= read else None
                if plain is not None:
                    yield plain
        finally:
            for warning in storage.warnings:
                self._warn(warning)
            storage.close()

    def _decompressed(self, record: RawRecord) -> RawRecord | None:
        """Return a message whose bytes are not compressed; None of one that is damaged."""
        # CDR begins with 0, which zstd does not.
        if record.data[:4] != _ZSTD_MAGIC:
            return record
        zstd = zstd_module()
        try:
            return replace(record, data=zstd.decompress(record.data))
        except zstd.ZstdError as error:
            self._warn(
                f"a message of {record.topic} received at {record.received_ns} ns is damaged "
                f"({_one_line(error)}) and is left out."
            )
            return None

    def _open(self, path: Path) -> Storage:
        """Open a file, if need be without its index.

        Raises:
            BagError: Nothing of it can be read.
        """
        if not path.stat().st_size:
            raise BagError(f"{path}: is an empty file, so nothing was recorded; record again.")
        plain = self._plain(path)
        try:
            storage: Storage = _storage_class()(plain)
            return storage
        except BagError:
            raise
        except Exception as error:
            # As above: the error of a damaged file may be of any class.
            return self._salvage(path, _one_line(error))

    def _salvage(self, path: Path, reason: str) -> Storage:
        from f1_rl.bags.mcap_salvage import McapSalvage
        from f1_rl.bags.sqlite_salvage import SqliteSalvage

        plain = self._plain(path)
        self._warn(f"{path.name} is damaged ({reason}); what can be read of it is read.")
        if plain.suffix == ".mcap":
            return McapSalvage(plain, path)
        return SqliteSalvage(plain, path)

    def _plain(self, path: Path) -> Path:
        """Return the file itself, or a copy that is unpacked and has what its journal holds."""
        packed = path.suffix in COMPRESSED_SUFFIXES
        journal = path.with_name(f"{path.name}-wal")
        if not packed and not (journal.is_file() and journal.stat().st_size):
            return path
        if self._unpacked is not None and self._unpacked[0] == path:
            return self._unpacked[1]
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="f1_rl-bag-")
        if self._unpacked is not None:
            # Who still reads it keeps it open.
            self._unpacked[1].unlink(missing_ok=True)
        target = Path(self._folder.name) / (path.stem if packed else path.name)
        failure = _unpack(path, target) if packed else _with_journal(path, journal, target)
        if failure is not None:
            self._warn(f"{path.name} is damaged ({failure}); what comes before that is read.")
        self._unpacked = (path, target)
        return target


def zstd_module() -> Any:
    """Return the module that knows zstd.

    Raises:
        BagError: None is installed.
    """
    try:
        from backports import zstd
    except ImportError as error:
        raise BagError(f"the bag is compressed, and {HOW_TO_INSTALL}") from error
    return zstd


def _storage_class() -> Any:
    """Return what opens a whole file: rosbags, or rosbag2_py where that is all there is."""
    try:
        from f1_rl.bags.rosbags_storage import RosbagsStorage
    except ImportError as error:
        try:
            from f1_rl.bags.ros_storage import RosStorage
        except ImportError:
            raise BagError(HOW_TO_INSTALL) from error
        return RosStorage
    return RosbagsStorage


def _unpack(source: Path, target: Path) -> str | None:
    """Write the content of a compressed file; return why it ended early, or None."""
    zstd = zstd_module()
    decompressor = zstd.ZstdDecompressor()
    with source.open("rb") as packed, target.open("wb") as plain:
        while block := packed.read(_BLOCK_BYTES):
            while block:
                if decompressor.eof:
                    decompressor = zstd.ZstdDecompressor()
                try:
                    plain.write(decompressor.decompress(block))
                except zstd.ZstdError as error:
                    return _one_line(error)
                block = decompressor.unused_data
    return None if decompressor.eof else "it ends in the middle"


def _with_journal(source: Path, journal: Path, target: Path) -> str | None:
    """Copy a sqlite3 file and move the journal of a killed recorder into the copy."""
    import apsw

    shutil.copyfile(source, target)
    shutil.copyfile(journal, target.with_name(f"{target.name}-wal"))
    try:
        database = apsw.Connection(str(target))
        database.execute("PRAGMA journal_mode=DELETE")
        database.close()
    except apsw.Error as error:
        return _one_line(error)
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
