"""Strided convolutions: the same numbers as Keras' own, where they can be had."""

import gymnasium as gym
import numpy as np
import pytest
from test_agent import make_agent, picture_batch

from f1_rl.learning import networks
from f1_rl.learning.convolutions import StridedConv2D, divides
from f1_rl.learning.device import import_tensorflow
from f1_rl.learning.settings import NetworkSettings

tf = import_tensorflow()

# Pictures, filters, kernel and strides: of the car's camera, of Atari, and with kernels whose rows
# the stride does not divide.
FITTING = [
    ((24, 64, 3), 8, (4, 8), (2, 4)),
    ((84, 84, 4), 4, (8, 8), (4, 4)),
    ((20, 20, 16), 8, (4, 4), (2, 2)),
    ((12, 16, 2), 5, (5, 6), (3, 2)),
    ((9, 8, 2), 3, (2, 2), (3, 2)),
    ((7, 9, 2), 3, (3, 3), (1, 3)),
]


def outputs_and_gradients(kind, shape, filters, kernel, strides, dtype):
    """Outputs of a layer with weights of a seed, and their gradients."""
    rng = np.random.default_rng(0)
    with tf.device("/CPU:0"), tf.GradientTape() as tape:
        pictures = tf.constant(rng.random((5, *shape)).astype(np.float32))
        layer = kind(filters, kernel, strides, activation="relu", dtype=dtype)
        layer.build(pictures.shape)
        layer.set_weights([rng.normal(size=v.shape).astype(np.float32) for v in layer.variables])
        tape.watch(pictures)
        outputs = tf.cast(layer(pictures), tf.float32)
        total = tf.reduce_sum(outputs * rng.normal(size=outputs.shape).astype(np.float32))
    return [outputs, *tape.gradient(total, [*layer.trainable_variables, pictures])]


def difference(values, others):
    return np.abs(values - others).max() / np.abs(others).max()


@pytest.mark.parametrize(("shape", "filters", "kernel", "strides"), FITTING)
def test_outputs_and_gradients_are_those_of_keras(shape, filters, kernel, strides):
    assert divides(shape[:2], kernel, strides)
    keras = tf.keras.layers.Conv2D
    layer = shape, filters, kernel, strides
    exact = outputs_and_gradients(keras, *layer, "float32")
    for mine, other in zip(
        outputs_and_gradients(StridedConv2D, *layer, "float32"), exact, strict=True
    ):
        assert mine.shape == other.shape
        assert difference(mine, other) < 1e-5
    # Of 16 bits are rounded products, and sums that are rounded once or more often.
    for mine, other, true in zip(
        outputs_and_gradients(StridedConv2D, *layer, "mixed_bfloat16"),
        outputs_and_gradients(keras, *layer, "mixed_bfloat16"),
        exact,
        strict=True,
    ):
        assert mine.dtype == other.dtype
        assert difference(mine, true) < difference(other, true) + 0.02


@pytest.mark.parametrize(
    ("shape", "kernel", "strides"),
    [
        ((9, 9), (3, 3), (1, 1)),  # nothing is won
        ((11, 16), (4, 4), (2, 2)),
        ((12, 15), (4, 4), (2, 2)),
        ((12, 16), (4, 3), (2, 2)),
    ],
)
def test_what_the_strides_do_not_divide_is_left_to_keras(shape, kernel, strides):
    assert not divides(shape, kernel, strides)


def convolutions(agent):
    layers = agent._q_network.submodules
    return {type(layer) for layer in layers if isinstance(layer, tf.keras.layers.Conv2D)}


def test_an_agent_on_a_cpu_learns_with_them_what_it_learns_without(monkeypatch):
    pictures = gym.spaces.Box(0, 255, (8, 8, 1), np.uint8)
    network = NetworkSettings(
        filters=(4, 4), kernels=((4, 4), (2, 2)), strides=((2, 2), (1, 1)), units=(8,)
    )
    quick = make_agent(pictures, network=network)
    monkeypatch.setattr(networks, "divides", lambda *_: False)
    plain = make_agent(pictures, network=network)
    assert convolutions(quick) == {StridedConv2D, tf.keras.layers.Conv2D}
    assert convolutions(plain) == {tf.keras.layers.Conv2D}
    first = plain.weights()
    losses = [agent.train(picture_batch(3)) for agent in (quick, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for mine, other, before in zip(quick.weights(), plain.weights(), first, strict=True):
        # Steps, each as long as the learning rate, in the same direction.
        np.testing.assert_allclose(mine - before, other - before, atol=1e-5)
        assert np.abs(other - before).max() > 1e-3


def test_a_gpu_has_those_of_keras():
    shape, settings = (24, 64, 3), NetworkSettings()
    kinds = [
        {type(layer) for layer in networks._encoder(shape, settings, "float32", device).layers}
        for device in ("/CPU:0", "/GPU:0")
    ]
    assert [StridedConv2D in found for found in kinds] == [True, False]
