"""A drive, picture by picture, each with the command that answered it and the car's motion."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from f1_rl.bags.drive_topics import DriveTopics
from f1_rl.bags.reader import Bag
from f1_rl.bags.storage import Record
from f1_rl.messages import (
    MessageError,
    OdometrySample,
    decode_compressed_image,
    decode_image,
    read_odometry,
    read_twist,
    stamp_ns,
)

UInt8Array = npt.NDArray[np.uint8]
T = TypeVar("T")

DEFAULT_TOLERANCE_NS = 50_000_000
# Two clocks that are further apart than this are not the same one.
_SAME_CLOCK_NS = 1_000_000_000
_LOOKED_AT = 2


@dataclass(frozen=True)
class DriveFrame:
    """A picture of a drive and what belongs to it.

    Attributes:
        stamp_ns: When it was taken, by its header; when it was received, where headers are empty.
        received_ns: When the recorder received it.
        picture: (H, W, 3) uint8 RGB.
        command: Forward speed (m/s) and yaw rate (rad/s) that the recorded driver answered with;
            None where no command came within the tolerance.
        odometry: The motion nearest to it; None where none lies within the tolerance.
        follows_unusable: Whether a picture that could not be decoded lies just before it.
    """

    stamp_ns: int
    received_ns: int
    picture: UInt8Array
    command: tuple[float, float] | None
    odometry: OdometrySample | None
    follows_unusable: bool = False


@dataclass
class FrameCounts:
    """What has been read so far.

    Attributes:
        frames: Pictures that were decoded.
        unusable: Pictures that could not be.
        without_command: Decoded ones with no command within the tolerance.
        without_odometry: Decoded ones with no odometry within the tolerance.
        refused: Commands and odometry that are not finite numbers.
        reasons: Why pictures could not be decoded, and how many each.
    """

    frames: int = 0
    unusable: int = 0
    without_command: int = 0
    without_odometry: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Waiting:
    """A picture that waits for what belongs to it."""

    stamp_ns: int
    received_ns: int
    message: Any


@dataclass(frozen=True)
class _Clocks:
    """Whether pictures have stamps, and what is compared with them by stamp, not by receipt."""

    image_has_stamps: bool
    command_by_stamp: bool
    odometry_by_stamp: bool


class FrameReader:
    """Iterates over the pictures of a bag; each iteration reads it anew.

    A command belongs to a picture if it is the first that comes with or after it, within the
    tolerance: that is the command which answers it. Odometry belongs to it if no other is nearer
    in time, within the tolerance. Times are those in the headers; where one of the two has none
    (a Twist), or the two are by different clocks, they are the times of receipt.

    Attributes:
        counts: Of the iteration that was begun last.
        notes: What is to be known of the times, in sentences.
    """

    def __init__(
        self, bag: Bag, topics: DriveTopics, tolerance_ns: int = DEFAULT_TOLERANCE_NS
    ) -> None:
        """Look at the first messages, for their clocks.

        Args:
            bag: The bag.
            topics: Which are read.
            tolerance_ns: Greatest time between a picture and what belongs to it.
        """
        self.bag = bag
        self.topics = topics
        self.tolerance_ns = tolerance_ns
        self.counts = FrameCounts()
        self.notes: list[str] = []
        compressed = bag.topics[topics.image_topic].type.endswith("CompressedImage")
        self._decode = decode_compressed_image if compressed else decode_image
        self._clocks = self._find_clocks()

    def __iter__(self) -> Iterator[DriveFrame]:
        """Yield the pictures in the order of their receipt."""
        self.counts = FrameCounts()
        waiting: deque[_Waiting] = deque()
        commands: deque[tuple[int, tuple[float, float]]] = deque()
        motions: deque[tuple[int, OdometrySample]] = deque()
        broken = False
        for record in chain(self.bag.records(self.topics.names), [None]):
            # What belongs to a picture comes within twice the tolerance, or not at all.
            while waiting and (
                record is None
                or record.received_ns > waiting[0].received_ns + 2 * self.tolerance_ns
            ):
                frame = self._finish(waiting.popleft(), commands, motions, broken)
                broken = frame is None
                if frame is not None:
                    yield frame
            if record is None:
                return
            if record.topic == self.topics.image_topic:
                waiting.append(self._waiting(record))
            elif record.topic == self.topics.command_topic:
                self._keep_command(record, commands)
            else:
                self._keep_motion(record, motions)

    def _waiting(self, record: Record) -> _Waiting:
        stamp = record.received_ns
        if self._clocks.image_has_stamps:
            stamp = stamp_ns(record.message.header.stamp)
        return _Waiting(stamp, record.received_ns, record.message)

    def _keep_command(
        self, record: Record, commands: deque[tuple[int, tuple[float, float]]]
    ) -> None:
        try:
            command = read_twist(record.message)
        except MessageError:
            self.counts.refused += 1
            return
        by_stamp = self._clocks.command_by_stamp
        commands.append((_time_ns(record, by_stamp), command))

    def _keep_motion(self, record: Record, motions: deque[tuple[int, OdometrySample]]) -> None:
        try:
            sample = read_odometry(record.message)
        except MessageError:
            self.counts.refused += 1
            return
        motions.append((_time_ns(record, self._clocks.odometry_by_stamp), sample))

    def _finish(
        self,
        item: _Waiting,
        commands: deque[tuple[int, tuple[float, float]]],
        motions: deque[tuple[int, OdometrySample]],
        broken: bool,
    ) -> DriveFrame | None:
        """Return a picture with what belongs to it; None where it cannot be decoded."""
        clocks, tolerance_ns = self._clocks, self.tolerance_ns
        command = odometry = None
        time_ns = item.stamp_ns if clocks.command_by_stamp else item.received_ns
        _drop(commands, time_ns)
        answers = [entry for entry in commands if 0 <= entry[0] - time_ns <= tolerance_ns]
        if answers:
            command = min(answers, key=lambda entry: entry[0])[1]
        time_ns = item.stamp_ns if clocks.odometry_by_stamp else item.received_ns
        _drop(motions, time_ns - tolerance_ns)
        near = [entry for entry in motions if abs(entry[0] - time_ns) <= tolerance_ns]
        if near:
            odometry = min(near, key=lambda entry: abs(entry[0] - time_ns))[1]
        try:
            picture = self._decode(item.message)
        except MessageError as error:
            self.counts.unusable += 1
            self.counts.reasons[str(error)] += 1
            return None
        self.counts.frames += 1
        self.counts.without_command += command is None
        self.counts.without_odometry += odometry is None
        return DriveFrame(item.stamp_ns, item.received_ns, picture, command, odometry, broken)

    def _find_clocks(self) -> _Clocks:
        topics = self.topics
        # One topic after the other: a driver that waits for its camera says a lot before. The
        # others from the first picture on, since clocks that run at another pace drift apart.
        images = self._first_times(topics.image_topic, 0)
        begin_ns = images[0][1] if images else 0
        first = {name: self._first_times(name, begin_ns) for name in topics.names}
        if not _has_stamps(images):
            if images:
                self.notes.append(
                    f"the stamps of {topics.image_topic} are all zero: the times of receipt are "
                    "taken in their place; let the camera stamp its pictures."
                )
            return _Clocks(False, False, False)
        return _Clocks(
            True,
            self._by_stamp(topics.command_topic, first, images),
            self._by_stamp(topics.odometry_topic, first, images),
        )

    def _first_times(self, topic: str, begin_ns: int) -> list[tuple[int, int]]:
        """Return the stamps, 0 where there is none, and times of receipt of its first messages."""
        times = []
        for record in islice(self.bag.records([topic], begin_ns), _LOOKED_AT):
            header = getattr(record.message, "header", None)
            taken_ns = stamp_ns(header.stamp) if header is not None else 0
            times.append((taken_ns, record.received_ns))
        return times

    def _by_stamp(
        self,
        topic: str | None,
        first: dict[str, list[tuple[int, int]]],
        images: list[tuple[int, int]],
    ) -> bool:
        """Return whether a topic has stamps by the clock of the pictures."""
        if topic is None or not _has_stamps(first[topic]):
            return False
        taken_ns, received_ns = first[topic][-1]
        image_taken_ns, image_received_ns = images[-1]
        apart_ns = abs((taken_ns - image_taken_ns) - (received_ns - image_received_ns))
        if apart_ns <= _SAME_CLOCK_NS:
            return True
        self.notes.append(
            f"the stamps of {topic} and of {self.topics.image_topic} are by clocks that are "
            f"{apart_ns / 1e9:.1f} s apart: the two are aligned by their times of receipt; set "
            "use_sim_time for all nodes or for none."
        )
        return False


def frames(
    bag: Bag, topics: DriveTopics, tolerance_ns: int = DEFAULT_TOLERANCE_NS
) -> Iterator[DriveFrame]:
    """Yield the pictures of a bag, each with its command and odometry; see `FrameReader`."""
    return iter(FrameReader(bag, topics, tolerance_ns))


def _has_stamps(times: list[tuple[int, int]]) -> bool:
    return any(taken_ns for taken_ns, _ in times)


def _time_ns(record: Record, by_stamp: bool) -> int:
    return stamp_ns(record.message.header.stamp) if by_stamp else record.received_ns


def _drop(entries: deque[tuple[int, T]], before_ns: int) -> None:
    """Forget what came before a time; the pictures still waiting are later."""
    while entries and entries[0][0] < before_ns:
        entries.popleft()
