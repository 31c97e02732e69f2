"""Offline replay: what a policy makes of every picture of a bag, one after the other.

The pictures go through the gate, the checks, the preprocessing and the network of the driver
node, in order and at full speed. What comes out follows from bag and policy alone; only the
latencies are measured, and kept apart for that reason.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from f1_rl.bags.drive_topics import first_camera_info
from f1_rl.bags.errors import BagError
from f1_rl.bags.frames import DriveFrame, FrameReader
from f1_rl.bags.reader import Bag
from f1_rl.nodes.frame_gate import FrameGate, Verdict
from f1_rl.nodes.limiter import STOP, Command
from f1_rl.nodes.picture_check import PictureCheck
from f1_rl.nodes.pilot import Decision, Pilot

UInt8Array = npt.NDArray[np.uint8]

# The driver node's own, where it is not told otherwise (`nodes/driver_parameters.py`).
GAP_S = 0.3
BLANK_CONTRAST = 2.0
FROZEN_TURN_TIMEOUT_S = 0.3
FROZEN_TIMEOUT_S = 4.0

DECIDED = "decided"
_REFUSED_BY_GATE = {
    Verdict.DUPLICATE: "duplicate",
    Verdict.BACKWARDS: "backwards",
    Verdict.EARLY: "early",
}


@dataclass(frozen=True)
class ReplayedFrame:
    """A picture of the bag and what the policy made of it.

    Attributes:
        index: Among the pictures of the bag that can be decoded, from 0.
        time_s: Since the first of them, by the stamps.
        frame: The picture, with the recorded command.
        outcome: `decided`, or why the driver node would not have acted on it: `duplicate`,
            `backwards`, `early`, `unusable`, `no odometry`.
        reason: The sentence to an unusable one.
        first: Whether it followed no other one, for the stack of the policy.
        observation: What the network saw, `(R, C, K)`; None where it was not asked.
        decision: None where it was not asked.
        latency_s: What preprocessing and network took.
    """

    index: int
    time_s: float
    frame: DriveFrame
    outcome: str
    reason: str = ""
    first: bool = False
    observation: UInt8Array | None = None
    decision: Decision | None = None
    latency_s: float = 0.0


class OfflineReplay:
    """Iterates over the pictures of a bag with the decisions of a policy.

    Attributes:
        outcomes: How many pictures had which outcome so far.
        reasons: Why pictures were unusable so far, and how many for each reason.
    """

    def __init__(self, reader: FrameReader, pilot: Pilot) -> None:
        """Check that the bag is of the policy's camera.

        Raises:
            BagError: The bag's `camera_info` is of another camera, or the policy needs the speed
                and the bag holds no odometry.
        """
        fault = bag_camera_fault(reader.bag, reader.topics.image_topic, pilot)
        if fault is not None:
            raise BagError(f"{reader.bag.path}: {fault}")
        if pilot.needs_speed and reader.topics.odometry_topic is None:
            raise BagError(
                f"{reader.bag.path}: the policy needs the car's speed, and the bag holds no "
                "nav_msgs/msg/Odometry; record odom too, or replay another policy."
            )
        self.reader = reader
        self.pilot = pilot
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def __iter__(self) -> Iterator[ReplayedFrame]:
        """Yield every picture that can be decoded; each iteration begins anew."""
        self.outcomes.clear()
        self.reasons.clear()
        gate = FrameGate(self.pilot.control_period_s, GAP_S)
        check = PictureCheck(BLANK_CONTRAST, FROZEN_TURN_TIMEOUT_S, FROZEN_TIMEOUT_S)
        broken, last_command, began_ns = True, STOP, None
        for index, frame in enumerate(self.reader):
            began_ns = frame.stamp_ns if began_ns is None else began_ns
            time_s = (frame.stamp_ns - began_ns) / 1e9
            broken = broken or frame.follows_unusable
            verdict = gate.judge(frame.stamp_ns)
            if not verdict.accepted:
                replayed = ReplayedFrame(index, time_s, frame, _REFUSED_BY_GATE[verdict])
            else:
                first = broken or verdict is Verdict.FIRST
                replayed = self._decide(index, time_s, frame, first, check, last_command)
                broken = replayed.decision is None
            if frame.command is not None:
                last_command = Command(*frame.command)
            self.outcomes[replayed.outcome] += 1
            if replayed.reason:
                self.reasons[replayed.reason] += 1
            yield replayed

    def _decide(
        self,
        index: int,
        time_s: float,
        frame: DriveFrame,
        first: bool,
        check: PictureCheck,
        last_command: Command,
    ) -> ReplayedFrame:
        reason = size_fault(self.pilot, frame.picture) or check.fault(
            frame.picture, last_command, frame.received_ns / 1e9
        )
        if reason is not None:
            return ReplayedFrame(index, time_s, frame, "unusable", reason)
        speed_mps = 0.0
        if self.pilot.needs_speed:
            if frame.odometry is None:
                return ReplayedFrame(index, time_s, frame, "no odometry")
            speed_mps = frame.odometry.speed_mps
        began_s = time.perf_counter()
        decision = self.pilot.decide(frame.picture, first, speed_mps)
        latency_s = time.perf_counter() - began_s
        observation = self.pilot.observation
        return ReplayedFrame(
            index, time_s, frame, DECIDED, "", first, observation, decision, latency_s
        )


def size_fault(pilot: Pilot, picture: UInt8Array) -> str | None:
    """Return why a picture is not of the policy's size, or None."""
    height, width = picture.shape[:2]
    if pilot.reprojection is not None:
        return pilot.size_fault(width, height)
    camera = pilot.preprocessing.camera
    if (width, height) == (camera.width, camera.height):
        return None
    return (
        f"the picture is {width} x {height}, the policy was trained with {camera.width} x "
        f"{camera.height}; replay pictures of that size, or another policy."
    )


def bag_camera_fault(bag: Bag, image_topic: str, pilot: Pilot) -> str | None:
    """Return in what the camera that the bag describes is not the policy's, or None."""
    info = first_camera_info(bag, image_topic)
    if info is None:
        return None
    return pilot.camera_fault(int(info.width), int(info.height), float(info.k[0]))
