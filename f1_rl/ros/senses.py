"""What a car behind topics shows of itself: frames, and the odometry of the moment of each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage, Image

from f1_rl.driving.cars import CarFault, CarMisfit
from f1_rl.ros.graph import Graph
from f1_rl.ros.inbox import Arrival, Inbox
from f1_rl.ros.messages import (
    NANOSECONDS_PER_MILLISECOND,
    EncodingError,
    OdometrySample,
    decode_compressed_image,
    decode_image,
)
from f1_rl.ros.qos import lossless, newest_only
from f1_rl.ros.settings import RosCarSettings
from f1_rl.simulation import Camera

# Cosine of the tilt at which a car has fallen over.
_FALLEN = 0.5
# A frame that is older than the last by more than so many periods did not come late: time jumped.
_JUMP_PERIODS = 10


@dataclass(frozen=True)
class Seen:
    """A frame and the odometry of its moment.

    Attributes:
        picture: (H, W, 3) RGB.
        odometry: Where the car was then, and how fast.
        stamp_ns: When it was taken.
        arrived_s: When it came, on `time.monotonic()`.
        discarded_frames: Frames that came late, twice, or were replaced by newer ones unseen.
    """

    picture: npt.NDArray[np.uint8]
    odometry: OdometrySample
    stamp_ns: int
    arrived_s: float
    discarded_frames: int


class Senses:
    """Subscribes to frames and odometry of a car, waits for those that are due, and checks them.

    Attributes:
        inbox: What has come.
        image_topic: The resolved name.
        odometry_topic: The resolved name.
    """

    def __init__(
        self,
        graph: Graph,
        camera: Camera,
        period_ns: int,
        settings: RosCarSettings,
        trouble: Callable[[], str],
    ) -> None:
        """Subscribe.

        Args:
            graph: The node to do it with.
            camera: The camera of the car.
            period_ns: The control period.
            settings: Where the car is in the graph.
            trouble: Says why waiting is in vain, empty where it is not.
        """
        self.inbox = Inbox()
        self._camera = camera
        self._settings = settings
        self._period_ns = period_ns
        self._tolerance_ns = round(settings.stamp_tolerance_ms * NANOSECONDS_PER_MILLISECOND)
        self._trouble = trouble
        node = graph.node
        image_kind = CompressedImage if settings.compressed else Image
        # In lock-step the one frame must not be lost; on the road an old one must not come again.
        images = lossless(2) if settings.lock_step else newest_only()
        self.image_topic, self.odometry_topic = (
            node.resolve_topic_name(topic)
            for topic in (settings.image_topic, settings.odometry_topic)
        )
        node.create_subscription(image_kind, self.image_topic, self.inbox.deliver_frame, images)
        node.create_subscription(
            Odometry, self.odometry_topic, self.inbox.deliver_odometry, lossless(50)
        )

    def wait(self, enough: Callable[[], bool], missing: str, timeout_s: float) -> None:
        """Wait for a condition on the inbox.

        Args:
            enough: The condition.
            missing: What did not come where it stays false.
            timeout_s: How long.

        Raises:
            CarFault: It did not become true in time, or cannot any more.
        """
        if not self.comes(enough, timeout_s):
            raise self.overdue(missing, timeout_s)

    def comes(self, enough: Callable[[], bool], within_s: float) -> bool:
        """Say whether a condition on the inbox becomes true in that time.

        Raises:
            CarFault: It cannot any more.
        """

        def check() -> bool:
            trouble = self._trouble()
            if trouble:
                raise CarFault(trouble)
            return enough()

        return self.inbox.wait(check, time.monotonic() + within_s)

    def overdue(self, missing: str, timeout_s: float) -> CarFault:
        """Return the fault that something did not come in time."""
        frame, sample = self.inbox.frame, self.inbox.newest_odometry
        newest = [
            f"{topic}: {'none' if item is None else f'{item.stamp_ns / 1e9:.3f} s'}"
            for topic, item in ((self.image_topic, frame), (self.odometry_topic, sample))
        ]
        advice = "look whether the simulator runs"
        if frame is not None and sample is not None and sample.stamp_ns < frame.stamp_ns:
            advice = (
                "look whether odometry still comes, and set its period to a divisor of the frames'"
            )
        return CarFault(
            f"{missing} came within {timeout_s:g} s (newest on {', on '.join(newest)}); {advice}."
        )

    def newest(self) -> Arrival:
        """Return the newest frame.

        Raises:
            CarFault: None has come.
        """
        frame = self.inbox.frame
        if frame is None:
            raise CarFault(f"no frame has come on {self.image_topic}; look at the camera.")
        return frame

    def more_comes(self, within_s: float) -> bool:
        """Say whether any frame or odometry comes in that time.

        Raises:
            CarFault: It cannot any more.
        """
        frame, sample = self.inbox.frame, self.inbox.newest_odometry
        return self.comes(
            lambda: self.inbox.frame is not frame or self.inbox.newest_odometry is not sample,
            within_s,
        )

    @property
    def told_ns(self) -> int:
        """The time that the newest odometry tells; -1 before any has come."""
        sample = self.inbox.newest_odometry
        return -1 if sample is None else sample.stamp_ns

    def is_seen(self, due_ns: int) -> bool:
        """Say whether a frame of a time or later has come."""
        frame = self.inbox.frame
        return frame is not None and frame.stamp_ns >= due_ns - self._tolerance_ns

    def is_drawn(self) -> bool:
        """Say whether the newest frame is the last that was due by the newest odometry.

        A simulator that draws slowly tells by odometry that it has taken a frame, long before that
        one comes.
        """
        frame, told_ns = self.inbox.frame, self.told_ns
        if frame is None or told_ns < 0:
            return False
        return told_ns < frame.stamp_ns + self._period_ns - self._tolerance_ns

    def odometry_at(self, time_ns: int) -> OdometrySample | None:
        """Return the odometry of a time, if there is any."""
        return self.inbox.odometry_at(time_ns, self._tolerance_ns)

    def has_frame_since(self, time_ns: int) -> bool:
        """Say whether a frame of that time or later is there, with the odometry of its moment."""
        frame = self.inbox.frame
        return (
            frame is not None
            and self.is_seen(time_ns)
            and self.odometry_at(frame.stamp_ns) is not None
        )

    def is_due(self, expected_ns: int) -> bool:
        """Say whether the frame of a step and its odometry are there.

        Raises:
            CarFault: They will never be.
        """
        frame = self.inbox.frame
        old_ns = self.inbox.earliest_old_ns
        if old_ns is not None and old_ns < expected_ns - _JUMP_PERIODS * self._period_ns:
            raise CarFault(
                f"time jumped back on {self.image_topic}, to {old_ns / 1e9:.3f} s: look for a "
                "restarted simulator or a second camera."
            )
        if frame is None:
            return False
        longest = 0 if self._settings.lock_step else self._settings.longest_gap
        if frame.stamp_ns > expected_ns + longest * self._period_ns + self._tolerance_ns:
            raise CarFault(
                f"a frame stamped {frame.stamp_ns / 1e9:.3f} s came where one of "
                f"{expected_ns / 1e9:.3f} s was due: somebody else steps, or this process was "
                "too slow; stop what else runs."
            )
        return self.has_frame_since(expected_ns)

    def check_nothing_came(self, now_ns: int) -> None:
        """Make sure that the frame to come was not there before the command.

        Raises:
            CarFault: It was.
        """
        for what, item in (
            ("a frame", self.inbox.frame),
            ("odometry", self.inbox.newest_odometry),
        ):
            if item is not None and item.stamp_ns > now_ns + self._tolerance_ns:
                raise CarFault(
                    f"{what} stamped {item.stamp_ns / 1e9:.3f} s came before the step after "
                    f"{now_ns / 1e9:.3f} s: somebody else steps; stop that one."
                )

    def take(self) -> Seen:
        """Return the newest frame and its odometry, and count it as used.

        Raises:
            CarMisfit: The camera is another one than the task's.
            CarFault: They cannot be used.
        """
        arrival = self.newest()
        sample = self.odometry_at(arrival.stamp_ns)
        if sample is None:
            raise CarFault(
                f"no odometry matches the frame of {arrival.stamp_ns / 1e9:.3f} s; look at what "
                "stamps it has."
            )
        self._check_footing(sample)
        picture = self._decode(arrival.message)
        discarded = self.inbox.use_frame()
        return Seen(picture, sample, arrival.stamp_ns, arrival.arrived_s, discarded)

    def _decode(self, message: Any) -> npt.NDArray[np.uint8]:
        decode = decode_compressed_image if self._settings.compressed else decode_image
        try:
            picture = decode(message)
        except EncodingError as error:
            raise CarMisfit(f"{self.image_topic}: {error}") from error
        height, width = picture.shape[:2]
        if (width, height) != (self._camera.width, self._camera.height):
            raise CarMisfit(
                f"frames on {self.image_topic} are {width} x {height}, the task's camera "
                f"{self._camera.width} x {self._camera.height}; start both with the same size."
            )
        if not picture.any():
            raise CarFault(f"the frames on {self.image_topic} are black; look at the camera.")
        return picture

    def _check_footing(self, sample: OdometrySample) -> None:
        if abs(sample.z_m) > self._settings.height_tolerance_m or sample.uprightness < _FALLEN:
            raise CarFault(
                f"the car is not on its wheels on the ground: {sample.z_m:.2f} m high, tilted by "
                f"{math.degrees(math.acos(max(-1.0, min(1.0, sample.uprightness)))):.0f} degrees; "
                "place it anew."
            )
