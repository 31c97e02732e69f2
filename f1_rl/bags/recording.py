"""A recording in progress: whoever hands over messages never waits for the disk."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from f1_rl.bags.errors import BagError
from f1_rl.bags.ring import Message, PackedMessage, Ring, write_messages
from f1_rl.bags.writer import BagFormat, BagWriter

_FLUSH_EVERY_S = 1.0
_BYTES_PER_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class RecordingLimits:
    """How much a recording may take.

    Attributes:
        ring_s: How long messages are remembered; 0.0: not at all.
        ring_max_mb: Memory of those, 10^6 bytes.
        queue_mb: Memory of the messages that wait for the disk; what comes when it is full is
            dropped.
        min_free_mb: Room that is left on the disk: with less, recording ends.
    """

    ring_s: float = 30.0
    ring_max_mb: float = 500.0
    queue_mb: float = 256.0
    min_free_mb: float = 100.0


@dataclass(frozen=True)
class _SaveRing:
    """A place in the queue at which the ring is to be written."""

    folder: Path


class Recording:
    """Writes messages into a bag, and remembers the last seconds; in threads of its own.

    Attributes:
        folder: The bag.
        ring: What is remembered.
        dropped: Messages that were dropped since the disk was too slow.
        written: Messages that were written.
    """

    def __init__(
        self,
        folder: Path,
        bag_format: BagFormat,
        limits: RecordingLimits,
        custom_data: Mapping[str, str],
        *,
        continuous: bool = True,
        on_ring: Callable[[Path, int], None],
        on_failure: Callable[[str], None],
    ) -> None:
        """Make the bag and begin.

        Args:
            folder: Of the bag, to make; rings are written beside it.
            bag_format: How to write.
            limits: How much it may take.
            custom_data: What to note in bags beside their messages.
            continuous: Whether everything is written; otherwise the ring alone, when asked for.
            on_ring: Called when a ring was written, with its folder and number of messages.
            on_failure: Called with a sentence when a bag cannot be written.

        Raises:
            BagError: The bag cannot be made.
        """
        self.folder = folder
        self.dropped = 0
        self.written = 0
        self.ring = Ring(limits.ring_s, round(limits.ring_max_mb * _BYTES_PER_MEGABYTE))
        self._format = bag_format
        self._limits = limits
        self._custom_data = dict(custom_data)
        self._on_ring = on_ring
        self._on_failure = on_failure
        self._rings = 0
        self._queue: deque[Message | _SaveRing] = deque()
        self._queued_bytes = 0
        self._closed = False
        self._changed = threading.Condition()
        self._ring_thread = ThreadPoolExecutor(1, "ring")
        self._writer: BagWriter | None = None
        self._opened = threading.Event()
        self._refusal: BagError | None = None
        self._thread = threading.Thread(
            target=self._run, args=(continuous,), name="recording", daemon=True
        )
        self._thread.start()
        self._opened.wait()
        if self._refusal is not None:
            raise self._refusal

    def put(self, message: Message) -> None:
        """Hand over a message; returns at once."""
        limit = self._limits.queue_mb * _BYTES_PER_MEGABYTE
        with self._changed:
            if self._closed:
                return
            if self._queue and self._queued_bytes + len(message.data) > limit:
                self.dropped += 1
                return
            self._queued_bytes += len(message.data)
            self._queue.append(message)
            self._changed.notify()

    def note(self, name: str, value: str) -> None:
        """Note something in the bags, beside their messages."""
        with self._changed:
            self._custom_data[name] = value

    def save_ring(self) -> Path:
        """Have written what was handed over in the last seconds; returns at once.

        Returns:
            The bag it will be.
        """
        with self._changed:
            while True:
                self._rings += 1
                folder = self.folder.with_name(f"{self.folder.name}-ring-{self._rings}")
                if not folder.exists():
                    break
            self._queue.append(_SaveRing(folder))
            self._changed.notify()
        return folder

    def close(self) -> None:
        """Write what waits, and finish the bags."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._ring_thread.shutdown(wait=True)

    def _run(self, continuous: bool) -> None:
        # The storage of sqlite3 wants one thread from the first to the last.
        try:
            if continuous:
                self._writer = BagWriter(self.folder, self._format, self._custom_data)
        except BagError as error:
            self._refusal = error
            return
        finally:
            self._opened.set()
        try:
            self._write_all()
        except BagError as error:
            self._fail(str(error))
        except Exception as error:
            self._fail(f"recording failed: {error!r}; what was written before can be read.")
            raise

    def _write_all(self) -> None:
        flush_at_s = time.monotonic() + _FLUSH_EVERY_S
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._queue or self._closed, max(0.0, flush_at_s - time.monotonic())
                )
                batch = list(self._queue)
                ended = self._closed and not batch
                self._queue.clear()
            for item in batch:
                self._take(item)
            if ended:
                break
            if time.monotonic() >= flush_at_s:
                self._flush()
                flush_at_s = time.monotonic() + _FLUSH_EVERY_S
        if self._writer is not None:
            self._note_all(self._writer)
            self._writer.close()

    def _take(self, item: Message | _SaveRing) -> None:
        if isinstance(item, _SaveRing):
            self._ring_thread.submit(self._write_ring, item.folder, self.ring.messages())
            return
        if self._writer is not None:
            self._writer.add_topic(item.topic)
            self._writer.write(item.topic.name, item.received_ns, item.data)
            self.written += 1
        if self._limits.ring_s > 0.0:
            self.ring.add(item)
        with self._changed:
            self._queued_bytes -= len(item.data)

    def _flush(self) -> None:
        if self._writer is None:
            return
        self._note_all(self._writer)
        self._writer.flush()
        lack = self._lack_of_room(self.folder)
        if lack:
            self._writer.close()
            raise BagError(
                f"recording into {self.folder} ends: {lack}; what was recorded is complete, "
                "make room or choose another folder for more."
            )

    def _lack_of_room(self, folder: Path) -> str:
        """Return how much room the disk of a folder lacks; empty: it has enough."""
        free_mb = shutil.disk_usage(folder).free / _BYTES_PER_MEGABYTE
        if free_mb >= self._limits.min_free_mb:
            return ""
        return f"{free_mb:.0f} MB are free, fewer than min_free_mb ({self._limits.min_free_mb:.0f})"

    def _note_all(self, writer: BagWriter) -> None:
        with self._changed:
            for name, value in self._custom_data.items():
                writer.set_custom_data(name, value)

    def _write_ring(self, folder: Path, messages: list[PackedMessage]) -> None:
        try:
            self._refuse_without_room(folder)
            count = write_messages(folder, messages, self._format, self._custom_data)
        except BagError as error:
            self._on_failure(str(error))
        except Exception as error:
            self._on_failure(f"{folder} cannot be written: {error!r}.")
        else:
            self._on_ring(folder, count)

    def _refuse_without_room(self, folder: Path) -> None:
        """Refuse to write a ring where the disk has too little room."""
        # The folder is made by whoever writes; its parents may not be there either.
        there = next(parent for parent in folder.absolute().parents if parent.is_dir())
        lack = self._lack_of_room(there)
        if lack:
            raise BagError(f"{folder} is not written: {lack}; make room or choose another folder.")

    def _fail(self, sentence: str) -> None:
        if self._writer is not None:
            self._writer.abandon()
        with self._changed:
            self._closed = True
            self._queue.clear()
        self._on_failure(sentence)
