"""Recording what is driven live, one bag after the other."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from f1_rl.bags.errors import BagError
from f1_rl.bags.metadata import describe_recording
from f1_rl.live.snapshot import Command, Pose, RecordedFigures

if TYPE_CHECKING:
    from f1_rl.bags.drive_recording import DriveRecording

# Looking at the files more often tells nothing: they grow once a second.
_LOOK_AT_SIZE_EVERY = 20


class DriveRecorder:
    """Begins and ends bags as it is told, and says in sentences how that went.

    Attributes:
        bags: The bags that were finished or begun, in order.
    """

    def __init__(self, folder: Path, control_period_s: float, policy: str = "") -> None:
        """Record nothing yet.

        Args:
            folder: Where bags are made.
            control_period_s: Of the drive.
            policy: Folder of the policy that drives, or may; to note in the bags.
        """
        self.bags: list[Path] = []
        self._folder = folder
        self._period_s = control_period_s
        self._policy = policy
        self._recording: DriveRecording | None = None
        self._failures: deque[str] = deque()
        self._size_bytes = 0

    @property
    def recording(self) -> bool:
        """Whether a bag is being written."""
        return self._recording is not None

    def begin(self, circuit: str, driver: str) -> str:
        """Begin a bag, unless one is being written; return a sentence that says how it went.

        Args:
            circuit: Name of the circuit, to note in the bag.
            driver: Who drives, to note in the bag.
        """
        if self._recording is not None:
            return f"Recording into {self._recording.folder} already."
        try:
            from f1_rl.bags.drive_recording import DriveRecording
        except ModuleNotFoundError as error:
            return f"Recording needs {error.name}; install it with pip install 'f1_rl[bags]'."
        folder = self._free_folder()
        noted = describe_recording(
            policy=self._policy if driver == "policy" else "",
            circuit=circuit,
            car="embedded simulator",
            note=f"driven by the {driver}",
        )
        try:
            recording = DriveRecording(folder, self._period_s, noted, self._failures.append)
        except BagError as error:
            return f"Not recording: {error}"
        self._recording = recording
        self.bags.append(folder)
        return f"Recording into {folder}."

    def add(
        self,
        picture: npt.NDArray[np.uint8],
        pose: Pose,
        motion: tuple[float, float],
        command: Command,
    ) -> None:
        """Add a control period to the bag being written; see `DriveRecording.add`."""
        if self._recording is not None:
            place = (pose.x_m, pose.y_m, pose.yaw_rad)
            commanded = (command.speed_mps, command.yaw_rate_radps)
            self._recording.add(picture, place, motion, commanded)

    def _free_folder(self) -> Path:
        """Return a folder named by the time, and numbered where that was there before."""
        first = folder = self._folder / time.strftime("bag-%Y%m%d-%H%M%S")
        number = 1
        while folder.exists():
            number += 1
            folder = first.with_name(f"{first.name}-{number}")
        return folder

    def end(self) -> str:
        """Finish the bag, if one is being written; return a sentence on it, or nothing."""
        recording, self._recording = self._recording, None
        if recording is None:
            return ""
        recording.close()
        if self._failures:
            return self._failures.popleft()
        dropped = f", {recording.dropped} messages were dropped" if recording.dropped else ""
        return f"Recorded {recording.duration_s:.1f} s in {recording.folder}{dropped}."

    def failure(self) -> str:
        """Return why the bag cannot be written any further, once, or nothing; it is ended then."""
        return self.end() if self._failures else ""

    def figures(self) -> RecordedFigures | None:
        """Return how much was recorded and where; None: nothing is being recorded."""
        recording = self._recording
        if recording is None:
            return None
        if recording.periods % _LOOK_AT_SIZE_EVERY <= 1:
            self._size_bytes = recording.size_bytes()
        return RecordedFigures(str(recording.folder), recording.duration_s, self._size_bytes)
