"""A camera to train with that sees no more than a real one does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from f1_rl.calibration.camera_file import CalibratedCamera
from f1_rl.calibration.errors import CalibrationError
from f1_rl.calibration.reprojection import source_pixels
from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Camera

_FIELDS_OF_VIEW_RAD = np.arange(1.9, 0.5, -0.02)
_NEAREST_M = (0.25, 0.3, 0.4, 0.5, 0.7, 1.0)
_LARGEST_MISSING = 0.005


def training_camera(source: CalibratedCamera) -> dict[str, float]:
    """Return settings of a task whose observation lies within the real camera's picture.

    The camera sits where the real one does, level and straight ahead but for its pitch, with the
    widest field of view, and the nearest row as near as can be.

    Returns:
        Names of settings, as `--set` takes them, and values.

    Raises:
        CalibrationError: There is no such camera, or no mounting.
    """
    mounting = source.mounted()
    place = {
        "x_m": round(mounting.x_m, 3),
        "y_m": round(mounting.y_m, 3),
        "z_m": round(mounting.z_m, 3),
        "pitch_rad": round(mounting.pitch_rad, 3),
    }
    nominal = build_settings(Camera, place, "camera")
    for nearest_m in _NEAREST_M:
        for fov_rad in _FIELDS_OF_VIEW_RAD:
            fov_rad = round(float(fov_rad), 2)
            camera = replace(nominal, horizontal_fov_rad=fov_rad)
            try:
                rows = Preprocessing(ObservationSettings(nearest_m=nearest_m), camera).view.rows
            except SettingsError:
                continue
            if _missing_share(source, camera, rows) <= _LARGEST_MISSING:
                found = {"horizontal_fov_rad": fov_rad, **place}
                return {
                    **{f"task.camera.{name}": value for name, value in found.items()},
                    "task.observation.nearest_m": nearest_m,
                }
    raise CalibrationError(
        f"{source.name} does not see the ground from {_NEAREST_M[-1]} m on; mount it otherwise."
    )


def _missing_share(source: CalibratedCamera, camera: Camera, rows: tuple[int, ...]) -> float:
    """Return the share that is not seen, by every eighth column and both edges."""
    columns = np.unique(np.append(np.arange(0, camera.width, 8), camera.width - 1))
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float64)
    _, seen = source_pixels(source, source.mounted(), camera, pixels)
    return float(1.0 - seen.mean())
