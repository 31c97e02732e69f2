"""The video of a lap as a small animated GIF, for where no video can be shown."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import av
import av.error
from PIL import Image

from f1_rl.reporting.run_folder import ReportError

_WIDTH_PX: Final = 480
_COLOURS: Final = 96
_FRAME_MS: Final = 120


def lap_gif(video: Path, frames: int = 60) -> tuple[bytes, tuple[int, int]]:
    """Return pictures at about equal distances in time out of a video, as an animated GIF.

    Args:
        video: The video.
        frames: How many, at most; a lap of half a minute runs by in seven seconds.

    Returns:
        The file, and its height and width in pixels.

    Raises:
        ReportError: The file cannot be read as a video.
    """
    pictures: list[Image.Image] = []
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            # Those that no other picture is made from need not be decoded at all.
            stream.codec_context.skip_frame = "NONREF"
            height = round(_WIDTH_PX * stream.height / stream.width)
            step_s = (container.duration or 0) / 1e6 / frames
            for frame in container.decode(stream):
                if frame.time >= len(pictures) * step_s:
                    small = frame.reformat(_WIDTH_PX, height, "rgb24").to_ndarray()
                    pictures.append(Image.fromarray(small).quantize(_COLOURS))
    except (OSError, IndexError, av.error.FFmpegError) as error:
        raise ReportError(
            f"{video} cannot be read as a video ({error}): record the lap again."
        ) from error
    if not pictures:
        raise ReportError(f"{video} holds no picture: record the lap again.")
    file = io.BytesIO()
    pictures[0].save(
        file, "GIF", save_all=True, append_images=pictures[1:], duration=_FRAME_MS, loop=0
    )
    return file.getvalue(), (pictures[0].height, pictures[0].width)
