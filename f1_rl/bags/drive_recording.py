"""Recording a drive of the embedded simulator as a bag, as if its car were behind topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from f1_rl.bags.drive_messages import COMMANDS, IMAGES, ODOMETRY, DriveMessages
from f1_rl.bags.recording import Recording, RecordingLimits
from f1_rl.bags.ring import Message
from f1_rl.bags.writer import BagFormat, RecordedTopic
from f1_rl.messages import NANOSECONDS_PER_SECOND, OdometrySample

# In what order the messages of a control period are received.
_ODOMETRY_AFTER_NS = 100_000
_COMMAND_AFTER_NS = 1_000_000


class DriveRecording:
    """A bag that is being written: in each control period a picture, odometry and a command.

    Time in it is the simulator's, from the moment at which recording began: a pause leaves no gap.

    Attributes:
        folder: The bag.
        periods: Control periods recorded so far.
    """

    def __init__(
        self,
        folder: Path,
        control_period_s: float,
        custom_data: Mapping[str, str],
        on_failure: Callable[[str], None],
    ) -> None:
        """Make the bag and begin.

        Args:
            folder: Of the bag, to make.
            control_period_s: Time from one picture to the next.
            custom_data: What to note in the bag beside its messages.
            on_failure: Called with a sentence, in another thread, when the bag cannot be written
                any further.

        Raises:
            BagError: The bag cannot be made.
        """
        self.folder = folder
        self.periods = 0
        self._period_s = control_period_s
        self._began_ns = time.time_ns()
        self._messages = DriveMessages()
        self._recording = Recording(
            folder,
            BagFormat(),
            RecordingLimits(ring_s=0.0),
            custom_data,
            on_ring=lambda _folder, _count: None,
            on_failure=on_failure,
        )

    @property
    def duration_s(self) -> float:
        """How much time was recorded."""
        return self.periods * self._period_s

    @property
    def dropped(self) -> int:
        """Messages that were dropped since the disk was too slow."""
        return self._recording.dropped

    def size_bytes(self) -> int:
        """Return how large the bag is on the disk so far."""
        return sum(file.stat().st_size for file in self.folder.glob("*.mcap"))

    def add(
        self,
        picture: npt.NDArray[np.uint8],
        pose: tuple[float, float, float],
        motion: tuple[float, float],
        command: tuple[float, float],
    ) -> None:
        """Add a control period; returns without waiting for the disk.

        Args:
            picture: (H, W, 3) RGB, what is seen at its beginning.
            pose: x (m), y (m) and yaw (rad) then.
            motion: Forward speed (m/s) and yaw rate (rad/s) then.
            command: Forward speed (m/s) and yaw rate (rad/s) that answer the picture.
        """
        now_ns = self._began_ns + round(self.duration_s * NANOSECONDS_PER_SECOND)
        messages = self._messages
        self._put(IMAGES, now_ns, messages.image(picture, now_ns))
        sample = OdometrySample(now_ns, *pose, *motion)
        self._put(ODOMETRY, now_ns + _ODOMETRY_AFTER_NS, messages.odometry(sample))
        self._put(COMMANDS, now_ns + _COMMAND_AFTER_NS, messages.command(*command))
        self.periods += 1

    def close(self) -> None:
        """Write what waits, and finish the bag."""
        self._recording.close()

    def _put(self, topic: RecordedTopic, received_ns: int, data: bytes) -> None:
        self._recording.put(Message(topic, received_ns, data))
