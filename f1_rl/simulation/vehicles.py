"""How cars move: one that does what it is told, one with the limits of a real car."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from f1_rl.simulation.car_parameters import CAR
from f1_rl.simulation.vehicles_kernels import advance_kinematic, advance_single_track

FloatArray = NDArray[np.float64]

GRAVITY_MPS2 = 9.81


@dataclass
class VehicleState:
    """Motion of N cars, arrays with one entry a car, changed in place.

    Attributes:
        x_m: Position of the origin (``base_link``).
        y_m: Position of the origin.
        yaw_rad: Heading, in (-pi, pi].
        speed_mps: Forward speed.
        yaw_rate_radps: Rate of turn, positive to the left.
        steering_rad: Angle of the front wheels, positive to the left; 0.0 for cars without.
        acceleration_mps2: What drive and brakes do; 0.0 for cars where they do it at once.
    """

    x_m: FloatArray
    y_m: FloatArray
    yaw_rad: FloatArray
    speed_mps: FloatArray
    yaw_rate_radps: FloatArray
    steering_rad: FloatArray
    acceleration_mps2: FloatArray

    @classmethod
    def at_rest(cls, count: int) -> VehicleState:
        """N cars at rest at the origin.

        Args:
            count: Number of cars N.
        """
        return cls(*(np.zeros(count) for _ in fields(cls)))


class Vehicle(Protocol):
    """A kind of car; commands are a forward speed and a yaw rate, whatever the car."""

    def advance(self, state: VehicleState, commands: FloatArray, duration_s: FloatArray) -> None:
        """Move the cars, in place.

        Args:
            state: Motion of N cars.
            commands: (N, 2) float64 contiguous, forward speed (m/s) and yaw rate (rad/s).
            duration_s: (N,) float64, how long each command acts; at 0.0 the car is left as it
                is.

        Raises:
            ValueError: If a command is not finite.
        """


def check_commands(commands: FloatArray, count: int) -> None:
    """Refuse commands that no car could follow.

    Args:
        commands: To be checked.
        count: Number of cars N.

    Raises:
        ValueError: If they are not (N, 2) or not finite; names the first offending car.
    """
    if commands.shape != (count, 2):
        raise ValueError(f"Commands of shape {commands.shape}: give ({count}, 2), speed, yaw rate")
    if not np.isfinite(commands).all():
        car = int(np.flatnonzero(~np.isfinite(commands).all(axis=1))[0])
        speed, yaw_rate = commands[car]
        raise ValueError(
            f"Command of car {car} is ({speed} m/s, {yaw_rate} rad/s): give finite numbers"
        )


@dataclass(frozen=True)
class KinematicCar:
    """A car that has the commanded speed and yaw rate at once, as Gazebo's VelocityControl.

    It moves along the exact arc, so its path does not depend on the control period.
    """

    def advance(self, state: VehicleState, commands: FloatArray, duration_s: FloatArray) -> None:
        """Move the cars, see :meth:`Vehicle.advance`."""
        check_commands(commands, len(state.x_m))
        advance_kinematic(
            commands,
            duration_s,
            state.x_m,
            state.y_m,
            state.yaw_rad,
            state.speed_mps,
            state.yaw_rate_radps,
        )


@dataclass(frozen=True)
class SingleTrackCar:
    """A car with front-wheel steering and limited drive, steering and grip.

    The single-track ("bicycle") model without slip angles, bounded by the friction circle
    (R. Rajamani, *Vehicle Dynamics and Control*, 2nd ed., sections 2.2 and 13.2): speed
    follows the command as fast as drive or brakes allow; the front wheels turn, at a limited
    rate, to the angle atan(L w / v) that gives the commanded yaw rate; and the yaw rate that
    results is cut where the lateral acceleration would exceed what braking or accelerating
    leaves of the grip, sqrt((mu g)^2 - a^2). So a corner taken too fast is driven wide
    (understeer). Drive, brakes and steering may lag behind what they are told, as first-order
    systems (Rajamani, section 5.3); the speed's controller is then as quick as it can be without
    overshooting. The defaults are those of the car in `cars.yaml`, which Gazebo's follows too.

    Attributes:
        wheelbase_m: Distance between the axles.
        max_acceleration_mps2: Most drive.
        max_braking_mps2: Most braking, a positive number.
        max_steering_rad: Largest angle of the front wheels, either way.
        max_steering_rate_radps: Fastest turn of the front wheels.
        friction: Coefficient mu between tyres and road.
        longest_step_s: Longest step of the integration.
        drive_lag_s: Time constant of drive and brakes; 0.0: none.
        steering_lag_s: Time constant of the steering; 0.0: none.
    """

    wheelbase_m: float = CAR.wheelbase_m
    max_acceleration_mps2: float = CAR.max_acceleration_mps2
    max_braking_mps2: float = CAR.max_braking_mps2
    max_steering_rad: float = CAR.max_steering_rad
    max_steering_rate_radps: float = CAR.max_steering_rate_radps
    friction: float = CAR.friction
    longest_step_s: float = 0.005
    drive_lag_s: float = CAR.drive_lag_s
    steering_lag_s: float = CAR.steering_lag_s

    def __post_init__(self) -> None:
        for field in fields(self):
            value, lag = getattr(self, field.name), field.name.endswith("_lag_s")
            if not (math.isfinite(value) and (value > 0.0 or (lag and value == 0.0))):
                least = ">= 0" if lag else "> 0"
                raise ValueError(f"SingleTrackCar {field.name} {value}: give a number {least}")
        if self.max_steering_rad >= math.pi / 2:
            raise ValueError(
                f"SingleTrackCar max_steering_rad {self.max_steering_rad}: give less than pi/2"
            )

    @property
    def grip_mps2(self) -> float:
        """Largest combined acceleration, mu g."""
        return self.friction * GRAVITY_MPS2

    @property
    def min_radius_m(self) -> float:
        """Radius of the tightest turn, at walking pace."""
        return self.wheelbase_m / math.tan(self.max_steering_rad)

    @property
    def limits(self) -> FloatArray:
        """What `advance_single_track` takes as its limits."""
        return np.array(
            [
                self.wheelbase_m,
                self.max_acceleration_mps2,
                self.max_braking_mps2,
                self.max_steering_rad,
                self.max_steering_rate_radps,
                self.grip_mps2,
                self.longest_step_s,
                self.drive_lag_s,
                self.steering_lag_s,
            ],
            np.float64,
        )

    def advance(self, state: VehicleState, commands: FloatArray, duration_s: FloatArray) -> None:
        """Move the cars, see :meth:`Vehicle.advance`."""
        check_commands(commands, len(state.x_m))
        advance_single_track(
            commands,
            duration_s,
            self.limits,
            state.x_m,
            state.y_m,
            state.yaw_rad,
            state.speed_mps,
            state.yaw_rate_radps,
            state.steering_rad,
            state.acceleration_mps2,
        )


VEHICLES: dict[str, type[KinematicCar] | type[SingleTrackCar]] = {
    "kinematic": KinematicCar,
    "single_track": SingleTrackCar,
}
"""The kinds of car by the name that settings give them."""


def make_vehicle(vehicle: str | Vehicle) -> Vehicle:
    """Find a kind of car by name.

    Args:
        vehicle: A key of :data:`VEHICLES`, or a vehicle, which is returned as it is.

    Raises:
        ValueError: If there is none of that name.
    """
    if not isinstance(vehicle, str):
        return vehicle
    if vehicle not in VEHICLES:
        raise ValueError(f"Vehicle {vehicle!r} is unknown: choose one of {', '.join(VEHICLES)}")
    return VEHICLES[vehicle]()
