"""Our array of environments behind Stable-Baselines3's interface, for measuring only.

That interface wants resets in the step that ends an episode; ours come one step later, so one
transition is stored from each episode's last observation to the next one's first.
"""

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from f1_rl.learning.environments import make_environments
from f1_rl.learning.runs import RunSettings
from f1_rl.settings import build_settings


class OurVectorEnvironment(VecEnv):
    """Cars that drive at once; `resets` counts the steps that were resets."""

    render_mode = None

    def __init__(self, settings: dict[str, Any]) -> None:
        """Make the environments of a run."""
        run = build_settings(RunSettings, settings)
        environments = make_environments(run)
        self.resets = 0
        self._vector = environments.vector
        self._seed = run.seed
        self._ended = np.zeros(self._vector.num_envs, np.bool_)
        super().__init__(
            self._vector.num_envs, environments.observation_space, self._vector.single_action_space
        )

    def reset(self) -> Any:
        """Begin all episodes."""
        return self._vector.reset(seed=self._seed)[0]

    def step_async(self, actions: Any) -> None:
        """Note the actions."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Do the step."""
        observations, rewards, terminated, truncated, _ = self._vector.step(self._actions)
        self.resets += int(self._ended.sum())
        self._ended = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for index in np.flatnonzero(self._ended):
            infos[index] = {
                "terminal_observation": observations[index],
                "TimeLimit.truncated": bool(truncated[index] and not terminated[index]),
            }
        return observations, rewards.astype(np.float32), self._ended.copy(), infos

    def close(self) -> None:
        """Release the environments."""
        self._vector.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, the same for all."""
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse."""
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Refuse."""
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Say that nothing is."""
        return [False] * self.num_envs
