"""The colours of the report and the video, in one place.

A colour has a role, and the report gives each role a value for light and for dark; the video is
always dark. The dark road is the same in both, so that a line coloured by speed reads on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

LIGHT: Final[dict[str, str]] = {
    "page": "#f4f5f7",
    "card": "#ffffff",
    "ink": "#1b2028",
    "muted": "#5c6675",
    "grid": "#dde1e7",
    "accent": "#c8102e",
    "second": "#1f6fb2",
    "third": "#8a6d00",
    "good": "#1b7f4d",
    "warn": "#a85b00",
    "road": "#3b414b",
    "edge": "#8b94a3",
    "mark": "#ffffff",
}
DARK: Final[dict[str, str]] = {
    "page": "#101318",
    "card": "#191e26",
    "ink": "#e8ebf0",
    "muted": "#9aa5b5",
    "grid": "#2f3744",
    "accent": "#ff5468",
    "second": "#5db2f5",
    "third": "#e3bd3f",
    "good": "#4cc98a",
    "warn": "#f0a24b",
    "road": "#3b424e",
    "edge": "#768294",
    "mark": "#ffffff",
}

# Of what is compared, apart from each other for most kinds of colour vision.
_CURVES_LIGHT: Final = (
    *("#1f6fb2", "#c75000", "#1b7f4d", "#7b3fa0"),
    *("#b8256f", "#007c89", "#7a5c00", "#4a5361"),
)
_CURVES_DARK: Final = (
    *("#5db2f5", "#ff9a4d", "#4cc98a", "#c79bf2"),
    *("#ff7ab8", "#38c7cf", "#e3bd3f", "#b4bdca"),
)
CURVE_ROLES: Final = tuple(f"curve{i}" for i in range(len(_CURVES_LIGHT)))
LIGHT.update(zip(CURVE_ROLES, _CURVES_LIGHT, strict=True))
DARK.update(zip(CURVE_ROLES, _CURVES_DARK, strict=True))

# Slow is blue, fast is yellow: ordered in lightness, so that it reads without colour vision too.
_SPEED_STOPS: Final = ("#4a6cf0", "#b452d6", "#f2568a", "#ff9a4d", "#ffe95c")


def rgb(colour: str) -> tuple[int, int, int]:
    """Return the (red, green, blue) values, 0 to 255, of a `#rrggbb` colour."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def speed_colours(fractions: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the colours of speeds.

    Args:
        fractions: (N,) where 0 is the slowest and 1 the fastest; clipped.

    Returns:
        (N, 3) float64 RGB in 0 to 1.
    """
    stops = np.array([rgb(colour) for colour in _SPEED_STOPS]) / 255.0
    positions = np.linspace(0.0, 1.0, len(stops))
    clipped = np.clip(np.atleast_1d(np.asarray(fractions, dtype=np.float64)), 0.0, 1.0)
    return np.stack([np.interp(clipped, positions, stops[:, c]) for c in range(3)], axis=1)


def style_variables() -> str:
    """Return the roles as variables of a style sheet, by what the reader's system prefers."""
    light, dark = (
        " ".join(f"--{role}: {colour};" for role, colour in palette.items())
        for palette in (LIGHT, DARK)
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    )
