"""Intrinsics and mounting from boards, against the lenses that took the pictures."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from boards import BOARD, LARGE, corners_of, picture_of, picture_on_ground, poses
from real_cameras import FISHEYE, LENSES, PINHOLE, TILTED

from f1_rl.calibration import CalibrationError, Intrinsics, Mounting
from f1_rl.calibration.boards import Board, Corners
from f1_rl.calibration.fitting import fit_intrinsics, fit_mounting
from f1_rl.settings import build_settings

# Looks at the board on the ground.
LOOKING_DOWN = build_settings(
    Mounting, {**TILTED.as_dict(), "pitch_rad": 0.3, "z_m": 0.15, "roll_rad": -0.02}
)
BOARD_AT = (0.7, 0.03)


@pytest.fixture(scope="module")
def views() -> dict[str, list[Corners]]:
    rng = np.random.default_rng(1)
    found = {}
    for name, lens in LENSES.items():
        found[name] = [corners_of(lens, pose) for pose in poses(25)]
        for view in found[name]:
            view.pixels[:] += rng.normal(0.0, 0.05, view.pixels.shape)
    return found


@pytest.mark.parametrize("model", LENSES)
def test_the_lens_is_found_again(model: str, views: dict[str, list[Corners]]) -> None:
    lens = LENSES[model]
    fit = fit_intrinsics(views[model], (lens.width, lens.height), model)

    assert fit.error_px < 0.1
    assert len(fit.view_errors_px) == 25
    assert fit.coverage > 0.6
    # Where there were corners, a pixel has the ray that it had.
    pixels = np.concatenate([view.pixels for view in views[model]])
    again, seen = fit.intrinsics.project(lens.rays(pixels))
    assert seen.mean() > 0.97
    assert np.linalg.norm(again - pixels, axis=1)[seen].max() < 0.5


def test_corners_are_found_in_pictures() -> None:
    pose = poses(3)[2]
    corners = BOARD.find(picture_of(FISHEYE, pose))
    assert corners is not None
    truth = corners_of(FISHEYE, pose).pixels
    apart = min(np.abs(corners.pixels - truth).max(), np.abs(corners.pixels[::-1] - truth).max())
    assert apart < 0.4
    assert BOARD.find(np.full((100, 100, 3), 128, np.uint8)) is None


def test_part_of_a_charuco_board_is_found() -> None:
    board = Board(6, 4, 0.03, marker_m=0.022)
    markers = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    drawn = cv2.aruco.CharucoBoard((7, 5), 0.03, 0.022, markers).generateImage((700, 500))
    picture = np.repeat(drawn[:, :420, None], 3, axis=-1)
    corners = board.find(np.pad(picture, ((60, 60), (60, 60), (0, 0)), constant_values=255))
    assert corners is not None
    # 100 px a square; three of six columns are there whole, and the margin lies before them.
    assert len(corners.pixels) >= 12
    assert np.abs(corners.board_m * 100 / 0.03 + 160 - 0.5 - corners.pixels).max() < 1.0


@pytest.mark.parametrize("turned_rad", [0.0, 0.2])
@pytest.mark.parametrize("lens", [PINHOLE, FISHEYE], ids=["pinhole", "fisheye"])
def test_a_board_on_the_ground_tells_where_the_camera_sits(
    lens: Intrinsics, turned_rad: float
) -> None:
    picture = picture_on_ground(lens, LOOKING_DOWN, BOARD_AT, turned_rad)
    corners = LARGE.find(picture)
    assert corners is not None
    mounting, error_px = fit_mounting(corners, LARGE, lens, BOARD_AT, turned_rad)

    assert error_px < 0.5
    for name, wanted in LOOKING_DOWN.as_dict().items():
        allowed = 0.003 if name.endswith("_m") else 0.006
        assert getattr(mounting, name) == pytest.approx(wanted, abs=allowed), name


def test_it_does_not_matter_at_which_corner_the_board_begins() -> None:
    corners = LARGE.find(picture_on_ground(PINHOLE, LOOKING_DOWN, BOARD_AT))
    assert corners is not None
    turned = Corners(corners.board_m, corners.pixels[::-1].copy())
    one, _ = fit_mounting(corners, LARGE, PINHOLE, BOARD_AT)
    other, _ = fit_mounting(turned, BOARD, PINHOLE, BOARD_AT)
    assert other.z_m == pytest.approx(one.z_m, abs=1e-4)
    assert other.yaw_rad == pytest.approx(one.yaw_rad, abs=1e-4)


def test_too_few_views_are_refused(views: dict[str, list[Corners]]) -> None:
    with pytest.raises(CalibrationError, match="found in 7 pictures, and 8 are needed"):
        fit_intrinsics(views["plumb_bob"][:7], (800, 600), "plumb_bob")


def test_corners_in_the_wrong_places_are_refused(views: dict[str, list[Corners]]) -> None:
    rng = np.random.default_rng(0)
    shaken = [
        replace(v, pixels=v.pixels + rng.normal(0, 3, v.pixels.shape)) for v in views["plumb_bob"]
    ]
    with pytest.raises(CalibrationError, match="px from where they should, more than"):
        fit_intrinsics(shaken, (800, 600), "plumb_bob")


def test_views_that_do_not_determine_a_fisheye_are_refused() -> None:
    corners = np.full((48, 2), 300.0)
    board_m = np.stack(np.meshgrid(np.arange(8), np.arange(6)), axis=-1).reshape(-1, 2) * 0.025
    with pytest.raises(CalibrationError, match="do not determine a camera"):
        fit_intrinsics([Corners(board_m, corners)] * 8, (800, 600), "equidistant")


def test_corners_of_something_else_fit_no_camera() -> None:
    corners = LARGE.find(picture_on_ground(PINHOLE, LOOKING_DOWN, BOARD_AT))
    assert corners is not None
    bent = corners.pixels + 8.0 * np.sin(corners.pixels / 20.0)
    with pytest.raises(CalibrationError, match="fits no camera"):
        fit_mounting(replace(corners, pixels=bent), LARGE, PINHOLE, BOARD_AT)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((7, 7, 0.02), "7 x 7 inner corners"),
        ((8, 6, 0.0), "squares of 0.0 m"),
        ((8, 6, 0.02, 0.03), "the squares larger"),
        ((8, 6, 0.02, 0.01, "9X9"), "no marker dictionary '9X9'"),
    ],
)
def test_a_board_that_cannot_be_is_refused(arguments: tuple, said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        Board(*arguments)
