"""Floating-point operations of the network, counted from the shapes of its layers.

A multiplication and an addition are two operations. Biases, activations, the loss and the optimiser
are left out: they are less than a hundredth of them for the networks here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import gymnasium as gym
import numpy as np

from f1_rl.benchmark.work import Work
from f1_rl.learning.runs import RunSettings
from f1_rl.learning.settings import AgentSettings, NetworkSettings


@dataclass(frozen=True)
class NetworkFlops:
    """Operations for one sample.

    Attributes:
        forward: Of a forward pass.
        first: Of the first layer's share of it.
    """

    forward: int
    first: int

    @property
    def backward(self) -> int:
        """Of a backward pass.

        Each layer needs the gradient of its weights and that of its input, as many operations each
        as its forward pass; the first layer's input needs none.
        """
        return 2 * self.forward - self.first


def network_flops(shape: Sequence[int], num_actions: int, network: NetworkSettings) -> NetworkFlops:
    """Count the operations of a network with unpadded convolutions.

    Args:
        shape: Of an observation: `(H, W, C)` for a picture, `(D,)` for a vector.
        num_actions: Outputs.
        network: Its layers.
    """
    layers: list[int] = []
    if len(shape) == 3:
        rows, columns, channels = shape
        for filters, kernel, stride in zip(
            network.filters, network.kernels, network.strides, strict=True
        ):
            rows = (rows - kernel[0]) // stride[0] + 1
            columns = (columns - kernel[1]) // stride[1] + 1
            layers.append(2 * rows * columns * filters * channels * kernel[0] * kernel[1])
            channels = filters
        shape = (rows, columns, channels)
    inputs = int(np.prod(shape))
    for outputs in (*network.units, num_actions):
        layers.append(2 * inputs * outputs)
        inputs = outputs
    return NetworkFlops(sum(layers), layers[0])


def update_flops(counted: NetworkFlops, agent: AgentSettings) -> int:
    """Return the operations of one update of DQN or Double DQN.

    The states go forward and backward through the network, the next states forward through the
    target network, and with Double DQN through the network too.
    """
    forwards = 3 if agent.algorithm == "double_dqn" else 2
    return agent.batch_size * (forwards * counted.forward + counted.backward)


@cache
def step_flops(work: Work) -> float:
    """Return the operations for one environment step of a training loop: act and learn."""
    settings = work.settings()
    counted = counted_network(settings)
    return counted.forward + update_flops(counted, settings.agent) / work.steps_per_update


def counted_network(settings: RunSettings) -> NetworkFlops:
    """Count the network that a run would have."""
    options = settings.task.as_dict() if settings.drives else settings.env_options
    env = gym.make(settings.env, **options)
    try:
        shape, actions = env.observation_space.shape, env.action_space
        assert shape is not None
        assert isinstance(actions, gym.spaces.Discrete)
        return network_flops(shape, int(actions.n), settings.agent.network)
    finally:
        env.close()
