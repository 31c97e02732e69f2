"""The machine that is measured: which processors and threads everybody gets, and what it is."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# OpenMP's threads sleep where they wait: PyTorch's, which would spin otherwise, are several times
# slower when anything else runs.
_OMP_WAIT_POLICY = "PASSIVE"
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def available_processors() -> tuple[int, ...]:
    """Return the processors that this process may run on."""
    return tuple(sorted(os.sched_getaffinity(0)))


def capped_environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: its threads capped, no GPU, this package importable.

    XLA's own threads follow the processors that a worker is pinned to.
    """
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", _OMP_WAIT_POLICY),
        **dict.fromkeys(_THREAD_VARIABLES, str(threads)),
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join(paths),
    }


def describe_machine(processors: Sequence[int]) -> dict[str, Any]:
    """Return what is to be known of the machine beside any figure."""
    return {
        "processor": _processor_name(),
        "processors_used": list(processors),
        "governor": _governor(),
        "load_average_1_min": round(os.getloadavg()[0], 2),
        "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY", _OMP_WAIT_POLICY),
        "system": platform.platform(),
    }


def _processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _governor() -> str | None:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text("utf-8").strip() if path.is_file() else None
