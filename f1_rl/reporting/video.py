"""Write the video of a lap: what the camera and the network saw, and what the network chose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.glyphs import Picture
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

V = TypeVar("V", bound="PanelVideo")

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720


class PanelVideo:
    """Composes panels on one canvas and encodes it as H.264 in an MP4 file.

    The file appears under its name only when it is complete, see `Mp4File`. Use it as a context
    manager.

    Args:
        path: The file to write, such as `lap.mp4`; replaced where it exists.
        make_panels: Makes the panels, each on its part of the canvas (H, W, 3) uint8.
        fps: Frames a second: with one frame a control period, 1 / control_period_s is real time.

    Raises:
        ReportError: The file cannot be written.
    """

    def __init__(
        self, path: Path, make_panels: Callable[[Picture], tuple[Panel, ...]], fps: float
    ) -> None:
        self._canvas = np.empty((HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
        self._canvas[:] = PAGE
        self._panels = make_panels(self._canvas)
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


class LapVideo(PanelVideo):
    """The video of a lap, of `VideoFrame`s.

    Args:
        path: The file to write, such as `lap.mp4`; replaced where it exists.
        circuit: The circuit that is driven.
        action_names: (A,) names of the actions, in the order of the Q-values.
        fps: Frames a second.

    Raises:
        ReportError: The file cannot be written.
    """

    def __init__(
        self, path: Path, circuit: Circuit, action_names: Sequence[str], *, fps: float = 20.0
    ) -> None:
        def panels(canvas: Picture) -> tuple[Panel, ...]:
            return (
                CameraPanel(canvas[16:628, 16:832], f"f1_rl  ·  {circuit.name}"),
                StatusPanel(canvas[642:704, 16:832]),
                MapPanel(canvas[16:306, 848:1264], circuit),
                ObservationPanel(canvas[320:450, 848:1264]),
                QValuePanel(canvas[464:704, 848:1264], action_names),
            )

        super().__init__(path, panels, fps)
