"""The panel of the camera's picture, with what the network looks at in it."""

from __future__ import annotations

import cv2

from f1_rl.driving.observation import Preprocessing
from f1_rl.reporting.camera_overlay import HEAT_COLOUR, ROW_COLOUR, camera_overlay
from f1_rl.reporting.glyphs import Font, Picture
from f1_rl.reporting.video_panels import INK, VideoFrame


class CameraPanel:
    """The camera's picture, as large as fits, with what the network looks at in it.

    Args:
        picture: (H, W, 3) uint8, the part of the video's picture to paint.
        caption: A line over the picture's upper left corner.
        preprocessing: What makes the observations; their rows and the saliency are drawn into
            pictures of its camera's size. None: nothing is drawn into the picture.
    """

    def __init__(
        self, picture: Picture, caption: str, preprocessing: Preprocessing | None = None
    ) -> None:
        self._picture = picture
        self._caption = caption
        self._preprocessing = preprocessing
        self._font = Font(15, bold=True)
        self._small = Font(12)
        picture[:] = 0

    def paint(self, frame: VideoFrame) -> None:
        """Paint one frame."""
        height, width = self._picture.shape[:2]
        camera = self._overlaid(frame)
        rows, columns = camera.shape[:2]
        scale = min(height / rows, width / columns)
        size = (min(width, round(columns * scale)), min(height, round(rows * scale)))
        smooth = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        top, left = (height - size[1]) // 2, (width - size[0]) // 2
        target = self._picture[top : top + size[1], left : left + size[0]]
        target[:] = cv2.resize(camera, size, interpolation=smooth)
        self._darken(14, 14, self._font.width_px(self._caption) + 24, 30)
        self._font.draw(self._picture, self._caption, (26, 20), INK)
        if camera is not frame.camera:
            self._draw_key(frame.saliency is not None)

    def _overlaid(self, frame: VideoFrame) -> Picture:
        """Return the picture with rows and saliency; as it is where they do not belong into it."""
        if self._preprocessing is None:
            return frame.camera
        camera = self._preprocessing.camera
        if frame.camera.shape[:2] != (camera.height, camera.width):
            return frame.camera
        return camera_overlay(frame.camera, self._preprocessing, frame.saliency)

    def _draw_key(self, salient: bool) -> None:
        """Say in the lower left corner what the colours mean."""
        entries = [(ROW_COLOUR, "rows that the network sees")]
        if salient:
            entries.append((HEAT_COLOUR, "where the decision comes from"))
        widths = [self._small.width_px(text) + 44 for _, text in entries]
        top, left = len(self._picture) - 14 - 26, 14
        self._darken(left, top, sum(widths) + 8, 26)
        for (colour, text), width in zip(entries, widths, strict=True):
            self._picture[top + 8 : top + 18, left + 12 : left + 28] = colour
            self._small.draw(self._picture, text, (left + 36, top + 5), INK)
            left += width

    def _darken(self, left: int, top: int, width: int, height: int) -> None:
        part = self._picture[top : top + height, left : left + width]
        part[:] = part // 3
