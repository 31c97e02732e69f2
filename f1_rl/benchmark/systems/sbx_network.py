"""Our network in Flax, for SBX."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from sbx.common.type_aliases import RLTrainState
from sbx.dqn.policies import DQNPolicy


class QNetwork(nn.Module):
    """Convolutions over a picture, if there are some, then dense layers."""

    num_actions: int
    network: Any

    @nn.compact
    def __call__(self, observations: Any) -> Any:
        """Return the action values `(N, A)` of pictures `(N, C, H, W)` or vectors `(N, D)`."""
        x = observations
        if self.network["filters"]:
            x = jnp.transpose(x, (0, 2, 3, 1)).astype(jnp.float32) / 255
        for filters, kernel, stride in zip(
            self.network["filters"], self.network["kernels"], self.network["strides"], strict=True
        ):
            x = nn.relu(nn.Conv(filters, tuple(kernel), tuple(stride), padding="VALID")(x))
        x = x.reshape((x.shape[0], -1))
        for units in self.network["units"]:
            x = nn.relu(nn.Dense(units)(x))
        return nn.Dense(self.num_actions)(x)


def policy_class(network: dict[str, Any]) -> Any:
    """Return an SBX policy with this network."""
    # Flax hashes a module's fields.
    frozen = nn.FrozenDict(
        {name: tuple(map(_hashable, network[name])) for name in sorted(network) if network[name]}
        | {name: () for name in ("filters", "kernels", "strides") if not network[name]}
    )

    class OurPolicy(DQNPolicy):
        def build(self, key: Any, lr_schedule: Any) -> Any:
            key, qf_key = jax.random.split(key, 2)
            self.qf = QNetwork(num_actions=int(self.action_space.n), network=frozen)
            first = jnp.array([self.observation_space.sample()])
            params = self.qf.init({"params": qf_key}, first)
            self.qf_state = RLTrainState.create(
                apply_fn=self.qf.apply,
                params=params,
                target_params=params,
                tx=self.optimizer_class(learning_rate=lr_schedule(1)),
            )
            self.qf.apply = jax.jit(self.qf.apply)
            return key

    return OurPolicy


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
