"""What was commanded in a bag and how the car moved, for measuring the delay between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from f1_rl.bags.drive_topics import DriveTopics, described
from f1_rl.bags.errors import BagError
from f1_rl.bags.frames import FrameReader
from f1_rl.bags.reader import Bag
from f1_rl.calibration import CalibratedCamera
from f1_rl.calibration.delay import Commands, Increments
from f1_rl.calibration.picture_turn import PictureTurn
from f1_rl.messages import MessageError, OdometrySample, read_odometry, read_twist, stamp_ns

FloatArray = npt.NDArray[np.float64]

_JOY = "sensor_msgs/msg/Joy"

# Stamps that are further than this from the time of receipt are of another clock.
_SAME_CLOCK_S = 1.0
# Longer increments lie around a gap, and larger ones around a teleport.
_LONGEST_S = 0.5
_FARTHEST_M = 2.0


@dataclass(frozen=True)
class CommandedDrive:
    """Commands, by the recorder's clock.

    Attributes:
        speed: Forward, m/s.
        yaw_rate: rad/s.
    """

    speed: Commands
    yaw_rate: Commands


def read_commands(bag: Bag, topics: DriveTopics) -> CommandedDrive:
    """Return what was commanded.

    Raises:
        BagError: The bag holds no commands.
    """
    if topics.command_topic is None:
        raise BagError(f"{bag.path}: holds no commands; record cmd_vel, too.")
    times, values = [], []
    for record in bag.records([topics.command_topic]):
        try:
            values.append(read_twist(record.message))
        except MessageError:
            continue
        times.append(record.received_ns / 1e9)
    if len(times) < 2:
        raise BagError(f"{bag.path}: holds {len(times)} commands; record a whole drive.")
    times_s, pairs = np.array(times) - bag.start_ns / 1e9, np.array(values)
    return CommandedDrive(Commands(times_s, pairs[:, 0]), Commands(times_s, pairs[:, 1]))


def read_throttle(bag: Bag, topic: str, axis: int) -> Commands:
    """Return the throttle that a `sensor_msgs/Joy` told the motor controller.

    Raises:
        BagError: There is no such topic, or it has no such axis.
    """
    name = topic if topic in bag.topics else f"/{topic}"
    if name not in bag.topics or bag.topics[name].type != _JOY:
        raise BagError(
            f"{bag.path}: has no {_JOY} on {topic}; it has {described(bag, bag.topics)}; choose "
            "another --topic."
        )
    times, values = [], []
    for record in bag.records([name]):
        if len(record.message.axes) <= axis:
            raise BagError(
                f"{bag.path}: {topic} has {len(record.message.axes)} axes; choose another --axis."
            )
        times.append((record.received_ns - bag.start_ns) / 1e9)
        values.append(float(record.message.axes[axis]))
    if len(times) < 2:
        raise BagError(f"{bag.path}: {topic} holds {len(times)} messages; record a whole drive.")
    return Commands(np.array(times), np.array(values))


def read_odometry_increments(bag: Bag, topic: str | None) -> tuple[Increments, Increments]:
    """Return by how much the car drove on (m) and turned (rad), between odometry messages.

    Raises:
        BagError: The bag holds no odometry.
    """
    if topic is None:
        raise BagError(f"{bag.path}: holds no odometry; record odom, or measure by the pictures.")
    found: list[tuple[OdometrySample, int]] = []
    for record in bag.records([topic]):
        try:
            sample = read_odometry(record.message)
        except MessageError:
            continue
        found.append((sample, record.received_ns))
    if not any(sample.stamp_ns for sample, _ in found):
        # Without stamps the times of receipt are taken, as `FrameReader` does.
        found = [(replace(sample, stamp_ns=heard_ns), heard_ns) for sample, heard_ns in found]
    samples: list[OdometrySample] = []
    received: list[float] = []
    for sample, heard_ns in found:
        if samples and sample.stamp_ns <= samples[-1].stamp_ns:
            continue
        samples.append(sample)
        received.append((heard_ns - bag.start_ns) / 1e9)
    if len(samples) < 2:
        raise BagError(f"{bag.path}: holds {len(samples)} odometry messages; record a whole drive.")
    times_s = _by_receipt(np.array([one.stamp_ns for one in samples]), received, bag.start_ns)
    x_m, y_m, yaw_rad = np.array([(one.x_m, one.y_m, one.yaw_rad) for one in samples]).T
    turned = np.diff(yaw_rad)
    turned -= 2 * np.pi * np.round(turned / (2 * np.pi))
    heading = yaw_rad[:-1] + turned / 2
    driven = np.diff(x_m) * np.cos(heading) + np.diff(y_m) * np.sin(heading)
    kept = (np.diff(times_s) <= _LONGEST_S) & (np.hypot(np.diff(x_m), np.diff(y_m)) <= _FARTHEST_M)
    kept &= np.diff(times_s) > 0.0
    begin_s, end_s = times_s[:-1][kept], times_s[1:][kept]
    return Increments(begin_s, end_s, driven[kept]), Increments(begin_s, end_s, turned[kept])


def read_picture_turns(
    bag: Bag, topics: DriveTopics, camera: CalibratedCamera | None = None
) -> Increments:
    """Return by how much the pictures turned, in shares of their width, positive to the left.

    Args:
        bag: The bag.
        topics: Its pictures.
        camera: What they are of; None: a camera that is level and hardly distorts.

    Raises:
        BagError: There is no picture.
        CalibrationError: The camera's calibration is not that of the pictures.
    """
    turn = PictureTurn(camera)
    stamps: list[int] = []
    received: list[float] = []
    shifts: list[float | None] = []
    for frame in FrameReader(bag, DriveTopics(image_topic=topics.image_topic)):
        shift = turn.add(frame.picture)
        if stamps and frame.stamp_ns <= stamps[-1]:
            continue
        stamps.append(frame.stamp_ns)
        received.append((frame.received_ns - bag.start_ns) / 1e9)
        shifts.append(shift)
    if not stamps:
        raise BagError(f"{bag.path}: no picture can be read; look at it with f1-rl replay --check.")
    times_s = _by_receipt(np.array(stamps), received, bag.start_ns)
    values = np.array([np.nan if found is None else found for found in shifts[1:]])
    kept = np.isfinite(values) & (np.diff(times_s) > 0.0) & (np.diff(times_s) <= _LONGEST_S)
    return Increments(times_s[:-1][kept], times_s[1:][kept], values[kept])


def reaction_s(bag: Bag, topics: DriveTopics) -> float | None:
    """Return the median time from the taking of a picture to the command that answers it.

    By its stamp where that is of the recorder's clock, else from its receipt. None where no command
    answers any picture.
    """
    commands = read_commands(bag, topics).speed.times_s
    found = []
    for record in bag.records([topics.image_topic]):
        received_s = (record.received_ns - bag.start_ns) / 1e9
        taken_s = (stamp_ns(record.message.header.stamp) - bag.start_ns) / 1e9
        begin_s = taken_s if 0.0 <= received_s - taken_s < _SAME_CLOCK_S else received_s
        answer = np.searchsorted(commands, received_s)
        if answer < len(commands) and commands[answer] - received_s < _LONGEST_S:
            found.append(commands[answer] - begin_s)
    return float(np.median(found)) if found else None


def _by_receipt(
    stamps_ns: npt.NDArray[np.int64], received_s: list[float], start_ns: int
) -> FloatArray:
    """Return stamps by the recorder's clock, from the bag's start.

    Stamps of that clock are kept. Those of another one (simulated time) tell only how far apart
    messages are: the straight line through their times of receipt takes them over.
    """
    stamps_s = (stamps_ns - start_ns) / 1e9
    heard = np.array(received_s)
    if np.median(np.abs(stamps_s - heard)) <= _SAME_CLOCK_S:
        return np.asarray(stamps_s, np.float64)
    since = (stamps_ns - stamps_ns[0]) / 1e9
    slope, offset = np.polyfit(since, heard, 1)
    return np.asarray(slope * since + offset, np.float64)
