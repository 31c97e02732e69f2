"""Driving metrics, accumulated step by step for N cars."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from f1_rl.circuits import BoolArray, FloatArray, IntArray
from f1_rl.driving.step import Step

_BIN_M = 0.005
_BINS = 1_000
_COUNTED = ("off_track", "wrong_way", "collisions")


@dataclass(frozen=True)
class DriveReport:
    """How one car drove in one episode.

    Attributes:
        steps: Control periods driven.
        episode_return: Sum of the rewards.
        laps: Full laps.
        lap_time_s: Best lap, interpolated at the line; NaN without a full lap.
        completion: Share of one lap driven, 0 to 1.
        mean_lateral_error_m: Mean distance from the centre line.
        p95_lateral_error_m: Distance that 95 % of the steps stayed below, to 5 mm.
        mean_speed_mps: Mean speed along the centre line.
        command_smoothness: Mean change of the commanded yaw rate, rad/s a second; 0 is smoothest.
        off_track: Times that the car left the road.
        wrong_way: Times that the car turned against the driving direction.
        ending: The rule that ended the episode, empty while it goes on.
        collisions: Times that the car touched an obstacle.
    """

    steps: int
    episode_return: float
    laps: int
    lap_time_s: float
    completion: float
    mean_lateral_error_m: float
    p95_lateral_error_m: float
    mean_speed_mps: float
    command_smoothness: float
    off_track: int
    wrong_way: int
    ending: str
    collisions: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


class DriveMetrics:
    """Accumulates what a `DriveReport` needs, for N cars at once."""

    def __init__(self, num_cars: int) -> None:
        """Begin with N episodes of no steps."""
        self._sums = {
            name: np.zeros(num_cars)
            for name in ("steps", "time", "return", "lateral", "driven", "steering")
        }
        self._counts = {name: np.zeros(num_cars, np.int64) for name in _COUNTED}
        self._was = {name: np.zeros(num_cars, np.bool_) for name in _COUNTED}
        self._histogram = np.zeros((num_cars, _BINS), np.int32)
        self._cars = np.arange(num_cars)

    def reset(self, cars: IntArray) -> None:
        """Begin again for some cars."""
        for array in (*self._sums.values(), *self._counts.values(), *self._was.values()):
            array[cars] = 0
        self._histogram[cars] = 0

    def update(self, step: Step, rewards: FloatArray, active: BoolArray) -> None:
        """Add one step of the cars that are `active`."""
        lateral = np.abs(step.projection.lateral_error_m)
        steering = np.abs(step.commands[:, 1] - step.previous_commands[:, 1])
        added: dict[str, FloatArray | float] = {
            "steps": 1.0,
            "time": step.control_period_s,
            "return": rewards,
            "lateral": lateral,
            "driven": step.driven_m,
            "steering": steering,
        }
        for name, value in added.items():
            self._sums[name] += value * active
        bins = np.minimum((lateral / _BIN_M).astype(np.int64), _BINS - 1)
        self._histogram[self._cars, bins] += active
        happening = (step.off_road, step.projection.wrong_way, step.collided)
        for name, now in zip(_COUNTED, happening, strict=True):
            self._counts[name] += now & ~self._was[name] & active
            self._was[name] = np.where(active, now, self._was[name])

    def report(
        self, car: int, *, laps: int, lap_time_s: float, length_m: float, ending: str
    ) -> DriveReport:
        """Return the report of one car.

        Args:
            car: Which.
            laps: Full laps, from the lap counter.
            lap_time_s: The best of them.
            length_m: Of its circuit.
            ending: The rule that ended the episode.
        """
        total = {name: float(values[car]) for name, values in self._sums.items()}
        steps, time_s = max(total["steps"], 1.0), max(total["time"], 1e-9)
        return DriveReport(
            steps=int(total["steps"]),
            episode_return=total["return"],
            laps=laps,
            lap_time_s=lap_time_s,
            completion=1.0 if laps else float(np.clip(total["driven"] / length_m, 0.0, 1.0)),
            mean_lateral_error_m=total["lateral"] / steps,
            p95_lateral_error_m=self._quantile(car, 0.95),
            mean_speed_mps=total["driven"] / time_s,
            command_smoothness=total["steering"] / time_s,
            off_track=int(self._counts["off_track"][car]),
            wrong_way=int(self._counts["wrong_way"][car]),
            ending=ending,
            collisions=int(self._counts["collisions"][car]),
        )

    def state(self) -> dict[str, Any]:
        """Return the accumulated values, for a checkpoint."""
        return {
            "sums": {name: array.copy() for name, array in self._sums.items()},
            "counts": {name: array.copy() for name, array in self._counts.items()},
            "was": {name: array.copy() for name, array in self._was.items()},
            "histogram": self._histogram.copy(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        for key, sums in self._sums.items():
            sums[...] = state["sums"][key]
        # Checkpoints of before there was traffic count no collisions.
        for key, counts in state["counts"].items():
            self._counts[key][...] = counts
            self._was[key][...] = state["was"][key]
        self._histogram[...] = state["histogram"]

    def _quantile(self, car: int, fraction: float) -> float:
        """Return the upper edge of the bin in which the quantile lies."""
        cumulative = np.cumsum(self._histogram[car])
        if cumulative[-1] == 0:
            return 0.0
        return float(np.searchsorted(cumulative, fraction * cumulative[-1]) + 1) * _BIN_M
