"""What a policy looks at, drawn into the camera's picture: its rows, and where it matters.

Needs NumPy and OpenCV alone, so that whatever shows a picture can use it: the lap video, the
driver node, the live page.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.driving.observation import Preprocessing
from f1_rl.reporting.palette import DARK, rgb

Picture = npt.NDArray[np.uint8]

ROW_COLOUR: Final = rgb(DARK["third"])
# Neither the line's red, the grass, the road nor the sky has a colour like it.
HEAT_COLOUR: Final = (0, 240, 255)

_TICK_SHARE: Final = 40  # of the picture's width is a row's mark at either edge
_ROW_OPACITY: Final = 0.16
_HEAT_OPACITY: Final = 0.72


def camera_overlay(
    camera: Picture,
    preprocessing: Preprocessing,
    saliency: npt.NDArray[np.floating[Any]] | None = None,
) -> Picture:
    """Draw the observation's rows, and the saliency of its places, over a copy of a picture.

    Args:
        camera: (H, W, 3) uint8 RGB, of the camera's size.
        preprocessing: What makes the observation of the picture.
        saliency: (R, C) >= 0 of the observation's places, in any unit: the largest is drawn
            strongest, and nothing where all are zero. None: the rows alone.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: The picture is not of the camera's size, or the saliency not of the
            observation's.
    """
    size = (preprocessing.camera.height, preprocessing.camera.width)
    if camera.shape[:2] != size:
        raise ValueError(f"a picture of {camera.shape[:2]} is not of the camera's size {size}.")
    picture = camera.copy()
    if saliency is not None:
        _draw_heat(picture, preprocessing, saliency)
    _draw_rows(picture, preprocessing)
    return picture


def spread_over_camera(
    preprocessing: Preprocessing, values: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float32]:
    """Return values of the observation's places at every pixel of the camera.

    Place (r, c) of an observation is row `view.rows[r]` of the picture and the mean of its
    columns `c * W / C` up to `(c + 1) * W / C`; between their middles the values are linear.

    Args:
        preprocessing: What makes the observation of the picture.
        values: (R, C).

    Returns:
        (H, W) float32; 0 above the observation's first row and below its last.

    Raises:
        ValueError: The values are of another shape.
    """
    rows, columns, _ = preprocessing.frame_shape
    if values.shape != (rows, columns):
        raise ValueError(f"values of shape {values.shape} do not fit {rows} rows x {columns}.")
    camera, seen = preprocessing.camera, preprocessing.view.row_array
    first, end = int(seen[0]), int(seen[-1]) + 1
    across = (np.arange(camera.width, dtype=np.float32) + 0.5) * columns / camera.width - 0.5
    down = np.interp(np.arange(first, end), seen, np.arange(rows)).astype(np.float32)
    spread = np.zeros((camera.height, camera.width), np.float32)
    spread[first:end] = cv2.remap(
        np.ascontiguousarray(values, np.float32),
        np.tile(across, (end - first, 1)),
        np.repeat(down[:, np.newaxis], camera.width, axis=1),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return spread


def _draw_heat(
    picture: Picture, preprocessing: Preprocessing, saliency: npt.NDArray[np.floating[Any]]
) -> None:
    peak = float(saliency.max())
    # The root, because a score is a square: half the change of the values, half the colour.
    strength = np.sqrt(saliency / peak) if peak > 0.0 else np.zeros(saliency.shape)
    part = slice(preprocessing.view.rows[0], preprocessing.view.rows[-1] + 1)
    opacity = spread_over_camera(preprocessing, _HEAT_OPACITY * strength)[part]
    seen = np.ascontiguousarray(picture[part])
    colour = np.broadcast_to(np.array(HEAT_COLOUR, np.uint8), seen.shape)
    picture[part] = cv2.blendLinear(seen, np.ascontiguousarray(colour), 1.0 - opacity, opacity)


def _draw_rows(picture: Picture, preprocessing: Preprocessing) -> None:
    rows = preprocessing.view.row_array
    tick = max(4, picture.shape[1] // _TICK_SHARE)
    lines = picture[rows].astype(np.float32)
    lines += _ROW_OPACITY * (np.array(ROW_COLOUR, np.float32) - lines)
    picture[rows] = np.rint(lines)
    picture[rows, :tick] = picture[rows, -tick:] = ROW_COLOUR
