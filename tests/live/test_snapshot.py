"""What a page is sent: whole scenes and moments, as JSON can hold them."""

import base64
import json
import math

import cv2
import numpy as np
import pytest

from f1_rl.circuits import load_circuit
from f1_rl.live.snapshot import (
    Command,
    Ghost,
    Moment,
    Pose,
    Scene,
    TrainingFigures,
    observation_picture,
    plain,
)


def decoded(uri: str) -> np.ndarray:
    encoded = base64.b64decode(uri.partition("base64,")[2])
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_scene_carries_the_outline_of_its_circuit():
    circuit = load_circuit("simple")
    message = Scene("a run", "train", circuit=circuit, action_names=("left", "right")).as_message()
    assert message == json.loads(json.dumps(message))
    assert message["type"] == "scene"
    assert message["action_names"] == ["left", "right"]
    drawn = message["circuit"]
    assert drawn["name"] == "simple"
    edges = [np.array(drawn[name]) for name in ("left", "centre_line", "right")]
    assert 100 < len(edges[0]) < 1_000
    widths = np.linalg.norm(edges[0] - edges[2], axis=1)
    assert widths == pytest.approx(circuit.width_left_m[0] + circuit.width_right_m[0], abs=0.02)


def test_what_is_no_finite_number_becomes_null():
    figures = TrainingFigures(32, 0, 1.0, math.nan, math.inf, 5.0, -math.inf)
    moment = Moment(
        q_values=np.array([1.5, np.nan], np.float32),
        lap_time_s=np.float64("nan"),
        pose=Pose(np.float64(1.0), 2.0, 0.5),
        command=Command(7.0, -0.5),
        ghosts=(Ghost("best", 1.0, 2.0, 3.0, math.nan),),
        training=figures,
    )
    message = json.loads(json.dumps(moment.as_message(), allow_nan=False))
    assert message["q_values"] == [1.5, None]
    assert message["lap_time_s"] is None
    assert message["pose"] == {"x_m": 1.0, "y_m": 2.0, "yaw_rad": 0.5}
    assert message["command"] == {"speed_mps": 7.0, "yaw_rate_radps": -0.5}
    assert message["ghosts"][0]["gap_s"] is None
    assert message["training"]["loss"] is None
    assert message["training"]["mean_q"] is None
    assert message["training"]["episode_return"] is None
    assert message["training"]["steps_per_s"] == 5.0


def test_values_of_numpy_become_those_of_python():
    assert plain({"a": np.int64(3), "b": np.bool_(True), "c": (np.arange(2),)}) == {
        "a": 3,
        "b": True,
        "c": [[0, 1]],
    }


def test_pictures_arrive_as_they_were():
    camera = np.zeros((48, 64, 3), np.uint8)
    camera[:, :, 0] = 200
    observation = np.arange(8 * 16, dtype=np.uint8).reshape(8, 16)
    message = Moment(camera=camera, observation=observation).as_message()
    assert message["camera"].startswith("data:image/jpeg;base64,")
    # OpenCV has blue first.
    assert decoded(message["camera"])[..., ::-1].reshape(-1, 3).mean(axis=0) == pytest.approx(
        [200, 0, 0], abs=3
    )
    assert np.array_equal(decoded(message["observation"]), observation)


def test_a_picture_may_be_drawn_when_it_is_wanted():
    drawn = []

    def draw() -> np.ndarray:
        drawn.append(True)
        return np.full((8, 8, 3), 255, np.uint8)

    moment = Moment(camera=draw)
    assert not drawn
    assert decoded(moment.as_message()["camera"]).mean() == 255


@pytest.mark.parametrize(("channels", "shape"), [(1, (4, 6 + 1 + 6)), (3, (4, 6 + 1 + 6, 3))])
def test_stacked_frames_stand_side_by_side_the_newest_on_the_right(channels, shape):
    frames = np.zeros((4, 6, 2 * channels), np.uint8)
    frames[..., channels:] = 255
    picture = observation_picture(frames, channels)
    assert picture.shape == shape
    assert (picture[:, :6] == 0).all()
    assert (picture[:, 7:] == 255).all()


def test_a_frame_of_another_number_of_channels_is_shown_by_their_mean():
    frame = np.stack([np.full((2, 2), 10, np.uint8), np.full((2, 2), 30, np.uint8)], axis=-1)
    assert (observation_picture(frame, 2) == 20).all()
