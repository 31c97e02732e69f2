"""The world of the simulator node: one car, an exact clock, and what is due when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import FloatArray, Poses
from f1_rl.gazebo.world_obstacles import traffic_lap_ns
from f1_rl.ros.messages import (
    NANOSECONDS_PER_MILLISECOND,
    NANOSECONDS_PER_SECOND,
    OdometrySample,
)
from f1_rl.simulation import Simulator


@dataclass(frozen=True)
class Timing:
    """The periods of a world, whole milliseconds.

    Attributes:
        physics_step_ms: Of the motion.
        odometry_period_ms: A multiple of it.
        frame_period_ms: A multiple of the odometry's, so that every frame has its odometry.
    """

    physics_step_ms: int
    odometry_period_ms: int
    frame_period_ms: int

    def __post_init__(self) -> None:
        """Check that they are multiples."""
        if self.physics_step_ms < 1 or self.odometry_period_ms % self.physics_step_ms:
            raise ValueError(
                f"odometry_period_ms {self.odometry_period_ms} is no multiple of "
                f"physics_step_ms {self.physics_step_ms}."
            )
        if self.frame_period_ms % self.odometry_period_ms:
            raise ValueError(
                f"frame_period_ms {self.frame_period_ms} is no multiple of "
                f"odometry_period_ms {self.odometry_period_ms}."
            )


class World:
    """One car of the embedded simulator, moved in physics steps as Gazebo does it.

    Time counts physics steps, so stamps are exact multiples of the periods, and it never goes
    back. Slower cars drive by it, whatever happens to the car.
    """

    def __init__(
        self,
        simulator: Simulator,
        timing: Timing,
        *,
        late_commands: bool,
        start: tuple[float, ...],
        command_timeout_s: float = 0.0,
    ) -> None:
        """Put the car at its start.

        Args:
            simulator: Of one car, its control period one physics step; its traffic has a seed.
            timing: The periods.
            late_commands: Whether the first physics step after a command still follows the one
                before, as with Gazebo's plugins.
            start: Pose x, y (m) and yaw (rad).
            command_timeout_s: For how long of simulated time a command acts; 0: until the next.
        """
        self._simulator = simulator
        self.timing = timing
        self._late_commands = late_commands
        self._timeout_ms = 1000.0 * command_timeout_s
        self._steps = self._commanded_at_step = 0
        self._command = self._acting = (0.0, 0.0)
        self._traffic_lap_ns = traffic_lap_ns(simulator.circuits[0], simulator.obstacles)
        self.place(*start)

    @property
    def time_ns(self) -> int:
        """Simulated time since the world began."""
        return self._steps * self.timing.physics_step_ms * NANOSECONDS_PER_MILLISECOND

    @property
    def commanded(self) -> tuple[float, float]:
        """The newest command: forward speed (m/s) and yaw rate (rad/s)."""
        return self._command

    @property
    def frame_due(self) -> bool:
        """Whether the camera takes a frame at this time."""
        return self._at_multiple_of(self.timing.frame_period_ms)

    @property
    def odometry_due(self) -> bool:
        """Whether odometry is measured at this time."""
        return self._at_multiple_of(self.timing.odometry_period_ms)

    def command(self, speed_mps: float, yaw_rate_radps: float) -> None:
        """Command the car until the next command, or the timeout."""
        self._command = (speed_mps, yaw_rate_radps)
        self._commanded_at_step = self._steps

    def stand(self) -> None:
        """Command the car to stand, from the next physics step on, late commands or not."""
        self.command(0.0, 0.0)
        self._acting = self._command

    def place(self, x_m: float, y_m: float, yaw_rad: float) -> None:
        """Teleport the car, at rest; what it is commanded stays.

        Raises:
            ValueError: The pose is not finite.
        """
        pose = Poses(*(np.array([value]) for value in (x_m, y_m, yaw_rad)))
        self._simulator.place([0], [0], pose, self._traffic_time_s)

    def advance(self) -> None:
        """Move by one physics step."""
        if self._timeout_ms and self._command_age_ms >= self._timeout_ms:
            self._command = (0.0, 0.0)
        acting = self._acting if self._late_commands else self._command
        self._acting = self._command
        self._steps += 1
        self._simulator.step([acting], self._traffic_time_s)

    def frame(self) -> npt.NDArray[np.uint8]:
        """Return what the camera sees, `(H, W, 3)` RGB."""
        return self._simulator.frame(0)

    def odometry(self) -> OdometrySample:
        """Return where the car is: the truth, as Gazebo's OdometryPublisher gives it."""
        simulator = self._simulator
        return OdometrySample(
            stamp_ns=self.time_ns,
            x_m=float(simulator.x_m[0]),
            y_m=float(simulator.y_m[0]),
            yaw_rad=float(simulator.yaw_rad[0]),
            speed_mps=float(simulator.speed_mps[0]),
            yaw_rate_radps=float(simulator.yaw_rate_radps[0]),
        )

    @property
    def _traffic_time_s(self) -> FloatArray:
        """(1,) time since the slower cars began their lap."""
        return np.array([self.time_ns % self._traffic_lap_ns / NANOSECONDS_PER_SECOND])

    @property
    def _command_age_ms(self) -> int:
        return (self._steps - self._commanded_at_step) * self.timing.physics_step_ms

    def _at_multiple_of(self, period_ms: int) -> bool:
        return self._steps * self.timing.physics_step_ms % period_ms == 0
