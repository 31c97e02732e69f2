"""TensorFlow, its Keras, TF-Agents and the GPU, told by a process that may crash instead of us."""

import functools
import json
import shutil
import threading
from pathlib import Path
from typing import Any

from f1_rl.cli.checks.finding import Finding, absent, fail, ok, warn
from f1_rl.cli.checks.programs import Ended, ask, ask_python

_INSTALL = "pip install --upgrade 'f1_rl[train]' (in a checkout: make setup)"
_ANSWER_WITHIN_S = 90.0
_LOCK = threading.Lock()

# As f1_rl.learning.device imports it, which hides what is printed on the way.
_QUESTION = """
import importlib.util, json, os
if importlib.util.find_spec("tf_keras") is not None:
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf
keras = getattr(tf.keras, "__version__", None)
if keras is None:
    import tf_keras
    keras = tf_keras.__version__
told = {
    "version": tf.__version__,
    "keras": keras,
    "cuda": tf.sysconfig.get_build_info().get("cuda_version"),
    "gpus": [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ],
}
try:
    import tf_agents
    told["tf_agents"] = tf_agents.__version__
except Exception as error:
    told["tf_agents_error"] = f"{type(error).__name__}: {error}"
print(json.dumps(told))
"""


def tensorflow() -> Finding:
    """Import TensorFlow."""
    told, ended = _told()
    if told is not None:
        return ok(f"{told['version']}, {_build(told)}")
    if ended is None:
        return fail(f"does not come up in {_ANSWER_WITHIN_S:.0f} s", _INSTALL)
    if ended.status < 0:
        lacking = "" if "avx" in _processor_flags() else "; this processor has no AVX"
        remedy = "pip install --force-reinstall --no-cache-dir 'f1_rl[train]'"
        if lacking:
            remedy = "train on a processor with AVX; to drive alone: pip install 'f1_rl[drive]'"
        return fail(f"crashes when it is imported ({ended.reason}){lacking}", remedy)
    return fail(f"cannot be imported ({ended.reason})", _INSTALL)


def keras() -> Finding:
    """Check that TensorFlow's Keras is the one that TF-Agents is written for."""
    told, _ = _told()
    if told is None:
        return absent("unknown without TensorFlow")
    if told["keras"].startswith("2."):
        return ok(f"{told['keras']} (Keras 2, as TF-Agents needs)")
    return fail(
        f"{told['keras']}, and TF-Agents needs Keras 2",
        "pip install tf-keras; unset TF_USE_LEGACY_KERAS",
    )


def tf_agents() -> Finding:
    """Import TF-Agents."""
    told, _ = _told()
    if told is None:
        return absent("unknown without TensorFlow")
    if "tf_agents" in told:
        return ok(told["tf_agents"])
    return fail(f"cannot be imported ({told['tf_agents_error']})", _INSTALL)


def gpu() -> Finding:
    """Look for a GPU, its driver, and whether TensorFlow sees it."""
    told, _ = _told()
    seen = told["gpus"] if told else []
    program = shutil.which("nvidia-smi")
    if program is None:
        if seen:
            return ok(f"{', '.join(seen)}, seen by TensorFlow")
        return absent("no NVIDIA driver (nvidia-smi); training runs on the CPU")
    query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    ended = ask([program, *query], 20.0)
    if ended is None or ended.status != 0 or not ended.out.strip():
        why = "does not answer" if ended is None else ended.reason
        return warn(
            f"nvidia-smi fails ({why})",
            "install the driver that fits the kernel and reboot; in a container: --gpus all",
        )
    found = "; ".join(ended.out.strip().splitlines())
    if seen:
        return ok(f"{found}; seen by TensorFlow")
    if told is None:
        return warn(f"{found}; whether TensorFlow sees it is unknown", _INSTALL)
    return warn(
        f"{found}; TensorFlow {told['version']} ({_build(told)}) does not see it",
        f"pip install 'tensorflow[and-cuda]=={told['version']}'",
    )


def forget() -> None:
    """Forget what TensorFlow told, so that it is asked again."""
    _ask_once.cache_clear()


def _told() -> tuple[dict[str, Any] | None, Ended | None]:
    """Return what TensorFlow tells of itself, and how the process ended that asked it."""
    with _LOCK:
        ended = _ask_once()
    if ended is None or ended.status != 0:
        return None, ended
    return json.loads(ended.out.strip().splitlines()[-1]), ended


@functools.cache
def _ask_once() -> Ended | None:
    return ask_python(_QUESTION, _ANSWER_WITHIN_S)


def _build(told: dict[str, Any]) -> str:
    return f"for CUDA {told['cuda']}" if told["cuda"] else "for CPUs"


def _processor_flags() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ["avx"]
    return next((line.split() for line in text.splitlines() if line.startswith("flags")), ["avx"])
