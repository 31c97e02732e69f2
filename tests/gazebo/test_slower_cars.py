"""Slower cars: actors that are, at any time, where the embedded simulator drives them."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from gazebo_helpers import floats, levels, read_obj

from f1_rl.circuits import load_circuit
from f1_rl.gazebo import WorldSettings, world_files
from f1_rl.gazebo.slower_cars import lap_ms
from f1_rl.settings import SettingsError
from f1_rl.simulation import Simulator, Traffic, load_traffic
from f1_rl.simulation.car_parameters import CAR
from f1_rl.simulation.scenery import WHEEL_BAND_M, WHEEL_COLOUR
from f1_rl.simulation.traffic import place_obstacles

CIRCUIT = load_circuit("simple")
HULL = "models/slower_car/meshes/hull.obj"


def files_with(**changes) -> dict[str, str]:
    return world_files(CIRCUIT, WorldSettings(**changes))


def actors(files) -> list[ElementTree.Element]:
    return ElementTree.fromstring(files["worlds/simple.sdf"]).findall("world/actor")


def trajectory(actor) -> tuple[np.ndarray, np.ndarray]:
    """Times as Gazebo cuts them, in milliseconds, and poses (x, y, yaw)."""
    waypoints = list(actor.iterfind("script/trajectory/waypoint"))
    times_ms = [int(float(each.findtext("time")) * 1000) for each in waypoints]
    poses = np.array([floats(each, "pose") for each in waypoints])
    assert not poses[:, 2:5].any()
    return np.array(times_ms), poses[:, [0, 1, 5]]


def spline_at(times_ms, poses, time_ms) -> np.ndarray:
    """Where Gazebo has a car: on a closed Catmull-Rom spline, turned evenly."""
    i = int(np.searchsorted(times_ms, time_ms, side="right")) - 1
    t = (time_ms - times_ms[i]) / (times_ms[i + 1] - times_ms[i])
    points = np.vstack([poses[-2], poses, poses[1]])[i : i + 4, :2]
    tangents = (points[2:] - points[:-2]) / 2
    place = (
        (2 * t**3 - 3 * t**2 + 1) * points[1]
        + (3 * t**2 - 2 * t**3) * points[2]
        + (t**3 - 2 * t**2 + t) * tangents[0]
        + (t**3 - t**2) * tangents[1]
    )
    return np.append(place, (1 - t) * poses[i, 2] + t * poses[i + 1, 2])


@pytest.mark.parametrize("name", ["slow_cars", "mixed"])
def test_they_are_where_the_simulator_drives_them(name):
    traffic = load_traffic(name)
    simulator = Simulator([CIRCUIT], 1, traffic=replace(traffic, seed=7), control_period_s=0.35)
    driven = [trajectory(actor) for actor in actors(files_with(traffic=name, traffic_seed=7))]
    assert len(driven) == traffic.cars
    for step in range(60):
        expected = simulator.obstacles.poses_m[0, traffic.boxes :]
        found = np.array([spline_at(*each, 350 * step) for each in driven])
        np.testing.assert_allclose(found[:, :2], expected[:, :2], atol=1e-3)
        turned = (found[:, 2] - expected[:, 2] + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(turned).max() < 0.01
        simulator.step(np.zeros((1, 2)))


def test_a_lap_ends_where_it_began_and_has_no_jumps():
    traffic = Traffic(cars=3, seed=1)
    speed_mps = place_obstacles(traffic, CIRCUIT, np.random.default_rng(1)).speed_mps[0]
    for actor in actors(files_with(traffic=traffic, traffic_seed=1)):
        assert actor.findtext("script/loop") == "true"
        times_ms, poses = trajectory(actor)
        assert times_ms[0] == 0
        assert times_ms[-1] == lap_ms(CIRCUIT, speed_mps)
        assert (np.diff(times_ms) > 0).all()
        np.testing.assert_array_equal(poses[0, :2], poses[-1, :2])
        assert np.hypot(*np.diff(poses[:, :2], axis=0).T).max() < 0.8
        assert np.abs(np.diff(poses[:, 2])).max() < 0.5


@pytest.mark.parametrize("engine", ["ogre", "ogre2"])
def test_their_hull_has_the_size_and_the_colours_of_the_simulator(engine):
    traffic = Traffic(cars=1)
    files = files_with(traffic=traffic, render_engine=engine)
    corners, triangles = read_obj(files[HULL])
    size_m = CAR.length_m, CAR.width_m, CAR.height_m
    np.testing.assert_allclose(np.ptp(corners, axis=0), size_m, atol=1e-4)
    a, b, c = (corners[triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    middle = np.array([0.0, 0.0, CAR.height_m / 2])
    assert (np.sum(normals * ((a + b + c) / 3 - middle), axis=1) > 0).all(), "seen from inside"
    colours = colours_of_triangles(files, engine)
    for normal, height, colour in zip(
        normals, np.max([a, b, c], axis=0)[:, 2], colours, strict=True
    ):
        shade = 1.0 if abs(normal[0]) > 0.5 else 0.8 if abs(normal[1]) > 0.5 else 1.15
        body = WHEEL_COLOUR if height <= WHEEL_BAND_M else traffic.car_colour
        np.testing.assert_allclose(colour, np.minimum(shade * np.array(body), 255), atol=0.6)


def colours_of_triangles(files, engine) -> list[np.ndarray]:
    """What the engine draws each triangle in."""
    materials, colours, colour = {}, [], None
    for line in files["models/slower_car/meshes/hull.mtl"].splitlines():
        word, *rest = line.split() or [""]
        if word == "newmtl":
            name = rest[0]
        if word == "Ke":
            materials[name] = levels([float(level) for level in rest], engine)
    for line in files[HULL].splitlines():
        word, *rest = line.split()
        colour = materials[rest[0]] if word == "usemtl" else colour
        if word == "f":
            colours.append(colour)
    return colours


def test_a_world_has_the_seed_of_its_own_or_that_of_the_traffic():
    own, other = Traffic(cars=1), Traffic(cars=1, seed=9)
    of_traffic = files_with(traffic=other)
    assert of_traffic == files_with(traffic=own, traffic_seed=9)
    assert of_traffic != files_with(traffic=other, traffic_seed=0)
    assert files_with(traffic=own) == files_with(traffic=other, traffic_seed=0)


def test_a_world_without_slower_cars_has_no_model_of_them():
    files = files_with(traffic="boxes")
    assert actors(files) == []
    assert not [name for name in files if "slower_car" in name]


def test_cars_that_hardly_move_are_refused():
    traffic = Traffic(cars=1, car_speed_mps=(0.0, 0.0))
    with pytest.raises(SettingsError, match="of 0 m/s need more than a day for a lap of simple"):
        files_with(traffic=traffic)
