"""A car that drives again what was recorded, so that the driving task can judge it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.bags.frames import DriveFrame
from f1_rl.circuits import Circuit, FloatArray, IntArray, Poses
from f1_rl.simulation import EMPTY_ROAD, Camera, Obstacle, Traffic, View


class RecordedCar:
    """One car whose every step goes on to the next frame of a bag, whatever is commanded.

    It implements `Cars` for one car. Before `place` and before `step`, `show` says which frame
    comes; each needs odometry.
    """

    num_cars = 1

    def __init__(
        self, circuits: Sequence[Circuit], camera: Camera, control_period_s: float
    ) -> None:
        """Begin before the first frame.

        Args:
            circuits: That the car may have driven on.
            camera: That the frames were taken with.
            control_period_s: Time from one frame that is shown to the next.
        """
        self.circuits = tuple(circuits)
        self.camera = camera
        self.control_period_s = control_period_s
        self._circuit_index = np.zeros(1, np.int64)
        self._steps = 0
        self._next: DriveFrame | None = None
        self._frame: DriveFrame | None = None

    def show(self, frame: DriveFrame) -> None:
        """Say which frame the next `place` or `step` comes to."""
        self._next = frame

    @property
    def circuit_index(self) -> IntArray:
        """(1,) the circuit it is on."""
        return self._circuit_index

    @property
    def poses(self) -> Poses:
        """Where the odometry says it was: one pose."""
        here = self._odometry
        return Poses(np.array([here.x_m]), np.array([here.y_m]), np.array([here.yaw_rad]))

    @property
    def speed_mps(self) -> FloatArray:
        """(1,) forward speed."""
        return np.array([self._odometry.speed_mps])

    @property
    def yaw_rate_radps(self) -> FloatArray:
        """(1,) rate of turn."""
        return np.array([self._odometry.yaw_rate_radps])

    @property
    def time_s(self) -> FloatArray:
        """(1,) time since it was placed, in whole control periods."""
        return np.array([self._steps * self.control_period_s])

    @property
    def traffic(self) -> Traffic:
        """None: a bag does not say what was on the road."""
        return EMPTY_ROAD

    @property
    def clearance_m(self) -> FloatArray:
        """(1,) infinite, for the same reason."""
        return np.full(1, np.inf)

    def obstacles_around(self, car: int) -> tuple[Obstacle, ...]:
        """Return none, for the same reason."""
        return ()

    def place(self, cars: IntArray, circuit_index: IntArray, poses: Poses) -> None:
        """Begin at the frame that is shown; it says the pose."""
        self._circuit_index = np.array(circuit_index, np.int64)
        self._frame = self._next
        self._steps = 0

    def step(self, commands: FloatArray) -> None:
        """Go on to the frame that is shown."""
        self._frame = self._next
        self._steps += 1

    def view(self, view: View) -> npt.NDArray[np.uint8]:
        """Return what of the frame `view` takes: `(1, R, C, K)`."""
        return view.take(self.frame(0)[None])

    def frame(self, car: int) -> npt.NDArray[np.uint8]:
        """Return the frame's picture: `(H, W, 3)` RGB."""
        return self._current.picture

    def state(self) -> dict[str, Any]:
        """Refuse: a bag is read once, from its beginning to its end."""
        raise NotImplementedError("a recorded drive has no state that could be taken back.")

    def restore(self, state: dict[str, Any]) -> None:
        """Refuse, as `state` does."""
        raise NotImplementedError("a recorded drive has no state that could be taken back.")

    @property
    def _current(self) -> DriveFrame:
        if self._frame is None:
            raise RuntimeError("no frame was shown and placed yet.")
        return self._frame

    @property
    def _odometry(self) -> Any:
        return self._current.odometry
