"""A few pictures out of a video, so that a page shows something without the video itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import av.error
import cv2
import numpy as np

from f1_rl.reporting.run_folder import ReportError

_JPEG_QUALITY: Final = 82


@dataclass(frozen=True)
class Still:
    """One picture of a video."""

    time_s: float
    jpeg: bytes


def film_strip(path: Path, count: int = 6, width_px: int = 640) -> tuple[Still, ...]:
    """Take pictures at equal distances in time out of a video.

    Args:
        path: The video.
        count: How many pictures.
        width_px: The width to which they are reduced.

    Returns:
        The pictures in their order, fewer where the video is shorter.

    Raises:
        ReportError: The file cannot be read as a video.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            # PyAV counts a container's duration in microseconds.
            duration_s = (container.duration or 0) / 1e6
            stills: dict[float, Still] = {}
            for i in range(count):
                frame = _frame_at(container, stream, duration_s * (i + 0.5) / count)
                if frame is not None:
                    stills.setdefault(frame.time, Still(frame.time, _jpeg(frame, width_px)))
    except (OSError, IndexError, av.error.FFmpegError) as error:
        raise _unreadable(path, error) from error
    return tuple(stills.values())


def stills_of(
    path: Path,
    indices: Sequence[int],
    width_px: int,
    box_px: tuple[int, int, int, int] | None = None,
) -> tuple[Still | None, ...]:
    """Take certain frames out of a video.

    Args:
        path: The video.
        indices: Numbers of the frames, from 0.
        width_px: The width to which they are reduced.
        box_px: (left, top, right, bottom) of the part to take; None: all.

    Returns:
        A picture for each number; None where the video is too short.

    Raises:
        ReportError: The file cannot be read as a video.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stills: list[Still | None] = []
            for index in indices:
                # Half a frame early: times in the file are rounded.
                due_s = (index - 0.5) / float(stream.average_rate)
                frame = _frame_at(container, stream, max(due_s, 0.0))
                found = frame is not None and frame.time >= due_s
                still = Still(frame.time, _jpeg(frame, width_px, box_px)) if found else None
                stills.append(still)
            return tuple(stills)
    except (OSError, IndexError, av.error.FFmpegError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ReportError:
    return ReportError(f"{path} cannot be read as a video ({error}): record the lap again.")


def _frame_at(container: Any, stream: Any, time_s: float) -> Any:
    """Return the first frame at or after a time, the last one where there is none."""
    container.seek(int(time_s / stream.time_base), stream=stream)
    frame = None
    for frame in container.decode(stream):
        if frame.time >= time_s:
            break
    return frame


def _jpeg(frame: Any, width_px: int, box_px: tuple[int, int, int, int] | None = None) -> bytes:
    picture = frame.to_ndarray(format="bgr24")
    if box_px is not None:
        left, top, right, bottom = box_px
        picture = picture[top:bottom, left:right]
    size = (width_px, max(1, round(width_px * picture.shape[0] / picture.shape[1])))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return np.asarray(encoded).tobytes()
