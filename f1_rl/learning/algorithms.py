"""TF-Agents' agents, which here do not run a network twice over the same states."""

from typing import Any

from f1_rl.learning.device import import_tensorflow
from f1_rl.learning.settings import AgentSettings
from f1_rl.policy.quiet import quiet_stderr

tf: Any = import_tensorflow()

# TF-Agents imports gym, which prints at every import that it is not maintained any more.
with quiet_stderr():
    from tf_agents.agents import tf_agent
    from tf_agents.agents.categorical_dqn import categorical_dqn_agent
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.utils import common, eager_utils


def _values(network: Any, time_steps: Any) -> Any:
    return network(time_steps.observation, step_type=time_steps.step_type)[0]


class _KeepsValues:
    """Keeps the values of the loss, so that further terms of it can be made of them."""

    # `(B, A)`, of the batch whose loss was made last.
    values: Any = None
    _q_network: Any

    def _compute_q_values(self, time_steps: Any, actions: Any, training: bool = False) -> Any:
        self.values, _ = self._q_network(
            time_steps.observation, time_steps.step_type, training=training
        )
        return common.index_with_actions(self.values, tf.cast(actions, tf.int32))


class DqnAgent(_KeepsValues, dqn_agent.DqnAgent):
    """DQN (Mnih et al. 2015).

    The largest of the target network's values is taken directly. TF-Agents asks a greedy policy
    for the action, which runs the target network again: three passes forward instead of two.
    """

    def _compute_next_q_values(self, next_time_steps: Any, info: Any) -> Any:
        del info
        return tf.reduce_max(_values(self._target_q_network, next_time_steps), axis=-1)


class DdqnAgent(_KeepsValues, dqn_agent.DdqnAgent):
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
        kind: `DqnAgent` or `DdqnAgent`.
        weight: alpha.
    """

    class ConservativeAgent(kind):
        def _loss(self, experience: Any, **options: Any) -> Any:
            info = super()._loss(experience, **options)
            _, taken, _ = self._as_transition(experience)
            chosen = common.index_with_actions(self.values, tf.cast(taken.action, tf.int32))
            gap = tf.reduce_mean(tf.reduce_logsumexp(self.values, axis=-1) - chosen)
            return info._replace(loss=info.loss + weight * gap)

    return ConservativeAgent


def advised(kind: Any, weight: float, temperature: float) -> Any:
    """Return an agent class whose loss wants advised actions to be the best.

    `weight * sum_a advice(a) (T logsumexp_b (Q(s, b) / T) - Q(s, a))` is added, averaged over the
    batch and 0 for samples without advice: T times the cross-entropy between the advice and a
    policy that takes actions by `softmax(Q / T)`, as policies are distilled (Rusu et al. 2016,
    "Policy Distillation", equation 2). The smaller T, the smaller the differences between values
    that do.

    Args:
        kind: `DqnAgent` or `DdqnAgent`.
        weight: Of this beside the temporal-difference error.
        temperature: T, in values, with the reward scale in them.
    """

    class AdvisedAgent(kind):
        # `(B, A)` shares, of the batch whose loss is next; all 0: no advice.
        advice: Any = None

        def _loss(self, experience: Any, **options: Any) -> Any:
            info = super()._loss(experience, **options)
            entropy = tf.nn.softmax_cross_entropy_with_logits(
                self.advice, self.values / temperature
            )
            # Its gradient takes shares that add up to one for granted, also where it is 0.
            entropy = tf.where(tf.reduce_any(self.advice > 0.0, axis=-1), entropy, 0.0)
            return info._replace(loss=info.loss + weight * temperature * tf.reduce_mean(entropy))

    return AdvisedAgent


def loss_scaled(kind: Any) -> Any:
    """Return an agent class whose small gradients survive 16 bits.

    Micikevicius et al. (2018), "Mixed Precision Training", section 3.2: gradients are those of the
    loss times a large number, and divided by it before they are clipped and applied; updates in
    which they overflow are left out. The optimiser is Keras' LossScaleOptimizer, which finds the
    number.

    Args:
        kind: One of TF-Agents' agents for DQN.
    """

    class LossScalingAgent(kind):
        def _train(self, experience: Any, weights: Any) -> Any:
            with tf.GradientTape() as tape:
                info = self._loss(
                    experience,
                    td_errors_loss_fn=self._td_errors_loss_fn,
                    gamma=self._gamma,
                    reward_scale_factor=self._reward_scale_factor,
                    weights=weights,
                    training=True,
                )
                scaled = self._optimizer.get_scaled_loss(info.loss)
            tf.debugging.check_numerics(info.loss, "Loss is inf or nan")
            variables = self._q_network.trainable_weights
            gradients = tape.gradient(scaled, variables)
            pairs = list(
                zip(self._optimizer.get_unscaled_gradients(gradients), variables, strict=True)
            )
            if self._gradient_clipping is not None:
                pairs = eager_utils.clip_gradient_norms(pairs, self._gradient_clipping)
            self._optimizer.apply_gradients(pairs)
            self.train_step_counter.assign_add(1)
            self._update_target()
            return info

    return LossScalingAgent


def build_optimizer(settings: AgentSettings) -> Any:
    """Return Adam, which scales the loss where gradients have 16 bits of small range."""
    adam = tf.keras.optimizers.Adam(settings.learning_rate, epsilon=settings.adam_epsilon)
    if settings.mixed_precision != "float16":
        return adam
    return tf.keras.mixed_precision.LossScaleOptimizer(adam)


def loss_scale_variables(optimizer: Any) -> list[Any]:
    """Return what an optimiser remembers of the loss scale; one that does not scale, nothing."""
    if not hasattr(optimizer, "dynamic_counter"):
        return []
    return [optimizer._loss_scale.current_loss_scale, optimizer.dynamic_counter]


def build_agent(
    time_step_spec: Any, action_spec: Any, network: Any, optimizer: Any, settings: AgentSettings
) -> Any:
    """Return the TF-Agents agent that a run is set to have.

    Args:
        time_step_spec: TF-Agents' specification of observations and rewards.
        action_spec: Of the actions.
        network: From `build_q_network`.
        optimizer: From `build_optimizer`.
        settings: The learning rule.
    """
    shared = {
        "optimizer": optimizer,
        "gamma": settings.gamma,
        "target_update_period": settings.target_update_period,
        "target_update_tau": settings.target_update_tau,
        "gradient_clipping": settings.gradient_clipping,
        "reward_scale_factor": settings.reward_scale,
        "train_step_counter": tf.Variable(0, dtype=tf.int64),
    }
    kind: Any = {"dqn": DqnAgent, "double_dqn": DdqnAgent, "c51": CategoricalDqnAgent}[
        settings.algorithm
    ]
    if settings.conservative_weight:
        kind = conservative(kind, settings.conservative_weight)
    if settings.advice_weight:
        kind = advised(kind, settings.advice_weight, settings.advice_temperature)
    if settings.mixed_precision == "float16":
        kind = loss_scaled(kind)
    if settings.algorithm == "c51":
        shared["min_q_value"], shared["max_q_value"] = settings.min_value, settings.max_value
        return kind(time_step_spec, action_spec, categorical_q_network=network, **shared)
    loss = {
        "huber": common.element_wise_huber_loss,
        "squared": common.element_wise_squared_loss,
    }[settings.loss]
    return kind(time_step_spec, action_spec, q_network=network, td_errors_loss_fn=loss, **shared)
