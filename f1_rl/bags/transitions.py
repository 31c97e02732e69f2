"""From bags to what can be learned from: episodes of observations, actions and rewards."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from f1_rl.bags.converter import Converter
from f1_rl.bags.drive_topics import DriveTopics, find_drive_topics
from f1_rl.bags.episodes import Account, Episode
from f1_rl.bags.errors import BagError
from f1_rl.bags.frames import DriveFrame, FrameReader
from f1_rl.bags.judges import CircuitJudge, Judge, PictureJudge
from f1_rl.bags.reader import Bag
from f1_rl.calibration import Reprojection, read_camera
from f1_rl.circuits import Circuit, Poses
from f1_rl.driving.actions import load_action_table
from f1_rl.driving.environment import load_circuits
from f1_rl.driving.observation import Preprocessing
from f1_rl.driving.settings import TaskSettings, pedal_lead_s
from f1_rl.messages import MessageError, read_odometry
from f1_rl.settings import Fraction, PositiveFloat, Settings

_LOG = logging.getLogger(__name__)

# Less than this share of the way on the road of a circuit: it was driven on another one.
_LEAST_ON_ROAD = 0.5
# Of the odometry, every so many samples are looked at to find the circuit.
_LOOKED_AT = 10


class DemonstrationSettings(Settings, frozen=True):
    """How bags become transitions.

    Attributes:
        bags: The bags.
        image_topic: Topic of the pictures; empty: found by its type.
        command_topic: Topic of the recorded driver's commands; empty: found by its type.
        odometry_topic: Topic of the odometry; empty: found by its type.
        align_within_ms: How long after its frame the command may come, and how far from it the
            odometry may lie; by their stamps.
        period_tolerance: How far the time from one frame to the next may lie from the control
            period, as a share of it.
        action_tolerance: How far a command may lie from the action that it is taken for:
            the root of the squared differences, in units of the largest speed of the
            action table and of the span of its yaw rates.
        reward: `circuit` judges by odometry and the task's circuit, with the task's rewards and
            endings; `image` by the picture alone; `auto` by the circuit where there is odometry.
        half_width_m: For `image`: the road's half width.
        camera_calibration: File of `f1-rl calibrate` with the camera of the bags, whose pictures
            are then made those of the task's; empty: it is the task's.
    """

    bags: tuple[str, ...] = ()
    image_topic: str = ""
    command_topic: str = ""
    odometry_topic: str = ""
    align_within_ms: PositiveFloat = 50.0
    period_tolerance: Fraction = 0.25
    action_tolerance: PositiveFloat = 0.25
    reward: Literal["auto", "circuit", "image"] = "auto"
    half_width_m: PositiveFloat = 1.5
    camera_calibration: str = ""


def convert_bags(
    settings: DemonstrationSettings, task: TaskSettings
) -> tuple[list[Episode], list[Account]]:
    """Return the episodes of all bags, and an account of each.

    Raises:
        BagError: A bag cannot be read or gives nothing to learn from, its camera is not the task's,
            or it was not driven on a circuit of the task.
        SettingsError: The task's observation cannot be made of it.
        CircuitError: A circuit of the task does not exist.
        CalibrationError: The calibration cannot be read, or its camera does not see what the task's
            has to.
    """
    circuits = load_circuits(task)
    episodes: list[Episode] = []
    accounts = []
    for name in settings.bags:
        with Bag(Path(name)) as bag:
            found, account = _convert(bag, settings, task, circuits)
        episodes += found
        accounts.append(account)
    return episodes, accounts


def _convert(
    bag: Bag, settings: DemonstrationSettings, task: TaskSettings, circuits: Sequence[Circuit]
) -> tuple[list[Episode], Account]:
    topics = _topics(bag, settings)
    preprocessing = Preprocessing(task.observation, task.camera)
    actions = load_action_table(task.actions)
    circuit = _driven_circuit(bag, topics, settings, circuits)
    judge: Judge
    if circuit is None:
        judge = PictureJudge(preprocessing, actions.max_speed_mps, settings.half_width_m)
        account = Account(str(bag.path), "image")
    else:
        judge = CircuitJudge(task, circuit)
        account = Account(str(bag.path), "circuit", circuit.name)
    if task.observation.speed and not topics.odometry_topic:
        raise BagError(
            f"{bag.path}: has no odometry, and the task observes the speed; set "
            "task.observation.speed to false, or record nav_msgs/msg/Odometry, too."
        )
    if actions.needs_speed and not topics.odometry_topic:
        raise BagError(
            f"{bag.path}: has no odometry, and what the pedals of {task.actions} command depends "
            "on the speed; choose another task.actions, or record nav_msgs/msg/Odometry, too."
        )
    converter = Converter(
        judge,
        preprocessing,
        actions,
        account,
        period_ns=task.control_period_ms * 1_000_000,
        period_tolerance=settings.period_tolerance,
        action_tolerance=settings.action_tolerance,
        observes_speed=task.observation.speed,
        lead_s=pedal_lead_s(task),
    )
    reader = FrameReader(bag, topics, round(settings.align_within_ms * 1e6))
    seen: Iterable[DriveFrame] = reader
    if settings.camera_calibration:
        camera = read_camera(Path(settings.camera_calibration).expanduser())
        rows = preprocessing.view.row_array
        seen = _as_trained(reader, Reprojection(camera, task.camera, rows))
    found = list(converter.episodes(_of_camera(seen, task, bag.path)))
    account.unusable = reader.counts.unusable
    for warning in (*bag.warnings, *reader.notes):
        _LOG.warning("%s: %s", bag.path, warning)
    if not found:
        advice = f"look at it with f1-rl replay {bag.path} --check"
        if 2 * account.far_commands > account.frames:
            advice = "choose another action table with --set task.actions=NAME"
        raise BagError(
            f"{bag.path}: gives nothing to learn from: of its {account.frames} frames no two "
            f"follow one another by the control period of {task.control_period_ms} ms with a "
            f"command near an action of the table {actions.name!r} "
            f"({account.losses or 'all others too close to one another'}); {advice}."
        )
    return found, account


def _topics(bag: Bag, settings: DemonstrationSettings) -> DriveTopics:
    topics = find_drive_topics(
        bag,
        settings.image_topic or None,
        settings.command_topic or None,
        settings.odometry_topic or None,
    )
    if topics.command_topic is None:
        raise BagError(
            f"{bag.path}: holds no commands, and nothing can be learned from a drive without them; "
            "name their topic with --set demonstrations.command_topic=NAME, or record "
            "geometry_msgs/msg/Twist, too."
        )
    return topics


def _driven_circuit(
    bag: Bag,
    topics: DriveTopics,
    settings: DemonstrationSettings,
    circuits: Sequence[Circuit],
) -> Circuit | None:
    """Return the circuit on whose road most of the drive lies; None: judge by the pictures.

    Raises:
        BagError: It is to be judged by a circuit, and has no odometry or lies on none of them.
    """
    if settings.reward == "image" or (settings.reward == "auto" and not topics.odometry_topic):
        return None
    if not topics.odometry_topic:
        raise BagError(
            f"{bag.path}: has no odometry, by which a circuit's rewards are given; "
            "choose demonstrations.reward=image, or record nav_msgs/msg/Odometry, too."
        )
    places = np.array(list(_places(bag, topics.odometry_topic)))
    if not len(places):
        raise BagError(
            f"{bag.path}: holds no odometry on {topics.odometry_topic} that can be used; "
            "choose demonstrations.reward=image."
        )
    poses = Poses(*places.T)
    shares = [float(circuit.project(poses).on_road.mean()) for circuit in circuits]
    best = int(np.argmax(shares))
    if shares[best] < _LEAST_ON_ROAD:
        names = ", ".join(circuit.name for circuit in circuits)
        raise BagError(
            f"{bag.path}: only {shares[best]:.0%} of its drive lies on the road of {names}; give "
            "the circuit that was driven with --circuit, or choose demonstrations.reward=image."
        )
    return circuits[best]


def _places(bag: Bag, topic: str) -> Iterator[tuple[float, float, float]]:
    """Yield some of the poses of a drive."""
    for record in islice(bag.records([topic]), 0, None, _LOOKED_AT):
        try:
            sample = read_odometry(record.message)
        except MessageError:
            continue
        yield sample.x_m, sample.y_m, sample.yaw_rad


def _as_trained(pictures: Iterable[DriveFrame], reprojection: Reprojection) -> Iterator[DriveFrame]:
    """Yield the frames with the pictures that the task's camera would have taken."""
    for frame in pictures:
        yield replace(frame, picture=reprojection.picture(frame.picture))


def _of_camera(
    pictures: Iterable[DriveFrame], task: TaskSettings, path: Path
) -> Iterator[DriveFrame]:
    """Yield the frames.

    Raises:
        BagError: One is not of the task's camera.
    """
    camera = task.camera
    for frame in pictures:
        height, width = frame.picture.shape[:2]
        if (width, height) != (camera.width, camera.height):
            raise BagError(
                f"{path}: its pictures have {width} x {height} pixels, the task's camera has "
                f"{camera.width} x {camera.height}; one policy learns from one camera, so give "
                f"bags of that one, or set the task's with --set task.camera.width={width} "
                f"--set task.camera.height={height}."
            )
        yield frame
