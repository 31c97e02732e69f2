"""Write the video of a lap: what the camera and the network saw, and what the network chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from f1_rl.circuits.circuit import Circuit
from f1_rl.driving.observation import Preprocessing
from f1_rl.reporting.lap_picture import HEIGHT_PX, WIDTH_PX, LapPicture, PanelPicture
from f1_rl.reporting.mp4_file import Mp4File
from f1_rl.reporting.video_panels import VideoFrame

__all__ = ["LapVideo", "VideoFrame"]

V = TypeVar("V", bound="PanelVideo")


class PanelVideo:
    """Encodes pictures made of panels as H.264 in an MP4 file.

    The file appears under its name only when it is complete, see `Mp4File`. Use it as a context
    manager.

    Args:
        path: The file to write, such as `lap.mp4`; replaced where it exists.
        picture: Makes them.
        fps: Frames a second: with one frame a control period, 1 / control_period_s is real time.

    Raises:
        ReportError: The file cannot be written.
    """

    def __init__(self, path: Path, picture: PanelPicture, fps: float) -> None:
        self._picture = picture
        self._file = Mp4File(path, WIDTH_PX, HEIGHT_PX, fps)

    def __enter__(self: V) -> V:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.__exit__(kind, error, traceback)

    def add(self, frame: Any) -> None:
        """Paint one frame and encode it.

        Args:
            frame: What happened in one control period.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
            ValueError: The video is closed.
        """
        self._file.add(self._picture.paint(frame))

    def close(self) -> None:
        """Write what is left and give the file its name; without a frame, leave no file.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
        """
        self._file.close()


class LapVideo(PanelVideo):
    """The video of a lap; each frame is a `VideoFrame`.

    Args:
        path: The file to write, such as `lap.mp4`; replaced where it exists.
        circuit: The circuit that is driven.
        action_names: (A,) names of the actions, in the order of the Q-values.
        preprocessing: What makes the observations, if their rows and the saliency of the decisions
            are to be shown.
        fps: Frames a second.

    Raises:
        ReportError: The file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        circuit: Circuit,
        action_names: Sequence[str],
        preprocessing: Preprocessing | None = None,
        *,
        fps: float = 20.0,
    ) -> None:
        super().__init__(path, LapPicture(circuit, action_names, preprocessing), fps)
