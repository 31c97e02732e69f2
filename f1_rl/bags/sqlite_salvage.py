"""What is left of a sqlite3 file that is damaged or was cut off."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from f1_rl.bags.errors import BagError
from f1_rl.bags.storage import RawRecord, TopicInfo

# After so many rows in a row that cannot be read, nothing readable comes any more.
_LONGEST_GAP = 5_000
_HEAD_BYTES = 100
_ROW = np.dtype([("number", "i8"), ("topic", "i8"), ("received_ns", "i8")])
_VFS_NAME = "f1_rl-whole-pages"


class SqliteSalvage:
    """Reads the messages of a `.db3` file row by row, past those that are gone; see `Storage`."""

    def __init__(self, path: Path, shown: Path) -> None:
        """Open the file and go through its rows.

        Args:
            path: The file.
            shown: What to call it in messages.

        Raises:
            BagError: It is no sqlite3 file of a bag, or nothing of it can be read.
        """
        self.warnings: list[str] = []
        self._shown = shown
        self._vfs = _WholePages(_page_bytes(path))
        try:
            # Immutable: nothing is written beside the file, and no lock is asked for.
            self._database = apsw.Connection(
                f"{path.absolute().as_uri()}?immutable=1",
                flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
                vfs=_VFS_NAME,
            )
            # Without this, sqlite refuses a file that is shorter than its first page says.
            self._database.execute("PRAGMA writable_schema=ON")
            rows: Any = self._database.execute("SELECT id, name, type FROM topics").fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise BagError(
                f"{shown}: nothing of it can be read ({error}); record again."
            ) from error
        self._topics = {int(number): (str(name), str(kind)) for number, name, kind in rows}
        definitions = self._definitions()
        counts = dict.fromkeys(self._topics, 0)
        self.start_ns = self.end_ns = 0
        for _, topic, received_ns in self._rows():
            if topic in counts:
                counts[topic] += 1
                self.start_ns = min(self.start_ns or received_ns, received_ns)
                self.end_ns = max(self.end_ns, received_ns)
        self.topics = {
            name: TopicInfo(name, kind, counts[number], definitions.get(kind, ""))
            for number, (name, kind) in self._topics.items()
        }

    def records(self, topics: Collection[str], start_ns: int) -> Iterator[RawRecord]:
        """Yield messages in the order of their receipt, which need not be that of their rows."""
        lost = 0
        rows = np.fromiter(self._rows(), _ROW)
        rows.sort(order=["received_ns", "number"])
        for number, topic, received_ns in map(np.void.item, rows):
            name, kind = self._topics.get(topic, ("", ""))
            if name not in topics or received_ns < start_ns:
                continue
            row = self._row("data", number)
            if row is None or not isinstance(row[0], bytes):
                lost += 1
                continue
            yield RawRecord(name, kind, received_ns, row[0])
        if lost:
            self.warnings.append(f"{self._shown.name}: messages damaged and left out: {lost}.")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _definitions(self) -> dict[str, str]:
        with suppress(apsw.Error, UnicodeDecodeError):
            rows: Any = self._database.execute(
                "SELECT topic_type, encoded_message_definition FROM message_definitions"
            )
            return {str(kind): str(text) for kind, text in rows}
        return {}

    def _rows(self) -> Iterator[tuple[int, int, int]]:
        """Yield number, topic and time of each message that is there, by one query each."""
        number, gap = 0, 0
        while gap < _LONGEST_GAP:
            number += 1
            row = self._row("topic_id, timestamp", number)
            if row is None or not all(isinstance(value, int) for value in row):
                gap += 1
                continue
            gap = 0
            yield number, row[0], row[1]

    def _row(self, columns: str, number: int) -> tuple[Any, ...] | None:
        """Return a row; None where it is not there, or damaged."""
        try:
            found: Any = self._database.execute(
                f"SELECT {columns} FROM messages WHERE id = ?", (number,)
            ).fetchone()
        except (apsw.Error, UnicodeDecodeError):
            return None
        return None if found is None else tuple(found)


class _WholePages(apsw.VFS):
    """Hides the last page of a file where it is cut: sqlite takes what is missing for zeros."""

    def __init__(self, page_bytes: int) -> None:
        self._page_bytes = page_bytes
        super().__init__(_VFS_NAME, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        """Open a file."""
        return _File(name, flags, self._page_bytes)


class _File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], page_bytes: int) -> None:
        self._page_bytes = page_bytes
        super().__init__("", name, flags)

    def xFileSize(self) -> int:  # noqa: N802
        """Return the size of the pages that are whole."""
        return super().xFileSize() // self._page_bytes * self._page_bytes


def _page_bytes(path: Path) -> int:
    """Return the size of a page as the file's head tells it; 1 stands for 65536."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    size = int.from_bytes(head[16:18], "big")
    return 65_536 if size <= 1 else size
