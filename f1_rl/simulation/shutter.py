"""Which moment each car's camera shows: pictures may come late, and some never."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from f1_rl.circuits import Poses
from f1_rl.simulation.vehicles import VehicleState

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Shutter:
    """The moments that N cars' pictures show.

    A picture that is late shows where the car was then, and what stood before it, also between two
    control periods: each pose lies on the straight line between those at the two ends, with the
    heading in proportion. Where a picture is lost the one before stays, noise and all.

    Attributes:
        delay_ms: (N,) int64, age of each car's pictures.
        dropped: (N,) share of each car's pictures that are lost.
    """

    def __init__(
        self, num_cars: int, num_boxes: int, period_ms: int, longest_delay_ms: int
    ) -> None:
        """Show every moment as it is.

        Args:
            num_cars: N.
            num_boxes: Obstacles M in the world of each.
            period_ms: The control period.
            longest_delay_ms: Largest age of a picture that will be asked for.
        """
        self.delay_ms = np.zeros(num_cars, dtype=np.int64)
        self.dropped = np.zeros(num_cars)
        self._period_ms = period_ms
        # x, y and heading (not wrapped) of the car and of what stands in its world, the newest
        # first; a delay lies between two of them.
        moments = longest_delay_ms // period_ms + 2
        self._history = np.zeros((moments, num_cars, 1 + num_boxes, 3))
        self._shown = np.zeros((num_cars, 1 + num_boxes, 3))
        self._steps = np.zeros(num_cars, dtype=np.int64)

    @property
    def poses(self) -> Poses:
        """Where the cars were when the pictures they have now were taken, (N,)."""
        return Poses(*self._shown[:, 0].T.copy())

    @property
    def boxes_m(self) -> FloatArray:
        """Where the obstacles were then, (N, M, 3) x, y (m) and yaw (rad)."""
        return self._shown[:, 1:].copy()

    @property
    def steps(self) -> IntArray:
        """Control periods that each car had driven when its picture came, (N,)."""
        return self._steps.copy()

    def place(
        self,
        cars: IntArray,
        motion: VehicleState,
        boxes_m: FloatArray,
        delay_ms: IntArray,
        dropped: ArrayLike,
    ) -> None:
        """Begin anew with some cars: what came before is forgotten.

        Args:
            cars: (K,) which cars.
            motion: Of all cars.
            boxes_m: (N, M, 3) obstacles in the world of each.
            delay_ms: (K,) age of their pictures from now on.
            dropped: (K,) share of them that are lost.
        """
        self.delay_ms[cars], self.dropped[cars] = delay_ms, dropped
        here = _stacked(motion, boxes_m)[cars]
        self._history[:, cars] = here
        self._shown[cars] = here
        self._steps[cars] = 0

    def advance(
        self,
        motion: VehicleState,
        boxes_m: FloatArray,
        steps: IntArray,
        rng: np.random.Generator,
    ) -> None:
        """Take the next pictures.

        Args:
            motion: Of all cars, a control period after the last call.
            boxes_m: (N, M, 3) obstacles in the world of each, then.
            steps: (N,) control periods driven.
            rng: Decides which pictures are lost.
        """
        here, before = _stacked(motion, boxes_m), self._history[0]
        turned = here[..., 2] - before[..., 2]
        here[..., 2] = before[..., 2] + np.mod(turned + np.pi, 2 * np.pi) - np.pi
        self._history[1:] = self._history[:-1]
        self._history[0] = here
        periods, rest_ms = np.divmod(self.delay_ms, self._period_ms)
        cars = np.arange(len(self.delay_ms))
        later, earlier = self._history[periods, cars], self._history[periods + 1, cars]
        share = (rest_ms / self._period_ms)[:, None, None]
        came = rng.random(len(cars)) >= self.dropped
        self._shown[came] = (later + share * (earlier - later))[came]
        self._steps[came] = steps[came]

    def state(self) -> dict[str, Any]:
        """Return everything that changes, as plain arrays."""
        return copy.deepcopy({name: getattr(self, name) for name in _STATE})

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state` returned.

        Raises:
            ValueError: It is of another number of cars or another longest delay.
        """
        if state["_history"].shape != self._history.shape:
            raise ValueError(
                f"Restoring pictures with a history of {state['_history'].shape} to one of "
                f"{self._history.shape}: build it with the same cars, period and variation"
            )
        for name in _STATE:
            setattr(self, name, np.array(state[name]))


_STATE = ("delay_ms", "dropped", "_history", "_shown", "_steps")


def _stacked(motion: VehicleState, boxes_m: FloatArray) -> FloatArray:
    """Return x, y and yaw of the cars and of their obstacles, (N, 1 + M, 3)."""
    cars = np.stack([motion.x_m, motion.y_m, motion.yaw_rad], axis=-1)
    return np.concatenate([cars[:, None], boxes_m], axis=1)
