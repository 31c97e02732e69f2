"""What is left of a sqlite3 file that is damaged or was cut off."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from f1_rl.bags.errors import BagError
from f1_rl.bags.storage import RawRecord, TopicInfo

# After so many rows in a row that cannot be read, nothing readable comes any more.
_LONGEST_GAP = 5_000


class SqliteSalvage:
    """Reads the messages of a `.db3` file row by row, past those that are gone; see `Storage`."""

    def __init__(self, path: Path, shown: Path) -> None:
        """Open the file.

        Args:
            path: The file.
            shown: What to call it in messages.

        Raises:
            BagError: It is no sqlite3 file of a bag, or nothing of it can be read.
        """
        self.warnings: list[str] = []
        self._shown = shown
        # Immutable: nothing is written beside the file, and no lock is asked for.
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
        self._database.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            # Without this, sqlite refuses a file that is shorter than its first page says.
            self._database.execute("PRAGMA writable_schema=ON")
            rows = self._database.execute("SELECT id, name, type FROM topics").fetchall()
        except sqlite3.Error as error:
            self._database.close()
            raise BagError(f"{shown}: nothing of it can be read ({error}).") from error
        self._topics = {int(number): (str(name), str(kind)) for number, name, kind in rows}
        definitions = self._definitions()
        counts = dict.fromkeys(self._topics, 0)
        self.start_ns = self.end_ns = 0
        for _, topic, received_ns in self._rows("topic_id, timestamp"):
            if topic in counts:
                counts[topic] += 1
                self.start_ns = min(self.start_ns or received_ns, received_ns)
                self.end_ns = max(self.end_ns, received_ns)
        self.topics = {
            name: TopicInfo(name, kind, counts[number], definitions.get(kind, ""))
            for number, (name, kind) in self._topics.items()
        }

    def records(self, topics: Collection[str], start_ns: int) -> Iterator[RawRecord]:
        """Yield messages in the order in which they were written."""
        lost = 0
        for row in self._rows("topic_id, timestamp"):
            number, topic, received_ns = row
            name, kind = self._topics.get(topic, ("", ""))
            if name not in topics or received_ns < start_ns:
                continue
            try:
                data = self._database.execute(
                    "SELECT data FROM messages WHERE id = ?", (number,)
                ).fetchone()[0]
            except sqlite3.Error:
                lost += 1
                continue
            yield RawRecord(name, kind, received_ns, bytes(data))
        if lost:
            self.warnings.append(f"{self._shown.name}: {lost} messages are damaged and left out.")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _definitions(self) -> dict[str, str]:
        with suppress(sqlite3.Error):
            return dict(
                self._database.execute(
                    "SELECT topic_type, encoded_message_definition FROM message_definitions"
                ).fetchall()
            )
        return {}

    def _rows(self, columns: str) -> Iterator[tuple[int, int, int]]:
        """Yield number, topic and time of each message that is there, one query each."""
        number, gap = 0, 0
        while gap < _LONGEST_GAP:
            number += 1
            try:
                row = self._database.execute(
                    f"SELECT {columns} FROM messages WHERE id = ?", (number,)
                ).fetchone()
            except sqlite3.Error:
                row = None
            if row is None:
                gap += 1
                continue
            gap = 0
            yield number, int(row[0]), int(row[1])
