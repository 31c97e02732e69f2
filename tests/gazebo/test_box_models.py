"""Boxes of a traffic scenario: in the world where the embedded simulator has them."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from gazebo_helpers import Painter, WrittenWorld, floats

from f1_rl.circuits import Poses, load_circuit
from f1_rl.gazebo import WorldSettings, world_files
from f1_rl.settings import SettingsError
from f1_rl.simulation import Camera, Simulator, Traffic, load_traffic

CIRCUIT = load_circuit("simple")


def world_with(**changes) -> ElementTree.Element:
    text = world_files(CIRCUIT, WorldSettings(**changes))["worlds/simple.sdf"]
    return ElementTree.fromstring(text).find("world")


@pytest.mark.parametrize("name", ["boxes", "slalom", "mixed"])
def test_boxes_stand_where_the_simulator_has_them(name):
    traffic = load_traffic(name)
    cars = Simulator([CIRCUIT], 1, traffic=replace(traffic, seed=7))
    models = world_with(traffic=name, traffic_seed=7).findall("model")
    poses = np.array([floats(model, "pose") for model in models])
    np.testing.assert_allclose(
        poses[:, [0, 1, 5]], cars.obstacles.poses_m[0, : traffic.boxes], atol=1e-5
    )
    assert not poses[:, 2:5].any()
    for model in models:
        assert model.findtext("static") == "true"
        for part in ("link/collision", "link/visual[@name='body']"):
            assert tuple(floats(model, f"{part}/geometry/box/size")) == traffic.box_size_m
            assert floats(model, f"{part}/pose") == [0, 0, traffic.box_size_m[2] / 2, 0, 0, 0]


def test_another_seed_puts_them_elsewhere():
    first, other = (
        [floats(model, "pose") for model in world_with(traffic="boxes", traffic_seed=seed)]
        for seed in (0, 1)
    )
    assert first != other


def test_a_world_without_traffic_has_no_models_of_its_own():
    assert world_with().findall("model") == []


def test_boxes_look_like_the_embedded_camera_shows_them():
    """The boxes of the world, drawn by a plain pinhole camera, against the embedded picture."""
    traffic = Traffic(boxes=6, seed=3)
    cars = Simulator([CIRCUIT], 6, traffic=traffic)
    boxes = cars.obstacles.poses_m[0]
    arc_m = CIRCUIT.project(Poses(*boxes.T)).arc_length_m
    poses = CIRCUIT.pose_at(arc_m - np.linspace(1.2, 4.0, 6), 0.2)
    cars.place(np.arange(6), 0, poses)
    files = world_files(CIRCUIT, WorldSettings(traffic=traffic, traffic_seed=3))
    world = WrittenWorld.read(files, "simple")
    for car, pose in enumerate(zip(poses.x_m, poses.y_m, poses.yaw_rad, strict=True)):
        painter = Painter(Camera(), *pose)
        painter.draw(world)
        for model in world.world.findall("model"):
            painter.draw_model(model, world.engine)
        ours, theirs = (cardboard(picture) for picture in (cars.frame(car), painter.picture))
        assert theirs.sum() > 100
        # Pixels at the edges are mixtures to the embedded camera alone.
        assert (ours & theirs).sum() > 0.9 * (ours | theirs).sum(), car


def cardboard(picture: np.ndarray) -> np.ndarray:
    """Pixels of a box, whichever face."""
    faces = np.outer((1.0, 0.8, 1.15), Traffic().box_colour)
    return (np.abs(picture[..., None, :] - faces).max(axis=-1) <= 1.5).any(axis=-1)


def test_traffic_without_room_is_refused():
    reason = "40 obstacles needs 328 m of road, and simple has 158 m"
    with pytest.raises(SettingsError, match=reason):
        world_with(traffic=Traffic(boxes=40))
