"""The thread that turns the newest picture into a command."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from f1_rl.nodes.frame_gate import FrameGate, Verdict
from f1_rl.nodes.helm import Helm
from f1_rl.nodes.latency import Durations, Rate
from f1_rl.nodes.limiter import Command
from f1_rl.nodes.newest import Newest
from f1_rl.nodes.picture_check import PictureCheck
from f1_rl.nodes.pilot import Decision, Pilot

UInt8Array = npt.NDArray[np.uint8]
M = TypeVar("M")

CAMERA = "camera"
ODOMETRY = "odometry"
FRAME_AGE = "frame_age"


@dataclass(frozen=True)
class Frame(Generic[M]):
    """A camera message as it came.

    Attributes:
        message: The message, not decoded yet.
        stamp_ns: When the picture was taken, on the camera's clock.
        arrived_s: When the message came, on the steady clock.
        age_s: How old the picture was then, by the clock of this machine.
    """

    message: M
    stamp_ns: int
    arrived_s: float
    age_s: float


@dataclass
class AutopilotStatistics:
    """What the autopilot has seen and done.

    Attributes:
        latency: From the arrival of a frame to its command.
        frame_age: From the taking of a picture to its arrival, if the clocks are the same.
        received: Frames that came.
        commanded: Frames that were answered by a command.
        unusable: Frames that could not be decoded or showed nothing.
    """

    latency: Durations = field(default_factory=Durations)
    frame_age: Durations = field(default_factory=Durations)
    received: Rate = field(default_factory=Rate)
    commanded: Rate = field(default_factory=Rate)
    unusable: int = 0


@dataclass(frozen=True)
class AutopilotLimits:
    """When not to act on a frame.

    Attributes:
        max_frame_age_s: Age on arrival above which a picture is too old; 0.0 is no limit, for
            clocks of different machines may differ.
    """

    max_frame_age_s: float = 0.0


class Autopilot(Generic[M]):
    """Decides on the newest frame, in a thread of its own, and steers by it."""

    def __init__(
        self,
        pilot: Pilot,
        helm: Helm,
        gate: FrameGate,
        check: PictureCheck,
        limits: AutopilotLimits,
        *,
        decode: Callable[[M], UInt8Array],
        speed_mps: Callable[[], float | None],
        on_decision: Callable[[Frame[M], UInt8Array, Decision, Command | None], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        """Start the thread.

        Args:
            pilot: Decides.
            helm: Steers.
            gate: Drops frames that are not new.
            check: Finds pictures that show nothing.
            limits: When not to act on a frame.
            decode: Makes an RGB picture of a message; raises `ValueError` if it cannot.
            speed_mps: Returns the forward speed of the car, None if it is not known.
            on_decision: Called after each decision, with what went out.
            on_failure: Called when the thread has died of an error.
        """
        self.statistics = AutopilotStatistics()
        self.pilot = pilot
        self.gate = gate
        self._helm = helm
        self._check = check
        self._limits = limits
        self._decode = decode
        self._speed_mps = speed_mps
        self._on_decision = on_decision
        self._on_failure = on_failure
        self._newest: Newest[Frame[M]] = Newest()
        self._broken = True
        self._restart = threading.Event()
        self._thread = threading.Thread(target=self._run, name="autopilot", daemon=True)
        self._thread.start()

    @property
    def replaced(self) -> int:
        """How many frames were replaced by newer ones before they were looked at."""
        return self._newest.replaced

    def restart(self) -> None:
        """Let the next frame follow no other one."""
        self._newest.clear()
        self._restart.set()

    def see(self, frame: Frame[M]) -> None:
        """Hand over a frame; returns at once."""
        self.statistics.received.add(frame.arrived_s)
        self._newest.put(frame)

    def close(self) -> None:
        """End the thread; returns when it has ended, or hangs in an inference for too long."""
        self._newest.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        try:
            while (frame := self._newest.take()) is not None:
                self._handle(frame)
        except Exception as error:
            self._on_failure(error)

    def _handle(self, frame: Frame[M]) -> None:
        if self._restart.is_set():
            self._restart.clear()
            self.gate.reset()
            self._check.reset()
            self._broken = True
        verdict = self.gate.judge(frame.stamp_ns)
        if not verdict.accepted:
            return
        self.statistics.frame_age.add(frame.age_s)
        picture = self._picture(frame)
        speed_mps = self._speed()
        if picture is None or speed_mps is None:
            self._broken = True
            return
        first = self._broken or verdict is Verdict.FIRST
        decision = self.pilot.decide(picture, first, speed_mps)
        self._broken = False
        sent = self._helm.steer(decision.command, frame.arrived_s, time.monotonic())
        now_s = time.monotonic()
        if sent is not None:
            self.statistics.latency.add(now_s - frame.arrived_s)
            self.statistics.commanded.add(now_s)
        self._on_decision(frame, picture, decision, sent)

    def _picture(self, frame: Frame[M]) -> UInt8Array | None:
        """Return the picture of a frame, or hold the car and return None."""
        limit_s = self._limits.max_frame_age_s
        if 0.0 < limit_s < frame.age_s:
            self._helm.hold(
                FRAME_AGE,
                f"pictures are {frame.age_s:.2f} s old when they come, more than max_frame_age_s "
                f"({limit_s:.2f} s); check the network and that the machines' clocks agree.",
            )
            return None
        self._helm.free(FRAME_AGE)
        picture: UInt8Array | None = None
        try:
            picture = self._decode(frame.message)
            height, width = picture.shape[:2]
            fault = self.pilot.size_fault(width, height) or self._check.fault(
                picture, self._helm.last_command, frame.arrived_s
            )
        except ValueError as error:
            fault = str(error)
        if fault is not None:
            self.statistics.unusable += 1
            self._helm.hold(CAMERA, fault)
            return None
        self._helm.free(CAMERA)
        return picture

    def _speed(self) -> float | None:
        """Return the car's speed, 0.0 where the policy needs none; None holds the car."""
        if not self.pilot.needs_speed:
            return 0.0
        speed_mps = self._speed_mps()
        if speed_mps is None:
            self._helm.hold(
                ODOMETRY,
                "the policy needs the car's speed, and no odometry comes; check the topic odom.",
            )
        else:
            self._helm.free(ODOMETRY)
        return speed_mps
