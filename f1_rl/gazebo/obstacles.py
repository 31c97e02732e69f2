"""The obstacles of a traffic scenario, the same as those of the embedded simulator."""

from __future__ import annotations

from itertools import islice
from xml.etree.ElementTree import Element

import numpy as np

from f1_rl.circuits import Circuit
from f1_rl.gazebo.sdf import box, element, glowing
from f1_rl.gazebo.settings import Engine
from f1_rl.gazebo.slower_cars import slower_cars
from f1_rl.settings import SettingsError
from f1_rl.simulation.scenery import END, SIDE, TOP, shaded
from f1_rl.simulation.traffic import Traffic, place_obstacles

_PLATE_M = 0.001
"""Sides and top have shades of their own, and so plates of their own on the box."""


def obstacle_elements(circuit: Circuit, traffic: Traffic, engine: Engine) -> list[Element]:
    """Return a static model for each box, with a collision of its size, and the slower cars.

    Args:
        circuit: What they are on.
        traffic: With a seed; the simulator places the same traffic alike.
        engine: What draws.

    Raises:
        SettingsError: There is no room for all, or the slower cars hardly move.
    """
    try:
        traffic.check(circuit)
    except ValueError as error:
        raise SettingsError(f"{error}.") from error
    if not traffic.count:
        return []
    placed = place_obstacles(traffic, circuit, np.random.default_rng(traffic.seed))
    poses = circuit.pose_at(placed.arc_length_m, placed.lateral_m)
    places = zip(poses.x_m.tolist(), poses.y_m.tolist(), poses.yaw_rad.tolist(), strict=True)
    boxes = [
        _model(f"box_{number}", place, traffic, engine)
        for number, place in enumerate(islice(places, traffic.boxes))
    ]
    return boxes + slower_cars(circuit, traffic, placed)


def _model(name: str, place: tuple[float, ...], traffic: Traffic, engine: Engine) -> Element:
    length, width, height = traffic.box_size_m
    x, y, yaw = (round(value, 6) for value in place)
    middle = (0, 0, height / 2, 0, 0, 0)

    def visual(part: str, shade: float, size: tuple[float, ...], at: tuple[float, ...]) -> Element:
        return element(
            "visual",
            element("cast_shadows", False),
            element("pose", (*at, 0, 0, 0)),
            box(size),
            glowing(shaded(traffic.box_colour, shade), engine),
            name=part,
        )

    side, beside = (length, _PLATE_M, height), width / 2
    return element(
        "model",
        element("static", True),
        element("pose", (x, y, 0, 0, 0, yaw)),
        element(
            "link",
            element("collision", element("pose", middle), box(traffic.box_size_m), name="hull"),
            visual("body", END, traffic.box_size_m, (0, 0, height / 2)),
            visual("left", SIDE, side, (0, beside, height / 2)),
            visual("right", SIDE, side, (0, -beside, height / 2)),
            visual("top", TOP, (length, width, _PLATE_M), (0, 0, height)),
            name="link",
        ),
        name=name,
    )
