"""How observation spaces are laid out for replay and network."""

import gymnasium as gym
import numpy as np
import pytest

from f1_rl.learning.observations import ObservationLayout
from f1_rl.settings import SettingsError


def box(shape, dtype=np.float32):
    return gym.spaces.Box(0, 255, shape, dtype)


def test_a_box_is_one_part_without_a_name():
    layout = ObservationLayout(box((4,), np.float64))
    (part,) = layout.parts
    assert (part.name, part.shape, part.dtype, part.stack) == ("", (4,), np.float32, 1)
    observations = np.arange(8.0).reshape(2, 4)
    (split,) = layout.split(observations)
    assert split.dtype == np.float32
    np.testing.assert_array_equal(layout.join([split]), observations)
    assert layout.longest_stack == 1


def test_parts_of_a_mapping_come_in_the_order_of_their_names():
    space = gym.spaces.Dict({"speed": box((1,)), "frames": box((2, 3, 4), np.uint8)})
    layout = ObservationLayout(space, 2)
    assert [part.name for part in layout.parts] == ["frames", "speed"]
    observations = {
        "speed": np.ones((5, 1), np.float32),
        "frames": np.zeros((5, 2, 3, 4), np.uint8),
    }
    split = layout.split(observations)
    assert [part.shape for part in split] == [(5, 2, 3, 4), (5, 1)]
    joined = layout.join(split)
    assert set(joined) == {"frames", "speed"}
    assert layout.longest_stack == 2


def test_only_pictures_are_stacks_and_the_newest_frame_is_the_last():
    space = gym.spaces.Dict({"frames": box((2, 3, 6), np.uint8), "speed": box((4,))})
    frames, speed = ObservationLayout(space, 3).parts
    assert (frames.stack, frames.frame_shape) == (3, (2, 3, 2))
    assert (speed.stack, speed.frame_shape) == (1, (4,))
    picture = np.arange(36, dtype=np.uint8).reshape(1, 2, 3, 6)
    np.testing.assert_array_equal(frames.newest_frame(picture), picture[..., 4:])
    np.testing.assert_array_equal(frames.frame_view(picture, 0), picture[..., :2])
    assert frames.frame_view(picture, 1).base is not None
    vector = np.ones((1, 4))
    assert speed.newest_frame(vector) is vector


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Discrete(5),
        gym.spaces.MultiBinary(3),
        gym.spaces.Tuple((box((2,)),)),
        gym.spaces.Dict({"a": box((2,)), "b": gym.spaces.Discrete(2)}),
    ],
    ids=str,
)
def test_spaces_that_no_network_takes_are_refused(space):
    with pytest.raises(SettingsError, match="cannot be learned from; use a Box"):
        ObservationLayout(space)


def test_channels_that_do_not_divide_into_frames_are_refused():
    with pytest.raises(SettingsError, match="5 channels do not divide into 2 frames"):
        ObservationLayout(box((2, 3, 5), np.uint8), 2)
