"""The version for gym, which TF-Agents and older learners ask for."""

import numpy as np
import pytest

gym = pytest.importorskip("gym")

from gym.utils.env_checker import check_env  # noqa: E402

from f1_rl.driving.environment import F1CameraEnv  # noqa: E402
from f1_rl.driving.registration import CAMERA_ID, register_gym_envs  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _gym_knows_it() -> None:
    register_gym_envs()
    register_gym_envs()


@pytest.mark.parametrize("settings", [{}, {"observation": {"speed": True}}], ids=["frames", "dict"])
def test_gym_finds_nothing_wrong(settings):
    check_env(gym.make(CAMERA_ID, **settings))


def test_it_drives_like_the_gymnasium_version():
    ours, theirs = (
        gym.make(CAMERA_ID, endings={"time_limit_s": 1.0}),
        F1CameraEnv(endings={"time_limit_s": 1.0}),
    )
    np.testing.assert_array_equal(ours.reset(seed=4), theirs.reset(seed=4)[0])
    rng, endings = np.random.default_rng(1), set()
    for _ in range(150):
        action = int(rng.integers(ours.action_space.n))
        observation, reward, done, info = ours.step(action)
        expected, expected_reward, terminated, truncated, _ = theirs.step(action)
        np.testing.assert_array_equal(observation, expected)
        assert (reward, done) == (expected_reward, terminated or truncated)
        assert info.get("TimeLimit.truncated", False) == truncated
        if done:
            endings.add(info["ending"])
            np.testing.assert_array_equal(ours.reset(), theirs.reset()[0])
    assert "time_limit" in endings
    assert len(endings) > 1


def test_reset_returns_the_info_when_asked():
    env = gym.make(CAMERA_ID)
    observation, info = env.reset(seed=0, return_info=True)
    assert env.observation_space.contains(observation)
    assert info == {}


def test_spaces_are_those_of_the_gymnasium_version():
    env = gym.make(CAMERA_ID, observation={"speed": True})
    frames = env.observation_space["frames"]
    assert frames.shape == (24, 64, 2)
    assert frames.dtype == np.uint8
    assert env.observation_space["speed"].shape == (1,)
    assert env.render(mode="rgb_array").shape == (480, 640, 3)
    env.close()
