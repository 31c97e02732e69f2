"""The same greedy evaluation for every system that tries to solve an environment."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from f1_rl.benchmark.channel import Channel

Act = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


class Trial:
    """Evaluates when it is time, and tells of it."""

    def __init__(
        self, channel: Channel, env: str, *, evaluate_every: int, episodes: int, seed: int
    ) -> None:
        """Make an environment for each episode.

        Args:
            channel: To the process that measures.
            env: Environment id.
            evaluate_every: Environment steps between evaluations.
            episodes: Of each evaluation.
            seed: The same episodes begin every evaluation.
        """
        self._channel = channel
        self._envs = gym.make_vec(env, num_envs=episodes)
        self._every = evaluate_every
        self._seed = seed
        self._next = evaluate_every

    def look(self, env_steps: int, act: Act) -> None:
        """Evaluate if that many steps have come to the next evaluation.

        Args:
            env_steps: So far.
            act: The greedy policy, from observations `(N, ...)` to actions `(N,)`.
        """
        if env_steps < self._next:
            return
        self._next += self._every
        mean = float(greedy_returns(self._envs, act, self._seed).mean())
        self._channel.send(env_steps=env_steps, seconds=self._channel.age_s, mean_return=mean)


def greedy_returns(envs: gym.vector.VectorEnv, act: Act, seed: int) -> npt.NDArray[np.float64]:
    """Return the return `(N,)` of the first episode in each environment."""
    observations, _ = envs.reset(seed=seed)
    returns, running = np.zeros(envs.num_envs), np.ones(envs.num_envs, np.bool_)
    while running.any():
        observations, rewards, terminated, truncated, _ = envs.step(act(observations))
        returns += np.where(running, rewards, 0.0)
        running &= ~(terminated | truncated)
    return returns
