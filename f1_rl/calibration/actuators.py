"""From a command to what an RC car's servo and motor controller are told."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from msgspec import Meta

from f1_rl.calibration.errors import CalibrationError
from f1_rl.settings import (
    FiniteFloat,
    NonNegativeFloat,
    PositiveFloat,
    Settings,
    SettingsError,
    build_settings,
    read_yaml,
)

_Angle = Annotated[float, Meta(gt=0.0, lt=math.pi / 2)]


class SteeringSettings(Settings, frozen=True, kw_only=True):
    """The servo.

    Attributes:
        left_rad: Largest angle of the front wheels to the left.
        right_rad: To the right.
        trim_rad: What is added so that the car drives straight on, positive to the left.
        dead_band_rad: Smaller angles are straight on.
        max_rate_radps: Fastest change of the angle.
    """

    left_rad: _Angle
    right_rad: _Angle
    trim_rad: FiniteFloat = 0.0
    dead_band_rad: NonNegativeFloat = 0.0
    max_rate_radps: PositiveFloat = 6.0


class ThrottleSettings(Settings, frozen=True, kw_only=True):
    """The motor controller.

    Attributes:
        table: Speeds (m/s) and the throttle, of 1, that holds each; both grow from `[0, 0]` on.
        dead_band_mps: Slower commands are neutral.
    """

    table: tuple[tuple[NonNegativeFloat, Annotated[float, Meta(ge=0.0, le=1.0)]], ...]
    dead_band_mps: NonNegativeFloat = 0.0

    def __post_init__(self) -> None:
        """Check that the table can be read either way."""
        steps = np.diff(np.array(self.table, np.float64).reshape(-1, 2), axis=0)
        if len(self.table) < 2 or self.table[0] != (0.0, 0.0) or not (steps > 0.0).all():
            raise ValueError("table must begin with [0, 0] and grow in speed and throttle")


class ActuatorSettings(Settings, frozen=True, kw_only=True):
    """An RC car.

    Attributes:
        wheelbase_m: Distance of its axles.
        max_speed_mps: Faster than this it is never told to drive.
        steering: Its servo.
        throttle: Its motor controller.
    """

    wheelbase_m: PositiveFloat
    max_speed_mps: PositiveFloat
    steering: SteeringSettings
    throttle: ThrottleSettings


class Actuation(NamedTuple):
    """What the car's electronics are told.

    Attributes:
        speed_mps: That the throttle stands for.
        steering_rad: Angle of the front wheels, positive to the left, trim included.
        steering: The same as a share of the limit of its side, -1 to 1.
        throttle: 0 is neutral, 1 all there is.
    """

    speed_mps: float
    steering_rad: float
    steering: float
    throttle: float


class Actuators:
    """Maps commands, one after the other, so that the servo keeps to its rate.

    A car that is told to drive faster than it may drives the same turns, only slower: the angle of
    the wheels is that of the commanded speed.

    Attributes:
        car: The car.
        max_speed_mps: The largest speed, where the car's own limit is not less.
    """

    def __init__(self, car: ActuatorSettings, max_speed_mps: float = math.inf) -> None:
        """Begin straight on and neutral."""
        self.car = car
        self.max_speed_mps = max_speed_mps
        self._angle_rad = 0.0
        self._last_s: float | None = None

    def command(self, speed_mps: float, yaw_rate_radps: float, now_s: float) -> Actuation:
        """Return what to tell the car.

        A car whose rear axle moves at v and that turns at w has its front wheels at atan(L w / v).
        It is never driven backwards: its controller would brake first, and want neutral between.

        Args:
            speed_mps: Forward speed; one below the dead band is neutral.
            yaw_rate_radps: Positive to the left.
            now_s: Time on a steady clock.
        """
        car = self.car
        if not speed_mps > car.throttle.dead_band_mps:
            speed_mps = 0.0
        speed = min(speed_mps, car.max_speed_mps, self.max_speed_mps)
        wanted = self._angle(speed_mps, yaw_rate_radps)
        most = 0.0
        if self._last_s is not None:
            most = car.steering.max_rate_radps * max(now_s - self._last_s, 0.0)
        self._angle_rad += max(-most, min(most, wanted - self._angle_rad))
        self._last_s = now_s
        steering = car.steering
        angle = self._angle_rad + steering.trim_rad
        angle = max(-steering.right_rad, min(steering.left_rad, angle))
        share = angle / (steering.left_rad if angle > 0.0 else steering.right_rad)
        speeds, throttles = zip(*car.throttle.table, strict=True)
        return Actuation(speed, angle, share, float(np.interp(speed, speeds, throttles)))

    def _angle(self, speed_mps: float, yaw_rate_radps: float) -> float:
        """Return the angle of the wheels for a command, within the limits; straight at a stand."""
        if speed_mps == 0.0:
            return 0.0
        steering = self.car.steering
        angle = math.atan(self.car.wheelbase_m * yaw_rate_radps / speed_mps)
        if abs(angle) < steering.dead_band_rad:
            return 0.0
        return max(-steering.right_rad, min(steering.left_rad, angle))

    @property
    def tightest_radius_m(self) -> float:
        """The smallest circle of the rear axle that both sides can drive."""
        steering = self.car.steering
        return self.car.wheelbase_m / math.tan(min(steering.left_rad, steering.right_rad))


def read_actuators(path: Path) -> ActuatorSettings:
    """Read a car's YAML file.

    Raises:
        CalibrationError: It is none.
    """
    try:
        return build_settings(ActuatorSettings, read_yaml(path), str(path))
    except SettingsError as error:
        raise CalibrationError(str(error)) from error
