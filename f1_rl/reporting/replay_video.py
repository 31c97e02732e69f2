"""The video of an offline replay: the picture with what the network looks at and thinks of it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.driving.observation import Preprocessing
from f1_rl.reporting.camera_panel import CameraPanel
from f1_rl.reporting.glyphs import Picture
from f1_rl.reporting.lap_picture import PanelPicture
from f1_rl.reporting.palette import DARK, rgb
from f1_rl.reporting.video import PanelVideo
from f1_rl.reporting.video_panels import (
    ACCENT,
    GRID,
    INK,
    MUTED,
    Card,
    FiguresPanel,
    ObservationPanel,
    QValuePanel,
    VideoFrame,
)

RECORDED: Final = rgb(DARK["second"])
_HISTORY: Final = 100


@dataclass(frozen=True)
class ReplayVideoFrame(VideoFrame):
    """A picture of a bag with both commands; the policy's are those of `VideoFrame`.

    Attributes:
        recorded_speed_mps: What the recorded driver commanded; NaN where that is not known.
        recorded_yaw_rate_radps: The same.
        outcome: Why the policy did not decide; empty where it did.
    """

    recorded_speed_mps: float = math.nan
    recorded_yaw_rate_radps: float = math.nan
    outcome: str = ""


class ReplayVideo(PanelVideo):
    """The video of a replay; each frame is a `ReplayVideoFrame`.

    Args:
        path: The file to write; replaced where it exists.
        title: Over the picture.
        preprocessing: What makes the observations of the pictures.
        action_names: (A,) names of the actions, in the order of the Q-values.
        fps: Frames a second; of real time if that is the rate of the camera.

    Raises:
        ReportError: The file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        title: str,
        preprocessing: Preprocessing,
        action_names: Sequence[str],
        *,
        fps: float,
    ) -> None:
        def panels(canvas: Picture) -> tuple[Any, ...]:
            return (
                CameraPanel(canvas[16:628, 16:832], title, preprocessing),
                ObservationPanel(canvas[320:450, 848:1264]),
                QValuePanel(canvas[464:704, 848:1264], action_names),
                _CommandPanel(canvas[642:704, 16:832]),
                _HistoryPanel(canvas[16:306, 848:1264]),
            )

        super().__init__(path, PanelPicture(panels), fps)


class _CommandPanel(FiguresPanel):
    """One line of figures: time, and the commands of both."""

    def __init__(self, picture: Picture) -> None:
        labels = ("TIME", "RECORDED COMMAND", "POLICY'S COMMAND")
        super().__init__(picture, labels, (0.2, 0.4, 0.4), 20)

    def paint(self, frame: ReplayVideoFrame) -> None:
        """Paint one frame."""
        self.begin()
        policy = frame.outcome or _command(frame.command_speed_mps, frame.command_yaw_rate_radps)
        recorded = _command(frame.recorded_speed_mps, frame.recorded_yaw_rate_radps)
        texts = ((f"{frame.lap_time_s:.2f} s", INK), (recorded, RECORDED), (policy, ACCENT))
        for (text, colour), left in zip(texts, self.lefts, strict=True):
            self.large.draw(self.picture, text, (left, 28), colour)


class _HistoryPanel(Card):
    """Yaw rate and speed of both over the last frames, the newest at the right."""

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture, "YAW RATE")
        half = self.height_px // 2
        self.small_bold.draw(picture, "SPEED", (12, half + 8), MUTED)
        keys = (("recorded", RECORDED, 130), ("policy", ACCENT, 14))
        for name, colour, right in keys:
            place = (self.width_px - right, 11)
            self.small_bold.draw(picture, name, place, colour, "right")
        self._boxes = ((34, half - 6), (half + 32, self.height_px - 12))
        for top, bottom in self._boxes:
            cv2.rectangle(picture, (12, top), (self.width_px - 12, bottom), GRID, 1)
        self.fixed = picture.copy()
        self._values: deque[tuple[float, float, float, float]] = deque(maxlen=_HISTORY)
        self._largest = [1.0, 1.0]

    def paint(self, frame: ReplayVideoFrame) -> None:
        """Paint one frame and remember its commands."""
        row = (
            frame.recorded_yaw_rate_radps,
            frame.command_yaw_rate_radps,
            frame.recorded_speed_mps,
            frame.command_speed_mps,
        )
        self._values.append(row)
        for i in range(2):
            known = [abs(value) for value in row[2 * i : 2 * i + 2] if math.isfinite(value)]
            self._largest[i] = max([self._largest[i], *known])
        self.begin()
        values = np.array(self._values, np.float64)
        self._draw(values[:, 0:2], self._boxes[0], self._largest[0], centred=True)
        self._draw(values[:, 2:4], self._boxes[1], self._largest[1], centred=False)

    def _draw(
        self,
        values: npt.NDArray[np.float64],
        box: tuple[int, int],
        largest: float,
        *,
        centred: bool,
    ) -> None:
        top, bottom = box
        shares = values / largest
        shares = (shares + 1.0) / 2.0 if centred else np.maximum(shares, 0.0)
        heights = bottom - 3 - shares * (bottom - top - 6)
        if centred:
            middle = (top + bottom) // 2
            cv2.line(self.picture, (13, middle), (self.width_px - 13, middle), GRID, 1)
        step = (self.width_px - 28) / (_HISTORY - 1)
        right = self.width_px - 14
        across = right - step * np.arange(len(values) - 1, -1, -1)
        for column, colour in ((0, RECORDED), (1, ACCENT)):
            known = np.isfinite(heights[:, column])
            for start, end in _runs(known):
                points = np.stack([across[start:end], heights[start:end, column]], axis=1)
                drawn = np.rint(points * 16).astype(np.int32)
                cv2.polylines(self.picture, [drawn], False, colour, 2, cv2.LINE_AA, 4)


def _runs(known: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open ranges of consecutive True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _command(speed_mps: float, yaw_rate_radps: float) -> str:
    if not (math.isfinite(speed_mps) and math.isfinite(yaw_rate_radps)):
        return "\N{EN DASH}"
    return f"{speed_mps:.1f} m/s  {yaw_rate_radps:+.2f} rad/s".replace("-", "\N{MINUS SIGN}")
