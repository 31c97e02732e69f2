"""How a world looks: the colours of what it consists of, and the light that falls on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from f1_rl.gazebo.sdf import glowing, matt
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.simulation import NOMINAL_PALETTE, Camera
from f1_rl.simulation.effects_kernels import SUN_ELEVATION_RAD
from f1_rl.simulation.traffic import Colour

_SUN_SHARE = 0.6
_HIGH_SUN_RAD = 0.9
_AFTERNOON_SUN_RAD = 0.65
_SUN_AZIMUTH_RAD = 0.6
_TREES_EVERY_M = 12.0
_AVENUE_EVERY_M = 3.0
_FULL_SHEEN = 255.0


@dataclass(frozen=True)
class Light:
    """The light that falls on a world; 1 on level ground draws a colour at its own level.

    Attributes:
        ambient: From everywhere, into shadows too.
        sun: From the sun, on level ground; 0: there is none.
        sun_elevation_rad: Its height above the horizon.
        sun_azimuth_rad: Its direction in the world.
        sheen: How much of the sun the road mirrors, 0 to 1.
        lamps: From the car's lamps, on the road before it.
        trees_every_m: Distance along the road between the trees on either side of it.
    """

    ambient: float
    sun: float
    sun_elevation_rad: float
    sun_azimuth_rad: float
    sheen: float
    lamps: float
    trees_every_m: float


@dataclass(frozen=True)
class Look:
    """How a world looks.

    Attributes:
        sky: Its colour.
        grass: That of the ground beside the road.
        road: The road's.
        line: The painted line's.
        camera: The car's, as it is mounted.
        camera_yaw_rad: By how much it looks to the left.
        noise_sigma: Standard deviation of its pixels, grey levels.
        kerb_m: Width of red-white kerbs along both edges of the road; 0: there are the nominal
            ones, in corners.
        light: None where everything glows in its own colour.
    """

    sky: Colour
    grass: Colour
    road: Colour
    line: Colour
    camera: Camera
    camera_yaw_rad: float = 0.0
    noise_sigma: float = 0.0
    kerb_m: float = 0.0
    light: Light | None = None

    @classmethod
    def of(cls, settings: WorldSettings) -> Look:
        """Return how the world of these settings looks."""
        if settings.variation is None:
            return cls(*NOMINAL_PALETTE, camera=settings.camera)
        rng = np.random.default_rng(settings.variation_seed)
        seen = settings.variation.sample(rng, 1)
        effect = seen.effects[0]
        brightness = float(seen.brightness[0])
        daylight = brightness * (1.0 - float(effect["darkness"]))
        sky, grass, road, line = (_colour(part) for part in seen.palette[0])
        height_m, pitch_rad, yaw_rad = (round(part, 6) for part in seen.camera_offset[0].tolist())
        camera = replace(
            settings.camera,
            z_m=settings.camera.z_m + height_m,
            pitch_rad=settings.camera.pitch_rad + pitch_rad,
            horizontal_fov_rad=round(
                settings.camera.horizontal_fov_rad * float(effect["field_of_view"]), 6
            ),
        )
        return cls(
            _colour(daylight * np.array(sky)),
            grass,
            road,
            line,
            camera,
            camera_yaw_rad=yaw_rad,
            noise_sigma=float(seen.noise_sigma[0]),
            kerb_m=round(float(effect["kerb_m"]), 6),
            light=_light(effect, brightness, daylight),
        )

    def material(self, rgb: Sequence[int], settings: WorldSettings) -> Element:
        """Return the material of something of this colour that stands in the world."""
        if self.light is None:
            return glowing(rgb, settings.render_engine)
        return matt(rgb, settings.render_engine)

    def surface(self, rgb: Sequence[int], settings: WorldSettings) -> Element:
        """Return the material of asphalt of this colour, which may mirror a low sun."""
        if self.light is None:
            return glowing(rgb, settings.render_engine)
        return matt(rgb, settings.render_engine, self.light.sheen)


def _light(effect: Any, brightness: float, daylight: float) -> Light:
    """Return the light that has this effect: a high sun, one behind trees, a low one, or none."""
    shadow, glare = float(effect["shadow"]), float(effect["glare"])
    share, elevation_rad, azimuth_rad = _SUN_SHARE, _HIGH_SUN_RAD, _SUN_AZIMUTH_RAD
    if shadow > 0.0:
        share, elevation_rad = shadow, _AFTERNOON_SUN_RAD
    if glare > 0.0:
        elevation_rad, azimuth_rad = SUN_ELEVATION_RAD, float(effect["sun_azimuth_rad"])
    if effect["darkness"] > 0.0:
        share = 0.0
    # A low sun gives less: its light falls aslant.
    share = min(share, float(np.sin(elevation_rad)))
    return Light(
        ambient=daylight * (1.0 - share),
        sun=daylight * share,
        sun_elevation_rad=elevation_rad,
        sun_azimuth_rad=azimuth_rad,
        sheen=min(glare / _FULL_SHEEN, 1.0),
        lamps=brightness * float(effect["darkness"]),
        trees_every_m=_AVENUE_EVERY_M if shadow > 0.0 else _TREES_EVERY_M,
    )


def _colour(levels: Any) -> Colour:
    red, green, blue = np.rint(levels).astype(int).tolist()
    return red, green, blue
