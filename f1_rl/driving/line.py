"""Finding the painted line in observations."""

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import FloatArray
from f1_rl.driving.observation import Preprocessing
from f1_rl.settings import SettingsError

# The line must stand out from the rest of its picture by so many grey levels.
_CONTRAST = 50.0


class LineFinder:
    """Says where on the ground the red line lies that an observation shows.

    Attributes:
        ahead_m: (R,) of each row of an observation, the ground's distance ahead of the car.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        """Prepare for a camera and an observation of it.

        Raises:
            SettingsError: The observation does not show the line, being of another colour than red.
        """
        channel = preprocessing.settings.channel
        if channel not in ("red", "rgb"):
            raise SettingsError(
                f"the line is seen in the red channel only, not in {channel}; choose "
                "task.observation.channel=red."
            )
        self._channels = preprocessing.frame_shape[2]
        camera, view = preprocessing.camera, preprocessing.view
        distance = camera.ground_distance_m(np.array(view.rows))
        columns = (np.arange(view.columns) + 0.5) * camera.width / view.columns
        slope = (columns - camera.width / 2) / camera.focal_length_px
        depth = distance * np.cos(camera.pitch_rad) + camera.z_m * np.sin(camera.pitch_rad)
        self.ahead_m: FloatArray = distance + camera.x_m
        self._left_m: FloatArray = camera.y_m - depth[:, None] * slope[None, :]

    def find(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.bool_], FloatArray]:
        """Find the line in the newest frame of observations.

        Args:
            frames: `(N, R, C, K)`, stacked or not.

        Returns:
            In which rows it is seen, and how far left of the car it lies there: `(N, R)` both.
        """
        red = frames[..., -self._channels].astype(np.float32)
        background = np.median(red, axis=(1, 2))[:, None, None]
        weight = np.maximum(0.0, red - background - _CONTRAST)
        total = weight.sum(axis=2)
        seen = total > _CONTRAST
        left_m = (weight * self._left_m).sum(axis=2) / np.maximum(total, 1e-6)
        return seen, np.asarray(left_m, np.float64)
