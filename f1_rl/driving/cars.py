"""What the driving task needs of the place where the cars live."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import Circuit, FloatArray, IntArray, Poses
from f1_rl.simulation import Camera, Obstacle, Traffic, View


class CarFault(RuntimeError):  # noqa: N818
    """A car that cannot be seen or moved at the moment; says what is wrong and what to do.

    It ends an episode without saying anything about the driving: what was done when it happened
    must not be learned from.
    """


class CarMisfit(CarFault):
    """A car that is not the one that was set up, with another camera, say: waiting will not help.

    It says what differs.
    """


class Cars(Protocol):
    """N cars that are commanded together and each seen through its own camera.

    The embedded simulator is one; cars behind ROS 2 topics are another.
    """

    @property
    def num_cars(self) -> int:
        """N."""

    @property
    def circuits(self) -> Sequence[Circuit]:
        """The circuits that cars can be placed on."""

    @property
    def camera(self) -> Camera:
        """The camera of every car."""

    @property
    def control_period_s(self) -> float:
        """Time that one step takes, seconds."""

    @property
    def circuit_index(self) -> IntArray:
        """(N,) index into `circuits` of the circuit each car is on."""

    @property
    def poses(self) -> Poses:
        """Poses of the N cars."""

    @property
    def speed_mps(self) -> FloatArray:
        """(N,) forward speed, metres a second."""

    @property
    def yaw_rate_radps(self) -> FloatArray:
        """(N,) rate of turn, radians a second, positive to the left."""

    @property
    def time_s(self) -> FloatArray:
        """(N,) time since each car was placed, seconds."""

    @property
    def traffic(self) -> Traffic:
        """The obstacles of each car's world; with a seed they begin in the same places always."""

    @property
    def clearance_m(self) -> FloatArray:
        """(N,) least distance to an obstacle during the last step, 0 where the car touched it.

        Infinite where there is none, and before the first step.
        """

    def obstacles_around(self, car: int) -> Sequence[Obstacle]:
        """Return where the obstacles of one car's world are, as far as they are known."""

    def place(self, cars: IntArray, circuit_index: IntArray, poses: Poses) -> None:
        """Teleport some cars, standing still.

        Args:
            cars: (K,) which cars.
            circuit_index: (K,) the circuit of each.
            poses: K poses.

        Raises:
            CarFault: They could not be brought there, although it was tried again.
        """

    def step(self, commands: FloatArray) -> None:
        """Drive one control period.

        Args:
            commands: (N, 2) forward speed (m/s) and yaw rate (rad/s) of each car.

        Raises:
            CarFault: It is not known where the cars are now; place them before the next step.
        """

    def view(self, view: View) -> npt.NDArray[np.uint8]:
        """Return what each car's camera sees, reduced to `view`: `(N, R, C, K)`."""

    def frame(self, car: int) -> npt.NDArray[np.uint8]:
        """Return the whole picture of one car's camera: `(H, W, 3)` RGB."""

    def state(self) -> dict[str, Any]:
        """Return everything that evolves, for a checkpoint."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
