"""The sizes and limits of the car, which the embedded simulator and Gazebo's models share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources

import yaml


@dataclass(frozen=True)
class CarParameters:
    """A car with rear drive and front steering; `base_link` is under the middle of the rear axle.

    Attributes:
        length_m: From the front wing to the rear one.
        width_m: Over the wheels.
        height_m: Of its highest part above the road.
        rear_overhang_m: How far it reaches behind the rear axle.
        wheelbase_m: Distance between the axles.
        track_m: Distance between the middles of the wheels of an axle.
        wheel_radius_m: Radius of all wheels.
        wheel_width_m: Width of all wheels.
        mass_kg: Of the whole car.
        wheel_mass_kg: Of one wheel, part of the car's.
        rear_weight_share: Share of the mass that the rear axle carries at rest.
        centre_of_mass_height_m: Height of the centre of mass above the road.
        max_acceleration_mps2: Most drive.
        max_braking_mps2: Most braking, a positive number.
        max_steering_rad: Largest angle of the front wheels, either way.
        max_steering_rate_radps: Fastest turn of the front wheels.
        drive_lag_s: Time constant of drive and brakes; 0.0: none.
        steering_lag_s: Time constant of the steering; 0.0: none.
        friction: Coefficient mu between tyres and road.
    """

    length_m: float
    width_m: float
    height_m: float
    rear_overhang_m: float
    wheelbase_m: float
    track_m: float
    wheel_radius_m: float
    wheel_width_m: float
    mass_kg: float
    wheel_mass_kg: float
    rear_weight_share: float
    centre_of_mass_height_m: float
    max_acceleration_mps2: float
    max_braking_mps2: float
    max_steering_rad: float
    max_steering_rate_radps: float
    drive_lag_s: float
    steering_lag_s: float
    friction: float

    @property
    def middle_x_m(self) -> float:
        """How far ahead of the rear axle the middle of its length lies."""
        return self.length_m / 2 - self.rear_overhang_m

    @property
    def centre_of_mass_x_m(self) -> float:
        """How far ahead of the rear axle the centre of mass lies."""
        return (1.0 - self.rear_weight_share) * self.wheelbase_m

    @property
    def min_radius_m(self) -> float:
        """Radius of the tightest turn of `base_link`."""
        return self.wheelbase_m / math.tan(self.max_steering_rad)


CAR = CarParameters(
    **yaml.safe_load(
        resources.files("f1_rl.simulation").joinpath("cars.yaml").read_text(encoding="utf-8")
    )
)
"""The car of `cars.yaml`."""
