"""The agent on problems with known answers, and its arithmetic by hand."""

import copy
import hashlib
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest

from f1_rl.learning.agent import Agent, DivergedError
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch, Replay
from f1_rl.learning.settings import AgentSettings, NetworkSettings
from f1_rl.settings import SettingsError

GAMMA = 0.5
# In state s the first action goes on, for a reward of s + 1, to the end behind the third state;
# the second action stays, for a reward of a half.
ANSWER = np.array([[2.75, 1.875], [3.5, 2.25], [3.0, 2.0]])
ONE_HOT = np.eye(3, dtype=np.float32)
VECTOR = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)
DENSE = NetworkSettings(filters=(), kernels=(), strides=(), units=(32,))


def agent_settings(**changes) -> AgentSettings:
    settings = {
        "network": DENSE,
        "learning_rate": 5e-3,
        "gamma": GAMMA,
        "n_step": 1,
        "batch_size": 24,
        "target_update_period": 10,
        "loss": "squared",
        "gradient_clipping": None,
    }
    return AgentSettings(**{**settings, **changes})


def make_agent(space=VECTOR, *, frame_stack=1, num_actions=2, seed=0, **changes) -> Agent:
    layout = ObservationLayout(space, frame_stack)
    return Agent(layout, num_actions, agent_settings(**changes), seed=seed, device="/CPU:0")


def chain_batch(updates: int, batch_size: int, seed: int) -> Batch:
    """Transitions of the chain, one step each, in any order."""
    rng = np.random.default_rng(seed)
    states = rng.integers(0, 3, (updates, batch_size))
    actions = rng.integers(0, 2, (updates, batch_size))
    goes_on = actions == 0
    following = np.where(goes_on, np.minimum(states + 1, 2), states)
    ended = goes_on & (states == 2)
    return Batch(
        observations=(np.stack([ONE_HOT[states], ONE_HOT[following]], axis=2),),
        actions=actions.astype(np.int32),
        rewards=np.where(goes_on, states + 1.0, 0.5).astype(np.float32),
        discounts=np.where(ended, 0.0, 1.0).astype(np.float32),
    )


@pytest.mark.parametrize(
    ("changes", "tolerance"),
    [
        ({"algorithm": "dqn"}, 0.02),
        ({"algorithm": "double_dqn", "loss": "huber"}, 0.02),
        ({"algorithm": "dqn", "target_update_tau": 0.2, "target_update_period": 1}, 0.02),
        ({"algorithm": "c51", "min_value": -1.0, "max_value": 5.0, "atoms": 61}, 0.05),
    ],
    ids=["dqn", "double_dqn", "soft-target", "c51"],
)
def test_values_of_a_chain_become_the_analytic_ones(changes, tolerance):
    agent = make_agent(**changes)
    for seed in range(12):
        loss = agent.train(chain_batch(50, 24, seed))
    agent.set_learning_rate(5e-4)
    for seed in range(12, 18):
        loss = agent.train(chain_batch(50, 24, seed))
    assert agent.updates == 18 * 50
    assert np.isfinite(loss)
    np.testing.assert_allclose(agent.q_values([ONE_HOT]), ANSWER, atol=tolerance)


def test_rewards_are_scaled():
    agent = make_agent(reward_scale=0.1)
    for seed in range(14):
        agent.train(chain_batch(50, 24, seed))
    np.testing.assert_allclose(agent.q_values([ONE_HOT]), 0.1 * ANSWER, atol=0.01)


@pytest.mark.parametrize("ends", ["terminated", "truncated"])
@pytest.mark.parametrize("n_step", [1, 3])
def test_n_step_returns_bootstrap_behind_a_cut_and_not_behind_an_end(n_step, ends):
    """Whatever is done, the states follow each other in a ring; episodes end after the third.

    Cut there, the drive would have gone on for ever: V(s) = r(s) + gamma V(s + 1).
    """
    gamma, rewards = 0.7, np.array([1.0, 0.0, 2.0])
    agent = make_agent(n_step=n_step, gamma=gamma)
    replay = Replay(400, 4, agent.layout, n_step=n_step, gamma=gamma)
    # The environments are out of step, and an episode's last observation is seen before a reset.
    place, over = np.array([0, 1, 2, 0]), np.zeros(4, bool)
    rng = np.random.default_rng(0)
    ring = np.vstack([ONE_HOT, ONE_HOT[:1]])
    replay.begin([ONE_HOT[place]])
    for _ in range(150):
        following = np.where(over, 0, place + 1)
        ended = (following == 3) & ~over
        flags = (ended, ended & False) if ends == "terminated" else (ended & False, ended)
        reward = np.where(over, 99.0, rewards[np.minimum(place, 2)])
        replay.add(rng.integers(0, 2, 4), reward, *flags, [ring[following]])
        place, over = following, ended
    for seed in range(24):
        if seed == 16:
            agent.set_learning_rate(5e-4)
        agent.train(replay.sample(50, 24, np.random.default_rng(seed)))
    if ends == "terminated":
        answer = [1.0 + gamma**2 * 2.0, gamma * 2.0, 2.0]
    else:
        first = (1.0 + gamma**2 * 2.0) / (1.0 - gamma**3)
        answer = [first, gamma * (2.0 + gamma * first), 2.0 + gamma * first]
    values = agent.q_values([ONE_HOT])
    np.testing.assert_allclose(values, np.transpose([answer, answer]), atol=0.08)


def relu(values):
    return np.maximum(values, 0.0)


def convolve(picture, kernel, bias, stride):
    """Return the correlation of a picture with kernels, no padding, as nested loops."""
    size = kernel.shape[:2]
    rows = (picture.shape[0] - size[0]) // stride[0] + 1
    columns = (picture.shape[1] - size[1]) // stride[1] + 1
    out = np.empty((rows, columns, kernel.shape[3]))
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride[0], column * stride[1]
            patch = picture[top : top + size[0], left : left + size[1]]
            out[row, column] = np.tensordot(patch, kernel, 3) + bias
    return out


@pytest.mark.parametrize("algorithm", ["dqn", "c51"])
def test_values_of_pictures_and_speed_are_those_computed_by_hand(algorithm):
    space = gym.spaces.Dict(
        {
            "speed": gym.spaces.Box(-np.inf, np.inf, (1,), np.float32),
            "frames": gym.spaces.Box(0, 255, (7, 9, 2), np.uint8),
        }
    )
    network = NetworkSettings(filters=(3,), kernels=((3, 4),), strides=((2, 1),), units=(5,))
    agent = make_agent(
        space, frame_stack=2, num_actions=4, network=network, algorithm=algorithm, atoms=11
    )
    rng = np.random.default_rng(0)
    # Biases begin at zero, which would hide a mistake with them.
    agent.set_weights([rng.normal(0.0, 0.5, value.shape) for value in agent.weights()])
    kernel, kernel_bias, hidden, hidden_bias, last, last_bias = agent.weights()
    frames = rng.integers(0, 256, (3, 7, 9, 2), dtype=np.uint8)
    speed = rng.normal(size=(3, 1)).astype(np.float32)
    values = agent.q_values([frames, speed])
    for i in range(3):
        picture = relu(convolve(frames[i] / 255.0, kernel, kernel_bias, (2, 1)))
        features = np.concatenate([picture.ravel(), speed[i]])
        output = relu(features @ hidden + hidden_bias) @ last + last_bias
        if algorithm == "c51":
            logits = output.reshape(4, 11)
            share = np.exp(logits - logits.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            output = share @ np.linspace(-10.0, 10.0, 11)
        np.testing.assert_allclose(values[i], output, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_a_reward_that_is_no_number_is_named_with_what_to_do(xla):
    agent = make_agent(xla=xla)
    batch = chain_batch(2, 24, 0)
    agent.train(batch)
    bad = Batch(
        batch.observations, batch.actions, np.full_like(batch.rewards, np.nan), batch.discounts
    )
    with pytest.raises(DivergedError, match=r"not finite any more; lower agent.learning_rate"):
        agent.train(bad)


@pytest.mark.parametrize("algorithm", ["double_dqn", "c51"])
def test_a_restored_agent_goes_on_bit_for_bit(algorithm):
    changes = {"algorithm": algorithm, "target_update_period": 7}
    original = make_agent(seed=1, **changes)
    for seed in range(3):
        original.train(chain_batch(5, 24, seed))
    original.set_learning_rate(1e-3)
    restored = make_agent(seed=2, **changes)
    restored.restore(copy.deepcopy(original.state()))
    assert restored.updates == original.updates == 15
    for seed in range(3, 8):
        ours, theirs = (agent.train(chain_batch(5, 24, seed)) for agent in (restored, original))
        assert ours == theirs
    for mine, other in zip(
        restored.state()["variables"], original.state()["variables"], strict=True
    ):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(restored.q_values([ONE_HOT]), original.q_values([ONE_HOT]))


def picture_batch(updates: int) -> Batch:
    rng = np.random.default_rng(0)
    return Batch(
        observations=(rng.integers(0, 255, (updates, 24, 2, 8, 8, 1), np.uint8),),
        actions=rng.integers(0, 2, (updates, 24)).astype(np.int32),
        rewards=np.ones((updates, 24), np.float32),
        discounts=np.ones((updates, 24), np.float32),
    )


def test_a_reset_keeps_the_convolutions_and_begins_all_else_anew():
    pictures = gym.spaces.Box(0, 255, (8, 8, 1), np.uint8)
    network = NetworkSettings(filters=(4,), kernels=((3, 3),), strides=((2, 2),), units=(8,))
    agent = make_agent(pictures, network=network, target_update_period=1_000)
    first = agent.weights()
    agent.train(picture_batch(5))
    agent.set_learning_rate(2e-3)
    learned = agent.weights()
    agent.reset_dense_layers()
    # A convolution's kernel and bias come first, then those of both dense layers.
    assert [weights.ndim for weights in first] == [4, 1, 2, 1, 2, 1]
    for index, weights in enumerate(agent.weights()):
        assert not np.array_equal(first[index], learned[index])
        if index < 2:
            np.testing.assert_array_equal(weights, learned[index])
        else:
            # The same numbers in another order.
            np.testing.assert_array_equal(np.sort(weights, None), np.sort(first[index], None))
            assert np.array_equal(weights, first[index]) == (weights.ndim == 1)
    state = agent.state()
    for weights, target in zip(agent.weights(), state["variables"][6:12], strict=True):
        np.testing.assert_array_equal(weights, target)
    assert state["learning_rate"] == pytest.approx(2e-3)
    assert agent.updates == 5
    restored = make_agent(pictures, network=network, target_update_period=1_000)
    restored.restore(state)
    restored.reset_dense_layers()
    np.testing.assert_array_equal(restored.weights()[2], agent.weights()[2])
    # With Adam's means gone, the first step is as long as the learning rate.
    agent.train(picture_batch(1))
    again = agent.weights()
    agent.reset_dense_layers()
    assert not np.array_equal(agent.weights()[2], restored.weights()[2])
    agent.set_weights(again)
    step = np.abs(agent.weights()[-1] - first[-1]).max()
    assert step == pytest.approx(2e-3, rel=0.01)


def test_the_state_of_another_network_is_refused():
    other = make_agent(network=NetworkSettings(filters=(), kernels=(), strides=(), units=(16,)))
    with pytest.raises(ValueError, match="network or optimiser is not this run's"):
        make_agent().restore(other.state())


MAKING = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from test_agent import make_agent
print(hashlib.sha256(b"".join(w.tobytes() for w in make_agent(seed=5).weights())).hexdigest())
"""


def test_a_seed_gives_the_same_weights_in_every_process(request):
    def digest(agent):
        return hashlib.sha256(b"".join(w.tobytes() for w in agent.weights())).hexdigest()

    ours = digest(make_agent(seed=5))
    assert digest(make_agent(seed=5)) == ours
    assert digest(make_agent(seed=6)) != ours
    ended = subprocess.run(
        [sys.executable, "-c", MAKING, str(request.path.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split()[-1] == ours


def test_convolutions_that_do_not_fit_the_picture_are_refused():
    pictures = gym.spaces.Box(0, 255, (8, 16, 1), np.uint8)
    network = NetworkSettings(
        filters=(4, 4), kernels=((4, 4), (4, 4)), strides=((2, 2), (1, 1)), units=(8,)
    )
    with pytest.raises(SettingsError, match="a kernel of 4 x 4 is larger than the 3 x 7 pixels"):
        make_agent(pictures, network=network)


def test_the_largest_kernels_that_fit_are_accepted():
    pictures = gym.spaces.Box(0, 255, (8, 16, 1), np.uint8)
    network = NetworkSettings(
        filters=(4, 4), kernels=((4, 4), (3, 7)), strides=((2, 2), (1, 1)), units=(8,)
    )
    agent = make_agent(pictures, network=network)
    assert agent.q_values([np.zeros((2, 8, 16, 1), np.uint8)]).shape == (2, 2)


@pytest.mark.parametrize("noisy", [False, True])
def test_tensorflow_binds_the_observations_of_a_decision(noisy):
    """Where it misses an argument it prints them all, which takes longer than deciding."""
    network = NetworkSettings(filters=(), kernels=(), strides=(), units=(8,), noisy=noisy)
    agent = make_agent(network=network)
    for function in (agent._q_function, agent._noisy_function):
        positional, named = function.structured_input_signature
        assert len(positional) == 1
        assert named == {}


def test_a_policy_that_cannot_be_written_is_an_error_of_the_disk(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        make_agent().save_greedy_policy(tmp_path / "file" / "policy")
