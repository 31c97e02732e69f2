"""Slower cars as actors: they drive by simulated time alone, along their lane, lap after lap."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

import numpy as np

from f1_rl.circuits import Circuit, FloatArray
from f1_rl.gazebo.sdf import drawn_colour, element, model_config
from f1_rl.gazebo.settings import Engine
from f1_rl.settings import SettingsError
from f1_rl.simulation.scenery import Scenery
from f1_rl.simulation.traffic import Placement, Traffic

_MODEL = "slower_car"
_MESH = "meshes/hull.obj"
_MATERIALS = "hull.mtl"

_WAYPOINT_M = 0.5
"""At a radius of 2 m the spline through such waypoints strays by a fifth of a millimetre."""

_LONGEST_LAP_S = 86_400.0

# Corners of a side of a box, for each of its five sides that are seen, in the order of its
# corners: bit 0 ahead, bit 1 to the left, bit 2 above; counter-clockwise from outside.
_ENDS = ((1, 3, 7, 5), (0, 4, 6, 2))
_SIDES = ((2, 6, 7, 3), (0, 1, 5, 4))
_TOP = ((4, 5, 7, 6),)


def lap_ms(circuit: Circuit, speed_mps: float) -> int:
    """Return how long the slower cars' laps take, in whole milliseconds as Gazebo has them.

    Args:
        circuit: What they drive on.
        speed_mps: Along its centre line.

    Raises:
        SettingsError: They take more than a day.
    """
    if circuit.length_m > speed_mps * _LONGEST_LAP_S:
        raise SettingsError(
            f"slower cars of {speed_mps:g} m/s need more than a day for a lap of {circuit.name}; "
            "give a higher car_speed_mps, or boxes in their place."
        )
    return round(1000 * circuit.length_m / speed_mps)


def slower_cars(circuit: Circuit, traffic: Traffic, placed: Placement) -> list[Element]:
    """Return an actor for each slower car; it is seen and touches nothing.

    Args:
        circuit: What they drive on.
        traffic: What there is.
        placed: Where it begins.

    Raises:
        SettingsError: They hardly move.
    """
    return [
        _actor(f"car_{number}", _waypoints(circuit, *driven))
        for number, driven in enumerate(
            zip(
                placed.arc_length_m[traffic.boxes :].tolist(),
                placed.lateral_m[traffic.boxes :].tolist(),
                placed.speed_mps[traffic.boxes :].tolist(),
                strict=True,
            )
        )
    ]


def slower_car_files(traffic: Traffic, engine: Engine) -> dict[str, str]:
    """Return the files of the slower cars' model by path; none where there are no such cars.

    Args:
        traffic: What there is.
        engine: What draws.
    """
    if not traffic.cars:
        return {}
    scenery = Scenery.of_traffic(traffic, np.zeros((1, traffic.count, 3)))
    colours = np.minimum(np.rint(scenery.palette[-5:]), 255.0)
    folder = f"models/{_MODEL}"
    return {
        f"{folder}/model.config": model_config(_MODEL, "A slower car."),
        f"{folder}/{_MESH}": _hull(*scenery.sizes_m[-1].tolist()),
        f"{folder}/meshes/{_MATERIALS}": _materials(colours, engine),
    }


def _waypoints(
    circuit: Circuit, begin_m: float, lateral_m: float, speed_mps: float
) -> list[Element]:
    """Return where a car is when, for a lap; the last waypoint is the first."""
    duration_ms = lap_ms(circuit, speed_mps)
    count = math.ceil(circuit.length_m / _WAYPOINT_M)
    times_ms = np.rint(np.linspace(0.0, duration_ms, count + 1)).astype(np.int64)
    arc_m = begin_m + circuit.length_m * times_ms / duration_ms
    poses = circuit.pose_at(arc_m, lateral_m)
    x_m, y_m = (np.append(each[:-1], each[0]) for each in (poses.x_m, poses.y_m))
    # Without jumps: Gazebo interpolates between rotations.
    yaw_rad = np.unwrap(poses.yaw_rad)
    return [
        element(
            "waypoint",
            element("time", _cut_to(ms)),
            element("pose", (round(x, 6), round(y, 6), 0, 0, 0, round(yaw, 6))),
        )
        for ms, x, y, yaw in zip(
            times_ms.tolist(), x_m.tolist(), y_m.tolist(), yaw_rad.tolist(), strict=True
        )
    ]


def _cut_to(milliseconds: int) -> float:
    """Return the seconds that Gazebo cuts to so many milliseconds."""
    seconds = milliseconds / 1000
    while int(seconds * 1000) < milliseconds:
        seconds = math.nextafter(seconds, math.inf)
    return seconds


def _actor(name: str, waypoints: list[Element]) -> Element:
    return element(
        "actor",
        element("skin", element("filename", f"model://{_MODEL}/{_MESH}")),
        element(
            "script",
            element("loop", True),
            element("auto_start", True),
            element("trajectory", *waypoints, id="0", type="drive"),
        ),
        name=name,
    )


def _hull(length_m: float, width_m: float, height_m: float, band_m: float) -> str:
    """Return a box on the ground as an OBJ file, with a band at its foot."""
    lines = [f"mtllib {_MATERIALS}", "o hull"]
    for low_m, high_m in ((0.0, band_m), (band_m, height_m)):
        for corner in range(8):
            x = length_m / 2 if corner & 1 else -length_m / 2
            y = width_m / 2 if corner & 2 else -width_m / 2
            lines.append(f"v {x:.4f} {y:.4f} {high_m if corner & 4 else low_m:.4f}")
    faces = ((_ENDS, 0), (_ENDS, 8), (_SIDES, 0), (_SIDES, 8), (_TOP, 8))
    lines.append("vn 0 0 1")
    for colour, (sides, first) in enumerate(faces):
        lines.append(f"usemtl face_{colour}")
        for side in sides:
            a, b, c, d = (first + corner + 1 for corner in side)
            lines += [f"f {a}//1 {b}//1 {c}//1", f"f {a}//1 {c}//1 {d}//1"]
    return "\n".join(lines) + "\n"


def _materials(colours: FloatArray, engine: Engine) -> str:
    """Return materials that glow in their colour, (5, 3), and take no light."""
    black = "0 0 0"
    return "\n".join(
        f"newmtl face_{number}\nKa {black}\nKd {black}\nKs {black}\n"
        f"Ke {' '.join(str(level) for level in drawn_colour(colour, engine)[:3])}\n"
        for number, colour in enumerate(colours.tolist())
    )
