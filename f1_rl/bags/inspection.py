"""What a bag holds, what it can be used for, and what is to be done about the rest."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.bags.drive_topics import (
    COMMAND_TYPES,
    IMAGE_TYPES,
    ODOMETRY_TYPES,
    DriveTopics,
    find_drive_topics,
)
from f1_rl.bags.errors import BagError
from f1_rl.bags.frames import FrameReader
from f1_rl.bags.offline import bag_camera_fault
from f1_rl.bags.reader import Bag
from f1_rl.bags.storage import TopicInfo
from f1_rl.messages import stamp_ns
from f1_rl.nodes.pilot import Pilot

# An interval of more than so many usual ones is a gap.
_GAP_PERIODS = 2.5
# Where the usual interval accounts for less of the time, messages came in bursts.
_LEAST_EXPLAINED = 0.1
_FEW_MATCHES = 0.9
_SLOW_CAMERA = 0.8


@dataclass(frozen=True)
class TopicReport:
    """A topic as it was found.

    Attributes:
        name: Of the topic.
        type: Of its messages.
        count: Of the messages that can be read.
        expected: Of those that `metadata.yaml` speaks of.
        rate_hz: By the median interval, or the mean one where messages came in bursts; 0.0 of
            less than two messages.
        longest_gap_s: The longest interval.
        longest_gap_at_s: When it began, after the bag's start.
        gaps: Intervals of more than 2.5 usual ones.
        backwards: Messages whose stamp is before that of their predecessor.
        duplicates: Messages whose stamp is the same.
        stamps: `none` where the type has no header, `zero` where all are 0, otherwise `yes`.
    """

    name: str
    type: str
    count: int
    expected: int
    rate_hz: float
    longest_gap_s: float
    longest_gap_at_s: float
    gaps: int
    backwards: int
    duplicates: int
    stamps: str


@dataclass(frozen=True)
class Use:
    """Something that the bag might be used for.

    Attributes:
        name: What for.
        possible: Whether it is.
        remarks: What is missing or to be known, and what to do.
    """

    name: str
    possible: bool
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class BagReport:
    """What was found in a bag.

    Attributes:
        path: Of the bag.
        files: How many it has.
        size_bytes: Their size together.
        duration_s: From the first message to the last.
        messages: That can be read.
        topics: In the order of their names.
        custom_data: What the recorder noted.
        pictures: Sentences about size and encoding of the pictures.
        uses: What it can be used for.
        problems: What is wrong with it, and what to do.
    """

    path: str
    files: int
    size_bytes: int
    duration_s: float
    messages: int
    topics: tuple[TopicReport, ...]
    custom_data: dict[str, str]
    pictures: tuple[str, ...]
    uses: tuple[Use, ...]
    problems: tuple[str, ...]

    @property
    def replayable(self) -> bool:
        """Whether a policy can be replayed on it."""
        return self.uses[0].possible

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass
class _Times:
    """When the messages of a topic came: eight bytes each."""

    received_ns: array[int] = field(default_factory=lambda: array("q"))
    has_header: bool = False
    stamped: bool = False
    last_stamp_ns: int | None = None
    backwards: int = 0
    duplicates: int = 0


@dataclass
class _Pictures:
    """How the pictures are.

    Attributes:
        sizes: How many are so many columns wide and rows high.
        encodings: Of the first.
        pairs: How often two that follow one another have a command each, and odometry where the
            bag has its topic: that makes a transition to learn from.
    """

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)
    pairs: int = 0


def inspect_bag(
    bag: Bag,
    *,
    image_topic: str | None = None,
    command_topic: str | None = None,
    odometry_topic: str | None = None,
    tolerance_ns: int,
    pilot: Pilot | None = None,
) -> BagReport:
    """Read a bag from its beginning to its end and tell what was found.

    Args:
        bag: The bag.
        image_topic: Of the camera; otherwise it is found by type and name, as the others.
        command_topic: Of the commands.
        odometry_topic: Of the car's motion.
        tolerance_ns: Longest time from a picture to the command that answers it.
        pilot: A policy that the bag is to fit.
    """
    times = _times(bag)
    reports = tuple(
        _topic_report(bag, bag.topics[name], times[name]) for name in sorted(bag.topics)
    )
    problems: list[str] = []
    reader: FrameReader | None = None
    pictures = _Pictures()
    try:
        topics = find_drive_topics(bag, image_topic, command_topic, odometry_topic)
        reader = FrameReader(bag, topics, tolerance_ns)
        _look_at(reader, pictures)
        pictures.encodings.update(_encodings(bag, topics.image_topic))
        problems += _picture_problems(reader)
    except BagError as error:
        problems.append(str(error))
    by_name = {report.name: report for report in reports}
    uses = _uses(bag, reader, pictures, by_name, pilot)
    problems += [sentence for report in reports for sentence in _topic_problems(report)]
    return BagReport(
        path=str(bag.path),
        files=len(bag.files),
        size_bytes=sum(path.stat().st_size for path in bag.files),
        duration_s=(max([bag.end_ns, *_last_ns(times)]) - bag.start_ns) / 1e9,
        messages=sum(report.count for report in reports),
        topics=reports,
        custom_data=dict(bag.custom_data),
        pictures=_picture_lines(reader, pictures),
        uses=uses,
        problems=(*bag.warnings, *(reader.notes if reader else ()), *problems),
    )


def _look_at(reader: FrameReader, pictures: _Pictures) -> None:
    """Read all pictures and note how they are."""
    moves = reader.topics.odometry_topic is not None
    was_whole = False
    for frame in reader:
        height, width = frame.picture.shape[:2]
        pictures.sizes[width, height] += 1
        whole = frame.command is not None and (not moves or frame.odometry is not None)
        pictures.pairs += whole and was_whole
        was_whole = whole


def _times(bag: Bag) -> dict[str, _Times]:
    """Return when the messages of each topic came; those of unknown types have no stamps."""
    times = {name: _Times() for name in bag.topics}
    readable = set(bag.topics)
    for raw in bag.raw_records(list(bag.topics)):
        of_topic = times[raw.topic]
        of_topic.received_ns.append(raw.received_ns)
        if raw.topic not in readable:
            continue
        try:
            record = bag.read(raw)
        except BagError:
            # Its stamps stay unknown; what it costs to use the topic is told elsewhere.
            readable.discard(raw.topic)
            continue
        if record is None:
            continue
        header = getattr(record.message, "header", None)
        if header is not None:
            _take_stamp(of_topic, stamp_ns(header.stamp))
    return times


def _last_ns(times: dict[str, _Times]) -> list[int]:
    """Return when the last message of each topic came: metadata may be behind in the last file."""
    return [max(of_topic.received_ns) for of_topic in times.values() if of_topic.received_ns]


def _take_stamp(times: _Times, taken_ns: int) -> None:
    times.has_header = True
    times.stamped = times.stamped or taken_ns != 0
    if times.last_stamp_ns is not None and taken_ns:
        times.backwards += taken_ns < times.last_stamp_ns
        times.duplicates += taken_ns == times.last_stamp_ns
    times.last_stamp_ns = taken_ns


def _topic_report(bag: Bag, topic: TopicInfo, times: _Times) -> TopicReport:
    received_ns = np.array(times.received_ns, np.int64)
    intervals_ns = np.diff(received_ns)
    usual_ns = _usual_ns(intervals_ns)
    longest = int(intervals_ns.argmax()) if len(intervals_ns) else 0
    return TopicReport(
        name=topic.name,
        type=topic.type,
        count=len(received_ns),
        expected=topic.count,
        rate_hz=1e9 / usual_ns if usual_ns > 0.0 else 0.0,
        longest_gap_s=float(intervals_ns[longest]) / 1e9 if len(intervals_ns) else 0.0,
        longest_gap_at_s=(
            float(received_ns[longest] - bag.start_ns) / 1e9 if len(intervals_ns) else 0.0
        ),
        gaps=int((intervals_ns > _GAP_PERIODS * usual_ns).sum()) if usual_ns > 0.0 else 0,
        backwards=times.backwards,
        duplicates=times.duplicates,
        stamps="none" if not times.has_header else "yes" if times.stamped else "zero",
    )


def _usual_ns(intervals_ns: npt.NDArray[np.int64]) -> float:
    if not len(intervals_ns):
        return 0.0
    median_ns, mean_ns = float(np.median(intervals_ns)), float(intervals_ns.mean())
    return median_ns if median_ns >= _LEAST_EXPLAINED * mean_ns else mean_ns


def _topic_problems(report: TopicReport) -> list[str]:
    problems = []
    if report.count < report.expected:
        problems.append(f"{report.name}: {report.count} of {report.expected} messages can be read.")
    if report.type not in (*IMAGE_TYPES, *COMMAND_TYPES, *ODOMETRY_TYPES):
        return problems
    if report.gaps:
        problems.append(
            f"{report.name}: {report.gaps} gaps, the longest {report.longest_gap_s:.2f} s at "
            f"{report.longest_gap_at_s:.1f} s; record with less running beside it, to a "
            "faster disk, or with less compression."
        )
    if report.backwards:
        problems.append(
            f"{report.name}: {report.backwards} stamps go back; was the simulation reset, or do "
            "several nodes publish on it?"
        )
    return problems


def _encodings(bag: Bag, image_topic: str) -> Counter[str]:
    """Return the encodings of the first pictures; a camera keeps to one."""
    found: Counter[str] = Counter()
    for record in bag.records([image_topic]):
        message = record.message
        found[str(message.encoding if hasattr(message, "encoding") else message.format)] += 1
        break
    return found


def _picture_lines(reader: FrameReader | None, pictures: _Pictures) -> tuple[str, ...]:
    if reader is None:
        return ()
    sizes = ", ".join(
        f"{count} of {width} x {height}" for (width, height), count in pictures.sizes.most_common(5)
    )
    encodings = ", ".join(pictures.encodings) or "none"
    return (
        f"pictures on {reader.topics.image_topic}: {sizes or 'none that can be decoded'} "
        f"({encodings})",
    )


def _picture_problems(reader: FrameReader) -> list[str]:
    counts = reader.counts
    return [
        f"pictures that cannot be decoded: {count}, because {reason}"
        for reason, count in counts.reasons.most_common(3)
    ]


def _uses(
    bag: Bag,
    reader: FrameReader | None,
    pictures: _Pictures,
    reports: dict[str, TopicReport],
    pilot: Pilot | None,
) -> tuple[Use, ...]:
    if reader is None or not reader.counts.frames:
        missing = (
            "there are no pictures: record the camera (sensor_msgs/msg/Image), for example with "
            "`f1-rl record`.",
        )
        return tuple(
            Use(name, False, missing) for name in ("offline replay", "online replay", "learning")
        )
    faults, remarks = [], []
    if len(pictures.sizes) > 1:
        remarks.append(
            "the pictures are of several sizes; only those of the policy's size are used."
        )
    if pilot is not None:
        faults += _policy_faults(bag, reader, pictures, reports, pilot)
    command = _command_remarks(reader)
    return (
        Use("offline replay", not faults, (*faults, *remarks, *command)),
        Use("online replay", not faults, (*faults, *remarks)),
        _learning(reader, pictures, command, (*faults, *remarks), not faults),
    )


def _size_fault(pictures: _Pictures, pilot: Pilot) -> str:
    (width, height), _ = pictures.sizes.most_common(1)[0]
    if pilot.reprojection is not None:
        return pilot.size_fault(width, height) or ""
    camera = pilot.preprocessing.camera
    return (
        f"the pictures are {width} x {height}, the policy was trained with {camera.width} x "
        f"{camera.height}; record that size, or train with this one."
    )


def _policy_faults(
    bag: Bag,
    reader: FrameReader,
    pictures: _Pictures,
    reports: dict[str, TopicReport],
    pilot: Pilot,
) -> list[str]:
    faults = []
    if all(pilot.size_fault(*size) for size in pictures.sizes):
        faults.append(_size_fault(pictures, pilot))
    fault = bag_camera_fault(bag, reader.topics.image_topic, pilot)
    if fault is not None:
        faults.append(fault)
    if pilot.needs_speed and reader.topics.odometry_topic is None:
        faults.append("the policy needs the speed, and there is no odometry: record odom, too.")
    rate_hz = reports[reader.topics.image_topic].rate_hz
    if rate_hz and rate_hz < _SLOW_CAMERA / pilot.control_period_s:
        faults.append(
            f"the camera gives {rate_hz:.1f} pictures/s, the policy acts "
            f"{1 / pilot.control_period_s:.1f} times a second; record at that rate."
        )
    return faults


def _command_remarks(reader: FrameReader) -> tuple[str, ...]:
    counts, topic = reader.counts, reader.topics.command_topic
    if topic is None:
        return (
            "there are no commands to compare with: record cmd_vel (Twist or TwistStamped), too.",
        )
    matched = 1.0 - counts.without_command / counts.frames
    if matched >= _FEW_MATCHES:
        return ()
    return (
        f"only {matched:.0%} of the pictures are answered by a command on {topic} within "
        f"{reader.tolerance_ns / 1e6:.0f} ms; raise --tolerance if commands come more rarely than "
        "pictures.",
    )


def _learning(
    reader: FrameReader,
    pictures: _Pictures,
    command: tuple[str, ...],
    remarks: tuple[str, ...],
    fits: bool,
) -> Use:
    topics: DriveTopics = reader.topics
    counts = reader.counts
    within = f"within {reader.tolerance_ns / 1e6:.0f} ms"
    motion: tuple[str, ...] = ()
    if topics.odometry_topic is None:
        motion = ("there is no odometry: rewards can come from the pictures alone.",)
    elif counts.without_odometry > (1.0 - _FEW_MATCHES) * counts.frames:
        motion = (f"{counts.without_odometry} pictures have no odometry {within}.",)
    if topics.command_topic is None or not pictures.pairs:
        wanted = "a command" if topics.odometry_topic is None else "a command and odometry"
        nothing = f"no two pictures that follow one another have {wanted} {within}."
        return Use("learning", False, (*remarks, *command, *motion, nothing))
    if topics.odometry_topic is not None:
        motion += ("give the circuit that was driven with --circuit, since rewards come from it.",)
    return Use("learning", fits, (*remarks, *command, *motion))
