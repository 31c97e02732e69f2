"""The environment of the peers: found, looked into, and named where it is missing.

PyTorch and JAX have an environment of their own, so that they change nothing that TensorFlow needs.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from f1_rl.benchmark.turns import BenchmarkError

_DISTRIBUTIONS = ("torch", "stable-baselines3", "sbx-rl", "jax", "flax", "optax", "numpy")
INSTALL = "make peers"
_ASK = (
    "import importlib.util, json, sys; "
    "print(json.dumps([name for name in sys.argv[1:] if not importlib.util.find_spec(name)]))"
)

_ASK_VERSIONS = (
    "import json, sys; from importlib.metadata import distributions; "
    "print(json.dumps({d.name: d.version for d in distributions() if d.name in sys.argv[1:]}))"
)


def find_peers(given: Path | None = None) -> Path | None:
    """Return the interpreter of the peers' environment; None: there is no such environment.

    Args:
        given: What the user named: an interpreter or the folder of its environment. Without it,
            the environment beside this one is taken, as `make peers` makes it.

    Raises:
        BenchmarkError: What the user named does not exist.
    """
    if given is not None:
        python = given / "bin" / "python" if given.is_dir() else given
        if not python.is_file():
            raise BenchmarkError(f"{given}: holds no interpreter; make one with {INSTALL}.")
        return python.absolute()
    beside = (Path(f"{sys.prefix}-peers"), Path(__file__).parents[2] / ".venv-peers")
    found = (folder / "bin" / "python" for folder in beside)
    return next((python for python in found if python.is_file()), None)


def peers_versions(python: Path) -> dict[str, str]:
    """Return the versions of the distributions that matter in the peers' environment."""
    told = subprocess.run(
        [python, "-c", _ASK_VERSIONS, *_DISTRIBUTIONS], check=True, capture_output=True, text=True
    )
    return dict(json.loads(told.stdout))


@cache
def missing_modules(python: str, modules: Sequence[str]) -> tuple[str, ...]:
    """Return which of these modules an interpreter does not have."""
    told = subprocess.run(
        [python, "-c", _ASK, *modules], check=True, capture_output=True, text=True
    )
    return tuple(json.loads(told.stdout))
