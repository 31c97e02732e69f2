"""A saved Q-function, run by LiteRT."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.policy.manifest import PolicyError
from f1_rl.policy.quiet import quiet_stderr

TFLITE_NAME = "policy.tflite"

Array = npt.NDArray[Any]


class SavedQFunction:
    """From observations to action values.

    Runs the TFLite model on one thread; neither TensorFlow nor a GPU is needed.
    """

    def __init__(self, folder: Path) -> None:
        """Load the model of a policy folder.

        Raises:
            PolicyError: It is missing or damaged, or no TFLite interpreter is installed.
        """
        self.folder = folder
        self._interpreter = interpreter = _load_interpreter(folder)
        inputs = sorted(interpreter.get_input_details(), key=_part)
        self._inputs = [
            (int(detail["index"]), tuple(int(size) for size in detail["shape"][1:]))
            for detail in inputs
        ]
        self._output = int(interpreter.get_output_details()[0]["index"])
        self._batch = 1

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the parts of one observation, in the order of their names."""
        return [shape for _, shape in self._inputs]

    def q_values(self, parts: Sequence[Array]) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)`.

        Args:
            parts: The parts of N observations, in the order of their names.

        Raises:
            PolicyError: Their shapes are not those the policy was trained with.
        """
        shapes = [part.shape[1:] for part in parts]
        if shapes != self.shapes:
            expected = ", ".join(map(str, self.shapes))
            raise PolicyError(
                f"{self.folder}: takes observations {expected}, not {shapes}; drive it in the task "
                "it was trained for."
            )
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


def _part(detail: dict[str, Any]) -> int:
    """Return which part an input takes; TensorFlow names them `..._observation_3:0`, or so."""
    numbers = re.findall(r"\d+", str(detail["name"]).partition(":")[0])
    return int(numbers[-1]) if numbers else 0


def _load_interpreter(folder: Path) -> Any:
    model = folder / TFLITE_NAME
    if not model.is_file():
        raise PolicyError(f"{folder}: {TFLITE_NAME} is missing; save the policy again.")
    interpreter_class = _interpreter_class()
    try:
        with quiet_stderr():
            interpreter = interpreter_class(model_path=str(model), num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise PolicyError(
            f"{model}: is damaged or no TFLite model ({' '.join(str(error).split())}); copy it "
            "again, or train again."
        ) from error
    return interpreter


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
