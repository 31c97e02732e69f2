"""The classical driver: steers on the painted line that it sees, no learning."""

import numpy as np

from f1_rl.circuits import FloatArray
from f1_rl.driving.environment import Observation
from f1_rl.driving.line import LineFinder
from f1_rl.driving.task import DrivingTask
from f1_rl.settings import SettingsError

# Of the turn that the actions allow, the share that a bend seen ahead may ask for.
_TURN_SHARE = 0.75
_LOOKAHEAD_S = 0.22
_SHORTEST_LOOKAHEAD_M = 0.9
# How far ahead bends slow the car down.
_PREVIEW_M = 4.5
_SLOWEST_MPS = 1.0


class LineFollower:
    """Pure pursuit of the line seen in the observation, slower where a bend comes.

    Steering follows Coulter (1992), "Implementation of the Pure Pursuit Path Tracking Algorithm":
    the circle through the car and a point of the line ahead. The speed is the largest at which
    the tightest such circle within the preview can be turned. It knows the camera's geometry and
    nothing of the circuit; it needs a line, and keeps within the limits of the action table.
    """

    def __init__(self, task: DrivingTask) -> None:
        """Prepare for the cameras and limits of a task.

        Raises:
            SettingsError: The observation does not show the line, being of another colour than red.
        """
        settings = task.settings.observation
        if settings.channel not in ("red", "rgb"):
            raise SettingsError(
                f"the classical driver sees the line in the red channel only, not in "
                f"{settings.channel}; leave --classical out."
            )
        self._line = LineFinder(task.preprocessing)
        self._max_speed_mps = task.actions.max_speed_mps
        self._max_yaw_rate_radps = task.actions.max_yaw_rate_radps
        self._speed_mps = np.zeros(task.num_cars)
        self._curvature = np.zeros(task.num_cars)

    def commands(self, observations: Observation) -> FloatArray:
        """Return the commands `(N, 2)`, forward speed and yaw rate."""
        frames = observations["frames"] if isinstance(observations, dict) else observations
        seen, left_m = self._line.find(frames)
        ahead_m = np.broadcast_to(self._line.ahead_m, left_m.shape)
        curvature = 2.0 * left_m / (ahead_m**2 + left_m**2)
        lookahead_m = np.maximum(_SHORTEST_LOOKAHEAD_M, _LOOKAHEAD_S * self._speed_mps + 0.45)
        missing = np.where(seen, 0.0, np.inf)
        target = (np.abs(ahead_m - lookahead_m[:, None]) + missing).argmin(axis=1)
        cars = np.arange(len(target))
        lost = ~seen.any(axis=1)
        # With the line out of sight, the last turn leads back to it.
        chosen = np.where(lost, self._curvature, curvature[cars, target])
        preview = seen & (ahead_m <= _PREVIEW_M)
        tightest = np.where(preview, np.abs(curvature), 0.0).max(axis=1)
        tightest = np.maximum(tightest, np.abs(chosen))
        limit = _TURN_SHARE * self._max_yaw_rate_radps / np.maximum(tightest, 1e-6)
        speed = np.clip(limit, _SLOWEST_MPS, self._max_speed_mps)
        speed = np.where(lost, _SLOWEST_MPS, speed)
        yaw_rate = np.clip(speed * chosen, -self._max_yaw_rate_radps, self._max_yaw_rate_radps)
        self._speed_mps, self._curvature = speed, chosen
        return np.stack([speed, yaw_rate], axis=1)
