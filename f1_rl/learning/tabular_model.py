"""A table of action values as a TensorFlow model: what a car drives by."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.device import import_tensorflow
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.tabular import CONTRAST, LineStates
from f1_rl.policy.quiet import quiet_stderr

tf: Any = import_tensorflow()

# TF-Agents imports gym, which prints at every import that it is not maintained any more.
with quiet_stderr():
    from tf_agents.networks import network
    from tf_agents.policies import greedy_policy, policy_saver, q_policy
    from tf_agents.specs import tensor_spec
    from tf_agents.trajectories import time_step


class TabularModel:
    """Finds the line and looks up its values, in the same integers as `LineStates`."""

    def __init__(
        self, layout: ObservationLayout, states: LineStates, table: npt.NDArray[np.float32]
    ) -> None:
        """Take the `(S, A)` action values of the states."""
        (self._part,) = layout.parts
        self._layout = layout
        self._states = states
        self._table = tf.constant(table)

    def q_values(self, pictures: Any) -> Any:
        """Return the action values `(N, A)` of pictures `(N, R, C, 1)` as a tensor."""
        columns, positions = self._states.columns, self._states.positions
        # Axes are summed over and kept, since a reshaped model would take one picture at a time.
        values = tf.reduce_sum(tf.cast(pictures, tf.int32), axis=-1)
        total = tf.reduce_sum(values, axis=-1, keepdims=True)
        brightest = tf.reduce_max(values, axis=-1, keepdims=True)
        bright = tf.cast(values > (columns * brightest + total) // (2 * columns), tf.int32)
        moment = tf.reduce_sum(bright * tf.constant(self._states.middles), axis=-1, keepdims=True)
        count = tf.maximum(1, tf.reduce_sum(bright, axis=-1, keepdims=True))
        seen = columns * brightest - total > CONTRAST * columns
        position = tf.where(seen, moment * positions // (2 * columns * count), positions)
        places = tf.constant(self._states.place_values, tf.int32, (self._states.rows, 1))
        return tf.gather(self._table, tf.reduce_sum(position * places, axis=[1, 2]))

    def tflite_model(self) -> bytes:
        """Return the Q-function of one picture as a TFLite model."""
        spec = tf.TensorSpec((1, *self._part.shape), self._part.dtype, name="observation_0")
        function = tf.function(self.q_values, input_signature=[spec], autograph=False)
        with tf.device("/CPU:0"), quiet_stderr():
            concrete = function.get_concrete_function()
            converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], function)
            return bytes(converter.convert())

    def save_greedy_policy(self, folder: Path) -> None:
        """Write the greedy policy as a SavedModel, through TF-Agents' PolicySaver.

        Raises:
            OSError: It cannot be written.
        """
        part = self._part
        spec = self._layout.join([tensor_spec.BoundedTensorSpec(part.shape, part.dtype, 0, 255)])
        actions = tensor_spec.BoundedTensorSpec((), tf.int32, 0, self._table.shape[1] - 1)
        policy = greedy_policy.GreedyPolicy(
            q_policy.QPolicy(time_step.time_step_spec(spec), actions, _Network(self, spec))
        )
        with quiet_stderr():
            try:
                policy_saver.PolicySaver(policy, batch_size=None).save(str(folder))
            except tf.errors.OpError as error:
                raise OSError(None, error.message, str(folder)) from error


class _Network(network.Network):
    """The look-up in the shape of a Q-network of TF-Agents."""

    def __init__(self, model: TabularModel, spec: Any) -> None:
        super().__init__(input_tensor_spec=spec)
        self._model = model

    def call(
        self, observation: Any, step_type: Any = None, network_state: Any = (), **_: Any
    ) -> tuple[Any, Any]:
        (pictures,) = tf.nest.flatten(observation)
        return self._model.q_values(pictures), network_state
