"""The file of a calibrated camera is ROS' own."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from real_cameras import LENSES, TILTED

from f1_rl.calibration import (
    CalibratedCamera,
    CalibrationError,
    Intrinsics,
    Reprojection,
    intrinsics_of_message,
    read_camera,
    write_camera,
    write_mounting,
)
from f1_rl.calibration.mounting import mounting_of
from f1_rl.calibration.training_camera import training_camera
from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.settings import read_yaml
from f1_rl.simulation import Camera

# As camera_calibration writes it.
OF_ROS = """\
image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [438.783367, 0.000000, 305.593336, 0.000000, 437.302876, 243.738352, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.361976, 0.110510, 0.001014, 0.000505, 0.000000]
rectification_matrix:
  rows: 3
  cols: 3
  data: [0.999978, 0.002789, -0.006046, -0.002816, 0.999986, -0.004401, 0.0060, 0.0044, 0.9999]
projection_matrix:
  rows: 3
  cols: 4
  data: [393.653800, 0.0, 322.797939, 0.0, 0.0, 393.653800, 241.090902, 0.0, 0.0, 0.0, 1.0, 0.0]
"""


def message(**changes: Any) -> SimpleNamespace:
    fields = {
        "width": 640,
        "height": 480,
        "distortion_model": "plumb_bob",
        "d": [0.1, 0.0, 0.0, 0.0, 0.0],
        "k": np.array([400.0, 0, 320.0, 0, 401.0, 240.0, 0, 0, 1]),
        "binning_x": 0,
        "binning_y": 0,
        "roi": SimpleNamespace(width=0, height=0),
    }
    return SimpleNamespace(**{**fields, **changes})


def test_a_file_of_camera_calibration_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text(OF_ROS)
    camera = read_camera(path)
    assert camera.name == "narrow_stereo"
    assert camera.intrinsics == Intrinsics(
        640,
        480,
        (438.783367, 437.302876),
        (305.593336, 243.738352),
        "plumb_bob",
        (-0.361976, 0.11051, 0.001014, 0.000505, 0.0),
    )
    assert camera.mounting is None


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_what_is_written_is_read_back_the_same(lens: Intrinsics, tmp_path: Path) -> None:
    camera = CalibratedCamera("front", lens, TILTED)
    write_camera(tmp_path / "camera.yaml", camera)
    assert read_camera(tmp_path / "camera.yaml") == camera


def test_a_mounting_leaves_all_else_in_the_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text(OF_ROS + "serial_number: 1234\n")
    before = read_yaml(path)
    write_mounting(path, TILTED)
    assert read_camera(path).mounted() == TILTED
    assert read_yaml(path) == {**before, "mounting": TILTED.as_dict()}


def test_a_camera_info_message_is_taken() -> None:
    lens = intrinsics_of_message(message())
    assert (lens.focal_px, lens.centre_px) == ((400.0, 401.0), (320.0, 240.0))
    assert intrinsics_of_message(message(distortion_model="", d=[])).model == "plumb_bob"
    fisheye = intrinsics_of_message(message(distortion_model="fisheye", d=[0.0] * 4))
    assert fisheye.model == "equidistant"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"k": np.zeros(9)}, "holds no calibration"),
        ({"binning_x": 2}, "send whole pictures"),
        ({"distortion_model": "thin_prism"}, "'thin_prism' is not known"),
        ({"d": [0.1]}, "plumb_bob with 1 distortion coefficients"),
        ({"d": [float("nan")] * 5}, "are no camera's"),
    ],
)
def test_a_message_that_is_no_calibration_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        intrinsics_of_message(message(**changes))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("image_width: 640", "image_width: no", "image_width is"),
        ("image_width: 640\n", "", "lacks 'image_width'"),
        (", 0, 0, 1]", "]", "camera_matrix holds 6 numbers"),
        ("plumb_bob", "kannala", "camera.yaml: the distortion model 'kannala'"),
        ("image_width", "mounting: {x_m: 1.0}\nimage_width", "mounting lacks 'z_m'"),
        ("image_width", "mounting: {z_m: -1.0}\nimage_width", "mounting.z_m is -1.0"),
        ("image_width", "mounting: {z_m: 1, pitch_rad: 2}\nimage_width", "between -pi/2 and pi/2"),
    ],
)
def test_a_file_that_is_none_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text(OF_ROS.replace(old, new, 1))
    with pytest.raises(CalibrationError, match=said):
        read_camera(path)
    with pytest.raises(CalibrationError, match=r"none\.yaml: cannot be read"):
        read_camera(tmp_path / "none.yaml")


def test_a_mounting_is_its_rotation_and_position() -> None:
    again = mounting_of(TILTED.rotation, TILTED.position_m)
    assert again.as_dict() == pytest.approx(TILTED.as_dict())
    # The optical axis of a camera that looks down points down, and left by its yaw.
    ahead = TILTED.rotation @ [0.0, 0.0, 1.0]
    assert ahead[2] == pytest.approx(-np.sin(TILTED.pitch_rad))
    assert np.arctan2(ahead[1], ahead[0]) == pytest.approx(TILTED.yaw_rad)
    # Rolled to the right side down.
    assert (TILTED.rotation @ [1.0, 0.0, 0.0])[2] < 0.0


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_a_camera_to_train_with_lies_within_the_real_picture(lens: Intrinsics) -> None:
    source = CalibratedCamera("real", lens, TILTED)
    found = training_camera(source)
    values = {name.rpartition(".")[2]: value for name, value in found.items()}
    nearest_m = values.pop("nearest_m")
    camera = Camera(**values)
    rows = Preprocessing(ObservationSettings(nearest_m=nearest_m), camera).view.row_array
    assert Reprojection(source, camera, rows).missing_share < 0.01
    assert (camera.z_m, camera.pitch_rad, camera.x_m) == (0.13, 0.12, 0.36)
