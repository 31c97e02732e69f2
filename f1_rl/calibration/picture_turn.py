"""How far the camera turned from one picture to the next, by the pictures alone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from f1_rl.calibration.camera_file import CalibratedCamera
from f1_rl.calibration.reprojection import Reprojection
from f1_rl.simulation import Camera

FloatArray = npt.NDArray[np.float64]
UInt8Array = npt.NDArray[np.uint8]

# What is looked at: a band around the horizon, where a turn moves all by the same and driving on
# hardly anything; as shares of the height.
_BAND = (0.48, 0.56)
_STRIPS = 12
_LEVEL_FOV_RAD = 1.2
_WIDTH = 320
# The largest shift looked for, as a share of the width.
_REACH = 0.25


class PictureTurn:
    """Finds how many columns each picture is shifted against the one before, by phase correlation.

    The rows of a band around the horizon are taken in strips; the cross-power spectra of all strips
    are added up, so that strips without anything in them say nothing.
    """

    def __init__(self, camera: CalibratedCamera | None = None) -> None:
        """Begin with no picture seen.

        Args:
            camera: What the pictures are of; None: a camera that is level and hardly distorts.

        Raises:
            CalibrationError: The camera does not see the horizon, or has no mounting.
        """
        self._level = None if camera is None else _levelled(camera)
        self._last: npt.NDArray[np.complex128] | None = None

    def add(self, picture: UInt8Array) -> float | None:
        """Return how far the camera turned to the left since the last picture.

        Args:
            picture: (H, W, 3) RGB.

        Returns:
            The shift of what is seen to the right, as a share of the picture's width; None of the
            first picture, and where nothing can be told.
        """
        band = _band(picture) if self._level is None else self._level.rows(picture)
        strips = _strips(band)
        spectrum = np.fft.rfft(strips, 2 * _WIDTH, axis=1)
        last, self._last = self._last, spectrum
        if last is None:
            return None
        cross = (spectrum * np.conj(last)).sum(axis=0)
        amount = np.abs(cross)
        if not amount.max() > 0.0:
            return None
        # Half whitened: edges count alike, what is only noise hardly.
        peaks = np.fft.irfft(cross / np.sqrt(amount + 1e-3 * amount.max()), 2 * _WIDTH)
        reach = round(_REACH * _WIDTH)
        window = np.concatenate([peaks[-reach:], peaks[: reach + 1]])
        best = int(window.argmax())
        shift = best - reach + _between(window, best)
        return float(shift / _WIDTH)


def _levelled(camera: CalibratedCamera) -> Reprojection:
    """Return what makes the band around the horizon of a level camera at the same place."""
    mounting = camera.mounted()
    level = Camera(
        horizontal_fov_rad=_LEVEL_FOV_RAD, x_m=mounting.x_m, y_m=mounting.y_m, z_m=mounting.z_m
    )
    return Reprojection(camera, level, np.arange(level.height)[_rows(level.height)])


def _rows(height: int) -> slice:
    return slice(round(_BAND[0] * height), round(_BAND[1] * height))


def _band(picture: UInt8Array) -> UInt8Array:
    return picture[_rows(len(picture))]


def _strips(band: UInt8Array) -> FloatArray:
    small = cv2.resize(band, (_WIDTH + 2, _STRIPS), interpolation=cv2.INTER_AREA)
    colours = small.astype(np.float64).transpose(2, 0, 1).reshape(-1, _WIDTH + 2)
    edges = colours[:, 2:] - colours[:, :-2]
    return np.asarray(edges * np.hanning(_WIDTH), np.float64)


def _between(values: FloatArray, best: int) -> float:
    """Return the place of the peak between its neighbours, by a parabola."""
    if not 0 < best < len(values) - 1:
        return 0.0
    left, middle, right = values[best - 1 : best + 2]
    bend = left - 2 * middle + right
    return 0.5 * float((left - right) / bend) if bend < 0.0 else 0.0
