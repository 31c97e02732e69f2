"""The embedded camera against frames that a real Gazebo drew."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from f1_rl.circuits import Circuit, Poses, read_circuit_csv
from f1_rl.simulation import NOMINAL_PALETTE, Appearance, Camera, Renderer

DATA = Path(__file__).parents[1] / "data"
SHARED = Path(__file__).parents[3] / "shared" / "gazebo"
CENTRE_LINE = DATA / "circuits" / "gazebo_centreline.csv"
BELOW_HORIZON = slice(241, None)
LINE = 3


def meshed(circuit: Circuit) -> Circuit:
    """The circuit as the polygon that the reference world's meshes are.

    A circuit is the smooth curve through its points; the chords of the world's meshes, 0.25 m
    long, lie up to 2.2 mm beside it.
    """
    x_m, y_m, right_m, left_m = np.loadtxt(CENTRE_LINE, delimiter=",", unpack=True)
    return replace(circuit, x_m=x_m, y_m=y_m, width_left_m=left_m, width_right_m=right_m)


def labels(frames: NDArray[np.uint8]) -> NDArray[np.intp]:
    palette = np.array(NOMINAL_PALETTE)
    return np.asarray(np.square(frames[..., None, :].astype(int) - palette).sum(-1).argmin(-1))


def agreement(circuit: Circuit, folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of pixels below the horizon labelled alike, and the line's IoU, per frame."""
    entries = json.loads((folder / "poses.json").read_text())["frames"]
    poses = Poses(*(np.array([e[k] for e in entries]) for k in ("x_m", "y_m", "yaw_rad")))
    count = len(entries)
    drawn = Renderer([circuit], Camera()).frames(np.zeros(count), poses, Appearance.nominal(count))
    alike, overlap = [], []
    for entry, frame in zip(entries, drawn, strict=True):
        picture = cv2.imread(str(folder / entry["file"]))[..., ::-1]
        ours, theirs = labels(frame)[BELOW_HORIZON], labels(picture)[BELOW_HORIZON]
        alike.append((ours == theirs).mean())
        both, either = (ours == LINE) & (theirs == LINE), (ours == LINE) | (theirs == LINE)
        overlap.append(both.sum() / either.sum())
    return np.array(alike), np.array(overlap)


@pytest.fixture(scope="module")
def circuit() -> Circuit:
    return read_circuit_csv(CENTRE_LINE)


def check(circuit: Circuit, folder: Path) -> None:
    alike, overlap = agreement(meshed(circuit), folder)
    assert alike.min() >= 0.995
    assert overlap.min() >= 0.98


def test_frames_agree_with_gazebo(circuit: Circuit) -> None:
    check(circuit, DATA / "gazebo")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the whole set of reference frames is not here")
def test_all_reference_frames_agree_with_gazebo(circuit: Circuit) -> None:
    check(circuit, SHARED)


def test_smooth_circuit_agrees_with_its_polygonal_world_nearly_as_well(circuit: Circuit) -> None:
    alike, overlap = agreement(circuit, DATA / "gazebo")
    assert alike.min() >= 0.993
    assert overlap.min() >= 0.97


def test_palette_is_what_gazebo_draws() -> None:
    picture = cv2.imread(str(DATA / "gazebo" / "frames" / "10.png"))[..., ::-1]
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    most = {tuple(int(level) for level in colour) for colour in colours[np.argsort(counts)[-4:]]}
    assert most == set(NOMINAL_PALETTE)
