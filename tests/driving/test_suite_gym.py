"""TF-Agents' own way to an environment."""

import numpy as np
import pytest

from f1_rl.driving.registration import CAMERA_ID, register_gym_envs

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def environment():
    from f1_rl.learning.device import import_tensorflow

    import_tensorflow()
    from tf_agents.environments import suite_gym

    register_gym_envs()
    return suite_gym.load(CAMERA_ID, gym_kwargs={"circuits": ["oval"]})


def test_suite_gym_gives_specs_of_the_task(environment):
    assert environment.observation_spec().shape == (24, 64, 2)
    assert environment.observation_spec().dtype == np.uint8
    action_spec = environment.action_spec()
    assert (action_spec.minimum, action_spec.maximum) == (0, environment.gym.action_space.n - 1)


def test_stepping_gives_time_steps_until_the_episode_ends(environment):
    time_step = environment.reset()
    assert time_step.is_first()
    assert time_step.reward == 0.0
    steps = 0
    while not time_step.is_last():
        time_step = environment.step(np.array(1, environment.action_spec().dtype))
        steps += 1
        assert time_step.observation.shape == (24, 64, 2)
        assert np.isfinite(time_step.reward)
        assert time_step.discount == (0.0 if time_step.is_last() else 1.0)
        assert steps < 2_000
    assert steps > 1
    assert environment.step(np.array(0, np.int64)).is_first()


def test_tf_agents_finds_nothing_wrong(environment):
    from tf_agents.environments import utils

    utils.validate_py_environment(environment, episodes=3)
