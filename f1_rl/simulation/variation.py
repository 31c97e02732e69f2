"""By how much what the cameras see, and when they see it, may vary from car to car."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f1_rl.errors import did_you_mean
from f1_rl.simulation.appearance import PALETTES, Appearance, no_effects

Range = tuple[float, float]
FloatArray = NDArray[np.float64]

_NOTHING = (0.0, 0.0)


@dataclass(frozen=True)
class Variation:
    """Ranges from which each car's appearance and delays are drawn anew when it is placed.

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
        field_of_view: Range of the factor on the camera's horizontal field of view.
        palettes: Which colours sky, ground, road and line may have, one of these names a car:
            gazebo, desert, snow, autumn, concrete.
        line_fade: Range of how far the line has worn off, 0 to 1, with which it has gone.
        fog_per_m: Range of the fog's extinction; a contrast falls to exp(-fog d) at the distance d.
        darkness: Range of the share of daylight that the night takes, 0 to 1; lamps on the car
            light the road ahead.
        shadow: Range of the share of light that shadows on the ground take, 0 to 1.
        rain: Range from none, 0, to a downpour, 1.
        glare: Range of what a low sun, anywhere around, adds to the picture where it stands, grey
            levels.
        kerb_m: Range of the width of red-white kerbs along the road's edges.
        image_delay_s: Range of the age of a picture when it is acted upon; drawn in whole
            milliseconds.
        dropped_frames: Range of the share of pictures that are lost; the one before stays.
        effect_probability: With which probability each from `line_fade` on is there at all.
    """

    colour_shift: float = 0.0
    brightness: Range = (1.0, 1.0)
    noise_sigma: Range = _NOTHING
    blur_px: Range = _NOTHING
    camera_height_m: Range = _NOTHING
    camera_pitch_rad: Range = _NOTHING
    camera_yaw_rad: Range = _NOTHING
    action_delay_s: Range = _NOTHING
    field_of_view: Range = (1.0, 1.0)
    palettes: tuple[str, ...] = ("gazebo",)
    line_fade: Range = _NOTHING
    fog_per_m: Range = _NOTHING
    darkness: Range = _NOTHING
    shadow: Range = _NOTHING
    rain: Range = _NOTHING
    glare: Range = _NOTHING
    kerb_m: Range = _NOTHING
    image_delay_s: Range = _NOTHING
    dropped_frames: Range = _NOTHING
    effect_probability: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.colour_shift < math.inf:
            raise ValueError(f"Variation colour_shift {self.colour_shift}: give a number >= 0")
        for name in _RANGES:
            low, high = getattr(self, name)
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ValueError(f"Variation {name} ({low}, {high}): give (low, high), finite")
            if low < 0.0 and not name.startswith("camera"):
                raise ValueError(f"Variation {name} ({low}, {high}): give a range from 0 upwards")
            if high > 1.0 and name in _SHARES:
                raise ValueError(f"Variation {name} ({low}, {high}): give a range from 0 to 1")
        if min(self.field_of_view) < 0.5 or max(self.field_of_view) > 1.5:
            raise ValueError(
                f"Variation field_of_view {self.field_of_view}: give factors from 0.5 to 1.5"
            )
        if not 0.0 <= self.effect_probability <= 1.0:
            raise ValueError(
                f"Variation effect_probability {self.effect_probability}: give one from 0 to 1"
            )
        if not self.palettes:
            raise ValueError("Variation palettes is empty: give at least one name")
        for name in self.palettes:
            if name not in PALETTES:
                raise ValueError(
                    f"Variation palettes holds {name!r}, which is none"
                    f"{did_you_mean(name, list(PALETTES))}; choose from {', '.join(PALETTES)}"
                )

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

    @property
    def pictures_late(self) -> bool:
        """Whether pictures may come late or not at all."""
        return self.image_delay_s[1] > 0.0 or self.dropped_frames[1] > 0.0

    def sample(self, rng: np.random.Generator, count: int) -> Appearance:
        """Draw appearances.

        Args:
            rng: Source of randomness.
            count: Number of cars N.

        Returns:
            N appearances, each with a noise seed of its own.
        """
        shift = rng.uniform(-self.colour_shift, self.colour_shift, (count, 4, 3))
        offsets = [
            rng.uniform(*bounds, count)
            for bounds in (self.camera_height_m, self.camera_pitch_rad, self.camera_yaw_rad)
        ]
        brightness = rng.uniform(*self.brightness, count).astype(np.float32)
        noise_sigma = rng.uniform(*self.noise_sigma, count).astype(np.float32)
        blur_px = rng.uniform(*self.blur_px, count).astype(np.float32)
        noise_seed = rng.integers(0, 2**32, count, dtype=np.uint32)
        palette = np.clip(self._sample_palettes(rng, count) + shift, 0.0, 255.0)
        return Appearance(
            palette=palette.astype(np.float32),
            brightness=brightness,
            noise_sigma=noise_sigma,
            blur_px=blur_px,
            camera_offset=np.stack(offsets, axis=-1).astype(np.float32),
            noise_seed=noise_seed,
            effects=self._sample_effects(rng, count),
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

    def sample_image_delay_ms(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Draw ages of the pictures.

        Args:
            rng: Source of randomness.
            count: Number of cars N.

        Returns:
            (N,) int64, milliseconds.
        """
        delay_ms = np.rint(1000 * self._draw(rng, self.image_delay_s, count))
        return np.asarray(delay_ms, dtype=np.int64)

    def sample_dropped_frames(self, rng: np.random.Generator, count: int) -> FloatArray:
        """Draw shares of pictures that are lost.

        Args:
            rng: Source of randomness.
            count: Number of cars N.

        Returns:
            (N,) float64, 0 to 1.
        """
        return self._draw(rng, self.dropped_frames, count)

    def _draw(self, rng: np.random.Generator, bounds: Range, count: int) -> FloatArray:
        """Draw how strong an effect is, (count,), 0 where it is not there.

        What is in no range takes no random numbers: so settings from before it was there still
        draw the same.
        """
        if bounds == _NOTHING:
            return np.zeros(count)
        strength = rng.uniform(*bounds, count)
        return np.where(rng.random(count) < self.effect_probability, strength, 0.0)

    def _sample_palettes(self, rng: np.random.Generator, count: int) -> FloatArray:
        """Draw the colours of sky, ground, road and line, (count, 4, 3)."""
        known = np.array([PALETTES[name] for name in self.palettes], dtype=np.float32)
        index = np.zeros(count, np.int64)
        if len(known) > 1:
            index = rng.integers(0, len(known), count)
        palette = known[index]
        fade = self._draw(rng, self.line_fade, count)[:, None].astype(np.float32)
        palette[:, 3] += fade * (palette[:, 2] - palette[:, 3])
        return np.asarray(palette)

    def _sample_effects(self, rng: np.random.Generator, count: int) -> NDArray[Any]:
        effects = no_effects(count)
        if self.field_of_view != (1.0, 1.0):
            effects["field_of_view"] = rng.uniform(*self.field_of_view, count)
        for name in ("fog_per_m", "darkness", "shadow", "rain", "glare", "kerb_m"):
            effects[name] = self._draw(rng, getattr(self, name), count)
        if self.shadow != _NOTHING:
            effects["shadow_seed"] = rng.integers(0, 2**32, count, dtype=np.uint32)
        if self.glare != _NOTHING:
            effects["sun_azimuth_rad"] = rng.uniform(-math.pi, math.pi, count)
        return effects


_SHARES = ("line_fade", "darkness", "shadow", "rain", "dropped_frames")
_RANGES = (
    *("brightness", "noise_sigma", "blur_px", "field_of_view", "fog_per_m", "glare", "kerb_m"),
    *("camera_height_m", "camera_pitch_rad", "camera_yaw_rad"),
    *("action_delay_s", "image_delay_s", *_SHARES),
)
