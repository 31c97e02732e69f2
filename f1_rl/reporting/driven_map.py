"""A picture of lines driven on a circuit, quick enough to be drawn while a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.outline import outline_of
from f1_rl.reporting.palette import DARK, rgb
from f1_rl.reporting.run_folder import FloatArray

_LONG_SIDE_PX: Final = 640
_MARGIN_PX: Final = 16
_SHIFT: Final = 4  # OpenCV takes fixed-point coordinates: four binary places are 1/16 of a pixel
_CROSS_PX: Final = 5


def draw_driven_lines(
    circuit: Circuit, paths_m: Sequence[FloatArray], completed: Sequence[bool]
) -> npt.NDArray[np.uint8]:
    """Draw lines from above: green where all laps were driven, else red with a cross at the end.

    Args:
        circuit: Where they were driven.
        paths_m: Of each drive (T, 2) x and y.
        completed: Whether each drive was completed.

    Returns:
        (H, W, 3) uint8 RGB, 640 pixels long.
    """
    outline = outline_of(circuit, 600)
    edges = np.concatenate([outline.left_m, outline.right_m])
    low, high = edges.min(axis=0), edges.max(axis=0)
    scale = (_LONG_SIDE_PX - 2 * _MARGIN_PX) / float((high - low).max())
    width, height = np.ceil((high - low) * scale + 2 * _MARGIN_PX).astype(int)
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = rgb(DARK["card"])

    def pixels(points_m: FloatArray) -> npt.NDArray[np.int32]:
        across = (points_m[:, 0] - low[0]) * scale + _MARGIN_PX
        down = (high[1] - points_m[:, 1]) * scale + _MARGIN_PX
        rounded = np.rint(np.stack([across, down], axis=1) * 2**_SHIFT)
        return np.asarray(rounded, np.int32)

    sides = [pixels(outline.left_m), pixels(outline.right_m)]
    cv2.fillPoly(picture, sides, rgb(DARK["road"]), cv2.LINE_AA, _SHIFT)
    _draw_lines(picture, sides, "edge")
    _draw_lines(picture, [pixels(outline.start_m)], "mark", 3)
    for path_m, whole in zip(paths_m, completed, strict=True):
        known_m = path_m[np.isfinite(path_m).all(axis=1)]
        if not len(known_m):
            continue
        line = pixels(known_m)
        _draw_lines(picture, [line], "good" if whole else "accent")
        if not whole:
            reach = _CROSS_PX * 2**_SHIFT * np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]])
            ends = (line[-1] + reach).astype(np.int32)
            _draw_lines(picture, [ends[:2], ends[2:]], "accent", 2)
    return picture


def encode_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """Return an RGB picture (H, W, 3) as a PNG file."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return np.asarray(encoded).tobytes()


def _draw_lines(
    picture: npt.NDArray[np.uint8], lines: list[npt.NDArray[np.int32]], role: str, width: int = 1
) -> None:
    cv2.polylines(picture, lines, False, rgb(DARK[role]), width, cv2.LINE_AA, _SHIFT)
