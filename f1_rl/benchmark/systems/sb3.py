"""Stable-Baselines3's DQN."""

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from f1_rl.benchmark.channel import Channel, Gate
from f1_rl.benchmark.solving import Trial

_ENDLESS = 10**9


def train(channel: Channel, **told: Any) -> None:
    """Train endlessly, held at the gate."""
    gate = Gate(channel)
    # For its TensorBoard logger it would load TensorFlow, where that is installed.
    sys.modules.update(dict.fromkeys(("tensorboard", "tensorflow")))  # type: ignore[arg-type]

    import torch
    from stable_baselines3 import DQN

    gate.imported()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    settings = told["settings"]
    policy = _policy(settings["agent"])
    model = DQN(
        "CnnPolicy" if settings["agent"]["network"]["filters"] else "MlpPolicy",
        environment(settings, told.get("vector", False)),
        max_grad_norm=settings["agent"]["gradient_clipping"],
        policy_kwargs=policy,
        device="cpu",
        **common_options(**told),
    )
    gate.built(sum(weights.numel() for weights in model.q_net.parameters()))
    model.learn(_ENDLESS, callback=gate_keeper(gate))


def solve(channel: Channel, **trial: Any) -> None:
    """Train with the hyperparameters that RL Baselines3 Zoo publishes for DQN and CartPole-v1."""
    sys.modules.update(dict.fromkeys(("tensorboard", "tensorflow")))  # type: ignore[arg-type]

    import torch
    from stable_baselines3 import DQN

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    solve_with_zoo(DQN, channel, device="cpu", **trial)


def solve_with_zoo(
    algorithm: Any,
    channel: Channel,
    *,
    env: str,
    seed: int,
    budget: int,
    evaluate_every: int,
    episodes: int,
    **options: Any,
) -> None:
    """Train a class with Stable-Baselines3's interface, evaluated as everybody is."""
    model = algorithm(
        "MlpPolicy",
        env,
        learning_rate=2.3e-3,
        batch_size=64,
        buffer_size=100_000,
        learning_starts=1_000,
        gamma=0.99,
        target_update_interval=10,
        train_freq=256,
        gradient_steps=128,
        exploration_fraction=0.16,
        exploration_final_eps=0.04,
        policy_kwargs={"net_arch": [256, 256]},
        seed=seed,
        **options,
    )
    trial = Trial(channel, env, evaluate_every=evaluate_every, episodes=episodes, seed=seed)

    def act(observations: Any) -> Any:
        return np.asarray(model.predict(observations, deterministic=True)[0])

    model.learn(budget, callback=each_step(lambda counts: trial.look(counts[0], act)))
    channel.send(ended=True)


def common_options(
    *,
    settings: dict[str, Any],
    updates_per_call: int,
    vector_steps_per_call: int,
    steps_per_update: int,
    **_: Any,
) -> dict[str, Any]:
    """Return what Stable-Baselines3 and SBX are told alike."""
    agent, training = settings["agent"], settings["training"]
    return {
        "learning_rate": agent["learning_rate"],
        "buffer_size": training["replay_capacity"],
        "learning_starts": training["learning_starts"],
        "batch_size": agent["batch_size"],
        "gamma": agent["gamma"],
        "train_freq": vector_steps_per_call,
        "gradient_steps": updates_per_call,
        "n_steps": agent["n_step"],
        # In environment steps.
        "target_update_interval": agent["target_update_period"] * steps_per_update,
        "exploration_initial_eps": training["epsilon_end"],
        "exploration_final_eps": training["epsilon_end"],
        "seed": settings["seed"],
    }


def environment(settings: dict[str, Any], vector: bool) -> Any:
    """Return the environments, ours through an adapter if `vector`."""
    from stable_baselines3.common.env_util import make_vec_env

    # Importing it registers the environment.
    from f1_rl.driving.registration import CAMERA_ID

    if vector:
        from f1_rl.benchmark.systems.sb3_vector import OurVectorEnvironment

        return OurVectorEnvironment(settings)
    drives = settings["env"] == CAMERA_ID
    return make_vec_env(
        settings["env"],
        n_envs=settings["training"]["num_envs"],
        seed=settings["seed"],
        env_kwargs=settings["task"] if drives else settings["env_options"],
    )


def gate_keeper(gate: Gate) -> Any:
    """Return a callback that holds an algorithm at the gate."""

    def look(counts: tuple[int, int]) -> None:
        if gate.due():
            gate.hold(*counts)

    return each_step(look)


def each_step(look: Callable[[tuple[int, int]], None]) -> Any:
    """Return a callback that is given the counts of environment steps and updates."""
    from stable_baselines3.common.callbacks import BaseCallback

    class EachStep(BaseCallback):
        def _on_step(self) -> bool:
            resets = getattr(self.training_env, "resets", 0)
            look((self.model.num_timesteps - resets, self.model._n_updates))
            return True

    return EachStep()


def _policy(agent: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a policy with the network of ours."""
    import torch

    network = agent["network"]
    policy: dict[str, Any] = {
        "net_arch": network["units"],
        "activation_fn": torch.nn.ReLU,
        "optimizer_kwargs": {"eps": agent["adam_epsilon"]},
    }
    if network["filters"]:
        from f1_rl.benchmark.systems.sb3_convolutions import Convolutions

        policy["features_extractor_class"] = Convolutions
        policy["features_extractor_kwargs"] = {"network": network}
    return policy
