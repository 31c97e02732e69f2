"""The one preprocessing: chosen rows, averaged columns, and agreement with the embedded view."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from f1_rl.circuits import Poses, load_circuit, read_circuit_csv
from f1_rl.driving.observation import CHANNELS, FrameStack, ObservationSettings, Preprocessing
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Camera, Simulator

DATA = Path(__file__).parents[1] / "data"
SETTINGS = [
    ObservationSettings(),
    ObservationSettings(channel="rgb", rows=16, columns=80),
    ObservationSettings(channel="gray", rows=40, columns=32, farthest_m=20.0),
    ObservationSettings(channel="red", rows=12, columns=640, nearest_m=0.3),
]


@pytest.fixture(scope="module")
def driven() -> Simulator:
    """Cars here and there on a circuit, some askew."""
    circuit = load_circuit("simple")
    cars = Simulator([circuit], 6)
    arc_length_m = np.linspace(0.0, circuit.length_m, 6, endpoint=False)
    lateral_m = np.array([0.0, 0.4, -0.6, 0.1, 1.2, -0.2])
    heading_rad = np.array([0.0, 0.2, -0.3, 0.05, -0.5, 0.0])
    cars.place(np.arange(6), 0, circuit.pose_at(arc_length_m, lateral_m, heading_rad))
    return cars


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"{s.channel}-{s.rows}x{s.columns}")
def test_preprocessing_of_a_whole_frame_is_what_the_simulator_draws(driven, settings):
    preprocessing = Preprocessing(settings, driven.camera)
    drawn = driven.view(preprocessing.view)
    reduced = np.stack([preprocessing.apply(driven.frame(car)) for car in range(driven.num_cars)])
    assert drawn.shape == reduced.shape == (6, *preprocessing.frame_shape)
    difference = np.abs(drawn.astype(int) - reduced)
    assert difference.mean(axis=(1, 2, 3)).max() < 3.0
    # The pictures are worth comparing.
    assert reduced.std() > 4.0


def test_preprocessing_of_a_frame_with_traffic_is_what_the_simulator_draws():
    cars = Simulator([load_circuit("simple")], 12, traffic="mixed", seed=1)
    boxes = cars.obstacles.poses_m[np.arange(12), np.arange(12) % 6]
    behind_m = np.linspace(1.0, 6.0, 12)
    x_m, y_m = boxes[:, 0] - behind_m * np.cos(boxes[:, 2]), boxes[:, 1]
    y_m = y_m - behind_m * np.sin(boxes[:, 2])
    traffic = cars.obstacles.state()
    cars.place(np.arange(12), 0, Poses(x_m, y_m, boxes[:, 2]))
    cars.obstacles.restore(traffic)
    preprocessing = Preprocessing(ObservationSettings(), cars.camera)
    reduced = np.stack([preprocessing.apply(cars.frame(car)) for car in range(12)])
    difference = np.abs(cars.view(preprocessing.view).astype(int) - reduced)
    assert difference.mean(axis=(1, 2, 3)).max() < 1.0
    # Boxes of 180 and slower cars of 215 in red are there to be seen.
    assert ((reduced > 170) & (reduced < 225)).sum() > 500


def test_preprocessing_of_gazebo_frames_is_what_the_simulator_draws_at_their_poses():
    entries = json.loads((DATA / "gazebo" / "poses.json").read_text())["frames"]
    circuit = read_circuit_csv(DATA / "circuits" / "gazebo_centreline.csv")
    poses = Poses(*(np.array([e[key] for e in entries]) for key in ("x_m", "y_m", "yaw_rad")))
    cars = Simulator([circuit], len(entries))
    cars.place(np.arange(len(entries)), 0, poses)
    preprocessing = Preprocessing(ObservationSettings(), cars.camera)
    drawn = cars.view(preprocessing.view)
    for entry, ours in zip(entries, drawn, strict=True):
        frame = cv2.imread(str(DATA / "gazebo" / entry["file"]))[..., ::-1]
        theirs = preprocessing.apply(np.ascontiguousarray(frame))
        assert np.abs(ours.astype(int) - theirs).mean() < 3.0, entry["file"]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"{s.channel}-{s.rows}x{s.columns}")
def test_rows_are_different_ones_from_far_to_near_within_the_distances(settings):
    camera = Camera()
    rows = np.array(Preprocessing(settings, camera).view.rows)
    assert (np.diff(rows) > 0).all()
    distances = camera.ground_distance_m(rows)
    half_a_row = camera.ground_distance_m(camera.row_at(settings.farthest_m) - 0.5)
    assert distances.max() <= half_a_row + 1e-9
    nearest = camera.row_at(settings.nearest_m)
    assert distances.min() >= camera.ground_distance_m(nearest + 0.5) - 1e-9
    assert distances.min() == pytest.approx(settings.nearest_m, rel=0.02)


def test_red_is_what_the_default_keeps_of_a_frame():
    preprocessing = Preprocessing(ObservationSettings(), Camera())
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[..., 0], frame[..., 1] = 200, 90
    assert (preprocessing.apply(frame) == 200).all()


def test_columns_are_means_of_equal_shares():
    preprocessing = Preprocessing(ObservationSettings(columns=4), Camera())
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[:, :80] = 100
    frame[:, 480:] = 255
    reduced = preprocessing.apply(frame)
    np.testing.assert_array_equal(reduced[0, :, 0], [50, 0, 0, 255])


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((480, 640), np.uint8),
        np.zeros((480, 640, 4), np.uint8),
        np.zeros((640, 480, 3), np.uint8),
        np.zeros((240, 320, 3), np.uint8),
        np.zeros((480, 640, 3), np.float32),
    ],
    ids=lambda f: f"{f.shape}-{f.dtype}",
)
def test_frames_of_another_size_or_kind_are_refused(frame):
    with pytest.raises(ValueError, match="does not fit the camera"):
        Preprocessing(ObservationSettings(), Camera()).apply(frame)


@pytest.mark.parametrize(
    ("changes", "camera", "reason"),
    [
        ({"columns": 60}, {}, "640 pixels wide.*60 equal columns"),
        ({"rows": 300}, {}, "fewer than 300 different rows"),
        ({"nearest_m": 0.05}, {}, "choose fewer rows or a larger nearest_m"),
        ({}, {"pitch_rad": -0.6}, "different rows"),
    ],
)
def test_observations_that_the_camera_cannot_give_are_refused(changes, camera, reason):
    with pytest.raises(SettingsError, match=reason):
        Preprocessing(ObservationSettings(**changes), Camera(**camera))


def test_distances_out_of_order_are_refused():
    with pytest.raises(SettingsError, match="nearest_m must be below farthest_m"):
        build_settings(ObservationSettings, {"nearest_m": 12.0})


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_gives_its_shape(channel):
    preprocessing = Preprocessing(ObservationSettings(channel=channel), Camera())
    frame = np.full((480, 640, 3), 255, np.uint8)
    reduced = preprocessing.apply(frame)
    assert reduced.shape == preprocessing.frame_shape
    assert (reduced >= 254).all()


def test_a_stack_is_filled_at_the_start_and_shifts_the_newest_to_the_end():
    stack = FrameStack(2, (1, 1, 3), 3)

    def frames(first, second):
        return np.array([first, second], np.uint8).reshape(2, 1, 1, 1) * np.array(
            [1, 10, 20], np.uint8
        )

    stack.push(frames(1, 2), np.array([True, True]))
    np.testing.assert_array_equal(stack.array[0].ravel(), [1, 10, 20] * 3)
    stack.push(frames(3, 4), np.array([False, False]))
    np.testing.assert_array_equal(stack.array[0].ravel(), [1, 10, 20, 1, 10, 20, 3, 30, 60])
    stack.push(frames(5, 6), np.array([False, True]))
    np.testing.assert_array_equal(stack.array[0].ravel(), [1, 10, 20, 3, 30, 60, 5, 50, 100])
    np.testing.assert_array_equal(stack.array[1].ravel(), [6, 60, 120] * 3)


def test_a_stack_of_one_holds_the_newest_frame_alone():
    stack = FrameStack(1, (1, 2, 1), 1)
    stack.push(np.full((1, 1, 2, 1), 7, np.uint8), np.array([True]))
    stack.push(np.full((1, 1, 2, 1), 9, np.uint8), np.array([False]))
    assert (stack.array == 9).all()
