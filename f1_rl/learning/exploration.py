"""Epsilon-greedy exploration for many environments."""

from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.settings import TrainingSettings

IntArray = npt.NDArray[np.int64]


class Exploration:
    """Random actions with a falling probability, each held for a few steps on average.

    A random action that is held leads further from the greedy path than one that is drawn anew in
    every step (Dabney et al. 2020, "Temporally-Extended epsilon-Greedy Exploration").
    """

    def __init__(self, settings: TrainingSettings, num_actions: int, seed: int) -> None:
        """Begin with a random action in every environment."""
        self._settings = settings
        self._num_actions = num_actions
        self._rng = np.random.default_rng(seed)
        self._random = self._rng.integers(0, num_actions, settings.num_envs)

    def epsilon(self, env_steps: int) -> float:
        """Return the share of random actions after that many environment steps."""
        settings = self._settings
        share = min(1.0, env_steps / settings.epsilon_steps)
        return settings.epsilon_start + share * (settings.epsilon_end - settings.epsilon_start)

    def choose(self, greedy: IntArray, env_steps: int) -> IntArray:
        """Return the greedy actions `(N,)`, some replaced by random ones."""
        count = len(greedy)
        drawn = self._rng.integers(0, self._num_actions, count)
        renewed = self._rng.random(count) * self._settings.exploration_hold < 1.0
        self._random = np.where(renewed, drawn, self._random)
        explores = self._rng.random(count) < self.epsilon(env_steps)
        return np.where(explores, self._random, greedy)

    def state(self) -> dict[str, Any]:
        """Return what evolves, for a checkpoint."""
        return {"random": self._random.copy(), "rng": self._rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self._random = np.array(state["random"])
        self._rng.bit_generator.state = state["rng"]
