"""The driver that knows the whole circuit: it follows the fastest line inside the road."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import numpy as np

from f1_rl.circuits import Circuit, FloatArray, IntArray, Poses
from f1_rl.circuits.resampling import SampledLine
from f1_rl.driving.environment import Observation
from f1_rl.driving.settings import vehicle_of
from f1_rl.driving.task import DrivingTask
from f1_rl.racing import (
    DrivingLimits,
    driving_limits,
    fastest_lap,
    fastest_lap_inside,
    reversed_line,
)
from f1_rl.simulation import SingleTrackCar, Vehicle

# What the plan leaves for corrections: of the road on either side, and of what the car can do. By
# actions the line is followed less closely than by commands.
_MARGIN_M = 0.1
_MARGIN_OF_ACTIONS_M = 0.2
_SHARE = 0.95
# Errors fade, critically damped, over about the way of this time. Over a shorter one few actions
# chase the line; over a longer one, in hairpins or at speed, the car leaves the road before.
_CORRECTION_S = 0.35
_CORRECTION_M = (1.5, 3.0)
_SLOWEST_MPS = 1.0


@dataclass(frozen=True)
class _Plan:
    """The fastest line around a circuit, and the speeds along it.

    Attributes:
        line: As a circuit of no width.
        speeds_mps: (M,) at its samples, along it; and (M,) against it, from its last sample on.
    """

    line: Circuit
    speeds_mps: tuple[FloatArray, FloatArray]

    def speed_at(self, arc_length_m: FloatArray, direction: FloatArray) -> FloatArray:
        """Return the speeds (K,) at arc lengths in the driving direction."""
        along, against = self.speeds_mps
        sample = np.rint(arc_length_m / self.line.spacing_m).astype(np.int64)
        # Against the line, its last sample comes first, a spacing after the start.
        return np.where(
            direction > 0.0,
            along[sample % len(along)],
            against[(sample - 1) % len(against)],
        )


class RacingLineDriver:
    """Follows the line of least time inside the road, at the speeds that the car allows.

    Line and speeds are those of the limit, within the limits of drive, brakes and grip, with a
    little left for corrections. Steering is the line's curvature ahead with linear feedback of
    lateral and heading error, whose poles lie together at the way of a fixed time (C. Samson,
    "Control of chained systems: application to path following and time-varying point-stabilization
    of mobile robots", IEEE Transactions on Automatic Control 40(1), 1995). It knows where the cars
    are and sees nothing; it commands any speed and yaw rate up to the largest of the actions, or,
    where the car obeys at once, any mean of the actions.
    """

    def __init__(self, task: DrivingTask, margin_m: float = _MARGIN_M) -> None:
        """Plan for the circuits and the car of a task; seconds for long circuits.

        Args:
            task: Its cars are driven.
            margin_m: What is left of the road on either side.

        Raises:
            TypeError: Nothing is known of the limits of such a car.
        """
        self._cars = task.cars
        vehicle = vehicle_of(task.settings)
        commands = task.actions.commands
        self._limits = driving_limits(vehicle, commands)
        self._max_yaw_rate_radps = task.actions.max_yaw_rate_radps
        pairs = tuple((float(speed), float(yaw_rate)) for speed, yaw_rate in commands)
        # Vehicles are frozen dataclasses.
        self._plans = [
            _plan(circuit, cast(Hashable, vehicle), pairs, margin_m)
            for circuit in self._cars.circuits
        ]

    def commands(self, observations: Observation | None = None) -> FloatArray:
        """Return the commands `(N, 2)` for the places where the cars are, whatever is observed."""
        del observations
        index, poses, speed = self._cars.circuit_index, self._cars.poses, self._cars.speed_mps
        commands = np.zeros((len(index), 2))
        for number in np.unique(index):
            here = np.flatnonzero(index == number)
            commands[here] = self._follow(self._plans[number], poses[here], speed[here])
        return commands

    def _follow(self, plan: _Plan, poses: Poses, speed_mps: FloatArray) -> FloatArray:
        along = plan.line.project(poses)
        direction = np.where(along.wrong_way, -1.0, 1.0)
        place = plan.line.project(poses, direction)
        way_m = np.maximum(speed_mps * self._cars.control_period_s, plan.line.spacing_m)
        ahead = plan.line.pose_at(place.arc_length_m + way_m, direction=direction)
        here = plan.line.pose_at(place.arc_length_m, direction=direction)
        planned = np.sin(ahead.yaw_rad - here.yaw_rad) / way_m
        heading = np.sin(place.heading_error_rad)
        wanted = plan.speed_at(place.arc_length_m + way_m, direction)
        soon = np.clip(wanted, *self.reach(speed_mps))
        over_m = np.clip(_CORRECTION_S * soon, *_CORRECTION_M)
        curvature = planned - 2.0 / over_m * heading - place.lateral_error_m / over_m**2
        reached = self._within_reach(wanted, speed_mps, curvature)
        yaw_rate = np.clip(reached * curvature, -self._max_yaw_rate_radps, self._max_yaw_rate_radps)
        return np.stack([reached, yaw_rate], axis=1)

    def _within_reach(
        self, wanted_mps: FloatArray, speed_mps: FloatArray, curvature_per_m: FloatArray
    ) -> FloatArray:
        """Return the speeds that can be had at the end of the control period."""
        wanted = np.minimum(wanted_mps, self._limits.top_speeds(curvature_per_m))
        wanted = np.maximum(wanted, _SLOWEST_MPS)
        return np.clip(wanted, *self.reach(speed_mps))

    def reach(self, speed_mps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the lowest and the highest speeds (N,) that can be had in a control period."""
        period_s = self._cars.control_period_s
        most = min(self._limits.max_acceleration_mps2, self._limits.grip_mps2) * period_s
        least = min(self._limits.max_braking_mps2, self._limits.grip_mps2) * period_s
        return speed_mps - least, speed_mps + most


class RacingLineGuide:
    """The same driver, who has nothing but the actions of the task.

    Of them it takes the one that comes nearest to its commands in a control period. Where actions
    are few and far apart it cannot follow the line, and may leave the road.
    """

    def __init__(self, task: DrivingTask) -> None:
        """Plan, as `RacingLineDriver` does.

        Raises:
            TypeError: Nothing is known of the limits of such a car.
        """
        self._task = task
        self._driver = RacingLineDriver(task, _MARGIN_OF_ACTIONS_M)

    def actions(self) -> IntArray:
        """Return the actions (N,) of the cars, where they are."""
        speed_mps, period_s = self._task.cars.speed_mps, self._task.cars.control_period_s
        wanted = self._driver.commands()
        table = self._task.actions.commands_at(speed_mps, period_s)
        low, high = self._driver.reach(speed_mps)
        speeds = np.clip(table[..., 0], low[:, None], high[:, None])
        # A metre a second weighs as much as a radian a second; how much each does, hardly matters.
        apart = np.hypot(speeds - wanted[:, :1], table[..., 1] - wanted[:, 1:])
        return np.asarray(apart.argmin(axis=1))


@lru_cache(maxsize=128)
def _plan(
    circuit: Circuit,
    vehicle: Hashable,
    pairs: tuple[tuple[float, float], ...],
    margin_m: float,
) -> _Plan:
    limits = _with_reserve(cast(Vehicle, vehicle), np.array(pairs))
    fastest = fastest_lap_inside(circuit, limits, margin_m)
    back = fastest_lap(reversed_line(fastest.line), limits)
    return _Plan(_as_circuit(fastest.line), (fastest.speed_mps, back.speed_mps))


def _with_reserve(vehicle: Vehicle, commands: FloatArray) -> DrivingLimits:
    """Return the limits of a car that can do a little less than this one."""
    if isinstance(vehicle, SingleTrackCar):
        vehicle = replace(
            vehicle,
            friction=_SHARE * vehicle.friction,
            max_braking_mps2=_SHARE * vehicle.max_braking_mps2,
            max_steering_rad=_SHARE * vehicle.max_steering_rad,
        )
    return driving_limits(vehicle, commands)


def _as_circuit(line: SampledLine) -> Circuit:
    nothing = np.zeros(len(line.x_m))
    return Circuit(
        name="racing line",
        x_m=line.x_m,
        y_m=line.y_m,
        heading_rad=line.heading_rad,
        curvature_per_m=line.curvature_per_m,
        width_left_m=nothing,
        width_right_m=nothing,
        line_width_m=0.0,
        length_m=line.length_m,
    )
