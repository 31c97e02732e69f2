"""How the world looks to each car's camera, and by how much that may vary from car to car."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOMINAL_PALETTE = ((153, 191, 230), (42, 126, 34), (98, 98, 104), (255, 0, 0))
"""Sky, grass, road and line as Gazebo Harmonic draws them, RGB."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Appearance:
    """What the cameras of N cars make of the world, arrays with one entry a car.

    Attributes:
        palette: (N, 4, 3) float32, RGB in 0..255 of sky, grass, road and line.
        brightness: (N,) float32, factor on all colours; what exceeds 255 is clipped.
        noise_sigma: (N,) float32, standard deviation of the noise of each pixel and colour, grey
            levels.
        blur_px: (N,) float32, width of the box over which the lens smears a point, both ways.
        camera_offset: (N, 3) float32, height (m), pitch (rad, positive looks down) and yaw (rad,
            positive looks left) of the camera beyond the nominal ones.
        noise_seed: (N,) uint32, equal seeds give equal noise.
    """

    palette: NDArray[np.float32]
    brightness: NDArray[np.float32]
    noise_sigma: NDArray[np.float32]
    blur_px: NDArray[np.float32]
    camera_offset: NDArray[np.float32]
    noise_seed: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.brightness)

    @classmethod
    def nominal(cls, count: int) -> Appearance:
        """The appearance of the Gazebo worlds, without noise or blur.

        Args:
            count: Number of cars N.
        """
        return cls(
            palette=np.tile(np.array(NOMINAL_PALETTE, dtype=np.float32), (count, 1, 1)),
            brightness=np.ones(count, dtype=np.float32),
            noise_sigma=np.zeros(count, dtype=np.float32),
            blur_px=np.zeros(count, dtype=np.float32),
            camera_offset=np.zeros((count, 3), dtype=np.float32),
            noise_seed=np.zeros(count, dtype=np.uint32),
        )

    def __getitem__(self, cars: NDArray[np.int64] | slice) -> Appearance:
        """The appearance of some of the cars."""
        return Appearance(
            self.palette[cars],
            self.brightness[cars],
            self.noise_sigma[cars],
            self.blur_px[cars],
            self.camera_offset[cars],
            self.noise_seed[cars],
        )

    def assign(self, cars: NDArray[np.int64], other: Appearance) -> None:
        """Overwrite the appearance of some of the cars, in place.

        Args:
            cars: (K,) which.
            other: K appearances.
        """
        self.palette[cars] = other.palette
        self.brightness[cars] = other.brightness
        self.noise_sigma[cars] = other.noise_sigma
        self.blur_px[cars] = other.blur_px
        self.camera_offset[cars] = other.camera_offset
        self.noise_seed[cars] = other.noise_seed


@dataclass(frozen=True)
class Variation:
    """Ranges from which each car's appearance and delay are drawn anew when it is placed.

    The default varies nothing. All draws are uniform.

    Attributes:
        colour_shift: Each of red, green and blue of each of the four colours is moved by up to
            this many grey levels, either way.
        brightness: Range of the factor on all colours.
        noise_sigma: Range of the noise's standard deviation, grey levels.
        blur_px: Range of the blur's width, pixels.
        camera_height_m: Range of the camera's height beyond the nominal one.
        camera_pitch_rad: Range of its pitch beyond the nominal one.
        camera_yaw_rad: Range of its yaw beyond the nominal one.
        action_delay_s: Range of the time from a command to its effect; drawn in whole
            milliseconds.
    """

    colour_shift: float = 0.0
    brightness: Range = (1.0, 1.0)
    noise_sigma: Range = (0.0, 0.0)
    blur_px: Range = (0.0, 0.0)
    camera_height_m: Range = (0.0, 0.0)
    camera_pitch_rad: Range = (0.0, 0.0)
    camera_yaw_rad: Range = (0.0, 0.0)
    action_delay_s: Range = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not 0.0 <= self.colour_shift < math.inf:
            raise ValueError(f"Variation colour_shift {self.colour_shift}: give a number >= 0")
        for name in _RANGES:
            low, high = getattr(self, name)
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ValueError(f"Variation {name} ({low}, {high}): give (low, high), finite")
            if low < 0.0 and not name.startswith("camera"):
                raise ValueError(f"Variation {name} ({low}, {high}): give a range from 0 upwards")

    @classmethod
    def domain(cls) -> Variation:
        """A moderate randomisation for policies that shall drive elsewhere: Gazebo, a real car.

        The ranges keep the line's red clearly above the road's.
        """
        return cls(
            colour_shift=20.0,
            brightness=(0.75, 1.2),
            noise_sigma=(0.0, 6.0),
            blur_px=(0.0, 1.5),
            camera_height_m=(-0.005, 0.005),
            camera_pitch_rad=(-0.006, 0.006),
            camera_yaw_rad=(-0.02, 0.02),
            action_delay_s=(0.0, 0.05),
        )

    def sample(self, rng: np.random.Generator, count: int) -> Appearance:
        """Draw appearances.

        Args:
            rng: Source of randomness.
            count: Number of cars N.

        Returns:
            N appearances, each with a noise seed of its own.
        """
        palette = np.array(NOMINAL_PALETTE, dtype=np.float32) + rng.uniform(
            -self.colour_shift, self.colour_shift, (count, 4, 3)
        )
        offsets = [
            rng.uniform(*bounds, count)
            for bounds in (self.camera_height_m, self.camera_pitch_rad, self.camera_yaw_rad)
        ]
        return Appearance(
            palette=np.clip(palette, 0.0, 255.0).astype(np.float32),
            brightness=rng.uniform(*self.brightness, count).astype(np.float32),
            noise_sigma=rng.uniform(*self.noise_sigma, count).astype(np.float32),
            blur_px=rng.uniform(*self.blur_px, count).astype(np.float32),
            camera_offset=np.stack(offsets, axis=-1).astype(np.float32),
            noise_seed=rng.integers(0, 2**32, count, dtype=np.uint32),
        )

    def sample_action_delay_ms(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Draw delays from command to effect.

        Args:
            rng: Source of randomness.
            count: Number of cars N.

        Returns:
            (N,) int64, milliseconds.
        """
        low, high = (round(1000 * bound) for bound in self.action_delay_s)
        return np.asarray(rng.integers(low, high, count, dtype=np.int64, endpoint=True))


_RANGES = (
    "brightness",
    "noise_sigma",
    "blur_px",
    "camera_height_m",
    "camera_pitch_rad",
    "camera_yaw_rad",
    "action_delay_s",
)
