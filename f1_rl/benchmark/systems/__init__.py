"""The systems that are compared: each module trains with one of them.

A function `train` holds itself at a `Gate`, so that it can be measured in turns; a function
`solve` trains until greedy episodes reach a threshold.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from f1_rl.benchmark.peers import INSTALL, missing_modules
from f1_rl.benchmark.track import Options

_HERE = "f1_rl.benchmark.systems"


@dataclass(frozen=True)
class System:
    """Something to measure.

    Attributes:
        title: In tables.
        module: Its functions, in this package.
        requires: Modules that its environment must have.
        is_peer: Whether that is the peers' environment.
        vector: Whether it acts in our array of environments, through an adapter.
    """

    title: str
    module: str
    requires: tuple[str, ...]
    is_peer: bool = False
    vector: bool = False

    def function(self, name: str) -> str:
        """Return where one of its functions is, as a job names it."""
        return f"{_HERE}.{self.module}:{name}"


_TENSORFLOW = ("tensorflow", "tf_agents")
_TORCH = ("torch", "stable_baselines3")
_JAX = (*_TORCH, "jax", "flax", "optax", "sbx")
SYSTEMS: Mapping[str, System] = {
    "ours": System("f1_rl", "ours", _TENSORFLOW),
    "tf-agents": System("TF-Agents", "stock", _TENSORFLOW),
    "tf-agents-vector": System(
        "TF-Agents, our vector environment", "stock", _TENSORFLOW, vector=True
    ),
    "sb3": System("Stable-Baselines3", "sb3", _TORCH, is_peer=True),
    "sb3-vector": System(
        "Stable-Baselines3, our vector environment", "sb3", _TORCH, is_peer=True, vector=True
    ),
    "sbx": System("SBX (JAX)", "sbx_dqn", _JAX, is_peer=True),
}


def interpreter(name: str, peers: Path | None) -> str | None:
    """Return the interpreter that runs a system; None: there is no environment of the peers."""
    if not SYSTEMS[name].is_peer:
        return sys.executable
    return None if peers is None else str(peers)


def missing(names: Iterable[str], peers: Path | None) -> dict[str, str]:
    """Return the systems that cannot be run, each with a sentence that says how to get it."""
    sentences = {}
    for name in dict.fromkeys(names):
        system, python = SYSTEMS[name], interpreter(name, peers)
        command = INSTALL if system.is_peer else "pip install 'f1_rl[train]'"
        if python is None:
            sentences[name] = f"{system.title} is skipped: install it with {command}."
            continue
        absent = missing_modules(python, system.requires)
        if absent:
            sentences[name] = (
                f"{system.title} is skipped: {python} has no {', '.join(absent)}; "
                f"install it with {command}."
            )
    return sentences


def say_missing(names: Iterable[str], options: Options) -> set[str]:
    """Say which systems cannot be run and how to get them, and return their names."""
    sentences = missing(names, options.peers)
    for sentence in sentences.values():
        options.say(sentence)
    return set(sentences)
