"""What two drives from the same start with the same commands differ by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import FloatArray, wrap_angle
from f1_rl.driving.cars import Cars


@dataclass(frozen=True)
class Divergence:
    """The largest differences between two drives, step by step.

    Attributes:
        steps: Steps of each drive.
        first_step: The first step, from 1 on, after which anything differs; 0: none.
        position_m: Distance between the two positions.
        yaw_rad: Angle between the two headings.
        speed_mps: Difference of the speeds.
        duration_s: Difference of the time since the start.
        pictures: Pictures that differ in any pixel.
        pixel_share: Share of a picture's pixels that differ.
        pixel_level: Difference of a pixel's value, of 255.
    """

    steps: int
    first_step: int
    position_m: float
    yaw_rad: float
    speed_mps: float
    duration_s: float
    pictures: int
    pixel_share: float
    pixel_level: int

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return self.first_step == 0

    def as_dict(self) -> dict[str, Any]:
        """Return the differences by name."""
        return asdict(self)


def measure_divergence(cars: Cars, steps: int, seed: int, max_speed_mps: float) -> Divergence:
    """Drive the first car twice from the start line with the same random commands.

    Args:
        cars: The cars; in a world whose time is theirs alone.
        steps: Control periods of each drive.
        seed: Of the commands.
        max_speed_mps: Fastest command.

    Raises:
        CarFault: A car behind topics failed.
    """
    rng = np.random.default_rng(seed)
    commands = np.zeros((steps, cars.num_cars, 2))
    commands[:, 0, 0] = rng.uniform(0.2, 1.0, steps) * max_speed_mps
    commands[:, 0, 1] = rng.uniform(-1.0, 1.0, steps)
    first, second = (_drive(cars, commands) for _ in range(2))
    motion = np.abs(first.motion - second.motion)
    motion[:, 2] = np.abs(wrap_angle(first.motion[:, 2] - second.motion[:, 2]))
    levels = np.abs(first.pictures.astype(np.int16) - second.pictures.astype(np.int16)).max(axis=3)
    other_pixels = (levels > 0).mean(axis=(1, 2))
    differs = np.flatnonzero((motion > 0.0).any(axis=1) | (other_pixels > 0.0))
    return Divergence(
        steps=steps,
        first_step=int(differs[0]) + 1 if len(differs) else 0,
        position_m=float(np.hypot(motion[:, 0], motion[:, 1]).max()),
        yaw_rad=float(motion[:, 2].max()),
        speed_mps=float(motion[:, 3].max()),
        duration_s=float(motion[:, 4].max()),
        pictures=int((other_pixels > 0.0).sum()),
        pixel_share=float(other_pixels.max()),
        pixel_level=int(levels.max()),
    )


@dataclass(frozen=True)
class _Drive:
    """What was seen after each of S steps.

    Attributes:
        motion: (S, 5) x, y, yaw, speed, time.
        pictures: (S, H, W, 3) uint8.
    """

    motion: FloatArray
    pictures: npt.NDArray[np.uint8]


def _drive(cars: Cars, commands: FloatArray) -> _Drive:
    every = np.arange(cars.num_cars)
    start = np.zeros(cars.num_cars)
    cars.place(every, np.zeros(cars.num_cars, np.int64), cars.circuits[0].pose_at(start))
    motion, pictures = [], []
    for command in commands:
        cars.step(command)
        poses = cars.poses
        state = (poses.x_m, poses.y_m, poses.yaw_rad, cars.speed_mps, cars.time_s)
        motion.append([float(part[0]) for part in state])
        pictures.append(cars.frame(0).copy())
    return _Drive(np.array(motion), np.array(pictures))
