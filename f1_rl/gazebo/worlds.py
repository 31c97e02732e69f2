"""Worlds for Gazebo Harmonic, written from circuits: the same geometry as the embedded camera's.

A folder of worlds holds `worlds/<circuit>.sdf` and `models/`, which Gazebo must find through
GZ_SIM_RESOURCE_PATH. The same input gives the same bytes.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from f1_rl.circuits import Circuit, FloatArray
from f1_rl.files import new_file
from f1_rl.gazebo import names
from f1_rl.gazebo.cars import car_sdf
from f1_rl.gazebo.lights import ambient, lights, trees
from f1_rl.gazebo.looks import Look
from f1_rl.gazebo.meshes import (
    MATERIAL_FILE,
    Mesh,
    kerb_meshes,
    line_mesh,
    material_library,
    road_mesh,
)
from f1_rl.gazebo.obstacles import obstacle_elements
from f1_rl.gazebo.sdf import (
    box,
    document,
    drawn_colour,
    element,
    model_config,
    plugin,
)
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.gazebo.slower_cars import slower_car_files
from f1_rl.settings import SettingsError
from f1_rl.simulation.car_parameters import CAR
from f1_rl.simulation.effects_kernels import KERB_RED, KERB_WHITE
from f1_rl.simulation.ground import GRASS_HEIGHT_M, LINE_HEIGHT_M

# As red as the grass, and nearer to it than to anything else: neither an observation nor the
# labels of a picture change by them.
KERB_COLOURS = {"kerb_light": (42, 190, 90), "kerb_dark": (42, 70, 34)}
RED_KERB_COLOURS = {"kerb_light": KERB_WHITE, "kerb_dark": KERB_RED}
BARRIER_COLOUR = (42, 150, 60)

KERB_HEIGHT_M = -0.002

BARRIER_HEIGHT_M = 0.3
BARRIER_DISTANCE_M = 2.5
_BARRIER_THICKNESS_M = 0.1
_BARRIER_SIDES = 24

_BEYOND_SIGHT_M = 10.0
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def write_world(circuit: Circuit, settings: WorldSettings, directory: Path) -> Path:
    """Write a world and the models that it consists of.

    Args:
        circuit: What the car drives on.
        settings: The choices.
        directory: Receives `worlds/` and `models/`; files that are there are replaced. Gazebo
            finds the models if GZ_SIM_RESOURCE_PATH names `directory/models`.

    Returns:
        The world file.

    Raises:
        SettingsError: The circuit's name cannot be a file's, or it has no room for the traffic.
        OSError: A file cannot be written.
    """
    for name, text in world_files(circuit, settings).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(path) as file:
            file.write(text)
    return directory / _world_path(circuit)


def world_files(circuit: Circuit, settings: WorldSettings) -> dict[str, str]:
    """Return the files of a world: their text by their path.

    Raises:
        SettingsError: The circuit's name cannot be a file's, or it has no room for the traffic.
    """
    if not _NAME.fullmatch(circuit.name):
        raise SettingsError(
            f"the circuit's name {circuit.name!r} cannot name a world; rename its file with "
            "letters, digits, '_', '.' and '-' alone, and give a scale by itself."
        )
    if settings.line_width_m is not None:
        circuit = circuit.with_line(settings.line_width_m)
    look = Look.of(settings)
    model = names.circuit_model(circuit.name)
    meshes = circuit_meshes(circuit, look.kerb_m)
    colours = _colours(look)
    folder = f"models/{model}/meshes"
    return {
        _world_path(circuit): _world_sdf(circuit, settings, look),
        **car_files(settings),
        **slower_car_files(settings.placed_traffic, settings.render_engine),
        f"models/{model}/model.config": model_config(model, f"The circuit '{circuit.name}'."),
        f"models/{model}/model.sdf": _circuit_sdf(circuit, meshes, settings, look),
        f"{folder}/{MATERIAL_FILE}": material_library({name: colours[name] for name in meshes}),
        **{f"{folder}/{name}.obj": mesh.as_obj(name) for name, mesh in meshes.items()},
    }


def car_files(settings: WorldSettings) -> dict[str, str]:
    """Return the files of the car that the settings choose: their text by their path."""
    model = names.CAR_MODELS[settings.car]
    return {
        f"models/{model}/model.config": model_config(model, f"The {settings.car} Formula 1 car."),
        f"models/{model}/model.sdf": car_sdf(settings),
    }


def circuit_meshes(circuit: Circuit, kerb_m: float = 0.0) -> dict[str, Mesh]:
    """Return the meshes that a circuit is drawn with, by name; those it lacks are left out.

    Args:
        circuit: What is drawn.
        kerb_m: Width of kerbs along all of the road; 0: there are narrow ones in corners.
    """
    meshes = {"road": road_mesh(circuit)}
    if circuit.has_line:
        meshes["line"] = line_mesh(circuit)
    kerbs = kerb_meshes(circuit, kerb_m, 0.0) if kerb_m > 0.0 else kerb_meshes(circuit)
    meshes.update(zip(KERB_COLOURS, kerbs, strict=True))
    return {name: mesh for name, mesh in meshes.items() if len(mesh.triangles)}


def barrier_corners(circuit: Circuit) -> FloatArray:
    """Return the corners of the barrier's inner side, counter-clockwise, (24, 2).

    It is the polygon around the road's convex hull whose sides look in 24 directions, so it hides
    no road from a camera inside. Nothing of the circuit is nearer to it than 2.5 m.
    """
    edges = [
        circuit.pose_at(circuit.arc_length_m, lateral_m)
        for lateral_m in (circuit.width_left_m, -circuit.width_right_m)
    ]
    points = np.concatenate([np.stack([edge.x_m, edge.y_m], axis=1) for edge in edges])
    angle = np.arange(_BARRIER_SIDES) * 2 * np.pi / _BARRIER_SIDES
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    reach = (points @ normals.T).max(axis=0) + BARRIER_DISTANCE_M
    following, next_reach = np.roll(normals, -1, axis=0), np.roll(reach, -1)
    # Where the side and the next one meet.
    determinant = normals[:, 0] * following[:, 1] - normals[:, 1] * following[:, 0]
    x = (reach * following[:, 1] - next_reach * normals[:, 1]) / determinant
    y = (next_reach * normals[:, 0] - reach * following[:, 0]) / determinant
    return np.stack([x, y], axis=1)


def _world_path(circuit: Circuit) -> str:
    return f"worlds/{circuit.name}.sdf"


def _colours(look: Look) -> dict[str, tuple[int, int, int]]:
    kerbs = RED_KERB_COLOURS if look.kerb_m > 0.0 else KERB_COLOURS
    return {"road": look.road, "line": look.line, **kerbs}


def _world_sdf(circuit: Circuit, settings: WorldSettings, look: Look) -> str:
    engine = settings.render_engine
    start = circuit.pose_at(0.0)
    pose = [round(float(value[0]), 6) for value in (start.x_m, start.y_m, start.yaw_rad)]
    systems = [
        plugin("physics", "Physics"),
        plugin("user-commands", "UserCommands"),
        plugin(
            "sensors",
            "Sensors",
            element("render_engine", engine),
            element("background_color", drawn_colour(look.sky, engine)),
            element("ambient_light", ambient(look, engine)),
        ),
        plugin("contact", "Contact"),
    ]
    if settings.gui:
        systems.append(plugin("scene-broadcaster", "SceneBroadcaster"))
    return document(
        element(
            "world",
            element(
                "physics",
                element("max_step_size", settings.physics_step_ms / 1000),
                element("real_time_factor", settings.real_time_factor),
                name="lock_step",
                type="dart",
            ),
            *systems,
            element(
                "scene",
                element("ambient", ambient(look, engine)),
                element("background", drawn_colour(look.sky, engine)),
                element("shadows", look.light is not None),
                element("grid", False),
            ),
            *lights(look, engine),
            element("include", element("uri", f"model://{names.circuit_model(circuit.name)}")),
            element(
                "include",
                element("uri", f"model://{names.CAR_MODELS[settings.car]}"),
                element("name", names.ENTITY),
                element("pose", (pose[0], pose[1], 0.0, 0.0, 0.0, pose[2])),
            ),
            *obstacle_elements(circuit, settings.placed_traffic, engine),
            *trees(circuit, look, settings),
            name=names.WORLD,
        )
    )


def _circuit_sdf(
    circuit: Circuit, meshes: dict[str, Mesh], settings: WorldSettings, look: Look
) -> str:
    model = names.circuit_model(circuit.name)
    heights_m = {"road": 0.0, "line": LINE_HEIGHT_M, **dict.fromkeys(KERB_COLOURS, KERB_HEIGHT_M)}
    colours = _colours(look)
    visuals = []
    for name in meshes:
        uri = f"model://{model}/meshes/{name}.obj"
        geometry = element("geometry", element("mesh", element("uri", uri)))
        material = look.surface(colours[name], settings)
        visuals.append(_visual(name, (0, 0, heights_m[name], 0, 0, 0), geometry, material))
    return document(
        element(
            "model",
            element("static", True),
            element(
                "link",
                *_grass(circuit, settings, look),
                *visuals,
                *_barriers(circuit, look.material(BARRIER_COLOUR, settings)),
                name="ground",
            ),
            name=model,
        )
    )


def _grass(circuit: Circuit, settings: WorldSettings, look: Look) -> tuple[Element, Element]:
    """Return the grass, as far as the camera sees, and the ground that carries wheels."""
    low_x, low_y, high_x, high_y = circuit.bounds_m
    beyond_m = settings.camera.far_m + _BEYOND_SIGHT_M
    size = [
        math.ceil(high - low + 2 * beyond_m) for low, high in ((low_x, high_x), (low_y, high_y))
    ]
    middle = (round((low_x + high_x) / 2), round((low_y + high_y) / 2))
    up = element("normal", (0, 0, 1))
    grass = element("geometry", element("plane", up, element("size", size)))
    pose = (*middle, GRASS_HEIGHT_M, 0, 0, 0)
    ground = element("geometry", element("plane", up, element("size", size)))
    # Of two touching surfaces Gazebo takes the lower friction: the tyres'.
    friction = max(1.0, CAR.friction)
    surface = element(
        "surface",
        element("friction", element("ode", element("mu", friction), element("mu2", friction))),
    )
    return (
        _visual("grass", pose, grass, look.material(look.grass, settings)),
        element("collision", ground, surface, name="ground_collision"),
    )


def _barriers(circuit: Circuit, material: Element) -> list[Element]:
    """Return the walls around the circuit, each to be seen and to be hit."""
    corners = barrier_corners(circuit)
    walls = []
    for side, (start, end) in enumerate(zip(np.roll(corners, 1, axis=0), corners, strict=True)):
        along = end - start
        length_m = float(np.hypot(*along))
        outwards = np.array([along[1], -along[0]]) / length_m
        x_m, y_m = (start + end) / 2 + outwards * _BARRIER_THICKNESS_M / 2
        pose = (
            round(float(x_m), 4),
            round(float(y_m), 4),
            BARRIER_HEIGHT_M / 2,
            0,
            0,
            round(math.atan2(along[1], along[0]), 6),
        )
        # Longer by what a corner opens on the outside.
        size = (round(length_m + _BARRIER_THICKNESS_M, 4), _BARRIER_THICKNESS_M, BARRIER_HEIGHT_M)
        name = f"barrier_{side}"
        walls.append(_visual(name, pose, box(size), material))
        hull = f"{name}_collision"
        walls.append(element("collision", element("pose", pose), box(size), name=hull))
    return walls


def _visual(name: str, pose: tuple[float, ...], geometry: Element, material: Element) -> Element:
    return element(
        "visual",
        element("cast_shadows", False),
        element("pose", pose),
        geometry,
        material,
        name=name,
    )
