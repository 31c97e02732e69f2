"""The workers of the latency track: each decides by the same policy in another way."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.benchmark.channel import Channel
from f1_rl.policy.model import TFLITE_NAME

Decide = Callable[[npt.NDArray[np.uint8]], Any]
_OBSERVATIONS = 64


def write_policy(channel: Channel, *, folder: str) -> None:
    """Write the policy folder of an untrained agent with the default preset."""
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.environments import make_environments
    from f1_rl.learning.observations import ObservationLayout
    from f1_rl.learning.runs import DEFAULT_PRESET, run_settings
    from f1_rl.policy.manifest import describe_task
    from f1_rl.policy.writer import save_policy

    settings = run_settings(DEFAULT_PRESET, [{"training": {"num_envs": 1}}])
    environments = make_environments(settings)
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    agent = Agent(layout, environments.num_actions, settings.agent, seed=0, device="/CPU:0")
    manifest = describe_task(environments.vector.task, training={}, results={}, versions={})
    save_policy(Path(folder), agent, manifest)
    channel.send()


def saved_model(channel: Channel, *, folder: str) -> None:
    """Decide by the SavedModel as TF-Agents' documentation does."""
    from f1_rl.learning.device import import_tensorflow
    from f1_rl.policy.writer import SAVED_MODEL_NAME

    tf = import_tensorflow()
    from tf_agents.trajectories import time_step

    policy = tf.saved_model.load(str(Path(folder) / SAVED_MODEL_NAME))

    def decide(observation: npt.NDArray[np.uint8]) -> Any:
        step = time_step.restart(tf.constant(observation), batch_size=1)
        return int(policy.action(step).action.numpy()[0])

    _measure(channel, folder, decide)


def tf_function(channel: Channel, *, folder: str) -> None:
    """Decide by a `tf.function` of the network, as the trainer does."""
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.environments import make_environments
    from f1_rl.learning.observations import ObservationLayout
    from f1_rl.learning.runs import DEFAULT_PRESET, run_settings

    settings = run_settings(DEFAULT_PRESET, [{"training": {"num_envs": 1}}])
    environments = make_environments(settings)
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    agent = Agent(layout, environments.num_actions, settings.agent, seed=0, device="/CPU:0")
    _measure(
        channel, folder, lambda observation: int(agent.q_values((observation,)).argmax(axis=1)[0])
    )


def tflite(channel: Channel, *, folder: str) -> None:
    """Decide by the interpreter alone."""
    from ai_edge_litert.interpreter import Interpreter

    model = str(Path(folder) / TFLITE_NAME)
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def decide(observation: npt.NDArray[np.uint8]) -> Any:
        interpreter.set_tensor(source, observation)
        interpreter.invoke()
        return int(interpreter.get_tensor(target).argmax())

    _measure(channel, folder, decide)


def ours(channel: Channel, *, folder: str) -> None:
    """Decide as a driving car does: checked, and up to the command."""
    from f1_rl.policy import load_policy

    _measure(channel, folder, load_policy(Path(folder)).commands)


def _measure(channel: Channel, folder: str, decide: Decide) -> None:
    """Answer each request with the percentiles of that many decisions, in seconds."""
    from f1_rl.policy.manifest import read_manifest

    shape = _observation_shape(read_manifest(Path(folder)).task)
    rng = np.random.default_rng(0)
    observations = rng.integers(0, 256, (_OBSERVATIONS, 1, *shape), np.uint8)
    decide(observations[0])
    channel.send()
    while True:
        count = int(channel.request()["decisions"])
        elapsed = np.empty(count)
        for index in range(count):
            observation = observations[index % _OBSERVATIONS]
            began_s = time.perf_counter()
            decide(observation)
            elapsed[index] = time.perf_counter() - began_s
        p50, p99, greatest = np.percentile(elapsed, (50, 99, 100))
        channel.send(p50=p50, p99=p99, max=greatest)


def _observation_shape(task: dict[str, Any]) -> tuple[int, ...]:
    from f1_rl.driving.environment import make_task, observation_space
    from f1_rl.driving.settings import TaskSettings
    from f1_rl.settings import build_settings

    space = observation_space(make_task(build_settings(TaskSettings, task)))
    assert space.shape is not None
    return space.shape
