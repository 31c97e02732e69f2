"""Choosing the device TensorFlow computes on."""

import importlib
import importlib.util
import os
from types import ModuleType
from typing import Literal

from f1_rl.policy.quiet import quiet_stderr

DeviceChoice = Literal["auto", "cpu", "gpu"]


class TensorFlowMissingError(RuntimeError):
    """TensorFlow or TF-Agents is not installed."""


class NoGpuError(RuntimeError):
    """A GPU was asked for and TensorFlow sees none."""


class DeviceMemoryError(RuntimeError):
    """The memory of the device is used up."""


def import_tensorflow() -> ModuleType:
    """Import TensorFlow with the Keras that TF-Agents needs, quietly.

    TF-Agents is written for Keras 2, which TensorFlow 2.16 and later reach only through tf-keras
    and only when told so before the first import.

    Raises:
        TensorFlowMissingError: It is not installed.
    """
    if importlib.util.find_spec("tf_keras") is not None:
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    # At level 2 three alarming lines about CUDA plugins are printed, GPU or not.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Where XLA compiles for the CPU, which is for dense networks, two threads that wait for each
    # other in every product of small matrices take longer than one.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    try:
        # TensorFlow's start-up lines come from C++ and obey no setting before it is loaded.
        with quiet_stderr():
            tensorflow: ModuleType = importlib.import_module("tensorflow")
    except ImportError as error:
        raise TensorFlowMissingError(
            f"TensorFlow cannot be imported ({error}); install it with: pip install 'f1_rl[train]'."
        ) from error
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


def choose_device(choice: DeviceChoice = "auto") -> str:
    """Return the TensorFlow device to use, `"/CPU:0"` or `"/GPU:0"`, and prepare it.

    A GPU is given memory as it needs it, so that a simulator can share it.

    Args:
        choice: `auto` takes a GPU where there is one.

    Raises:
        NoGpuError: `gpu` was asked for and there is none.
    """
    tf = import_tensorflow()
    if choice == "cpu":
        return "/CPU:0"
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        if choice == "gpu":
            raise NoGpuError(
                "no GPU is visible to TensorFlow; check nvidia-smi and the CUDA libraries "
                "(pip install 'tensorflow[and-cuda]'), or use --device cpu."
            )
        return "/CPU:0"
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:
            # The GPU is in use already in this process; its memory policy cannot change any more.
            break
    return "/GPU:0"


def describe_device(device: str) -> str:
    """Return the device in words, with the GPU's name where it is one."""
    if device.startswith("/CPU"):
        return f"CPU ({os.cpu_count()} cores)"
    tf = import_tensorflow()
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return f"GPU ({details.get('device_name', 'unknown')})"
