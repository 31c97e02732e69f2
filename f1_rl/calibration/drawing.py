"""Pictures by which a person checks a calibration against a tape measure."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.calibration.intrinsics import Intrinsics
from f1_rl.calibration.mounting import Mounting
from f1_rl.calibration.reprojection import Reprojection

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
UInt8Array = npt.NDArray[np.uint8]
# From rays in the optical frame to pixels, and whether they lie in the picture.
Projection = Callable[[FloatArray], tuple[FloatArray, BoolArray]]

_AHEAD_M = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
_LEFT_M = (-1.0, -0.5, 0.0, 0.5, 1.0)
_STEPS = 400
_GRID = (255, 200, 0)
_MIDDLE = (0, 230, 255)
_MISSING = (255, 0, 200)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.45
_LABEL_GAP_PX = 2
# Where along its line a label may stand, the best place first: of lines to the sides and ahead.
_LABELS = ((0.0, 0.15, 0.3, 0.45), (0.5, 0.25, 0.75, 0.05, 0.95))
# Left, upper, right and lower end in pixels.
_Box = tuple[int, int, int, int]


def draw_check(reprojection: Reprojection, picture: UInt8Array) -> UInt8Array:
    """Draw the real picture and the one made of it side by side, each with a grid on the ground.

    The lines lie 0.5 to 5 m ahead of the car's origin, and up to 1 m to its sides. What the real
    camera does not see is tinted magenta.

    Args:
        reprojection: From the real camera to that of the training.
        picture: (h, w, 3) RGB, of the real camera.

    Returns:
        (H, W', 3) RGB, as high as the training's picture.

    Raises:
        CalibrationError: The picture is of another size.
    """
    source, camera = reprojection.source, reprojection.camera
    made = reprojection.picture(picture)
    tint = np.array(_MISSING) // 2
    made[~reprojection.seen] = made[~reprojection.seen] // 2 + tint.astype(np.uint8)
    focal = camera.focal_length_px
    lens = Intrinsics(
        camera.width,
        camera.height,
        (focal, focal),
        (camera.width / 2 - 0.5, camera.height / 2 - 0.5),
    )
    own = Mounting(x_m=camera.x_m, y_m=camera.y_m, z_m=camera.z_m, pitch_rad=camera.pitch_rad)
    real = _draw_grid(picture.copy(), source.intrinsics.project, source.mounted())
    made = _draw_grid(made, lens.project, own)
    height, width = real.shape[:2]
    wide = round(width * camera.height / height)
    return np.hstack([cv2.resize(real, (wide, camera.height)), made])


def _draw_grid(picture: UInt8Array, project: Projection, mounting: Mounting) -> UInt8Array:
    across = np.linspace(_LEFT_M[0], _LEFT_M[-1], _STEPS)
    along = np.geomspace(_AHEAD_M[0], _AHEAD_M[-1], _STEPS)
    lines = [(np.full(_STEPS, ahead), across, f"{ahead:g} m") for ahead in _AHEAD_M]
    lines += [(along, np.full(_STEPS, left), f"{left:+g}" if left else "") for left in _LEFT_M]
    written: list[_Box] = []
    for ahead, left, label in lines:
        ground = np.column_stack([ahead, left, np.zeros(_STEPS)])
        pixels, seen = project((ground - mounting.position_m) @ mounting.rotation)
        _draw_line(picture, pixels, seen, _GRID if label else _MIDDLE)
        if label and seen.any():
            # Distances ahead stand at the middle, those to the sides at the end near the car.
            line = pixels[seen]
            places = line[[int(share * (len(line) - 1)) for share in _LABELS[label.endswith("m")]]]
            inside = np.clip(places, 0, np.array(picture.shape[1::-1]) - (60, 8)).astype(int)
            _label(picture, label, inside, written)
    return picture


def _label(
    picture: UInt8Array, text: str, places: npt.NDArray[np.int_], written: list[_Box]
) -> None:
    """Write a text at the first of some places where it covers no other; nowhere: leave it out."""
    (width, height), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, 3)
    for column, row in places.tolist():
        box = (column, row - height - _LABEL_GAP_PX, column + width, row + _LABEL_GAP_PX)
        if not any(_overlap(box, other) for other in written):
            _write(picture, text, (column, row))
            written.append(box)
            return


def _overlap(one: _Box, other: _Box) -> bool:
    return (one[0] <= other[2] and other[0] <= one[2]) and (
        one[1] <= other[3] and other[1] <= one[3]
    )


def _draw_line(
    picture: UInt8Array, pixels: FloatArray, seen: BoolArray, colour: tuple[int, int, int]
) -> None:
    for begin in np.flatnonzero(seen[:-1] & seen[1:]):
        (x, y), (next_x, next_y) = np.rint(pixels[begin : begin + 2]).astype(int).tolist()
        cv2.line(picture, (x, y), (next_x, next_y), colour, 1, cv2.LINE_AA)


def _write(picture: UInt8Array, text: str, place: tuple[int, int]) -> None:
    cv2.putText(picture, text, place, _FONT, _FONT_SCALE, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(picture, text, place, _FONT, _FONT_SCALE, _GRID, 1, cv2.LINE_AA)
