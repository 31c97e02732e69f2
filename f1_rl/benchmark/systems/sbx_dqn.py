"""SBX's DQN: Stable-Baselines3's loop with updates compiled by JAX, K of them in one call."""

import sys
from typing import Any

from f1_rl.benchmark.channel import Channel, Gate
from f1_rl.benchmark.systems.sb3 import (
    common_options,
    environment,
    gate_keeper,
    solve_with_zoo,
)

_ENDLESS = 10**9


def train(channel: Channel, **told: Any) -> None:
    """Train endlessly, held at the gate."""
    gate = Gate(channel)
    sys.modules.update(dict.fromkeys(("tensorboard", "tensorflow")))  # type: ignore[arg-type]

    import jax
    import optax
    from sbx import DQN

    from f1_rl.benchmark.systems.sbx_network import policy_class

    gate.imported()
    settings = told["settings"]
    agent = settings["agent"]

    def optimizer(learning_rate: float) -> Any:
        return optax.chain(
            optax.clip_by_global_norm(agent["gradient_clipping"]),
            optax.adam(learning_rate, eps=agent["adam_epsilon"]),
        )

    model = DQN(
        policy_class(agent["network"]),
        environment(settings, told.get("vector", False)),
        policy_kwargs={"optimizer_class": optimizer},
        **common_options(**told),
    )
    gate.built(sum(leaf.size for leaf in jax.tree.leaves(model.policy.qf_state.params)))
    model.learn(_ENDLESS, callback=gate_keeper(gate))


def solve(channel: Channel, **trial: Any) -> None:
    """Train with the hyperparameters that RL Baselines3 Zoo publishes for DQN and CartPole-v1."""
    sys.modules.update(dict.fromkeys(("tensorboard", "tensorflow")))  # type: ignore[arg-type]

    from sbx import DQN

    solve_with_zoo(DQN, channel, **trial)
