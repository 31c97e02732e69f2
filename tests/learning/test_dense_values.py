"""Values of dense networks without TensorFlow."""

import gymnasium as gym
import numpy as np
from test_agent import ONE_HOT, chain_batch, make_agent

from f1_rl.learning.dense_values import DenseValues
from f1_rl.learning.device import import_tensorflow

tf = import_tensorflow()


def test_values_are_those_computed_by_hand():
    first = (np.array([[1.0, -1.0], [2.0, 0.5]]), np.array([0.0, 1.0]))
    last = (np.array([[1.0], [10.0]]), np.array([-3.0]))
    values = DenseValues([*first, *last])([np.array([[1.0, 1.0], [-2.0, 0.0]], np.float32)])
    # Hidden units 3 and 0.5, then 0 (of -2) and 3.
    np.testing.assert_allclose(values, [[3.0 + 5.0 - 3.0], [0.0 + 30.0 - 3.0]])


def test_values_are_those_of_the_network_for_several_parts():
    space = gym.spaces.Dict(
        {
            "speed": gym.spaces.Box(-np.inf, np.inf, (2, 2), np.float32),
            "lane": gym.spaces.Box(-1.0, 1.0, (1,), np.float64),
        }
    )
    agent = make_agent(space)
    rng = np.random.default_rng(0)
    agent.set_weights([rng.normal(size=value.shape) for value in agent.weights()])
    parts = [rng.normal(size=(5, *part.shape)).astype(part.dtype) for part in agent.layout.parts]
    expected = agent._q_function(*map(tf.constant, parts)).numpy()
    np.testing.assert_allclose(agent.q_values(parts), expected, rtol=1e-5, atol=1e-5)


def test_values_follow_the_weights():
    agent, other = make_agent(seed=0), make_agent(seed=1)

    def assert_they_are_the_networks():
        expected = agent._q_function(tf.constant(ONE_HOT)).numpy()
        np.testing.assert_allclose(agent.q_values([ONE_HOT]), expected, rtol=1e-5, atol=1e-6)

    before = agent.q_values([ONE_HOT])
    agent.train(chain_batch(5, 24, 0))
    assert np.abs(agent.q_values([ONE_HOT]) - before).max() > 1e-3
    assert_they_are_the_networks()
    agent.set_weights(other.weights())
    assert_they_are_the_networks()
    agent.restore(make_agent(seed=2).state())
    assert_they_are_the_networks()
