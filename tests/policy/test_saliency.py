"""Saliency: high where a Q-function looks, zero where it does not."""

from pathlib import Path

import numpy as np
import pytest

from f1_rl.circuits import load_circuit
from f1_rl.driving.environment import make_task, observe
from f1_rl.driving.task import Starts
from f1_rl.policy import load_policy
from f1_rl.policy.saliency import Saliency, saliency_of

POLICY = Path(__file__).parents[1] / "data" / "policy"
SHAPE = (24, 64, 2)


def picture(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, *shape), np.uint8)


def steers_by(rows, columns):
    """Return a Q-function that chooses by the brightness of one region, left or right."""

    def q_values(parts):
        brightness = parts[0][:, rows, columns].astype(np.float32).mean(axis=(1, 2, 3)) / 255
        return np.stack([brightness, -brightness, np.full_like(brightness, 7.0)], axis=1)

    return q_values


@pytest.mark.parametrize("shape", [SHAPE, (84, 84, 4), (5, 7, 1), (12, 32, 3)])
def test_only_the_region_that_a_q_function_looks_at_is_salient(shape):
    rows, columns = slice(0, shape[0] // 4), slice(shape[1] // 2, shape[1] // 2 + shape[1] // 4)
    frame = np.zeros((1, *shape), np.uint8)
    frame[:, : shape[0] // 8 + 1, columns] = 255

    scores = Saliency(steers_by(rows, columns), shape).of(frame)

    assert scores.shape == shape[:2]
    inside = np.zeros(shape[:2], bool)
    inside[rows, columns] = True
    peak = np.unravel_index(scores.argmax(), scores.shape)
    assert inside[peak]
    assert scores[inside].mean() > 5 * scores[~inside].mean()
    assert scores[-1].max() < 1e-3 * scores.max()


def test_the_score_is_half_the_squared_change_of_the_advantages():
    asked = []

    def q_values(parts):
        asked.append(parts[0])
        changed = (parts[0] != parts[0][0]).any(axis=(1, 2, 3))
        return np.stack([2.0 * changed, 0.0 * changed], axis=1)

    scores = Saliency(q_values, SHAPE).of(picture())

    # Values (2, 0) instead of (0, 0): advantages (1, -1), half the sum of their squares is 1.
    np.testing.assert_allclose(scores, 1.0, rtol=1e-6)
    assert len(asked) == 1
    assert len(asked[0]) <= 101
    np.testing.assert_array_equal(asked[0][0], picture()[0])


@pytest.mark.parametrize(
    "q_values",
    [
        lambda parts: np.ones((len(parts[0]), 3)),
        # Every action alike: no decision changes by it.
        lambda parts: np.repeat(parts[0].astype(np.float32).mean(axis=(1, 2, 3))[:, None], 3, 1),
    ],
)
def test_what_changes_no_decision_is_nowhere_salient(q_values):
    scores = Saliency(q_values, SHAPE).of(picture())

    np.testing.assert_allclose(scores, 0.0, atol=1e-8)


def test_a_picture_without_contrast_has_nothing_to_take_away():
    scores = Saliency(steers_by(slice(None), slice(None)), SHAPE).of(
        np.full((1, *SHAPE), 90, np.uint8)
    )

    assert not scores.any()


def test_other_parts_of_an_observation_are_given_unchanged():
    speeds = []

    def q_values(parts):
        frames, speed = parts
        speeds.append(speed)
        brightness = frames[:, :6, :8].astype(np.float32).mean(axis=(1, 2, 3))
        return np.stack([brightness * speed[:, 0], np.zeros(len(frames))], axis=1)

    saliency = Saliency(q_values, SHAPE)
    moving = saliency.of({"frames": picture(), "speed": np.array([[0.7]], np.float32)})
    standing = saliency.of({"frames": picture(), "speed": np.array([[0.0]], np.float32)})

    assert moving.max() > 0.0
    assert not standing.any()
    np.testing.assert_array_equal(np.unique(speeds[0]), np.float32([0.7]))


def test_frames_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"give \(1, 24, 64, 2\)"):
        Saliency(steers_by(slice(1), slice(1)), SHAPE).of(picture((24, 32, 2)))


def test_a_trained_policy_looks_at_the_line_and_not_beside_it():
    policy = load_policy(POLICY)
    saliency = saliency_of(policy)
    task = make_task(policy.task_settings, num_cars=8)
    arc_length_m = np.linspace(0.0, load_circuit("simple").length_m, 8, endpoint=False)
    none = np.zeros(8)
    starts = Starts(np.zeros(8, int), arc_length_m, np.ones(8, int), none + 0.2, none)
    task.begin(np.arange(8), starts)
    frames = observe(task, np.ones(8, bool))
    before = policy.observation_values(frames)

    shares = []
    for frame in frames:
        scores = saliency.of(frame[None])
        line = frame[..., -1] > 180
        near = np.array([np.convolve(row, np.ones(9), "same") > 0 for row in line])
        shares.append(scores[near].mean() / scores[~near].mean())

    assert np.median(shares) > 2.0
    np.testing.assert_array_equal(policy.observation_values(frames), before)
