"""How the world looks to each car's camera."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOMINAL_PALETTE = ((153, 191, 230), (42, 126, 34), (98, 98, 104), (255, 0, 0))
"""Sky, grass, road and line as Gazebo Harmonic draws them, RGB."""

PALETTES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "gazebo": NOMINAL_PALETTE,
    "desert": ((170, 205, 235), (196, 164, 116), (74, 72, 74), (200, 40, 36)),
    "snow": ((205, 210, 216), (232, 236, 240), (88, 92, 98), (206, 36, 40)),
    "autumn": ((178, 186, 194), (132, 96, 44), (112, 108, 104), (190, 52, 40)),
    "concrete": ((120, 160, 205), (84, 104, 58), (158, 154, 148), (214, 60, 48)),
}
"""Sky, ground beside the road, road and line of other places and seasons, RGB."""

EFFECT = np.dtype(
    [
        ("field_of_view", np.float32),
        ("fog_per_m", np.float32),
        ("darkness", np.float32),
        ("shadow", np.float32),
        ("shadow_seed", np.uint32),
        ("rain", np.float32),
        ("glare", np.float32),
        ("sun_azimuth_rad", np.float32),
        ("kerb_m", np.float32),
    ],
    align=True,
)
"""What lies between the world and the picture, one record a car.

``field_of_view`` is a factor on the horizontal one. ``fog_per_m`` is the extinction: at the
distance d, exp(-fog d) of a contrast is left (Koschmieder 1924). ``darkness`` is the share of
daylight that the night takes; the car's own lamps make up for it nearby. ``shadow`` is the share of
light that shadows take, which lie in the world where ``shadow_seed`` says. ``rain`` is 0 to 1, from
none to a downpour. ``glare`` is what a low sun adds to the picture where it stands, in grey levels,
falling with the square of the angle from there (Holladay 1926, Stiles 1929); ``sun_azimuth_rad`` is
its direction in the world. ``kerb_m`` is the width of red-white kerbs along the road's edges.
"""


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
        effects: (N,) records of :data:`EFFECT`.
    """

    palette: NDArray[np.float32]
    brightness: NDArray[np.float32]
    noise_sigma: NDArray[np.float32]
    blur_px: NDArray[np.float32]
    camera_offset: NDArray[np.float32]
    noise_seed: NDArray[np.uint32]
    effects: NDArray[Any]

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
            effects=no_effects(count),
        )

    def __getitem__(self, cars: NDArray[np.int64] | slice) -> Appearance:
        """The appearance of some of the cars."""
        return Appearance(*(getattr(self, field.name)[cars] for field in fields(self)))

    def assign(self, cars: NDArray[np.int64], other: Appearance) -> None:
        """Overwrite the appearance of some of the cars, in place.

        Args:
            cars: (K,) which.
            other: K appearances.
        """
        for field in fields(self):
            getattr(self, field.name)[cars] = getattr(other, field.name)


def no_effects(count: int) -> NDArray[Any]:
    """Return the effects of a clear day, (count,) records of :data:`EFFECT`."""
    effects = np.zeros(count, dtype=EFFECT)
    effects["field_of_view"] = 1.0
    return effects
