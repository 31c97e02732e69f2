"""Intrinsics and mounting from pictures of a board, with OpenCV."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.calibration.boards import Board, Corners
from f1_rl.calibration.errors import CalibrationError
from f1_rl.calibration.intrinsics import FISHEYE, Intrinsics
from f1_rl.calibration.mounting import Mounting, mounting_of

FloatArray = npt.NDArray[np.float64]

LEAST_VIEWS = 8
"""Fewer pictures with the board do not tell the focal length from the distance."""

LARGEST_ERROR_PX = 1.0
"""Root mean square of the reprojection above which a calibration is refused."""

_MODEL_FLAGS = {"plumb_bob": 0, "rational_polynomial": cv2.CALIB_RATIONAL_MODEL}
_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-9)
_COVERAGE_CELLS = 5


@dataclass(frozen=True)
class Fit:
    """Intrinsics, and how well they explain the pictures.

    Attributes:
        intrinsics: The camera's.
        error_px: Root mean square distance of the corners from where they should be.
        view_errors_px: The same of each picture.
        coverage: Share of a grid of 5 x 5 cells over the picture in which there was a corner.
    """

    intrinsics: Intrinsics
    error_px: float
    view_errors_px: tuple[float, ...]
    coverage: float


def fit_intrinsics(views: Sequence[Corners], size: tuple[int, int], model: str) -> Fit:
    """Calibrate a camera.

    Args:
        views: The board in several pictures, held differently in each.
        size: Columns and rows of the pictures.
        model: `plumb_bob`, `rational_polynomial` or `equidistant`.

    Raises:
        CalibrationError: There are too few views, they do not determine the camera, or the model
            does not explain them.
    """
    if len(views) < LEAST_VIEWS:
        raise CalibrationError(
            f"the board was found in {len(views)} pictures, and {LEAST_VIEWS} are needed; add "
            "more, near and far, tilted, and into the picture's corners."
        )
    try:
        fit = _fisheye(views, size) if model == FISHEYE else _pinhole(views, size, model)
    except cv2.error as error:
        raise CalibrationError(
            f"the {len(views)} pictures do not determine a camera ({error.err}); add more, with "
            "the board tilted and into the picture's corners."
        ) from error
    if not fit.error_px <= LARGEST_ERROR_PX:
        worst = int(np.argmax(fit.view_errors_px))
        raise CalibrationError(
            f"the corners lie {fit.error_px:.2f} px from where they should, more than "
            f"{LARGEST_ERROR_PX:.1f} px (picture {worst + 1} of those with the board "
            f"{fit.view_errors_px[worst]:.2f} px); choose another --lens, leave out blurred "
            "pictures, and see that the board is flat."
        )
    return fit


def _pinhole(views: Sequence[Corners], size: tuple[int, int], model: str) -> Fit:
    objects = [_flat(view).astype(np.float32) for view in views]
    pixels = [view.pixels.reshape(-1, 1, 2).astype(np.float32) for view in views]
    found = cv2.calibrateCameraExtended(
        objects, pixels, size, None, None, flags=_MODEL_FLAGS[model], criteria=_STEPS
    )
    error, k, d, errors = found[0], found[1], found[2].ravel(), found[7].ravel()
    count = 8 if model == "rational_polynomial" else 5
    return _fit(views, size, model, k, d[:count], float(error), errors)


def _fisheye(views: Sequence[Corners], size: tuple[int, int]) -> Fit:
    objects = [_flat(view).reshape(-1, 1, 3) for view in views]
    pixels = [view.pixels.reshape(-1, 1, 2) for view in views]
    flags = cv2.fisheye.CALIB_RECOMPUTE_EXTRINSIC | cv2.fisheye.CALIB_FIX_SKEW
    k, d = np.zeros((3, 3)), np.zeros((4, 1))
    error, k, d, turns, shifts = cv2.fisheye.calibrate(
        objects, pixels, size, k, d, flags=flags, criteria=_STEPS
    )
    errors = []
    for item, seen, turn, shift in zip(objects, pixels, turns, shifts, strict=True):
        there = cv2.fisheye.projectPoints(item, turn, shift, k, d)[0]
        errors.append(float(np.sqrt(((there - seen) ** 2).sum(axis=-1).mean())))
    return _fit(views, size, FISHEYE, k, d.ravel(), float(error), np.array(errors))


def _fit(
    views: Sequence[Corners],
    size: tuple[int, int],
    model: str,
    k: FloatArray,
    d: FloatArray,
    error_px: float,
    errors_px: FloatArray,
) -> Fit:
    intrinsics = Intrinsics(
        *size,
        (float(k[0, 0]), float(k[1, 1])),
        (float(k[0, 2]), float(k[1, 2])),
        model,
        tuple(float(value) for value in d),
    )
    pixels = np.concatenate([view.pixels for view in views])
    cells = np.unique((pixels / np.array(size) * _COVERAGE_CELLS).astype(int), axis=0)
    return Fit(
        intrinsics,
        error_px,
        tuple(float(value) for value in errors_px),
        len(cells) / _COVERAGE_CELLS**2,
    )


def fit_mounting(
    corners: Corners,
    board: Board,
    intrinsics: Intrinsics,
    centre_m: tuple[float, float],
    turned_rad: float = 0.0,
) -> tuple[Mounting, float]:
    """Find where the camera sits, by a board that lies on the ground ahead of the car.

    Args:
        corners: The board in the picture.
        board: The board; its columns run across the car's way.
        intrinsics: Of the camera.
        centre_m: Middle of the board in the car's frame, ahead and to the left of its origin.
        turned_rad: By how much the board is turned on the ground, positive to the left.

    Returns:
        The mounting, and the root mean square of the reprojection, pixels.

    Raises:
        CalibrationError: The picture does not determine it.
    """
    slopes = np.ascontiguousarray(intrinsics.rays(corners.pixels)[:, :2])
    found = []
    # Which corner of the board is the first one in the picture is not known: each of the four may
    # be, and the picture that fits a camera above the ground which looks at the board is right.
    for flip_columns, flip_rows in itertools.product((False, True), repeat=2):
        places = _on_ground(corners, board, centre_m, turned_rad, flip_columns, flip_rows)
        solved, turn, shift = cv2.solvePnP(places, slopes, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
        if not solved:
            continue
        turn, shift = cv2.solvePnPRefineLM(places, slopes, np.eye(3), None, turn, shift)
        rotation = cv2.Rodrigues(turn)[0]
        seen, _ = intrinsics.project(places @ rotation.T + shift.ravel())
        error_px = float(np.sqrt(((seen - corners.pixels) ** 2).sum(axis=1).mean()))
        position_m = -rotation.T @ shift.ravel()
        try:
            found.append((error_px, mounting_of(rotation.T, position_m)))
        except ValueError:
            # Below the ground, or looking back.
            continue
    found = [(error_px, pose) for error_px, pose in found if pose.z_m > 0.0]
    error_px, mounting = min(found, key=lambda one: one[0], default=(np.inf, None))
    if mounting is None or not error_px <= LARGEST_ERROR_PX:
        raise CalibrationError(
            f"the board in the picture fits no camera (corners {error_px:.1f} px from where they "
            "should be); check its size and place, and that this camera's calibration is given."
        )
    return mounting, error_px


def _on_ground(
    corners: Corners,
    board: Board,
    centre_m: tuple[float, float],
    turned_rad: float,
    flip_columns: bool,
    flip_rows: bool,
) -> FloatArray:
    """Return (N, 3), the corners in the car's frame: columns run to the right, rows to the car."""
    right, back = (corners.board_m - np.array(board.size_m) / 2).T
    right, back = (-right if flip_columns else right), (-back if flip_rows else back)
    cos, sin = np.cos(turned_rad), np.sin(turned_rad)
    ahead, left = -back, -right
    return np.column_stack(
        [
            centre_m[0] + cos * ahead - sin * left,
            centre_m[1] + sin * ahead + cos * left,
            np.zeros(len(ahead)),
        ]
    )


def _flat(view: Corners) -> FloatArray:
    return np.column_stack([view.board_m, np.zeros(len(view.board_m))])
