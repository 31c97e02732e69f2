"""Workers of the roofline track: arithmetic at its fastest, and the learner alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from f1_rl.benchmark.channel import Channel, measure_repeatedly

if TYPE_CHECKING:
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.replay import Batch
    from f1_rl.learning.runs import RunSettings

_CHANNELS, _KERNEL, _PICTURE = 64, 3, (24, 64)
_COPIED_BYTES = 2**28
_UPDATES = 16


def numpy_product(channel: Channel, *, size: int) -> None:
    """Multiply square float32 matrices by NumPy's BLAS."""
    rng = np.random.default_rng(0)
    left, right = rng.random((2, size, size), np.float32)
    out = np.empty((size, size), np.float32)
    measure_repeatedly(channel, lambda: np.matmul(left, right, out=out), 2.0 * size**3)


def tensorflow_product(channel: Channel, *, size: int) -> None:
    """Multiply square float32 matrices by TensorFlow."""
    from f1_rl.learning.device import import_tensorflow

    tf = import_tensorflow()
    left, right = tf.random.uniform((size, size)), tf.random.uniform((size, size))
    product = tf.function(lambda: tf.matmul(left, right))
    measure_repeatedly(channel, lambda: product().numpy(), 2.0 * size**3)


def convolution(channel: Channel, *, batch: int) -> None:
    """Convolve pictures of many channels by TensorFlow."""
    from f1_rl.learning.device import import_tensorflow

    tf = import_tensorflow()
    pictures = tf.random.uniform((batch, *_PICTURE, _CHANNELS))
    kernel = tf.random.uniform((_KERNEL, _KERNEL, _CHANNELS, _CHANNELS))
    convolve = tf.function(lambda: tf.nn.conv2d(pictures, kernel, 1, "SAME")[0, 0, 0, 0])
    # At the border of a padded picture the kernel's rows outside it cost nothing.
    inside = [_KERNEL * length - (_KERNEL - 1) for length in _PICTURE]
    flops = 2.0 * batch * np.prod(inside) * _CHANNELS**2
    measure_repeatedly(channel, lambda: convolve().numpy(), float(flops))


def learner(channel: Channel, *, work: dict[str, Any]) -> None:
    """Apply updates to the same samples, as the trainer does, several in a call."""
    from f1_rl.benchmark.flops import counted_network, update_flops
    from f1_rl.benchmark.work import Work
    from f1_rl.settings import build_settings

    settings = build_settings(Work, work).settings()
    agent, batch = agent_with_batch(settings, _UPDATES)
    flops = update_flops(counted_network(settings), settings.agent)
    measure_repeatedly(channel, lambda: agent.train(batch), float(_UPDATES * flops))


def agent_with_batch(settings: RunSettings, updates: int) -> tuple[Agent, Batch]:
    """Return an agent on the CPU, and a batch of random samples for it.

    Args:
        settings: Of the run that it would learn in.
        updates: How many of them the batch is for.
    """
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.environments import make_environments
    from f1_rl.learning.observations import ObservationLayout
    from f1_rl.learning.replay import Batch

    environments = make_environments(settings)
    try:
        layout = ObservationLayout(environments.observation_space, environments.frame_stack)
        actions = environments.num_actions
    finally:
        environments.vector.close()
    agent = Agent(layout, actions, settings.agent, seed=0, device="/CPU:0")
    rng = np.random.default_rng(0)
    shape = (updates, settings.agent.batch_size)
    batch = Batch(
        observations=tuple(
            rng.integers(0, 256, (*shape, 2, *part.shape)).astype(part.dtype)
            if part.dtype == np.uint8
            else rng.random((*shape, 2, *part.shape)).astype(part.dtype)
            for part in layout.parts
        ),
        actions=rng.integers(0, actions, shape).astype(np.int32),
        rewards=rng.random(shape).astype(np.float32),
        discounts=np.full(shape, 0.9, np.float32),
    )
    return agent, batch


def copy(channel: Channel) -> None:
    """Copy memory; the rate is in bytes read and written."""
    source = np.ones(_COPIED_BYTES, np.uint8)
    target = np.empty_like(source)
    measure_repeatedly(channel, lambda: np.copyto(target, source), 2.0 * _COPIED_BYTES)
