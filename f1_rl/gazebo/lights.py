"""The lights of a world: a sun or none, the car's lamps, and trees that cast shadows."""

from __future__ import annotations

import math
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from f1_rl.circuits import Circuit, FloatArray
from f1_rl.gazebo.looks import Light, Look
from f1_rl.gazebo.sdf import box, element, intensity
from f1_rl.gazebo.settings import Engine, WorldSettings

_NOMINAL_AMBIENT = (0.5, 0.5, 0.5, 1.0)
_SUNLIGHT = (1.0, 0.96, 0.88)

# Together they light the road about as the embedded camera's lamps do (`effects_kernels.py`); the
# light falls ever more aslant, which takes the place of falling with the distance.
_LAMP_M = (-0.1, 0.0, 0.35)
_LAMP_RANGE_M = 60.0
_LAMP_FALLOFF = 0.5


class _Lamp(NamedTuple):
    power: float
    angle_rad: float
    aim_m: float


_LAMPS = {"flood": _Lamp(2.0, 2.8, 1.7), "beam": _Lamp(4.5, 0.8, 20.0)}

_TREE_BESIDE_M = 1.2
_TREE_CLEARANCE_M = 1.0
_TRUNK_M = (0.25, 0.25, 1.6)
_CROWN_M = (1.5, 1.5, 1.8)
_TRUNK_COLOUR = (88, 64, 44)
_CROWN_COLOUR = (46, 92, 40)


def ambient(look: Look, engine: Engine) -> tuple[float, float, float, float]:
    """Return the light that comes from everywhere, red, green, blue and alpha."""
    if look.light is None:
        return _NOMINAL_AMBIENT
    level = round(intensity(look.light.ambient, engine), 5)
    return (level, level, level, 1.0)


def lights(look: Look, engine: Engine) -> list[Element]:
    """Return the lights that stand in the world."""
    if look.light is None:
        return [_sun((0.8, 0.8, 0.8), (0.1, 0.1, 0.1), (-0.3, 0.2, -1.0))]
    if look.light.sun == 0.0:
        return []
    lit = intensity(look.light.ambient + look.light.sun, engine)
    shaded = intensity(look.light.ambient, engine)
    elevation, azimuth = look.light.sun_elevation_rad, look.light.sun_azimuth_rad
    direction = (
        round(-math.cos(elevation) * math.cos(azimuth), 6),
        round(-math.cos(elevation) * math.sin(azimuth), 6),
        round(-math.sin(elevation), 6),
    )
    power = round((lit - shaded) / math.sin(elevation), 5)
    return [_sun(_SUNLIGHT, _SUNLIGHT, direction, element("intensity", power), casts=True)]


def _sun(
    diffuse: tuple[float, float, float],
    specular: tuple[float, float, float],
    direction: tuple[float, float, float],
    *more: Element,
    casts: bool = False,
) -> Element:
    return element(
        "light",
        element("pose", (0, 0, 50, 0, 0, 0)),
        element("cast_shadows", casts),
        element("diffuse", (*diffuse, 1.0)),
        element("specular", (*specular, 1.0)),
        element("direction", direction),
        *more,
        name="sun",
        type="directional",
    )


def lamps(look: Look) -> list[Element]:
    """Return the lamps on the car, for its `base_link`: a beam far ahead and a flood nearby."""
    if look.light is None or look.light.lamps == 0.0:
        return []
    return [
        element(
            "light",
            element("pose", (*_LAMP_M, 0, 0, 0)),
            element("cast_shadows", False),
            element("diffuse", (1.0, 1.0, 1.0, 1.0)),
            element("specular", (0.0, 0.0, 0.0, 1.0)),
            element("intensity", round(lamp.power * look.light.lamps, 6)),
            element(
                "attenuation",
                element("range", _LAMP_RANGE_M),
                element("constant", 1.0),
                element("linear", 0.0),
                element("quadratic", 0.0),
            ),
            element("direction", (lamp.aim_m, 0.0, -_LAMP_M[2])),
            element(
                "spot",
                element("inner_angle", 0.0),
                element("outer_angle", lamp.angle_rad),
                element("falloff", _LAMP_FALLOFF),
            ),
            name=name,
            type="spot",
        )
        for name, lamp in _LAMPS.items()
    ]


def trees(circuit: Circuit, look: Look, settings: WorldSettings) -> list[Element]:
    """Return a static model of the trees beside the road, or nothing where none are lit."""
    if look.light is None or look.light.sun == 0.0:
        return []
    visuals = []
    for number, (x_m, y_m) in enumerate(tree_places(circuit, look.light).tolist()):
        for part, size_m, colour, foot_m in (
            ("trunk", _TRUNK_M, _TRUNK_COLOUR, 0.0),
            ("crown", _CROWN_M, _CROWN_COLOUR, _TRUNK_M[2]),
        ):
            pose = (round(x_m, 3), round(y_m, 3), foot_m + size_m[2] / 2, 0, 0, number)
            visuals.append(
                element(
                    "visual",
                    element("cast_shadows", True),
                    element("pose", pose),
                    box(size_m),
                    look.material(colour, settings),
                    name=f"{part}_{number}",
                )
            )
    link = element("link", *visuals, name="trees")
    return [element("model", element("static", True), link, name="trees")]


def tree_places(circuit: Circuit, light: Light) -> FloatArray:
    """Return where trees stand, (T, 2): on both sides of the road, none near another part."""
    count = max(1, round(circuit.length_m / light.trees_every_m))
    arc_length_m = np.arange(2 * count) * circuit.length_m / (2 * count)
    left_m, right_m = circuit.half_widths_at(arc_length_m)
    on_left = np.arange(2 * count) % 2 == 0
    beside_m = np.where(on_left, left_m + _TREE_BESIDE_M, -right_m - _TREE_BESIDE_M)
    places = circuit.pose_at(arc_length_m, beside_m)
    found = circuit.project(places)
    lateral_m = found.lateral_error_m
    edge_m = np.where(lateral_m > 0.0, found.width_left_m, found.width_right_m)
    clear = np.abs(lateral_m) - edge_m >= _TREE_CLEARANCE_M
    return np.asarray(np.stack([places.x_m, places.y_m], axis=1)[clear])
