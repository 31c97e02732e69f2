"""Write the video of a lap: what the camera and the network saw, and what the network chose."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final

import av
import av.error
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.run_folder import ReportError
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

_LOG = logging.getLogger(__name__)
# H.273 codes. OpenCV converts with BT.601's matrix in studio range; unless the file says so,
# players take BT.709 for a picture of this height and show other colours.
_BT601: Final = 6
_BT709: Final = 1
_STUDIO_RANGE: Final = 1


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
        self._path = Path(path)
        self._part = self._path.with_name(f".{self._path.name}.part")
        self._frames = 0
        self._closed = False
        self._canvas = np.empty((HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
        self._canvas[:] = PAGE
        self._panels: tuple[Panel, ...] = (
            CameraPanel(self._canvas[16:628, 16:832], f"f1_rl  ·  {circuit.name}"),
            StatusPanel(self._canvas[642:704, 16:832]),
            MapPanel(self._canvas[16:306, 848:1264], circuit),
            ObservationPanel(self._canvas[320:450, 848:1264]),
            QValuePanel(self._canvas[464:704, 848:1264], action_names),
        )
        try:
            # FFmpeg opens the file with the first frame only; a wrong path is to fail here.
            self._part.touch()
            self._container, self._stream = _open(self._part, fps)
        except (OSError, av.error.FFmpegError) as error:
            raise self._failure(error) from error

    def __enter__(self) -> LapVideo:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    def add(self, frame: VideoFrame) -> None:
        """Compose one frame and encode it.

        Args:
            frame: What happened in one control period.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
            ValueError: The video is closed.
        """
        if self._closed:
            raise ValueError(f"{self._path} is closed: add the frames before close().")
        for panel in self._panels:
            panel.paint(frame)
        planes = cv2.cvtColor(self._canvas, cv2.COLOR_RGB2YUV_I420)
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts = self._frames
        self._frames += 1
        try:
            self._container.mux(self._stream.encode(picture))
        except (OSError, av.error.FFmpegError) as error:
            self._discard()
            raise self._failure(error) from error

    def close(self) -> None:
        """Write what is left and give the file its name; without a frame, leave no file.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
        """
        if self._closed:
            return
        if self._frames == 0:
            self._discard()
            _LOG.warning("%s was not written: no frame was added.", self._path)
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._closed = True
            self._part.replace(self._path)
        except (OSError, av.error.FFmpegError) as error:
            self._discard()
            raise self._failure(error) from error

    def _discard(self) -> None:
        """Remove the unfinished file."""
        if not self._closed:
            self._closed = True
            try:
                self._container.close()
            except (OSError, av.error.FFmpegError) as error:
                # The file is thrown away: only the reason that led here matters to the caller.
                _LOG.debug("closing the unfinished %s: %s", self._part, error)
        self._part.unlink(missing_ok=True)

    def _failure(self, error: Exception) -> ReportError:
        reason = getattr(error, "strerror", None) or error
        return ReportError(
            f"{self._path} cannot be written ({reason}): check the folder and the free disk space."
        )


def _open(path: Path, fps: float) -> tuple[OutputContainer, VideoStream]:
    """Open an MP4 file and its H.264 stream."""
    container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
    rate = Fraction(fps).limit_denominator(1001)
    # A quiet picture with hard edges: a fast preset at a low quantiser is crisp, small and quick.
    # A key frame every two seconds lets a player, and the report's film strip, jump.
    options = {"preset": "superfast", "crf": "20", "g": str(max(1, round(2 * fps)))}
    stream = container.add_stream("libx264", rate, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate
    context.colorspace, context.color_range = _BT601, _STUDIO_RANGE
    context.color_primaries, context.color_trc = _BT709, _BT709
    return container, stream
