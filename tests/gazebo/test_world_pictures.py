"""The meshes of the worlds, drawn by a plain pinhole camera, against the embedded camera."""

import numpy as np
import pytest
from gazebo_helpers import Painter, WrittenWorld
from numpy.typing import NDArray

from f1_rl.circuits import load_circuit
from f1_rl.gazebo import WorldSettings, world_files
from f1_rl.gazebo.worlds import BARRIER_COLOUR, KERB_COLOURS
from f1_rl.simulation import NOMINAL_PALETTE, Appearance, Camera, Renderer

BELOW_HORIZON = slice(241, None)
GRASS, LINE = 1, 3


def labels(frames: NDArray[np.uint8]) -> NDArray[np.intp]:
    palette = np.array(NOMINAL_PALETTE)
    return np.asarray(np.square(frames[..., None, :].astype(int) - palette).sum(-1).argmin(-1))


@pytest.mark.parametrize(("name", "engine"), [("simple", "ogre2"), ("harbour", "ogre")])
def test_worlds_look_like_the_embedded_camera_shows_their_circuits(name, engine):
    circuit = load_circuit(name)
    settings = WorldSettings(render_engine=engine)
    world = WrittenWorld.read(world_files(circuit, settings), name)
    poses = circuit.pose_at(
        np.linspace(0.0, circuit.length_m, 4, endpoint=False),
        np.array([0.0, 0.5, -0.7, 1.1]),
        np.array([0.0, -0.4, 0.3, -0.1]),
    )
    drawn = Renderer([circuit], Camera()).frames(np.zeros(4), poses, Appearance.nominal(4))
    pictures = [
        Painter(Camera(), *pose).draw(world)
        for pose in zip(poses.x_m, poses.y_m, poses.yaw_rad, strict=True)
    ]
    ours, theirs = (labels(frames)[:, BELOW_HORIZON] for frames in (drawn, np.stack(pictures)))
    assert (ours == theirs).mean(axis=(1, 2)).min() >= 0.995
    if circuit.has_line:
        both, either = (ours == LINE) & (theirs == LINE), (ours == LINE) | (theirs == LINE)
        assert both.sum() / either.sum() >= 0.98


def test_straight_ahead_the_colours_are_those_of_the_palette_exactly():
    circuit = load_circuit("simple")
    world = WrittenWorld.read(world_files(circuit, WorldSettings()), "simple")
    start = circuit.pose_at(0.0)
    pose = (start.x_m[0], start.y_m[0], start.yaw_rad[0])
    picture = Painter(Camera(), *pose).draw(world)
    colours = {
        tuple(int(level) for level in row) for row in np.unique(picture.reshape(-1, 3), axis=0)
    }
    assert set(NOMINAL_PALETTE) <= colours
    assert colours <= {*NOMINAL_PALETTE, *KERB_COLOURS.values(), BARRIER_COLOUR}


@pytest.mark.parametrize("colour", [*KERB_COLOURS.values(), BARRIER_COLOUR])
def test_what_stands_on_grass_is_grass_to_an_observation(colour):
    assert colour[0] == NOMINAL_PALETTE[GRASS][0]
    assert labels(np.array(colour, np.uint8)) == GRASS
    # So are the mixtures with its neighbours at the edges.
    for neighbour in (NOMINAL_PALETTE[GRASS], *KERB_COLOURS.values()):
        assert labels(((np.array(colour) + neighbour) / 2).astype(np.uint8)) == GRASS
