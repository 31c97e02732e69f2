"""Drivers that know the whole circuit: they follow the fastest line inside the road."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from f1_rl.circuits import FloatArray, IntArray
from f1_rl.driving.cars import Cars
from f1_rl.driving.environment import Observation
from f1_rl.driving.look_ahead_kernels import Prices, Steering, follow, look_ahead
from f1_rl.driving.planned_lines import SLOWEST_MPS, PlannedLines, Reserve
from f1_rl.driving.settings import vehicle_of
from f1_rl.driving.task import DrivingTask
from f1_rl.racing import driving_limits
from f1_rl.simulation import SingleTrackCar
from f1_rl.simulation.car_parameters import CAR
from f1_rl.simulation.vehicles_kernels import SLOWEST_STEERED_MPS

_RESERVE = Reserve(margin_m=0.1, share=0.05)
# Errors fade, critically damped, over about the way of this time. Over a shorter one few actions
# chase the line; over a longer one, in hairpins or at speed, the car leaves the road before.
_CORRECTION_S = 0.35
_CORRECTION_M = (1.5, 3.0)
# Speeds in turns are looked up, the sharpest of half a metre.
_SHARPEST_PER_M = 2.0
_LOOKED_UP = 4001
# How far it is looked ahead, and at what prices, is the fastest of some dozens of choices by which
# a guide loses no lap that mistakes its place by 5 cm, as policies do.
_LOOK_AHEAD_S = 1.2
_PRICES = Prices(standing=2.0, too_fast=0.5, beside=0.03, turned=0.25, edge=30.0, edge_m=0.12)


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

    def __init__(self, task: DrivingTask) -> None:
        """Plan for the circuits and the car of a task; seconds for long circuits.

        Args:
            task: Its cars are driven.

        Raises:
            TypeError: Nothing is known of the limits of such a car.
        """
        self._cars = task.cars
        self._planned = _plan(task, _RESERVE)
        self._steering = _steering(task)

    def commands(self, observations: Observation | None = None) -> FloatArray:
        """Return the commands `(N, 2)` for the places where the cars are, whatever is observed."""
        del observations
        places = self._planned.locate(self._cars)
        commands = np.empty((len(places.which), 2))
        follow(
            self._planned.lines,
            places.which,
            places.near_line,
            _states(self._cars),
            self._steering,
            commands,
        )
        return commands


class RacingLineGuide:
    """One who knows the circuit as well, and has nothing but the actions of the task.

    It looks ahead: where would each action take the car in a control period, and where would
    following the plan take it from there? Actions are judged by the planned time for the way made,
    and by what goes wrong on it: a rollout of one step, with the driver above as its base policy
    (D. P. Bertsekas, *Reinforcement Learning and Optimal Control*, 2019, section 2.4). Where
    actions are few and far apart it cannot follow the line, and may leave the road.
    """

    def __init__(self, task: DrivingTask, reserve: Reserve) -> None:
        """Plan, as `RacingLineDriver` does.

        Args:
            task: Its cars are judged.
            reserve: The fewer and the farther apart the actions are, the more is needed.

        Raises:
            TypeError: Nothing is known of the limits of such a car.
        """
        self._task = task
        self._planned = _plan(task, reserve)
        self._steering = _steering(task)
        vehicle = vehicle_of(task.settings)
        self._limits = np.zeros(0)
        if isinstance(vehicle, SingleTrackCar):
            step_s = 0.5 * task.cars.control_period_s
            self._limits = replace(vehicle, longest_step_s=step_s).limits
        self._periods = max(1, round(_LOOK_AHEAD_S / task.cars.control_period_s))

    def costs(self) -> FloatArray:
        """Return what the actions of the cars cost, where they are: (N, A) seconds.

        Only differences between the actions of a car mean something.
        """
        cars = self._task.cars
        commands = self._task.action_commands()
        places = self._planned.locate(cars)
        costs = np.empty(commands.shape[:2])
        look_ahead(
            self._planned.lines,
            self._planned.roads,
            places.which,
            places.near_line,
            places.near_road,
            _states(cars),
            self._steering,
            self._limits,
            _PRICES,
            self._periods,
            np.ascontiguousarray(commands),
            costs,
        )
        return costs

    def actions(self) -> IntArray:
        """Return the actions (N,) that cost least."""
        return np.asarray(self.costs().argmin(axis=1))


def _plan(task: DrivingTask, reserve: Reserve) -> PlannedLines:
    vehicle = vehicle_of(task.settings)
    return PlannedLines(task.cars.circuits, vehicle, task.actions.commands, reserve)


def _steering(task: DrivingTask) -> Steering:
    period_s = task.cars.control_period_s
    limits = driving_limits(vehicle_of(task.settings), task.actions.commands)
    curvatures = np.linspace(-_SHARPEST_PER_M, _SHARPEST_PER_M, _LOOKED_UP)
    shortest_m, longest_m = _CORRECTION_M
    return Steering(
        period_s=period_s,
        braked_mps=min(limits.max_braking_mps2, limits.grip_mps2) * period_s,
        driven_mps=min(limits.max_acceleration_mps2, limits.grip_mps2) * period_s,
        slowest_mps=SLOWEST_MPS,
        correction_s=_CORRECTION_S,
        shortest_m=shortest_m,
        longest_m=longest_m,
        max_yaw_rate_radps=task.actions.max_yaw_rate_radps,
        top_mps=np.asarray(limits.top_speeds(curvatures)),
        sharpest_per_m=_SHARPEST_PER_M,
    )


def _states(cars: Cars) -> FloatArray:
    """Return the states (N, 6) of cars as compiled driving takes them.

    How their wheels are turned is told by nobody; it is what makes them turn as they do.
    """
    poses, speed = cars.poses, cars.speed_mps
    turning = cars.yaw_rate_radps / np.maximum(np.abs(speed), SLOWEST_STEERED_MPS)
    wheels = np.arctan(CAR.wheelbase_m * turning)
    columns = [poses.x_m, poses.y_m, poses.yaw_rad, speed, cars.yaw_rate_radps, wheels]
    return np.ascontiguousarray(np.column_stack(columns), np.float64)
