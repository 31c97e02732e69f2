"""What can be chosen about a world: car, camera, periods, speed, engine."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from msgspec import field

from f1_rl.settings import NonNegativeFloat, NonNegativeInt, PositiveInt, Settings
from f1_rl.simulation import NO_TRAFFIC, Camera, Traffic, Variation, load_traffic

Car = Literal["kinematic", "ackermann"]
Engine = Literal["ogre2", "ogre"]

_WITHOUT_COUNTERPART = {
    "fog_per_m": "its cameras see through no fog",
    "rain": "its cameras see no rain",
    "blur_px": "its cameras are never out of focus",
    "image_delay_s": "a picture is there when it is taken",
    "dropped_frames": "no picture is lost",
    "action_delay_s": "a command acts in the next physics step",
}


class WorldSettings(Settings, frozen=True):
    """A world. The defaults are for watching; for training, choose factor 0 and no window.

    Attributes:
        car: `kinematic` does as commanded at once, `ackermann` has wheels, mass and limits.
        camera: The camera on it, the same as the embedded simulator's.
        physics_step_ms: Simulated time of one physics step.
        frame_period_ms: Simulated time from frame to frame.
        odometry_period_ms: Simulated time from odometry to odometry.
        real_time_factor: Simulated seconds a second; 0: as fast as the machine can.
        render_engine: What draws the camera's pictures.
        gui: Whether a window may show the world; training does without what that costs.
        traffic: Boxes and slower cars on the road: the name of a scenario, or what there is.
        traffic_seed: Of their places, the same as with this `seed` in the embedded simulator;
            none: the traffic's own, or 0.
        line_width_m: Width of the painted line, 0: none; none: the circuit's own.
        variation: How a world that is lit looks, drawn once from these ranges; none: everything
            glows in its nominal colour, as in the embedded simulator, whatever light there is.
        variation_seed: Of what is drawn.
    """

    car: Car = "kinematic"
    camera: Camera = field(default_factory=Camera)
    physics_step_ms: PositiveInt = 2
    frame_period_ms: PositiveInt = 50
    odometry_period_ms: PositiveInt = 10
    real_time_factor: NonNegativeFloat = 1.0
    render_engine: Engine = "ogre2"
    gui: bool = True
    traffic: str | Traffic = NO_TRAFFIC
    traffic_seed: NonNegativeInt | None = None
    line_width_m: NonNegativeFloat | None = None
    variation: Variation | None = None
    variation_seed: NonNegativeInt = 0

    def __post_init__(self) -> None:
        """Check that the periods divide, that the traffic exists, and that Gazebo can vary that.

        Raises:
            ValueError: It is not so.
        """
        load_traffic(self.traffic)
        if self.odometry_period_ms % self.physics_step_ms:
            raise ValueError(
                f"odometry_period_ms {self.odometry_period_ms} must be a multiple of "
                f"physics_step_ms {self.physics_step_ms}"
            )
        if self.frame_period_ms % self.odometry_period_ms:
            raise ValueError(
                f"frame_period_ms {self.frame_period_ms} must be a multiple of "
                f"odometry_period_ms {self.odometry_period_ms}"
            )
        if self.variation is not None:
            self._check_variation(self.variation)

    def _check_variation(self, variation: Variation) -> None:
        for name, reason in _WITHOUT_COUNTERPART.items():
            if max(getattr(variation, name)) > 0.0:
                raise ValueError(f"variation.{name} has no counterpart in Gazebo: {reason}")
        if self.placed_traffic.boxes:
            raise ValueError(
                "boxes glow in every light, and a perturbed world is lit; leave the traffic or the "
                "perturbation out"
            )

    @property
    def placed_traffic(self) -> Traffic:
        """The traffic with its seed."""
        traffic = load_traffic(self.traffic)
        seed = traffic.seed or 0 if self.traffic_seed is None else self.traffic_seed
        return dataclasses.replace(traffic, seed=seed)


def rate_hz(period_ms: int) -> float:
    """Return the rate that Gazebo turns back into that period.

    Gazebo cuts a camera's period to whole milliseconds: a rate that is a rounding error too high
    would cost one of them.

    Args:
        period_ms: At least 1.
    """
    rate = 1000.0 / period_ms
    while int(1.0 / rate * 1000.0) < period_ms:
        rate = math.nextafter(rate, 0.0)
    return rate
