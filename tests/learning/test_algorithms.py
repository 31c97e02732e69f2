"""Every algorithm setting on a decision process whose values are computed here."""

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from test_agent import chain_batch, make_agent

from f1_rl.learning.replay import Batch
from f1_rl.learning.replays import make_replay
from f1_rl.learning.settings import (
    AgentSettings,
    NetworkSettings,
    PrioritySettings,
    TrainingSettings,
)

GAMMA = 0.6
# Of five states; what each of two actions leads to and is rewarded with, and where it ends.
FOLLOWING = np.array([[1, 4], [2, 0], [3, 1], [0, 3], [4, 2]])
REWARDS = np.array([[0.0, 1.0], [0.5, -1.0], [3.0, 0.0], [-2.0, 1.0], [-1.0, 0.5]])
ENDS = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [0, 0]], bool)
STATES = np.eye(5, dtype=np.float32)


def one_hot(states: int) -> gym.spaces.Box:
    return gym.spaces.Box(0.0, 1.0, (states,), np.float32)


def fixed_point(n_step: int) -> np.ndarray:
    """Iterate over values: one action, then n - 1 random ones as they were played, then the best.

    For one step this is value iteration (Sutton and Barto 2018, equation 4.10).
    """
    goes_on = ~ENDS
    values = np.zeros(REWARDS.shape)
    for _ in range(200):
        tail = values.max(axis=1)
        for _ in range(n_step - 1):
            tail = (REWARDS + GAMMA * goes_on * tail[FOLLOWING]).mean(axis=1)
        values = REWARDS + GAMMA * goes_on * tail[FOLLOWING]
    return values


def played_replay(settings: AgentSettings, layout, **training):
    """A replay of random actions, with episodes that are cut off, too."""
    training = TrainingSettings(num_envs=64, replay_capacity=64 * 300, **training)
    replay = make_replay(layout, settings, training)
    rng = np.random.default_rng(0)
    states, over = rng.integers(0, 5, 64), np.zeros(64, bool)
    replay.begin([STATES[states]])
    for _ in range(400):
        actions = rng.integers(0, 2, 64)
        terminated = ENDS[states, actions] & ~over
        truncated = (rng.random(64) < 0.02) & ~terminated & ~over
        rewards = REWARDS[states, actions]
        states = np.where(over, rng.integers(0, 5, 64), FOLLOWING[states, actions])
        replay.add(actions, rewards, terminated, truncated, [STATES[states]])
        over = terminated | truncated
    return replay


def learn(agent, replay, calls: int) -> None:
    """Train with a learning rate that ends at a tenth, with errors where the replay wants them."""
    rng = np.random.default_rng(1)
    for call in range(calls):
        if call == calls * 2 // 3:
            agent.set_learning_rate(agent.settings.learning_rate / 10)
        batch = replay.sample(50, agent.settings.batch_size, rng)
        if batch.priorities is None:
            agent.train(batch)
        else:
            replay.anneal(call / calls)
            _, errors = agent.train_weighted(batch, batch.priorities.weights)
            replay.update_priorities(batch.priorities.leaves, errors)


def dense(*units: int, **streams: bool) -> NetworkSettings:
    return NetworkSettings(filters=(), kernels=(), strides=(), units=units, **streams)


C51: dict[str, Any] = {"algorithm": "c51", "min_value": -6.0, "max_value": 6.0, "atoms": 61}
DUELING, NOISY = dense(32, dueling=True), dense(32, noisy=True)
BOTH = dense(32, dueling=True, noisy=True)


@pytest.mark.parametrize(
    ("changes", "training", "tolerance"),
    [
        pytest.param({"algorithm": "dqn"}, {}, 0.01, id="dqn, squared, hard target"),
        pytest.param({"algorithm": "dqn", "loss": "huber"}, {}, 0.01, id="dqn, huber"),
        pytest.param({}, {}, 0.01, id="double_dqn"),
        pytest.param(
            {"target_update_tau": 0.1, "target_update_period": 1}, {}, 0.01, id="soft target"
        ),
        pytest.param({"n_step": 3}, {}, 0.15, id="3-step"),
        pytest.param({"network": DUELING}, {}, 0.01, id="dueling"),
        pytest.param({"network": NOISY}, {}, 0.02, id="noisy"),
        pytest.param({}, {"prioritized_replay": PrioritySettings()}, 0.01, id="prioritised"),
        pytest.param(C51, {}, 0.02, id="c51"),
        pytest.param({**C51, "network": DUELING}, {}, 0.02, id="dueling c51"),
        pytest.param(
            {**C51, "network": BOTH, "n_step": 3},
            {"prioritized_replay": PrioritySettings()},
            0.2,
            id="all at once",
        ),
    ],
)
def test_values_become_those_of_value_iteration(changes, training, tolerance):
    changes = {"gamma": GAMMA, "batch_size": 32, "learning_rate": 1e-2, **changes}
    agent = make_agent(one_hot(5), **changes)
    replay = played_replay(agent.settings, agent.layout, **training)
    learn(agent, replay, 18)
    truth = fixed_point(agent.settings.n_step)
    found = agent.q_values([STATES])
    np.testing.assert_allclose(found, truth, atol=tolerance)


def noisy_choices(updates: int, batch_size: int, rng) -> Batch:
    """From a start, one action leads to eight choices whose rewards are noise of mean 0."""
    starts = rng.random((updates, batch_size)) < 0.3
    rewards = np.where(starts, 0.0, rng.normal(0.0, 1.0, starts.shape))
    eye = np.eye(2, dtype=np.float32)
    return Batch(
        observations=(np.stack([eye[1 - starts.astype(int)], eye[np.ones_like(starts, int)]], 2),),
        actions=np.where(starts, 0, rng.integers(0, 8, starts.shape)).astype(np.int32),
        rewards=rewards.astype(np.float32),
        discounts=starts.astype(np.float32),
    )


def mean_estimate(algorithm: str) -> float:
    """Return what the start is thought to be worth, on average over a while of learning."""
    agent = make_agent(
        one_hot(2),
        num_actions=8,
        algorithm=algorithm,
        gamma=1.0,
        network=dense(),
        learning_rate=6e-2,
        target_update_period=100,
    )
    rng = np.random.default_rng(0)
    estimates = []
    for _ in range(60):
        agent.train(noisy_choices(25, 24, rng))
        estimates.append(agent.q_values([np.eye(2, dtype=np.float32)])[0, 0])
    return float(np.mean(estimates[20:]))


def test_double_dqn_overestimates_less():
    """As in Sutton and Barto (2018), example 6.7: the best of several noisy estimates is no
    estimate of the best, unless one network chooses and another one judges."""
    plain, double = mean_estimate("dqn"), mean_estimate("double_dqn")
    assert plain > 0.12
    assert abs(double) < plain / 4


def values_by_hand(weights, states, atoms=None):
    """A dueling network of a shared layer and streams of one hidden layer each."""
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    (shared, *advantage), value = pairs[:3], pairs[3:]

    def run(layers, features):
        (kernel, bias), (last, last_bias) = layers
        return np.maximum(features @ kernel + bias, 0.0) @ last + last_bias

    features = np.maximum(states @ shared[0] + shared[1], 0.0)
    shape = (len(states), -1) if atoms is None else (len(states), -1, atoms)
    gains = run(advantage, features).reshape(shape)
    output = run(value, features).reshape(shape) + gains - gains.mean(axis=1, keepdims=True)
    if atoms is None:
        return output
    shares = np.exp(output) / np.exp(output).sum(axis=2, keepdims=True)
    return shares @ np.linspace(-10.0, 10.0, atoms)


@pytest.mark.parametrize(("algorithm", "atoms"), [("dqn", None), ("c51", 7)])
def test_a_dueling_network_adds_value_and_advantages_as_the_paper_does(algorithm, atoms):
    network = dense(6, 5, dueling=True)
    agent = make_agent(network=network, algorithm=algorithm, num_actions=4, atoms=atoms or 51)
    rng = np.random.default_rng(0)
    agent.set_weights([rng.normal(0.0, 0.7, value.shape) for value in agent.weights()])
    states = rng.normal(size=(9, 3)).astype(np.float32)
    expected = values_by_hand(agent.weights(), states, atoms)
    np.testing.assert_allclose(agent.q_values([states]), expected, rtol=1e-4, atol=1e-4)


def test_the_noise_of_a_layer_has_the_moments_of_the_paper():
    """Mean 0, and with E f(e)^2 = sqrt(2 / pi) = c: (sum x^2 sigma_w^2 c + sigma_b^2) c."""
    agent = make_agent(network=dense(noisy=True), num_actions=4)
    rng = np.random.default_rng(0)
    kernel, kernel_noise, bias, bias_noise = (
        rng.normal(size=value.shape).astype(np.float32) for value in agent.weights()
    )
    agent.set_weights([kernel, kernel_noise, bias, bias_noise])
    state = np.array([0.5, -1.0, 2.0], np.float32)
    draws = agent.noisy_q_values([np.tile(state, (100_000, 1))])
    c = np.sqrt(2.0 / np.pi)
    variance = (state**2 @ kernel_noise**2 * c + bias_noise**2) * c
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.05)
    np.testing.assert_allclose(draws.mean(axis=0), state @ kernel + bias, atol=0.03)
    # Values of one observation share the noise of their inputs, those of several nothing.
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.02
    assert (agent.q_values([state[None]]) == agent.q_values([state[None]])).all()
    np.testing.assert_allclose(agent.q_values([state[None]])[0], state @ kernel + bias, rtol=1e-5)


def test_noise_begins_as_in_the_paper_and_is_learned():
    agent = make_agent(network=dense(16, noisy=True))
    mean, spread = agent.weights()[:2]
    assert abs(mean).max() <= 3**-0.5
    np.testing.assert_allclose(spread, 0.5 * 3**-0.5, rtol=1e-6)
    agent.train(chain_batch(5, 24, 0))
    assert np.ptp(agent.weights()[1]) > 0.0


def test_the_noise_of_every_call_and_update_is_new_and_goes_on_after_restoring():
    original = make_agent(network=dense(16, noisy=True), learning_rate=1e-9)
    # With a vanishing step size, only the noise makes losses of the same batch differ.
    losses = [original.train(chain_batch(1, 24, 0)) for _ in range(3)]
    assert len({round(loss, 4) for loss in losses}) == 3
    restored = make_agent(network=dense(16, noisy=True), learning_rate=1e-9, seed=1)
    restored.restore(copy.deepcopy(original.state()))
    states = np.ones((2, 3), np.float32)
    first, second = original.noisy_q_values([states]), original.noisy_q_values([states])
    assert (first != second).any()
    assert (first[0] != first[1]).any()
    np.testing.assert_array_equal(restored.noisy_q_values([states]), first)
    assert restored.train(chain_batch(1, 24, 1)) != original.train(chain_batch(1, 24, 1))


def test_a_network_without_noise_explores_by_its_values():
    agent = make_agent()
    states = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(agent.noisy_q_values([states]), agent.q_values([states]))


@pytest.mark.parametrize("algorithm", ["double_dqn", "c51"])
def test_dueling_and_noisy_policies_are_saved_without_noise(algorithm, tmp_path):
    import tensorflow as tf
    from tf_agents.trajectories import time_step

    agent = make_agent(network=dense(8, dueling=True, noisy=True), algorithm=algorithm)
    states = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    values = agent.q_values([states])
    interpreter = tf.lite.Interpreter(model_content=agent.tflite_model())
    interpreter.allocate_tensors()
    (given,), (told,) = interpreter.get_input_details(), interpreter.get_output_details()
    for state, expected in zip(states, values, strict=True):
        interpreter.set_tensor(given["index"], state[None])
        interpreter.invoke()
        np.testing.assert_allclose(interpreter.get_tensor(told["index"])[0], expected, atol=1e-4)
    agent.save_greedy_policy(tmp_path / "policy")
    policy = tf.saved_model.load(str(tmp_path / "policy"))
    actions = policy.action(time_step.restart(tf.constant(states), batch_size=40), ()).action
    np.testing.assert_array_equal(actions.numpy(), values.argmax(axis=1))
    assert len(set(actions.numpy())) == 2


def one_update(batch: Batch, weights, **changes):
    """Return the loss and errors of one weighted update, and the network behind it."""
    agent = make_agent(batch_size=batch.actions.shape[1], learning_rate=0.1, **changes)
    before = agent.q_values([np.eye(3, dtype=np.float32)])
    loss, errors = agent.train_weighted(batch, np.array(weights, np.float32))
    return loss, errors, agent.weights(), before


def chosen(batch: Batch, samples: list[int]) -> Batch:
    return Batch(
        observations=tuple(part[:, samples] for part in batch.observations),
        actions=batch.actions[:, samples],
        rewards=batch.rewards[:, samples],
        discounts=batch.discounts[:, samples],
    )


@pytest.mark.parametrize("algorithm", ["dqn", "double_dqn", "c51"])
def test_a_weight_of_two_is_as_good_as_a_second_sample(algorithm):
    batch = chain_batch(1, 4, 0)
    loss, _, network, _ = one_update(batch, [[2.0, 0.0, 1.0, 1.0]], algorithm=algorithm)
    twice = chosen(batch, [0, 0, 2, 3])
    other_loss, _, other, _ = one_update(twice, [[1.0] * 4], algorithm=algorithm)
    assert loss == pytest.approx(other_loss, rel=1e-5)
    for mine, theirs in zip(network, other, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
    # And without weights it is TF-Agents' own update.
    plain = make_agent(batch_size=4, learning_rate=0.1, algorithm=algorithm)
    assert plain.train(twice) == pytest.approx(other_loss, rel=1e-5)
    for mine, theirs in zip(plain.weights(), other, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize("algorithm", ["double_dqn", "c51"])
def test_weighted_updates_are_the_same_with_xla(algorithm):
    batch, weights = chain_batch(1, 24, 0), np.linspace(0.0, 1.0, 24)[None]
    plain, compiled = (
        one_update(batch, weights, algorithm=algorithm, xla=xla)[:2] for xla in (False, True)
    )
    assert compiled[0] == pytest.approx(plain[0], rel=1e-5)
    np.testing.assert_allclose(compiled[1], plain[1], rtol=1e-4, atol=1e-5)


def test_the_errors_of_an_update_are_temporal_differences():
    batch = chain_batch(1, 24, 0)
    _, errors, _, before = one_update(batch, np.ones((1, 24)), algorithm="dqn")
    first, then = (batch.observations[0][0, :, i] @ before for i in (0, 1))
    targets = batch.rewards[0] + 0.5 * batch.discounts[0] * then.max(axis=1)
    expected = targets - first[np.arange(24), batch.actions[0]]
    np.testing.assert_allclose(errors[0], expected, rtol=1e-4, atol=1e-5)


def test_the_errors_of_c51_are_the_cross_entropies_whose_mean_is_tf_agents_loss(monkeypatch):
    from tf_agents.agents.categorical_dqn import categorical_dqn_agent

    batch = chain_batch(1, 24, 0)
    loss, errors, _, _ = one_update(batch, np.ones((1, 24)), algorithm="c51")
    assert np.ptp(errors) > 0.0
    assert errors.mean() == pytest.approx(loss, rel=1e-5)
    agent = make_agent(algorithm="c51", learning_rate=0.1)
    original = categorical_dqn_agent.CategoricalDqnAgent._loss
    monkeypatch.setattr(type(agent._agent), "_loss", original)
    assert agent.train(batch) == pytest.approx(loss, rel=1e-5)
