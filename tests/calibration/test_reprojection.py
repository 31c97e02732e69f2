"""A real camera's pictures become those of the training's camera."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from real_cameras import FISHEYE, LENSES, NOMINAL, PINHOLE, TILTED, drawn, taken

from f1_rl.calibration import CalibratedCamera, CalibrationError, Intrinsics, Mounting, Reprojection
from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.nodes.pilot import Pilot
from f1_rl.policy import load_policy
from f1_rl.settings import build_settings

PREPROCESSING = Preprocessing(ObservationSettings(), NOMINAL)
ROWS = PREPROCESSING.view.row_array
GROUND = slice(242, None)
# A pinhole that sees all that the nominal camera does.
WIDE = replace(PINHOLE, focal_px=(330.0, 332.0), coefficients=(-0.05, 0.008, 0.001, -0.001, 0.0))
CAMERAS = {**LENSES, "plumb_bob": WIDE}


def red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 180) & (picture[..., 1] < 60)


@pytest.mark.parametrize("lens", CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize(("at_m", "lateral_m"), [(30.0, 0.3), (50.0, 0.0)])
def test_the_ground_is_where_the_nominal_camera_sees_it(
    lens: Intrinsics, at_m: float, lateral_m: float
) -> None:
    # At the nominal height, so that the line, which lies 2 mm above the road, hardly moves.
    mounting = replace_mounting(z_m=NOMINAL.z_m)
    camera = CalibratedCamera("real", lens, mounting)
    made = Reprojection(camera, NOMINAL).picture(taken(camera, at_m, lateral_m))[GROUND]
    truth = drawn(NOMINAL, at_m, lateral_m)[GROUND]

    apart = np.abs(made.astype(int) - truth).max(axis=-1) > 48
    assert apart.mean() < 0.005
    assert (red(made) & red(truth)).sum() / (red(made) | red(truth)).sum() > 0.98


@pytest.mark.parametrize("lens", CAMERAS.values(), ids=CAMERAS)
def test_an_observation_is_the_same_from_another_height(lens: Intrinsics) -> None:
    camera = CalibratedCamera("real", lens, TILTED)
    picture, truth = taken(camera, 30.0, 0.3), drawn(NOMINAL, 30.0, 0.3)
    reprojection = Reprojection(camera, NOMINAL, ROWS)

    seen = PREPROCESSING.reduce(reprojection.rows(picture)).astype(int)
    assert np.abs(seen - PREPROCESSING.apply(truth)).mean() < 2.0
    assert np.abs(PREPROCESSING.apply(drawn(NOMINAL, 30.0)) - seen).mean() > 5.0
    assert (reprojection.rows(picture) == reprojection.picture(picture)[ROWS]).all()


def test_the_nominal_camera_is_left_as_it_is() -> None:
    lens = Intrinsics(640, 480, (NOMINAL.focal_length_px,) * 2, (319.5, 239.5))
    mounting = Mounting(x_m=NOMINAL.x_m, y_m=NOMINAL.y_m, z_m=NOMINAL.z_m)
    reprojection = Reprojection(CalibratedCamera("nominal", lens, mounting), NOMINAL)
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    assert (reprojection.picture(picture) == picture).all()
    assert reprojection.missing_share == 0.0


def test_what_lies_outside_takes_the_nearest_that_is_seen_in_its_row() -> None:
    # 2 % of each row is missing on the right.
    lens = Intrinsics(626, 480, (NOMINAL.focal_length_px,) * 2, (319.5, 239.5))
    mounting = Mounting(x_m=NOMINAL.x_m, y_m=NOMINAL.y_m, z_m=NOMINAL.z_m)
    reprojection = Reprojection(CalibratedCamera("narrow", lens, mounting), NOMINAL, ROWS)
    picture = np.random.default_rng(0).integers(0, 256, (480, 626, 3), np.uint8)
    made = reprojection.picture(picture)
    assert reprojection.missing_share == pytest.approx(14 / 640)
    assert (made[:, :626] == picture).all()
    assert (made[:, 626:] == picture[:, 625:]).all()
    assert not reprojection.seen[:, 626:].any()


def test_a_camera_that_sees_too_little_is_refused() -> None:
    narrow = replace(PINHOLE, focal_px=(700.0, 700.0))
    with pytest.raises(CalibrationError, match=r"real does not see 3[0-9]% of what"):
        Reprojection(CalibratedCamera("real", narrow, TILTED), NOMINAL, ROWS)


def test_a_camera_that_looks_at_the_sky_sees_nothing() -> None:
    with pytest.raises(CalibrationError, match="sees nothing of what"):
        Reprojection(
            CalibratedCamera("real", PINHOLE, replace_mounting(pitch_rad=-1.4)), NOMINAL, ROWS
        )


def test_a_camera_without_a_mounting_is_refused() -> None:
    with pytest.raises(CalibrationError, match="add it with f1-rl calibrate mounting"):
        Reprojection(CalibratedCamera("real", FISHEYE), NOMINAL)


def test_a_picture_of_another_size_is_refused() -> None:
    reprojection = Reprojection(CalibratedCamera("real", FISHEYE, TILTED), NOMINAL)
    with pytest.raises(CalibrationError, match="the picture is 640 x 480, the camera was calib"):
        reprojection.rows(np.zeros((480, 640, 3), np.uint8))


def test_distortion_is_not_trusted_beyond_the_angle_at_which_it_folds() -> None:
    lens = replace(PINHOLE, coefficients=(-0.3, 0.0, 0.0, 0.0, 0.0))
    # r (1 - 0.3 r²) grows until r² = 1 / 0.9.
    assert np.tan(lens.half_angle_rad) == pytest.approx(np.sqrt(1 / 0.9), rel=1e-3)
    _, seen = lens.project(np.array([[1.0, 0.0, 1.0], [1.8, 0.0, 1.0], [0.0, 0.0, -1.0]]))
    assert seen.tolist() == [True, False, False]


def test_a_policy_decides_the_same_by_the_real_camera(policy: Path) -> None:
    camera = CalibratedCamera("real", FISHEYE, TILTED)
    nominal, real = Pilot(load_policy(policy)), Pilot(load_policy(policy), camera)
    picture = taken(camera, 30.0, 0.3)
    truth = nominal.decide(drawn(NOMINAL, 30.0, 0.3), first=True)
    decision = real.decide(picture, first=True)
    assert decision.command == truth.command
    assert real.as_trained(picture).shape == (480, 640, 3)
    assert real.size_fault(800, 600) is None
    assert "calibrated with 800 x 600" in (real.size_fault(640, 480) or "")
    assert real.camera_fault(800, 600, 392.0) is None
    assert real.camera_fault(800, 600, 0.0) is None
    assert "focal length of 430.0 px" in (real.camera_fault(800, 600, 430.0) or "")


def replace_mounting(**changes: float) -> Mounting:
    return build_settings(Mounting, {**TILTED.as_dict(), **changes})
