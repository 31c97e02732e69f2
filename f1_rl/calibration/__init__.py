"""A real camera and car: calibration, re-projection, delay and actuators."""

from f1_rl.calibration.camera_file import (
    CalibratedCamera,
    read_camera,
    write_camera,
    write_mounting,
)
from f1_rl.calibration.errors import CalibrationError
from f1_rl.calibration.intrinsics import Intrinsics, intrinsics_of_message
from f1_rl.calibration.mounting import Mounting
from f1_rl.calibration.reprojection import LARGEST_MISSING_SHARE, Reprojection

__all__ = [
    "LARGEST_MISSING_SHARE",
    "CalibratedCamera",
    "CalibrationError",
    "Intrinsics",
    "Mounting",
    "Reprojection",
    "intrinsics_of_message",
    "read_camera",
    "write_camera",
    "write_mounting",
]
