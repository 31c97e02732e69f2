"""Workers of the simulator track: environments with random actions."""

import gymnasium as gym
import numpy as np

from f1_rl.benchmark.channel import Channel, measure_repeatedly

_ACTIONS = 64


def ours(channel: Channel, *, num_envs: int) -> None:
    """Step the default driving task with that many cars at once."""
    from f1_rl.driving.environment import F1CameraVectorEnv

    envs = F1CameraVectorEnv(num_envs)
    envs.reset(seed=0)
    rng = np.random.default_rng(0)
    actions = rng.integers(0, len(envs.task.actions), (_ACTIONS, num_envs))
    turn = iter(range(2**62))
    measure_repeatedly(channel, lambda: envs.step(actions[next(turn) % _ACTIONS]), num_envs)


def car_racing(channel: Channel) -> None:
    """Step CarRacing-v3 with its five discrete actions; episodes are begun anew when they end."""
    env = gym.make("CarRacing-v3", continuous=False)
    env.reset(seed=0)
    rng = np.random.default_rng(0)

    def step() -> None:
        _, _, terminated, truncated, _ = env.step(int(rng.integers(5)))
        if terminated or truncated:
            env.reset()

    measure_repeatedly(channel, step, 1)
