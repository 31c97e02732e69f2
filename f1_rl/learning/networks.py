"""The Q-networks: TF-Agents' own, and ours with two streams, with noise, or with both."""

from typing import Any

import numpy as np

from f1_rl.learning.convolutions import StridedConv2D, divides
from f1_rl.learning.device import import_tensorflow
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.settings import AgentSettings, NetworkSettings
from f1_rl.policy.quiet import quiet_stderr
from f1_rl.settings import SettingsError

tf: Any = import_tensorflow()

# TF-Agents imports gym, which prints at every import that it is not maintained any more.
with quiet_stderr():
    from tf_agents.networks import categorical_q_network, encoding_network, network, q_network

_INITIAL_NOISE = 0.5  # sigma_0 of Fortunato et al. (2018), section 3.2


def build_q_network(
    layout: ObservationLayout,
    observation_spec: Any,
    action_spec: Any,
    settings: AgentSettings,
    noise: Any,
    device: str,
) -> Any:
    """Return a TF-Agents network of the action values, with one encoder for each part.

    Args:
        layout: Of the observations.
        observation_spec: TF-Agents' specification of them.
        action_spec: TF-Agents' specification of the actions.
        settings: The learning rule.
        noise: A `tf.random.Generator` that noisy layers draw from; not used by others.
        device: The TensorFlow device that will compute it.

    Raises:
        SettingsError: The convolutions do not fit the pictures.
    """
    chosen = settings.network
    mixed = settings.mixed_precision != "none"
    # Keras' word for computing in 16 bits with weights of 32.
    dtype = f"mixed_{settings.mixed_precision}" if mixed else "float32"
    encoders = [_encoder(part.shape, chosen, dtype, device) for part in layout.parts]
    shared = {
        "preprocessing_layers": layout.join(encoders),
        "preprocessing_combiner": tf.keras.layers.Concatenate() if len(encoders) > 1 else None,
    }
    categorical = settings.algorithm == "c51"
    if chosen.dueling or chosen.noisy or mixed:
        return StreamedQNetwork(
            observation_spec,
            action_spec,
            units=chosen.units,
            dueling=chosen.dueling,
            noise=noise if chosen.noisy else None,
            dtype=dtype,
            num_atoms=settings.atoms if categorical else None,
            **shared,
        )
    shared["fc_layer_params"] = chosen.units
    if categorical:
        return categorical_q_network.CategoricalQNetwork(
            observation_spec, action_spec, num_atoms=settings.atoms, **shared
        )
    return q_network.QNetwork(observation_spec, action_spec, **shared)


class NoisyDense(tf.keras.layers.Layer):
    """A dense layer with factorised Gaussian noise on its weights while training.

    Fortunato et al. (2018), "Noisy Networks for Exploration", equations 9 to 11:
    `y = (mu_w + sigma_w * f(e_out) f(e_in)^T) x + mu_b + sigma_b * f(e_out)` with
    `f(e) = sgn(e) sqrt(|e|)`. Every sample of a batch draws its own noise, so environments that
    act in one call explore independently. Without `training` the weights are the means.
    """

    def __init__(
        self, units: int, noise: Any, name: str, dtype: str, activation: Any = None
    ) -> None:
        """Prepare the layer.

        Args:
            units: Size of the output.
            noise: A `tf.random.Generator`.
            name: Of the layer.
            dtype: What to compute in, as Keras names it.
            activation: Of the output; none: linear.
        """
        super().__init__(name=name, dtype=dtype)
        self._units = units
        self._noise = noise
        self._activation = tf.keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Create means and standard deviations as in section 3.2 of the paper."""
        inputs = int(input_shape[-1])
        bound = 1.0 / np.sqrt(inputs)
        initializers = tf.keras.initializers
        deviation = initializers.Constant(_INITIAL_NOISE * bound)

        def add(name: str, shape: tuple[int, ...]) -> tuple[Any, Any]:
            # An initialiser that is used twice would return the same numbers twice.
            mean = initializers.RandomUniform(-bound, bound)
            return (
                self.add_weight(name, shape, initializer=mean),
                self.add_weight(f"{name}_noise", shape, initializer=deviation),
            )

        self._kernel, self._kernel_noise = add("kernel", (inputs, self._units))
        self._bias, self._bias_noise = add("bias", (self._units,))
        super().build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the outputs `(B, units)` of inputs `(B, ...)`."""
        outputs = tf.matmul(inputs, self._kernel) + self._bias
        if training:
            batch = tf.shape(inputs)[0]
            before = self._draw((batch, inputs.shape[-1]))
            behind = self._draw((batch, self._units))
            outputs += (tf.matmul(inputs * before, self._kernel_noise) + self._bias_noise) * behind
        return self._activation(outputs)

    def _draw(self, shape: Any) -> Any:
        noise = self._noise.normal(shape)
        return tf.cast(tf.sign(noise) * tf.sqrt(tf.abs(noise)), self.compute_dtype)


class StreamedQNetwork(network.Network):
    """A Q-network whose dense layers can be dueling, noisy, or both.

    Dueling (Wang et al. 2016, "Dueling Network Architectures for Deep Reinforcement Learning",
    equation 9): the last hidden layer and the output exist twice, for the value of the state and
    for the advantages of the actions, and `Q(s, a) = V(s) + A(s, a) - mean_b A(s, b)`. For value
    distributions the same holds for the logits of each atom (Hessel et al. 2018, "Rainbow").

    The hidden layers can compute in 16 bits; the output layers have 32, for the differences between
    actions are small beside the values.
    """

    def __init__(
        self,
        input_tensor_spec: Any,
        action_spec: Any,
        preprocessing_layers: Any,
        preprocessing_combiner: Any,
        units: tuple[int, ...],
        dueling: bool,
        noise: Any,
        dtype: str,
        num_atoms: int | None,
        name: str = "StreamedQNetwork",
    ) -> None:
        """Build the layers.

        Args:
            input_tensor_spec: Of the observations.
            action_spec: Of the actions.
            preprocessing_layers: An encoder for each part of the observation, not built yet.
            preprocessing_combiner: Joins what they return; none: there is one.
            units: Of the hidden layers.
            dueling: Whether there are two streams.
            noise: A `tf.random.Generator` for noisy layers; none: they are plain.
            dtype: What the hidden layers compute in, as Keras names it.
            num_atoms: Of the value distribution; none: the output is the value itself.
            name: Of the network.
        """
        super().__init__(input_tensor_spec=input_tensor_spec, state_spec=(), name=name)
        self.num_atoms = num_atoms
        self._actions = int(action_spec.maximum - action_spec.minimum + 1)
        self._encoder = encoding_network.EncodingNetwork(
            input_tensor_spec,
            preprocessing_layers=preprocessing_layers,
            preprocessing_combiner=preprocessing_combiner,
        )
        shared, own = (units[:-1], units[-1:]) if dueling else (units, ())
        self._shared = _hidden_layers("shared", shared, noise, dtype)
        self._advantage = self._stream("advantage", own, self._actions, noise, dtype)
        self._value = self._stream("value", own, 1, noise, dtype) if dueling else None

    def call(
        self,
        observation: Any,
        step_type: Any = None,
        network_state: Any = (),
        training: bool = False,
    ) -> tuple[Any, Any]:
        """Return values `(B, A)` or logits `(B, A, atoms)`, and the network state as it was."""
        features, _ = self._encoder(observation, step_type=step_type, training=training)
        for layer in self._shared:
            features = layer(features, training=training)
        output = self._run(self._advantage, features, self._actions, training)
        if self._value is not None:
            value = self._run(self._value, features, 1, training)
            output += value - tf.reduce_mean(output, axis=1, keepdims=True)
        return output, network_state

    def _stream(
        self, name: str, units: tuple[int, ...], outputs: int, noise: Any, dtype: str
    ) -> list[Any]:
        output = _output_layer(name, outputs * (self.num_atoms or 1), noise)
        return [*_hidden_layers(name, units, noise, dtype), output]

    def _run(self, stream: list[Any], features: Any, outputs: int, training: bool) -> Any:
        for layer in stream:
            features = layer(features, training=training)
        if self.num_atoms is None:
            return features
        return tf.reshape(features, (-1, outputs, self.num_atoms))


# Layers have names of their own. Those that Keras counts up would differ between a run and one
# resumed in the same process, and with them the order in which TensorFlow adds up gradients.


def _hidden_layers(name: str, units: tuple[int, ...], noise: Any, dtype: str) -> list[Any]:
    """Return layers with rectifiers, plain ones with the initial weights of TF-Agents' QNetwork."""
    return [
        _hidden_layer(f"{name}_{index}", count, noise, dtype) for index, count in enumerate(units)
    ]


def _hidden_layer(name: str, units: int, noise: Any, dtype: str) -> Any:
    if noise is not None:
        return NoisyDense(units, noise, name, dtype, "relu")
    initializer = tf.keras.initializers.VarianceScaling(2.0, "fan_in", "truncated_normal")
    return tf.keras.layers.Dense(
        units, "relu", kernel_initializer=initializer, name=name, dtype=dtype
    )


def _output_layer(name: str, units: int, noise: Any) -> Any:
    """Return a linear layer, a plain one with the small initial weights of TF-Agents' QNetwork."""
    name = f"{name}_output"
    if noise is not None:
        return NoisyDense(units, noise, name, "float32")
    initializer = tf.keras.initializers.RandomUniform(-0.03, 0.03)
    return tf.keras.layers.Dense(units, kernel_initializer=initializer, name=name)


def _encoder(shape: tuple[int, ...], settings: NetworkSettings, dtype: str, device: str) -> Any:
    """Return the layers that turn one part of the observation into a vector.

    Raises:
        SettingsError: A picture becomes smaller than the kernel of the next convolution.
    """
    layers = tf.keras.layers
    if len(shape) != 3:
        return layers.Flatten(dtype=tf.float32)
    initializer = tf.keras.initializers.VarianceScaling(scale=2.0, mode="fan_in")
    convolutions = []
    rows, columns = shape[:2]
    for filters, kernel, strides in zip(
        settings.filters, settings.kernels, settings.strides, strict=True
    ):
        if rows < kernel[0] or columns < kernel[1]:
            raise SettingsError(
                f"agent.network.kernels: a kernel of {kernel[0]} x {kernel[1]} is larger than the "
                f"{rows} x {columns} pixels that are left of a picture of {shape[0]} x {shape[1]}; "
                "choose smaller kernels or strides."
            )
        quick = device.startswith("/CPU") and divides((rows, columns), kernel, strides)
        kind = StridedConv2D if quick else layers.Conv2D
        convolutions.append(
            kind(
                filters,
                kernel,
                strides,
                activation="relu",
                kernel_initializer=initializer,
                dtype=dtype,
            )
        )
        rows = (rows - kernel[0]) // strides[0] + 1
        columns = (columns - kernel[1]) // strides[1] + 1
    return tf.keras.Sequential([layers.Rescaling(1 / 255), *convolutions, layers.Flatten()])
