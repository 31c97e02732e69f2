"""Antialiased TrueType text on NumPy images, fast enough for every frame of a video.

OpenCV's own fonts are single strokes; here each character is rendered once by Pillow and then
blended from its mask.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Anchor = Literal["left", "centre", "right"]


def _matplotlib() -> Path:
    """Return Matplotlib's folder without importing it, which takes a good part of a second.

    Raises:
        ImportError: It is not installed.
    """
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ImportError("the fonts of Matplotlib are missing; install matplotlib.")
    return Path(spec.origin).parent


class Font:
    """One face of DejaVu Sans, which Matplotlib carries, in one size.

    Args:
        size_px: The height of the em square in pixels.
        bold: Whether to take the bold face.
    """

    def __init__(self, size_px: int, *, bold: bool = False) -> None:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        path = _matplotlib() / "mpl-data" / "fonts" / "ttf" / name
        self._font = ImageFont.truetype(str(path), size_px)
        ascent, descent = self._font.getmetrics()
        self.ascent_px = int(ascent)
        self.height_px = int(ascent + descent)
        self._masks: dict[str, npt.NDArray[np.float32]] = {}

    def width_px(self, text: str) -> int:
        """Return the width of a text as `draw` would set it."""
        return sum(self._mask(character).shape[1] for character in text)

    def fit(self, text: str, width_px: int) -> str:
        """Return the text, shortened with an ellipsis where it is wider than `width_px`."""
        if self.width_px(text) <= width_px:
            return text
        while text and self.width_px(text + "…") > width_px:
            text = text[:-1]
        return text.rstrip() + "…"

    def draw(
        self,
        picture: Picture,
        text: str,
        position_px: tuple[int, int],
        colour: Colour,
        anchor: Anchor = "left",
    ) -> None:
        """Blend a text into a picture, clipped at its borders.

        Args:
            picture: (H, W, 3) uint8, changed in place.
            text: One line.
            position_px: x of the anchor and y of the text's top.
            colour: RGB.
            anchor: The point of the line that `position_px` means.
        """
        if not text:
            return
        mask = np.concatenate([self._mask(character) for character in text], axis=1)
        x, y = position_px
        x -= {"left": 0, "centre": mask.shape[1] // 2, "right": mask.shape[1]}[anchor]
        top, left = max(y, 0), max(x, 0)
        target = picture[top : y + mask.shape[0], left : x + mask.shape[1]]
        if target.size == 0:
            return
        mask = mask[top - y :, left - x :][: target.shape[0], : target.shape[1], np.newaxis]
        blended = target + mask * (np.array(colour, dtype=np.float32) - target)
        target[:] = np.rint(blended).astype(np.uint8)

    def _mask(self, character: str) -> npt.NDArray[np.float32]:
        """Return the (height, advance) coverage of a character, 0 to 1."""
        mask = self._masks.get(character)
        if mask is None:
            width = max(1, round(self._font.getlength(character)))
            image = Image.new("L", (width, self.height_px))
            ImageDraw.Draw(image).text((0, 0), character, fill=255, font=self._font)
            mask = np.asarray(image, dtype=np.float32) / 255.0
            self._masks[character] = mask
        return mask
