"""The driving task for gym, the library that Gymnasium replaced, as gym 0.23 wants it."""

from typing import Any

import gym
import numpy as np

from f1_rl.driving.environment import F1CameraEnv


class F1CameraGymEnv(gym.Env):
    """`F1CameraEnv` with gym's API of four values: `done` stands for both kinds of ending.

    `info["TimeLimit.truncated"]` is true where the episode was cut, as gym's own wrapper has it.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 20}  # noqa: RUF012

    def __init__(self, **arguments: Any) -> None:
        """Make the environment; the arguments are those of `F1CameraEnv`."""
        self._env = F1CameraEnv(**arguments)
        self.render_mode = self._env.render_mode
        self.observation_space = _gym_space(self._env.observation_space)
        self.action_space = gym.spaces.Discrete(len(self._env.task.actions))

    def reset(
        self,
        *,
        seed: int | None = None,
        return_info: bool = False,
        options: dict[str, Any] | None = None,
    ) -> Any:
        """Begin an episode and return the observation, with `return_info` also the info."""
        super().reset(seed=seed)
        observation, info = self._env.reset(seed=seed, options=options)
        return (observation, info) if return_info else observation

    def step(self, action: int) -> tuple[Any, float, bool, dict[str, Any]]:
        """Drive one control period."""
        observation, reward, terminated, truncated, info = self._env.step(action)
        if truncated:
            info["TimeLimit.truncated"] = True
        return observation, reward, terminated or truncated, info

    def render(self, mode: str = "rgb_array") -> Any:
        """Return the camera's picture `(H, W, 3)`."""
        return self._env.task.cars.frame(0) if mode == "rgb_array" else self._env.render()

    def close(self) -> None:
        """Close the window, if there is one."""
        self._env.close()


def _gym_space(space: Any) -> Any:
    """Return gym's space for Gymnasium's."""
    if hasattr(space, "spaces"):
        return gym.spaces.Dict({name: _gym_space(part) for name, part in space.spaces.items()})
    return gym.spaces.Box(
        np.broadcast_to(space.low, space.shape),
        np.broadcast_to(space.high, space.shape),
        dtype=space.dtype.type,
    )
