"""The Q-learning agent; this module and `networks` alone know TF-Agents."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from f1_rl.learning.algorithms import (
    build_agent,
    build_optimizer,
    loss_scale_variables,
)
from f1_rl.learning.dense_values import DenseValues
from f1_rl.learning.device import DeviceMemoryError, choose_device, import_tensorflow
from f1_rl.learning.frames import FrameReader
from f1_rl.learning.networks import build_q_network
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Batch
from f1_rl.learning.settings import AgentSettings
from f1_rl.policy.quiet import quiet_stderr

tf: Any = import_tensorflow()

# TF-Agents imports gym, which prints at every import that it is not maintained any more.
with quiet_stderr():
    from tf_agents.policies import policy_saver
    from tf_agents.specs import tensor_spec
    from tf_agents.trajectories import time_step, trajectory

Array = npt.NDArray[Any]


class DivergedError(RuntimeError):
    """The loss is not a finite number any more."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "the loss is not finite any more; lower agent.learning_rate or "
            "agent.reward_scale and resume from the last checkpoint."
        )


class Agent:
    """A TF-Agents DQN, Double DQN or C51 agent, called with NumPy arrays.

    Acting is one compiled call for all environments, and `K` updates are one compiled call. The
    agents themselves are built for one-step updates: the replay hands over n-step returns and
    their discounts, which is the same arithmetic for all three and moves two states a sample
    instead of n + 1.
    """

    def __init__(
        self,
        layout: ObservationLayout,
        num_actions: int,
        settings: AgentSettings,
        *,
        seed: int,
        device: str | None = None,
    ) -> None:
        """Build networks, optimiser and agent.

        Args:
            layout: Of the observations.
            num_actions: Size of the discrete action space.
            settings: The learning rule.
            seed: Of the initial weights.
            device: A TensorFlow device; none chooses a GPU where there is one.

        Raises:
            SettingsError: The convolutions do not fit the pictures.
        """
        self.layout = layout
        self.num_actions = num_actions
        self.settings = settings
        self._seed = seed
        self.device = choose_device() if device is None else device
        # Keras draws the seeds of its initialisers from the standard library.
        tf.keras.utils.set_random_seed(seed)
        with tf.device(self.device):
            self._noise = tf.random.Generator.from_seed(seed)
            self._agent = self._build()
            self._agent.initialize()
            self._optimizer.build(self._q_network.trainable_variables)
        self._initial_weights = self.weights()
        self._dense_values: DenseValues | None = None
        self._train_functions: dict[tuple[bool, FrameReader | None], Any] = {}

    def q_values(self, observations: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` of a batch of observations.

        Args:
            observations: For each part of the layout `(N, ...)`.
        """
        if self._is_dense:
            if self._dense_values is None:
                self._dense_values = DenseValues(self.weights())
            return self._dense_values(observations)
        values = self._q_function(*(tf.constant(part) for part in observations))
        return np.asarray(values.numpy(), np.float32)

    def noisy_q_values(self, observations: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` to explore by.

        A noisy network draws noise for each observation; those of any other are its `q_values`.
        """
        if not self.settings.network.noisy:
            return self.q_values(observations)
        values = self._noisy_function(*(tf.constant(part) for part in observations))
        return np.asarray(values.numpy(), np.float32)

    def train(self, batch: Batch) -> float:
        """Apply one update for each of the `K` batches and return their mean loss.

        Raises:
            DivergedError: The loss or a value became infinite or not a number.
            DeviceMemoryError: There is no room for the batch on the device.
        """
        loss, _ = self._apply(batch, None)
        return loss

    def train_weighted(
        self, batch: Batch, weights: npt.NDArray[np.float32]
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """Apply one update for each batch, the loss of each sample multiplied with a weight.

        Args:
            batch: `K` batches of `B` samples.
            weights: `(K, B)`.

        Returns:
            The mean loss, and of each sample `(K, B)` the temporal-difference error before its
            update; for C51 the cross-entropy.

        Raises:
            DivergedError: The loss or a value became infinite or not a number.
            DeviceMemoryError: There is no room for the batch on the device.
        """
        loss, errors = self._apply(batch, weights)
        return loss, np.asarray(errors.numpy(), np.float32)

    @property
    def updates(self) -> int:
        """Updates applied so far."""
        return int(self._agent.train_step_counter.numpy())

    def set_learning_rate(self, value: float) -> None:
        """Change the optimiser's step size."""
        self._optimizer.learning_rate.assign(value)

    def weights(self) -> list[Array]:
        """Return a copy of the Q-network's weights."""
        return [np.array(v.numpy()) for v in self._q_network.variables]

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Put weights from `weights` into the Q-network."""
        self._dense_values = None
        for variable, value in zip(self._q_network.variables, weights, strict=True):
            variable.assign(value)

    def reset_dense_layers(self) -> None:
        """Draw new weights for all layers but the convolutions.

        They are those which the layers began with in a random order: the entries of a kernel are
        drawn independently of each other, so that is another draw. The target network takes over
        what comes of it. The optimiser begins anew for all layers: Adam corrects the bias of all
        its means by one count of updates.
        """
        self._dense_values = None
        kept = {
            variable.ref()
            for layer in self._q_network.submodules
            if isinstance(layer, tf.keras.layers.Conv2D)
            for variable in layer.variables
        }
        rng = np.random.default_rng((self._seed, self.updates))
        pairs = zip(self._q_network.variables, self._initial_weights, strict=True)
        for variable, value in pairs:
            if variable.ref() not in kept:
                variable.assign(rng.permutation(value.ravel()).reshape(value.shape))
        target = self._agent._target_q_network.variables
        for variable, source in zip(target, self._q_network.variables, strict=True):
            variable.assign(source)
        rate = float(self._optimizer.learning_rate.numpy())
        for variable in self._optimizer_variables():
            variable.assign(tf.zeros_like(variable))
        self.set_learning_rate(rate)

    def state(self) -> dict[str, Any]:
        """Return weights, target, optimiser and counters, for a checkpoint."""
        return {
            "variables": [np.array(v.numpy()) for v in self._variables()],
            "learning_rate": float(self._optimizer.learning_rate.numpy()),
            "loss_scale": [np.array(v.numpy()) for v in loss_scale_variables(self._optimizer)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned; a loss scale where both have one.

        Raises:
            ValueError: It comes from another network or optimiser.
        """
        self._dense_values = None
        variables = self._variables()
        values = state["variables"]
        shapes = [tuple(v.shape) for v in variables]
        if [tuple(v.shape) for v in values] != shapes:
            raise ValueError("the checkpoint's network or optimiser is not this run's.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.set_learning_rate(state["learning_rate"])
        # Absent or empty where the run did not compute in float16 before.
        for variable, value in zip(
            loss_scale_variables(self._optimizer), state.get("loss_scale", ()), strict=False
        ):
            variable.assign(value)

    def save_greedy_policy(self, folder: Path) -> None:
        """Write the greedy policy as a SavedModel, through TF-Agents' PolicySaver.

        Raises:
            OSError: It cannot be written.
        """
        policy = self._in_full_precision()._agent.policy
        with quiet_stderr():
            saver = policy_saver.PolicySaver(policy, batch_size=None)
            try:
                saver.save(str(folder))
            except tf.errors.OpError as error:
                raise OSError(None, error.message, str(folder)) from error

    def tflite_model(self) -> bytes:
        """Return the Q-function of one observation as a TFLite model.

        Its inputs are the parts of the layout, each with a leading axis of one, in order and named
        `observation_0`, `observation_1`, ...; its output is `(1, A) float32`.
        """
        specs = [
            tf.TensorSpec((1, *part.shape), part.dtype, name=f"observation_{index}")
            for index, part in enumerate(self.layout.parts)
        ]
        agent = self._in_full_precision()
        function = tf.function(agent._q_of, input_signature=specs, autograph=False)
        with tf.device("/CPU:0"), quiet_stderr():
            converter = tf.lite.TFLiteConverter.from_concrete_functions(
                [function.get_concrete_function()], agent._q_network
            )
            return bytes(converter.convert())

    def _apply(self, batch: Batch, weights: npt.NDArray[np.float32] | None) -> tuple[float, Any]:
        self._dense_values = None
        function = self._train_function(weights is not None, batch.frames)
        try:
            total, errors = function(
                tuple(tf.constant(part) for part in batch.observations),
                tf.constant(batch.actions),
                tf.constant(batch.rewards),
                tf.constant(batch.discounts),
                *([] if weights is None else [tf.constant(weights)]),
                *self._advice_of(batch),
            )
            loss = float(total)
        except tf.errors.InvalidArgumentError as error:
            if "inf or nan" not in str(error).lower():
                raise
            raise DivergedError from error
        except tf.errors.ResourceExhaustedError as error:
            raise DeviceMemoryError(
                f"the memory of {self.device} is used up; lower agent.batch_size, or set "
                "training.replay_device to host."
            ) from error
        # XLA leaves out TF-Agents' check of every loss; a mean shows it, too.
        if not np.isfinite(loss):
            raise DivergedError
        return loss, errors

    def _advice_of(self, batch: Batch) -> list[Any]:
        """Return what the compiled updates take of the advice: nothing where it has no weight."""
        if not self.settings.advice_weight:
            return []
        if batch.advice is None:
            return [tf.zeros((*batch.actions.shape, self.num_actions))]
        return [tf.constant(batch.advice)]

    def _in_full_precision(self) -> "Agent":
        """Return an agent with these weights that computes in 32 bits, to be saved."""
        if self.settings.mixed_precision == "none":
            return self
        settings = replace(self.settings, mixed_precision="none")
        agent = Agent(self.layout, self.num_actions, settings, seed=0, device="/CPU:0")
        agent.set_weights(self.weights())
        return agent

    @property
    def _is_dense(self) -> bool:
        """Whether the Q-network is nothing but dense layers, whose outputs are the values."""
        network = self.settings.network
        pictures = any(len(part.shape) == 3 for part in self.layout.parts)
        plain = self.settings.algorithm != "c51" and not network.dueling and not network.noisy
        return plain and not pictures

    def _variables(self) -> list[Any]:
        return [
            *self._q_network.variables,
            *self._agent._target_q_network.variables,
            *self._optimizer_variables(),
            self._agent.train_step_counter,
            # Counts the updates until the target network's next one.
            *self._agent._update_target.variables,
            *([self._noise.state] if self.settings.network.noisy else []),
        ]

    def _optimizer_variables(self) -> list[Any]:
        variables = self._optimizer.variables
        return list(variables() if callable(variables) else variables)

    def _build(self) -> Any:
        observation_spec = self.layout.join(
            [
                tensor_spec.BoundedTensorSpec(p.shape, p.dtype, 0, 255)
                if p.dtype == np.uint8
                else tensor_spec.TensorSpec(p.shape, p.dtype)
                for p in self.layout.parts
            ]
        )
        time_step_spec = time_step.time_step_spec(observation_spec)
        action_spec = tensor_spec.BoundedTensorSpec((), tf.int32, 0, self.num_actions - 1)
        settings = self.settings
        self._optimizer = build_optimizer(settings)
        self._q_network = build_q_network(
            self.layout, observation_spec, action_spec, settings, self._noise, self.device
        )
        return build_agent(time_step_spec, action_spec, self._q_network, self._optimizer, settings)

    def _q_of(self, *parts: Any, training: bool = False) -> Any:
        """Return the action values of a batch as a tensor; for C51 the means of the atoms."""
        output, _ = self._q_network(self.layout.join(parts), training=training)
        if self.settings.algorithm != "c51":
            return output
        support = tf.linspace(self.settings.min_value, self.settings.max_value, self.settings.atoms)
        return tf.reduce_sum(tf.nn.softmax(output) * tf.cast(support, tf.float32), axis=-1)

    @cached_property
    def _q_function(self) -> Any:
        return self._compile_q_values(training=False)

    @cached_property
    def _noisy_function(self) -> Any:
        return self._compile_q_values(training=True)

    def _compile_q_values(self, *, training: bool) -> Any:
        specs = [tf.TensorSpec((None, *part.shape), part.dtype) for part in self.layout.parts]

        def q_of(*parts: Any) -> Any:
            # Of a `functools.partial` TensorFlow would miss the argument at every call, and print
            # all observations for a message that nobody sees.
            return self._q_of(*parts, training=training)

        # AutoGraph would convert all of TF-Agents and Keras at the first call, which takes
        # seconds and changes nothing: there is no Python control flow over tensors in there.
        function = tf.function(q_of, input_signature=specs, autograph=False)
        return function.get_concrete_function()

    def _train_function(self, weighted: bool, frames: FrameReader | None) -> Any:
        """Return the compiled updates, with weights or without, for batches of that kind."""
        if (weighted, frames) not in self._train_functions:
            self._train_functions[weighted, frames] = self._compile_training(weighted, frames)
        return self._train_functions[weighted, frames]

    def _compile_training(self, weighted: bool, frames: FrameReader | None) -> Any:
        updates, batch = None, self.settings.batch_size
        scalars = (updates, batch)
        advised = bool(self.settings.advice_weight)
        signature = (
            tuple(
                tf.TensorSpec((updates, batch, 2, *part.shape), part.dtype)
                if frames is None
                else tf.TensorSpec((updates, batch, 2, part.stack), tf.int32)
                for part in self.layout.parts
            ),
            tf.TensorSpec(scalars, tf.int32),
            *(tf.TensorSpec(scalars, tf.float32) for _ in range(3 if weighted else 2)),
            *([tf.TensorSpec((*scalars, self.num_actions), tf.float32)] if advised else []),
        )
        read = list if frames is None else frames.read

        def train(*arguments: Any) -> Any:
            observations, actions, rewards, discounts, *more = arguments
            weights = more.pop(0) if weighted else None
            advice = more.pop(0) if advised else None
            return self._train_many(
                read, observations, actions, rewards, discounts, weights, advice
            )

        function = tf.function(
            train,
            input_signature=signature,
            autograph=False,
            # For each number of updates anew, at its first call.
            jit_compile=self.settings.xla or None,
        )
        # Choosing among the traces of a function, of which there is one here, costs as much as an
        # update of a small network.
        return function.get_concrete_function()

    def _train_many(
        self,
        read: Callable[[Sequence[Any]], list[Any]],
        observations: Any,
        actions: Any,
        rewards: Any,
        discounts: Any,
        weights: Any,
        advice: Any,
    ) -> Any:
        """Apply the updates one after another inside the graph.

        Args:
            read: Makes the observations of one update of what the batch holds of them.
            observations: For each part `(K, B, 2, ...)`.
            actions: `(K, B)`.
            rewards: `(K, B)`.
            discounts: `(K, B)`.
            weights: Of the samples `(K, B)`; none: all alike.
            advice: Of the samples `(K, B, A)`; none: it has no weight.

        Returns:
            The mean loss, and with weights of the samples the error of each.
        """
        middle = tf.fill((self.settings.batch_size, 2), time_step.StepType.MID)
        updates = tf.shape(actions)[0]

        def update(k: Any, total: Any, errors: Any) -> tuple[Any, Any, Any]:
            def twice(values: Any) -> Any:
                return tf.stack((values[k], values[k]), axis=1)

            experience = trajectory.Trajectory(
                step_type=middle,
                observation=self.layout.join(read([part[k] for part in observations])),
                action=twice(actions),
                policy_info=(),
                next_step_type=middle,
                reward=twice(rewards),
                discount=twice(discounts),
            )
            if advice is not None:
                self._agent.advice = advice[k]
            # `train` is `_train` in a tf.function of its own; here it is part of a larger one.
            info = self._agent._train(experience, None if weights is None else weights[k])
            if weights is not None:
                errors = errors.write(k, info.extra.td_error)
            return k + 1, total + info.loss, errors

        errors = () if weights is None else tf.TensorArray(tf.float32, updates)
        _, total, errors = tf.while_loop(lambda k, *_: k < updates, update, (0, 0.0, errors))
        mean = total / tf.cast(updates, tf.float32)
        return mean, (() if weights is None else errors.stack())
