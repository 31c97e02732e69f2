"""Epsilon-greedy exploration for many environments."""

from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.settings import TrainingSettings

IntArray = npt.NDArray[np.int64]


class Exploration:
    """Random actions with a probability that falls and then stays."""

    def __init__(self, settings: TrainingSettings, num_actions: int, seed: int) -> None:
        """Begin a sequence of random numbers."""
        self._settings = settings
        self._num_actions = num_actions
        self._rng = np.random.default_rng(seed)
        # Horgan et al. (2018), "Distributed Prioritized Experience Replay", section 4.1.
        self._powers = 1.0 + settings.epsilon_ladder * np.linspace(0.0, 1.0, settings.num_envs)

    def epsilon(self, env_steps: int) -> float:
        """Return the share of random actions after that many environment steps, of all."""
        return float(self._epsilons(env_steps).mean())

    def choose(self, greedy: IntArray, env_steps: int) -> IntArray:
        """Return the greedy actions `(N,)`, some replaced by random ones."""
        drawn = self._rng.integers(0, self._num_actions, len(greedy))
        explores = self._rng.random(len(greedy)) < self._epsilons(env_steps)
        return np.where(explores, drawn, greedy)

    def _epsilons(self, env_steps: int) -> npt.NDArray[np.float64]:
        """Return the probability `(N,)` of each environment."""
        settings = self._settings
        if env_steps < settings.random_steps:
            return np.ones_like(self._powers)
        start, end = settings.epsilon_start, settings.epsilon_end
        share = min(1.0, (env_steps - settings.random_steps) / settings.epsilon_steps)
        if settings.epsilon_schedule == "exponential":
            epsilon = start * (end / start) ** share
        else:
            epsilon = start + share * (end - start)
        return np.asarray(epsilon**self._powers)

    def state(self) -> dict[str, Any]:
        """Return what evolves, for a checkpoint."""
        return {"rng": self._rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self._rng.bit_generator.state = state["rng"]
