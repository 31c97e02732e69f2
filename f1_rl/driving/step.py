"""What the rules of the task see of one step."""

from dataclasses import dataclass, field

import numpy as np

from f1_rl.circuits import BoolArray, FloatArray, IntArray, Projection


@dataclass(frozen=True)
class Step:
    """One control period of N cars, just driven.

    Attributes:
        projection: Where the cars are on their circuits now.
        driven_m: (N,) distance driven along the centre line, negative backwards.
        speed_mps: (N,) forward speed.
        yaw_rate_radps: (N,) rate of turn, positive to the left.
        commands: (N, 2) speed and yaw rate commanded in this step.
        previous_commands: (N, 2) those of the step before; of the same step at the start.
        time_s: (N,) since the episode began.
        stalled_s: (N,) since the car last came forward.
        laps: (N,) full laps since the episode began.
        clearance_m: (N,) least distance to an obstacle during the step, 0 where the car touched it;
            infinite where there is none.
        control_period_s: Duration of the step.
        max_speed_mps: The fastest that the actions allow.
        max_yaw_rate_radps: The fastest turn that the actions allow.
    """

    projection: Projection
    driven_m: FloatArray
    speed_mps: FloatArray
    yaw_rate_radps: FloatArray
    commands: FloatArray
    previous_commands: FloatArray
    time_s: FloatArray
    stalled_s: FloatArray
    laps: IntArray
    control_period_s: float
    max_speed_mps: float
    max_yaw_rate_radps: float
    clearance_m: FloatArray = field(default_factory=lambda: np.array(np.inf))

    @property
    def collided(self) -> BoolArray:
        """(N,) whether the car touched an obstacle."""
        return np.broadcast_to(self.clearance_m <= 0.0, self.time_s.shape)

    @property
    def half_width_m(self) -> FloatArray:
        """(N,) width of the road on the side of the centre line that the car is on."""
        left = self.projection.lateral_error_m > 0.0
        return self.projection.width_left_m * left + self.projection.width_right_m * ~left

    @property
    def lateral_fraction(self) -> FloatArray:
        """(N,) lateral error as a share of the half width: 1 at the edge of the road."""
        return np.asarray(np.abs(self.projection.lateral_error_m) / self.half_width_m)

    @property
    def progress_fraction(self) -> FloatArray:
        """(N,) distance driven as a share of what the fastest action could drive."""
        return self.driven_m / (self.max_speed_mps * self.control_period_s)

    @property
    def off_road(self) -> BoolArray:
        """(N,) whether the car's centre has left the road."""
        return ~self.projection.on_road
