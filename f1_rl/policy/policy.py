"""Loading a saved policy and driving by it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.driving.environment import Observation
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import DrivingTask
from f1_rl.policy.manifest import (
    PolicyError,
    PolicyManifest,
    find_policy,
    interface_hash,
    interface_of,
    read_manifest,
)
from f1_rl.policy.quiet import quiet_stderr
from f1_rl.settings import SettingsError, build_settings

TFLITE_NAME = "policy.tflite"

Array = npt.NDArray[Any]


class Policy:
    """A saved policy: from observations to action values, actions and commands.

    Runs the TFLite model on one thread; neither TensorFlow nor a GPU is needed.
    """

    def __init__(self, folder: Path, manifest: PolicyManifest, interpreter: Any) -> None:
        """Wrap an interpreter; use `load_policy`."""
        self.folder = folder
        self.manifest = manifest
        self.command_table = np.array(manifest.actions.commands, np.float64)
        self._interpreter = interpreter
        inputs = sorted(interpreter.get_input_details(), key=lambda detail: str(detail["name"]))
        self._inputs = [(int(detail["index"]), tuple(detail["shape"])[1:]) for detail in inputs]
        self._output = int(interpreter.get_output_details()[0]["index"])
        self._batch = 1

    @property
    def task_settings(self) -> TaskSettings:
        """The driving task that the policy was trained in."""
        try:
            return build_settings(TaskSettings, self.manifest.task, str(self.folder))
        except SettingsError as error:
            raise PolicyError(str(error)) from error

    def q_values(self, parts: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)`.

        Args:
            parts: The parts of N observations, in the order of their names.

        Raises:
            PolicyError: Their shapes are not those the policy was trained with.
        """
        shapes = [part.shape[1:] for part in parts]
        if shapes != [shape for _, shape in self._inputs]:
            expected = ", ".join(str(shape) for _, shape in self._inputs)
            raise PolicyError(f"{self.folder}: takes observations {expected}, not {shapes}.")
        count = len(parts[0])
        if count != self._batch:
            for index, shape in self._inputs:
                self._interpreter.resize_tensor_input(index, (count, *shape))
            self._interpreter.allocate_tensors()
            self._batch = count
        for (index, _), part in zip(self._inputs, parts, strict=True):
            self._interpreter.set_tensor(index, np.ascontiguousarray(part))
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output), np.float32)

    def observation_values(self, observations: Observation) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` of observations as the environment gives them."""
        if isinstance(observations, dict):
            return self.q_values([observations[name] for name in sorted(observations)])
        return self.q_values([observations])

    def commands(self, observations: Observation) -> npt.NDArray[np.float64]:
        """Return the greedy commands `(N, 2)`, speed and yaw rate."""
        return np.asarray(self.command_table[self.observation_values(observations).argmax(axis=1)])

    def check_fits(self, task: DrivingTask) -> None:
        """Refuse a task in which the policy would see or act otherwise than it has learned.

        Raises:
            PolicyError: Observation, actions or control period differ; the message names which.
        """
        interface = interface_of(
            task.preprocessing, task.actions.pairs, task.settings.control_period_ms
        )
        if interface_hash(interface) == self.manifest.hash:
            return
        own = {
            "commands": [list(pair) for pair in self.manifest.actions.commands],
            "control_period_ms": self.manifest.control_period_ms,
            **{f"observation.{key}": value for key, value in self.manifest.observation.items()},
        }
        other = {
            "commands": interface["commands"],
            "control_period_ms": interface["control_period_ms"],
            **{f"observation.{key}": value for key, value in interface["observation"].items()},
        }
        names = sorted(set(own) | set(other))
        differing = [name for name in names if own.get(name) != other.get(name)]
        first = differing[0]
        raise PolicyError(
            f"{self.folder}: was trained with {first} = {own.get(first)}, "
            f"this task has {other.get(first)}"
            + (f" (and {len(differing) - 1} more differ)" if len(differing) > 1 else "")
            + "; drive it in the task it was trained for."
        )


def load_policy(folder: Path) -> Policy:
    """Load a policy folder, or the `policy` inside a run folder.

    Raises:
        PolicyError: It is none, it is damaged, or no TFLite interpreter is installed.
    """
    folder = find_policy(folder)
    manifest = read_manifest(folder)
    model = folder / TFLITE_NAME
    if not model.is_file():
        raise PolicyError(f"{folder}: {TFLITE_NAME} is missing; save the policy again.")
    interpreter_class = _interpreter_class()
    try:
        with quiet_stderr():
            interpreter = interpreter_class(model_path=str(model), num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise PolicyError(f"{model}: is damaged or no TFLite model ({error}).") from error
    return Policy(folder, manifest, interpreter)


def _interpreter_class() -> Any:
    """Return LiteRT's interpreter, or the one inside TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            import tensorflow
        except ImportError as error:
            raise PolicyError(
                "no TFLite interpreter is installed; install one with: pip install ai-edge-litert."
            ) from error
        return tensorflow.lite.Interpreter
    return Interpreter
