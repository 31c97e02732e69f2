"""`f1-rl doctor`: what works on this machine, and what to do where something does not."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial

from f1_rl.cli import options
from f1_rl.cli.checks import docker, gazebo, graphics, machine, network, python, ros, tensorflow
from f1_rl.cli.checks.finding import Finding, warn

SUMMARY = (
    "Check interpreter, packages, TensorFlow, GPU, ROS, Gazebo, OpenGL, disk and ports; say for "
    "each what is wrong and the command that mends it."
)

CHECKS: Mapping[str, Callable[[], Finding]] = {
    "python": python.interpreter,
    "packages": python.packages,
    "extras": python.extras,
    "pins": python.pins,
    "kernels": machine.kernels,
    "kernel-cache": machine.kernel_cache,
    "tensorflow": tensorflow.tensorflow,
    "keras": tensorflow.keras,
    "tf-agents": tensorflow.tf_agents,
    "gpu": tensorflow.gpu,
    "litert": partial(python.imports, ("ai_edge_litert.interpreter",), "drive", needed=False),
    "report": partial(python.imports, ("matplotlib", "jinja2", "av"), "report", needed=True),
    "live": partial(python.imports, ("aiohttp",), "live", needed=False),
    "bags": partial(python.imports, ("rosbags", "apsw", "lz4"), "bags", needed=False),
    "ros": ros.ros,
    "graph": ros.graph,
    "shared-memory": ros.shared_memory,
    "leftovers": ros.leftovers,
    "gazebo": gazebo.gazebo,
    "bridge": ros.bridge,
    "gazebo-messages": ros.gazebo_messages,
    "renderer": gazebo.renderer,
    "opengl": graphics.opengl,
    "display": graphics.display,
    "browser": network.browser,
    "port": network.port,
    "multicast": network.multicast,
    "disk": machine.disk,
    "temporary": machine.temporary,
    "memory": machine.memory,
    "cores": machine.cores,
    "docker": docker.docker,
}

# Most of them wait for another program.
_AT_ONCE = 8
_MARKS = {"ok": "ok", "warn": "WARN", "fail": "FAIL", "absent": "-"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        choices=tuple(CHECKS),
        metavar="NAME",
        help=f"these checks alone, of {', '.join(CHECKS)}",
    )
    options.add_json(parser, "a list of name, state (ok, warn, fail, absent), detail and remedy")


def run(arguments: argparse.Namespace) -> int:
    """Check, print what was found, and fail where something that is required does not work."""
    names = [name for name in CHECKS if arguments.only is None or name in arguments.only]
    found = []
    for name, finding in zip(names, _findings(names), strict=True):
        found.append((name, finding))
        if not arguments.json:
            _print(name, finding)
    if arguments.json:
        options.print_json([{"name": name, **asdict(finding)} for name, finding in found])
    counts = Counter(finding.state for _, finding in found)
    if not arguments.json:
        print(
            f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} broken, "
            f"{counts['absent']} optional and not there."
        )
    return 1 if counts["fail"] else 0


def _findings(names: Sequence[str]) -> Iterator[Finding]:
    """Yield what the checks find, in order, while they are at work side by side."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(_find, names)


def _find(name: str) -> Finding:
    try:
        return CHECKS[name]()
    except Exception as error:  # a check that fails is no reason to keep the others back
        return warn(
            f"could not be checked ({type(error).__name__}: {error})",
            f"report it with what this shows: F1_RL_DEBUG=1 f1-rl doctor --only {name}",
        )


def _print(name: str, finding: Finding) -> None:
    print(f"{_MARKS[finding.state]:5}{name:16} {finding.detail}")
    if finding.remedy:
        print(f"{'':21} -> {finding.remedy}", flush=True)
