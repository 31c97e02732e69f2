"""TF-Agents' agents, which here do not run a network twice over the same states."""

from typing import Any

from f1_rl.learning.device import import_tensorflow
from f1_rl.policy.quiet import quiet_stderr

tf: Any = import_tensorflow()

# TF-Agents imports gym, which prints at every import that it is not maintained any more.
with quiet_stderr():
    from tf_agents.agents import tf_agent
    from tf_agents.agents.categorical_dqn import categorical_dqn_agent
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.utils import common


def _values(network: Any, time_steps: Any) -> Any:
    return network(time_steps.observation, step_type=time_steps.step_type)[0]


class DqnAgent(dqn_agent.DqnAgent):
    """DQN (Mnih et al. 2015).

    The largest of the target network's values is taken directly. TF-Agents asks a greedy policy
    for the action, which runs the target network again: three passes forward instead of two.
    """

    def _compute_next_q_values(self, next_time_steps: Any, info: Any) -> Any:
        del info
        return tf.reduce_max(_values(self._target_q_network, next_time_steps), axis=-1)


class DdqnAgent(dqn_agent.DdqnAgent):
    """Double DQN (van Hasselt et al. 2016), without the detour over a greedy policy."""

    def _compute_next_q_values(self, next_time_steps: Any, info: Any) -> Any:
        del info
        best = tf.argmax(_values(self._q_network, next_time_steps), axis=-1)
        values = _values(self._target_q_network, next_time_steps)
        return tf.gather(values, best, axis=-1, batch_dims=1)


class CategoricalDqnAgent(categorical_dqn_agent.CategoricalDqnAgent):
    """C51 (Bellemare et al. 2017), which also asks its target network once.

    Its loss takes weights of the samples, which TF-Agents' own ignores, and tells their errors.
    """

    def _loss(self, experience: Any, weights: Any = None, **options: Any) -> Any:
        before, taken, after = self._as_transition(experience)
        logits, _ = self._q_network(
            before.observation, step_type=before.step_type, training=options["training"]
        )
        rewards = options["reward_scale_factor"] * after.reward
        discounts = options["gamma"] * after.discount
        target = categorical_dqn_agent.project_distribution(
            rewards[:, None] + discounts[:, None] * self._support,
            self._next_q_distribution(after),
            self._support,
        )
        chosen = tf.gather(logits, taken.action, axis=1, batch_dims=1)
        errors = tf.nn.softmax_cross_entropy_with_logits(tf.stop_gradient(target), chosen)
        loss = tf.reduce_mean(errors if weights is None else errors * weights)
        return tf_agent.LossInfo(loss, dqn_agent.DqnLossInfo(td_loss=errors, td_error=errors))

    def _next_q_distribution(self, next_time_steps: Any) -> Any:
        shares = tf.nn.softmax(_values(self._target_q_network, next_time_steps))
        best = tf.argmax(tf.reduce_sum(self._support * shares, axis=-1), axis=-1)
        return tf.gather(shares, best, axis=1, batch_dims=1)


def conservative(kind: Any, weight: float) -> Any:
    """Return an agent class whose loss holds down the values of actions that were not taken.

    CQL(H) of Kumar et al. (2020), "Conservative Q-Learning for Offline Reinforcement Learning",
    equation 4, for discrete actions: `weight * (logsumexp_a Q(s, a) - Q(s, a_taken))` is added,
    averaged over the batch.

    Args:
        kind: TF-Agents' DqnAgent or DdqnAgent.
        weight: alpha.
    """

    class ConservativeAgent(kind):
        def _loss(self, experience: Any, **options: Any) -> Any:
            info = super()._loss(experience, **options)
            first, taken, _ = self._as_transition(experience)
            values, _ = self._q_network(first.observation, first.step_type, training=True)
            chosen = common.index_with_actions(values, tf.cast(taken.action, tf.int32))
            gap = tf.reduce_mean(tf.reduce_logsumexp(values, axis=-1) - chosen)
            return info._replace(loss=info.loss + weight * gap)

    return ConservativeAgent
