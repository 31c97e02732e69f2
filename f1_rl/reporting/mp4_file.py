"""An H.264 video in an MP4 file, picture by picture."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final

import av
import av.error
import cv2
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.stream import VideoStream

from f1_rl.reporting.run_folder import ReportError

_LOG = logging.getLogger(__name__)
# H.273 codes. OpenCV converts with BT.601's matrix in studio range; unless the file says so,
# players take BT.709 for a picture of this height and show other colours.
_BT601: Final = 6
_BT709: Final = 1
_STUDIO_RANGE: Final = 1


class Mp4File:
    """Encodes pictures as H.264.

    The file appears under its name only when it is complete: it is written under a temporary name
    beside it, which is removed when the video is left by an exception. Use it as a context manager.

    Args:
        path: The file to write, such as `lap.mp4`; replaced where it exists.
        width_px: Width of the pictures, even.
        height_px: Height of the pictures, even.
        fps: Frames a second.

    Raises:
        ReportError: The file cannot be written.
    """

    def __init__(self, path: Path, width_px: int, height_px: int, fps: float) -> None:
        self._path = Path(path)
        self._part = self._path.with_name(f".{self._path.name}.part")
        self._frames = 0
        self._closed = False
        try:
            # FFmpeg opens the file with the first frame only; a wrong path is to fail here.
            self._part.touch()
            self._container, self._stream = _open(self._part, width_px, height_px, fps)
        except (OSError, av.error.FFmpegError) as error:
            raise self._failure(error) from error

    def __enter__(self) -> Mp4File:
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
            self.discard()

    def add(self, picture: npt.NDArray[np.uint8]) -> None:
        """Encode one picture.

        Args:
            picture: (H, W, 3) RGB.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
            ValueError: The video is closed.
        """
        if self._closed:
            raise ValueError(f"{self._path} is closed: add the frames before close().")
        planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = self._frames
        self._frames += 1
        try:
            self._container.mux(self._stream.encode(frame))
        except (OSError, av.error.FFmpegError) as error:
            self.discard()
            raise self._failure(error) from error

    def close(self) -> None:
        """Write what is left and give the file its name; without a frame, leave no file.

        Raises:
            ReportError: The file cannot be written; nothing of it is left.
        """
        if self._closed:
            return
        if self._frames == 0:
            self.discard()
            _LOG.warning("%s was not written: no frame was added.", self._path)
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._closed = True
            self._part.replace(self._path)
        except (OSError, av.error.FFmpegError) as error:
            self.discard()
            raise self._failure(error) from error

    def discard(self) -> None:
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


def _open(
    path: Path, width_px: int, height_px: int, fps: float
) -> tuple[OutputContainer, VideoStream]:
    """Open an MP4 file and its H.264 stream."""
    container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
    rate = Fraction(fps).limit_denominator(1001)
    # A quiet picture with hard edges: a fast preset at a low quantiser is crisp, small and quick.
    # A key frame every two seconds lets a player, and the report's film strip, jump.
    options = {"preset": "superfast", "crf": "20", "g": str(max(1, round(2 * fps)))}
    stream = container.add_stream("libx264", rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate
    context.colorspace, context.color_range = _BT601, _STUDIO_RANGE
    context.color_primaries, context.color_trc = _BT709, _BT709
    return container, stream
