"""Throttle, brake and steering as the speed and yaw rate that a car is commanded."""

from typing import Annotated

import numpy as np
from msgspec import Meta

from f1_rl.circuits import FloatArray
from f1_rl.settings import Fraction, Settings
from f1_rl.simulation import SingleTrackCar
from f1_rl.simulation.vehicles_kernels import SLOWEST_STEERED_MPS


class Pedals(Settings, frozen=True):
    """What the driver does, in shares of what the car can.

    Attributes:
        throttle: Of the largest drive.
        brake: Of the hardest braking.
        steering: Of the largest steering angle, positive to the left.
    """

    throttle: Fraction = 0.0
    brake: Fraction = 0.0
    steering: Annotated[float, Meta(ge=-1.0, le=1.0)] = 0.0

    def __post_init__(self) -> None:
        """Check that one foot is enough."""
        if self.throttle and self.brake:
            raise ValueError("throttle and brake are pressed at once; leave one of them at 0")

    @property
    def pair(self) -> tuple[float, float]:
        """Throttle, or minus the brake, and the steering."""
        return (self.throttle or -self.brake, self.steering)


def pedal_commands(
    pairs: FloatArray,
    speed_mps: FloatArray,
    period_s: float,
    top_speed_mps: float,
    lead_s: float = 0.0,
) -> FloatArray:
    """Return the commands that make a car do what a driver's feet and hands would.

    Cars are told a speed and a yaw rate, in the simulator, behind topics and in bags. So the
    pedals become the speed that they lead to within a control period, and the steering angle d
    becomes the yaw rate `v tan(d) / L` of the single-track model at the speed v halfway there, at
    most `mu g / v`, beyond which the car would slide anyway. Of a car that answers late the speed
    lies further ahead: its own limits bound what it does on the way there.

    Args:
        pairs: (A, 2) shares of the drive (below 0.0: of the brakes) and of the steering angle.
        speed_mps: (N,) forward speeds.
        period_s: The control period.
        top_speed_mps: The speed at which throttle does no more.
        lead_s: How much further ahead the speed is commanded to cars that answer late.

    Returns:
        (N, A, 2) forward speed (m/s) and yaw rate (rad/s).
    """
    car = SingleTrackCar()
    drive, steering = pairs.T
    most = np.where(drive < 0.0, car.max_braking_mps2, car.max_acceleration_mps2)
    now = speed_mps[:, None]

    def speed_in(time_s: float) -> FloatArray:
        # Faster than the top speed, a car is let roll but never sped up.
        after = np.minimum(now + drive * most * time_s, np.maximum(top_speed_mps, now))
        return np.asarray(np.maximum(after, 0.0))

    told = speed_in(period_s + lead_s)
    # A car that stands turns its wheels for the slowest speed that steering reckons with.
    halfway = np.maximum(0.5 * (now + speed_in(period_s)), SLOWEST_STEERED_MPS)
    asked = halfway * np.tan(steering * car.max_steering_rad) / car.wheelbase_m
    held = car.grip_mps2 / halfway
    return np.stack([told, np.clip(asked, -held, held)], axis=2)


def grip_yaw_rate() -> float:
    """Return the fastest turn (rad/s): the tightest one, as fast as the grip allows."""
    car = SingleTrackCar()
    return float(np.sqrt(car.grip_mps2 / car.min_radius_m))
