"""A calibrated camera in one file: ROS' own YAML of a camera, with the mounting beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from f1_rl.calibration.errors import CalibrationError
from f1_rl.calibration.intrinsics import Intrinsics
from f1_rl.calibration.mounting import Mounting
from f1_rl.settings import (
    PositiveInt,
    Settings,
    SettingsError,
    build_settings,
    read_yaml,
    write_yaml,
)


@dataclass(frozen=True)
class CalibratedCamera:
    """A real camera.

    Attributes:
        name: What it is called.
        intrinsics: How it projects.
        mounting: Where it sits; None where that has not been measured.
    """

    name: str
    intrinsics: Intrinsics
    mounting: Mounting | None = None

    def mounted(self) -> Mounting:
        """Return where it sits.

        Raises:
            CalibrationError: That has not been measured.
        """
        if self.mounting is None:
            raise CalibrationError(
                f"the calibration of {self.name} says nothing of where the camera sits on the car; "
                "add it with f1-rl calibrate mounting."
            )
        return self.mounting

    def size_fault(self, width: int, height: int) -> str | None:
        """Return why a picture of that size is not this camera's, or None."""
        own = self.intrinsics
        if (width, height) == (own.width, own.height):
            return None
        return (
            f"the picture is {width} x {height}, the camera was calibrated with {own.width} x "
            f"{own.height}; set the camera to that size or calibrate it at the other."
        )


class _Matrix(Settings, frozen=True):
    rows: PositiveInt
    cols: PositiveInt
    data: tuple[float, ...]


class _CameraFile(Settings, frozen=True, kw_only=True):
    """What camera_calibration writes and camera_calibration_parsers reads, and the mounting."""

    image_width: PositiveInt
    image_height: PositiveInt
    camera_name: str = "camera"
    camera_matrix: _Matrix
    distortion_model: str = "plumb_bob"
    distortion_coefficients: _Matrix
    mounting: Mounting | None = None


def read_camera(path: Path) -> CalibratedCamera:
    """Read a calibration: what ROS writes, with or without a mounting.

    Raises:
        CalibrationError: It is none.
    """
    known = _CameraFile.__struct_fields__
    try:
        content = {name: value for name, value in read_yaml(path).items() if name in known}
        file = build_settings(_CameraFile, content, str(path))
    except SettingsError as error:
        raise CalibrationError(str(error)) from error
    k = file.camera_matrix.data
    if len(k) != 9:
        raise CalibrationError(
            f"{path}: camera_matrix holds {len(k)} numbers; write the 9 of a 3 x 3 matrix."
        )
    try:
        intrinsics = Intrinsics(
            file.image_width,
            file.image_height,
            (k[0], k[4]),
            (k[2], k[5]),
            file.distortion_model,
            file.distortion_coefficients.data,
        )
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
    return CalibratedCamera(file.camera_name, intrinsics, file.mounting)


def write_camera(path: Path, camera: CalibratedCamera) -> None:
    """Write a calibration, so that ROS' camera drivers read it too.

    Raises:
        OSError: The file cannot be written.
    """
    own = camera.intrinsics
    (fx, fy), (cx, cy) = own.focal_px, own.centre_px
    unchanged = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    content: dict[str, Any] = {
        "image_width": own.width,
        "image_height": own.height,
        "camera_name": camera.name,
        "camera_matrix": _matrix(3, [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]),
        "distortion_model": own.model,
        "distortion_coefficients": _matrix(1, list(own.coefficients)),
        "rectification_matrix": _matrix(3, unchanged),
        "projection_matrix": _matrix(3, [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]),
    }
    if camera.mounting is not None:
        content["mounting"] = camera.mounting.as_dict()
    write_yaml(path, content)


def write_mounting(path: Path, mounting: Mounting) -> None:
    """Write where a camera sits into its file; whatever else is there stays.

    Raises:
        SettingsError: There is no such file to read.
        OSError: The file cannot be written.
    """
    write_yaml(path, {**read_yaml(path), "mounting": mounting.as_dict()})


def _matrix(rows: int, values: list[float]) -> dict[str, Any]:
    return {
        "rows": rows,
        "cols": len(values) // rows,
        "data": [float(value) for value in values],
    }
