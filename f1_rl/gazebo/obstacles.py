"""The boxes of a traffic scenario as models, the same as those of the embedded simulator."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from f1_rl.circuits import Circuit
from f1_rl.gazebo.sdf import box, element, glowing
from f1_rl.gazebo.settings import Engine
from f1_rl.settings import SettingsError
from f1_rl.simulation.obstacles import Obstacles
from f1_rl.simulation.scenery import END, SIDE, TOP, shaded
from f1_rl.simulation.traffic import Traffic

_PLATE_M = 0.001
"""Sides and top have shades of their own, and so plates of their own on the box."""


def box_models(circuit: Circuit, traffic: Traffic, engine: Engine) -> list[Element]:
    """Return a static model for each box, with a collision of its size.

    Args:
        circuit: What they stand on.
        traffic: With a seed; the simulator places the same traffic alike.
        engine: What draws.

    Raises:
        SettingsError: There are slower cars among them, or no room for all.
    """
    if traffic.cars:
        raise SettingsError(
            f"traffic of {traffic.cars} slower cars: in Gazebo there are boxes alone; choose a "
            "scenario without cars."
        )
    try:
        obstacles = Obstacles(traffic, [circuit], 1)
    except ValueError as error:
        raise SettingsError(f"{error}.") from error
    nowhere = np.zeros(1, dtype=np.int64)
    obstacles.place(nowhere, nowhere, circuit.pose_at(0.0), np.random.default_rng(0))
    return [
        _model(f"box_{number}", pose, traffic, engine)
        for number, pose in enumerate(obstacles.poses_m[0].tolist())
    ]


def _model(name: str, pose: list[float], traffic: Traffic, engine: Engine) -> Element:
    length, width, height = traffic.box_size_m
    x, y, yaw = (round(value, 6) for value in pose)
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
