"""Mirrored and shifted pictures: what changes, what must not, and that the task agrees."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from learning_helpers import tiny_settings

from f1_rl.driving.task import Starts
from f1_rl.learning.augmentation import Augmentation
from f1_rl.learning.environments import make_environments
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch
from f1_rl.learning.settings import AugmentationSettings
from f1_rl.settings import SettingsError

ROWS, COLUMNS = 6, 10
MIRRORED_ACTIONS = (0, 2, 1)
FRAMES = gym.spaces.Box(0, 255, (ROWS, COLUMNS, 2), np.uint8)
SPEED = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
PICTURES = ObservationLayout(FRAMES, 2)
WITH_SPEED = ObservationLayout(gym.spaces.Dict({"frames": FRAMES, "speed": SPEED}), 2)


def make(layout=PICTURES, mirrored_actions=MIRRORED_ACTIONS, **settings) -> Augmentation:
    return Augmentation(AugmentationSettings(**settings), layout, mirrored_actions)


def make_batch(layout=PICTURES, updates=2, batch_size=40) -> Batch:
    """Pictures of which each pixel says its row in one channel and its column in the other."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:ROWS, :COLUMNS].astype(np.uint8)
    shape = (updates, batch_size, 2)
    pictures = np.tile(np.stack([rows, columns], axis=-1), (*shape, 1, 1, 1))
    parts = (pictures, rng.random((*shape, 1), np.float32))[: len(layout.parts)]
    return Batch(
        observations=parts,
        actions=rng.integers(0, 3, shape[:2]).astype(np.int32),
        rewards=rng.random(shape[:2], np.float32),
        discounts=rng.random(shape[:2], np.float32),
    )


def test_half_of_each_batch_is_mirrored_with_its_actions_and_the_rest_is_left():
    batch = make_batch(WITH_SPEED)
    before = batch.observations[0].copy()
    mirrored = make(WITH_SPEED, mirror=True).apply(batch, np.random.default_rng(0))
    pictures, flipped = batch.observations[0], mirrored.observations[0]
    np.testing.assert_array_equal(flipped[:, ::2], pictures[:, ::2, :, :, ::-1])
    np.testing.assert_array_equal(flipped[:, 1::2], pictures[:, 1::2])
    exchanged = np.array(MIRRORED_ACTIONS)[batch.actions]
    np.testing.assert_array_equal(mirrored.actions[:, ::2], exchanged[:, ::2])
    np.testing.assert_array_equal(mirrored.actions[:, 1::2], batch.actions[:, 1::2])
    np.testing.assert_array_equal(mirrored.observations[1], batch.observations[1])
    np.testing.assert_array_equal(mirrored.rewards, batch.rewards)
    np.testing.assert_array_equal(mirrored.discounts, batch.discounts)
    assert (mirrored.actions.dtype, flipped.dtype) == (np.int32, np.uint8)
    np.testing.assert_array_equal(pictures, before)


def test_advice_is_mirrored_like_actions_and_none_stays_none():
    batch = make_batch()
    advice = np.random.default_rng(1).random((*batch.actions.shape, 3)).astype(np.float32)
    mirrored = make(mirror=True).apply(replace(batch, advice=advice), np.random.default_rng(0))
    for action, image in enumerate(MIRRORED_ACTIONS):
        np.testing.assert_array_equal(mirrored.advice[:, ::2, image], advice[:, ::2, action])
    np.testing.assert_array_equal(mirrored.advice[:, 1::2], advice[:, 1::2])
    assert mirrored.advice.dtype == np.float32
    assert make(mirror=True).apply(batch, np.random.default_rng(0)).advice is None


def test_each_picture_is_shifted_by_itself_up_to_the_limit_with_its_edges_repeated():
    batch = make_batch(WITH_SPEED)
    shifted = make(WITH_SPEED, shift=2).apply(batch, np.random.default_rng(0))
    pictures = shifted.observations[0].reshape(-1, ROWS, COLUMNS, 2).astype(int)
    # The pixel in the middle tells by how much: nothing there is an edge.
    down, right = (pictures[:, 3, 5] - [3, 5]).T
    for picture, rows, columns in zip(pictures, down, right, strict=True):
        expected_rows = np.clip(np.arange(ROWS) + rows, 0, ROWS - 1)
        expected_columns = np.clip(np.arange(COLUMNS) + columns, 0, COLUMNS - 1)
        np.testing.assert_array_equal(picture[..., 0], np.tile(expected_rows, (COLUMNS, 1)).T)
        np.testing.assert_array_equal(picture[..., 1], np.tile(expected_columns, (ROWS, 1)))
    assert set(down) == set(right) == {-2, -1, 0, 1, 2}
    assert (down[::2] != down[1::2]).any(), "both states of a transition are shifted alike"
    assert (down != right).any()
    np.testing.assert_array_equal(shifted.actions, batch.actions)
    np.testing.assert_array_equal(shifted.observations[1], batch.observations[1])


def test_mirrored_pictures_are_shifted_too():
    shifted = make(mirror=True, shift=1).apply(make_batch(), np.random.default_rng(0))
    columns = shifted.observations[0][:, ::2, :, 3, :, 1].astype(int)
    assert (np.diff(columns) <= 0).all(), "not mirrored"
    assert set(columns[..., 5].ravel()) == {3, 4, 5}


def test_nothing_changes_where_nothing_is_set():
    batch = make_batch()
    assert make(mirrored_actions=None).apply(batch, np.random.default_rng(0)) is batch


@pytest.mark.parametrize(
    ("layout", "settings", "reason"),
    [
        (ObservationLayout(SPEED), {"mirror": True}, "holds no picture"),
        (ObservationLayout(SPEED), {"shift": 1}, "holds no picture"),
        (PICTURES, {"mirror": True}, "mirror images of each other is not known"),
    ],
)
def test_what_cannot_be_changed_is_refused(layout, settings, reason):
    with pytest.raises(SettingsError, match=reason):
        make(layout, None, **settings)


@pytest.mark.parametrize("vehicle", ["kinematic", "single_track"])
def test_the_mirrored_action_in_the_mirrored_place_gives_the_mirrored_picture(vehicle):
    settings = tiny_settings(
        task={
            "actions": "racing",
            "vehicle": vehicle,
            "camera": {"y_m": 0.0},
            "observation": {"rows": 24, "columns": 64, "speed": True},
        },
        agent={"augmentation": {"mirror": True}},
        training={"num_envs": 2},
    )
    environments = make_environments(settings)
    side = np.array([1, -1])
    # The oval's start line is in the middle of a straight, so one way round mirrors the other.
    environments.vector.reset(
        seed=0,
        options={"starts": Starts(np.zeros(2, int), np.full(2, 3.0), side, 0.3 * side, 0.2 * side)},
    )
    for action in (0, 3, 6, 2, 5, 1, 4):
        pair = [action, environments.mirrored_actions[action]]
        observations, rewards, *_ = environments.vector.step(np.array(pair))
        one, other = observations["frames"].astype(int)
        assert np.abs(one - other[:, ::-1]).max() <= 1
        assert np.abs(one - other).max() > 50
        assert rewards[0] == pytest.approx(rewards[1], abs=1e-6)
        assert observations["speed"][0] == pytest.approx(observations["speed"][1])


def test_a_table_without_mirror_images_is_refused_where_one_is_needed(tmp_path):
    table = tmp_path / "left.yaml"
    table.write_text("left:\n  description: Mine.\n  actions: [[3, 0], [2, 0.5]]\n")
    task = {"actions": str(table)}
    make_environments(tiny_settings(task=task)).vector.close()
    with pytest.raises(SettingsError, match=r"'left' holds no mirror image of 2.0 m/s, left 0.5"):
        make_environments(tiny_settings(task=task, agent={"augmentation": {"mirror": True}}))
