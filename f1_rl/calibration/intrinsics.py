"""How a camera projects: focal lengths, principal point and distortion, as ROS means them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.calibration.errors import CalibrationError

FloatArray = npt.NDArray[np.float64]

FISHEYE = "equidistant"
# How many coefficients each model of `sensor_msgs/CameraInfo` may have.
MODELS: dict[str, tuple[int, ...]] = {
    "plumb_bob": (0, 4, 5),
    "rational_polynomial": (8,),
    FISHEYE: (4,),
}
# Other programs' names for one of them.
_ALIASES = {"fisheye": FISHEYE, "": "plumb_bob"}

_UNDISTORT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)
_ANGLES_RAD = np.linspace(0.0, np.radians(89.5), 4096)


@dataclass(frozen=True)
class Intrinsics:
    """A camera's projection, from rays to pixels.

    Rays are in the optical frame of REP-103: x to the right, y down, z ahead. Pixel centres lie at
    whole numbers, as in ROS and OpenCV.

    Attributes:
        width: Columns of the picture.
        height: Rows.
        focal_px: Focal lengths of columns and rows.
        centre_px: Column and row of the principal point.
        model: `plumb_bob`, `rational_polynomial` or `equidistant`.
        coefficients: Of the model, in the order of `sensor_msgs/CameraInfo.d`.
    """

    width: int
    height: int
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    model: str = "plumb_bob"
    coefficients: tuple[float, ...] = (0.0,) * 5

    def __post_init__(self) -> None:
        """Check that this is a camera.

        Raises:
            CalibrationError: It is none.
        """
        if self.model in _ALIASES:
            object.__setattr__(self, "model", _ALIASES[self.model])
        if self.model not in MODELS:
            raise CalibrationError(
                f"the distortion model {self.model!r} is not known; choose one of "
                f"{', '.join(MODELS)}."
            )
        if len(self.coefficients) not in MODELS[self.model]:
            raise CalibrationError(
                f"{self.model} with {len(self.coefficients)} distortion coefficients cannot be "
                f"used; give {' or '.join(map(str, MODELS[self.model]))}."
            )
        numbers = (*self.focal_px, *self.centre_px, *self.coefficients)
        if not np.isfinite(numbers).all() or min(self.focal_px) <= 0.0:
            raise CalibrationError(
                f"focal lengths {self.focal_px} px, centre {self.centre_px} px and coefficients "
                f"{self.coefficients} are no camera's; check them."
            )
        if self.width < 1 or self.height < 1:
            raise CalibrationError(
                f"a picture of {self.width} x {self.height} holds nothing; give its size in pixels."
            )

    @property
    def matrix(self) -> FloatArray:
        """(3, 3), the camera matrix K."""
        (fx, fy), (cx, cy) = self.focal_px, self.centre_px
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    @property
    def distortion(self) -> FloatArray:
        """(D,) the coefficients."""
        return np.array(self.coefficients, np.float64)

    @cached_property
    def half_angle_rad(self) -> float:
        """Greatest angle from the optical axis that the model describes.

        Beyond it the distortion would fold rays back into the picture: a polynomial that was fitted
        to the picture says nothing of what lies outside.
        """
        radii = self._distorted_radii(_ANGLES_RAD)
        folds = np.flatnonzero(~(np.diff(radii) > 0.0))
        return float(_ANGLES_RAD[folds[0]] if len(folds) else _ANGLES_RAD[-1])

    def _distorted_radii(self, angles_rad: FloatArray) -> FloatArray:
        if self.model == FISHEYE:
            square = np.square(angles_rad)
            a, b, c, d = self.coefficients
            bent = angles_rad * (1 + square * (a + square * (b + square * (c + square * d))))
            return np.asarray(bent, np.float64)
        radius: FloatArray = np.tan(angles_rad)
        square = np.square(radius)
        k1, k2, _, _, k3, k4, k5, k6 = (*self.coefficients, *[0.0] * 8)[:8]
        above = 1 + square * (k1 + square * (k2 + square * k3))
        below = 1 + square * (k4 + square * (k5 + square * k6))
        # A denominator that changes its sign ends what the model describes, too.
        return np.where(np.minimum.accumulate(below) > 0.0, radius * above / below, -np.inf)

    def project(self, rays: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return where rays meet the picture.

        Args:
            rays: (N, 3), of any length.

        Returns:
            (N, 2) column and row, and (N,) whether that is within the picture; where it is not, the
            place means nothing.
        """
        ahead = np.arctan2(np.hypot(rays[:, 0], rays[:, 1]), rays[:, 2]) <= self.half_angle_rad
        points = np.full((len(rays), 2), -1.0)
        if ahead.any():
            inputs = np.ascontiguousarray(rays[ahead]).reshape(-1, 1, 3)
            zero = np.zeros(3)
            project = cv2.fisheye.projectPoints if self.model == FISHEYE else cv2.projectPoints
            found = project(inputs, zero, zero, self.matrix, self.distortion)[0]
            points[ahead] = found.reshape(-1, 2)
        size = np.array([self.width, self.height])
        return points, ahead & ((points >= -0.5) & (points <= size - 0.5)).all(axis=1)

    def rays(self, pixels: FloatArray) -> FloatArray:
        """Return the rays of pixels; the inverse of `project`.

        Args:
            pixels: (N, 2) column and row.

        Returns:
            (N, 3), with depth 1.
        """
        inputs = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
        if self.model == FISHEYE:
            found = cv2.fisheye.undistortPoints(
                inputs, self.matrix, self.distortion, criteria=_UNDISTORT
            )
        else:
            found = cv2.undistortPointsIter(
                inputs, self.matrix, self.distortion, None, None, _UNDISTORT
            )
        flat = found.reshape(-1, 2)
        return np.column_stack([flat, np.ones(len(flat))])


def intrinsics_of_message(message: Any) -> Intrinsics:
    """Return what a `sensor_msgs/CameraInfo` says.

    Raises:
        CalibrationError: The camera is not calibrated, bins pixels or sends a part of its picture.
    """
    k = [float(value) for value in message.k]
    if not k[0] > 0.0:
        raise CalibrationError(
            "camera_info holds no calibration (its focal length is 0); give a file of f1-rl "
            "calibrate in its place."
        )
    region = message.roi
    if max(message.binning_x, message.binning_y) > 1 or region.width or region.height:
        raise CalibrationError(
            "camera_info tells of binned pixels or of a part of the picture; send whole pictures."
        )
    return Intrinsics(
        int(message.width),
        int(message.height),
        (k[0], k[4]),
        (k[2], k[5]),
        str(message.distortion_model),
        tuple(float(value) for value in message.d),
    )
