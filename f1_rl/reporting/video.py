"""Write the video of a lap: what the camera and the network saw, and what the network chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.mp4_file import Mp4File
from f1_rl.reporting.video_panels import (
    PAGE,
    CameraPanel,
    MapPanel,
    ObservationPanel,
    Panel,
    QValuePanel,
    StatusPanel,
    VideoFrame,
)

__all__ = ["LapVideo", "VideoFrame"]

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720


class LapVideo:
    """Composes frames and encodes them as H.264 in an MP4 file.

    The file appears under its name only when it is complete: it is written under a temporary name
    beside it, which is removed when the video is left by an exception. Use it as a context manager.

    Args:
        path: The file to write, such as `lap.mp4`; replaced where it exists.
        circuit: The circuit that is driven.
        action_names: (A,) names of the actions, in the order of the Q-values.
        fps: Frames a second: with one frame a control period, 1 / control_period_s is real time.

    Raises:
        ReportError: The file cannot be written.
    """

    def __init__(
        self, path: Path, circuit: Circuit, action_names: Sequence[str], *, fps: float = 20.0
    ) -> None:
        self._canvas = np.empty((HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
        self._canvas[:] = PAGE
        self._panels: tuple[Panel, ...] = (
            CameraPanel(self._canvas[16:628, 16:832], f"f1_rl  ·  {circuit.name}"),
            StatusPanel(self._canvas[642:704, 16:832]),
            MapPanel(self._canvas[16:306, 848:1264], circuit),
            ObservationPanel(self._canvas[320:450, 848:1264]),
            QValuePanel(self._canvas[464:704, 848:1264], action_names),
        )
        self._file = Mp4File(path, WIDTH_PX, HEIGHT_PX, fps)

    def __enter__(self) -> LapVideo:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.__exit__(kind, error, traceback)

    def add(self, frame: VideoFrame) -> None:
        """Compose one frame and encode it.

        Args:
            frame: What happened in one control period.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
            ValueError: The video is closed.
        """
        for panel in self._panels:
            panel.paint(frame)
        self._file.add(self._canvas)

    def close(self) -> None:
        """Write what is left and give the file its name; without a frame, leave no file.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
        """
        self._file.close()
