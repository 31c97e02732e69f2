"""`f1-rl doctor`: what works on this machine, and what to do where something does not."""

import argparse
import importlib
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from f1_rl.cli import doctor_gazebo, doctor_ros, options
from f1_rl.cli.finding import Finding

SUMMARY = "Check interpreter, packages, GPU, ROS, Gazebo and disk; say how to mend what is wrong."

_NEEDED_GB = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check everything and print it."""
    findings = [check() for check in CHECKS]
    if arguments.json:
        options.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = {True: "ok", False: "NO", None: "--"}[finding.works]
            print(f"{mark:3} {finding.name:17} {finding.detail}")
            if finding.remedy:
                print(f"{'':22}{finding.remedy}")
    return 1 if any(finding.works is False for finding in findings) else 0


def _python() -> Finding:
    version = platform.python_version()
    if (3, 10) <= sys.version_info[:2] <= (3, 12):
        return Finding("Python", True, version)
    return Finding("Python", False, version, "use Python 3.10, 3.11 or 3.12")


def _simulator() -> Finding:
    from f1_rl.simulation import warm_up

    try:
        warm_up()
    except Exception as error:  # the check reports whatever goes wrong
        return Finding("simulator", False, str(error), "pip install --force-reinstall f1_rl")
    return Finding("simulator", True, "draws and drives")


def _package(name: str, module: str, remedy: str, optional: bool) -> Finding:
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        return Finding(name, None if optional else False, f"not installed ({error})", remedy)
    return Finding(name, True, str(getattr(found, "__version__", "installed")))


def _tensorflow() -> Finding:
    from f1_rl.learning.device import TensorFlowMissingError, import_tensorflow

    try:
        tensorflow = import_tensorflow()
    except TensorFlowMissingError as error:
        return Finding("TensorFlow", False, str(error), "pip install 'f1_rl[train]'")
    return Finding("TensorFlow", True, str(tensorflow.__version__))


def _tf_agents() -> Finding:
    return _package("TF-Agents", "tf_agents", "pip install 'f1_rl[train]'", optional=False)


def _gpu() -> Finding:
    from f1_rl.learning.device import TensorFlowMissingError, import_tensorflow

    try:
        gpus = import_tensorflow().config.list_physical_devices("GPU")
    except TensorFlowMissingError:
        return Finding("GPU", None, "unknown without TensorFlow")
    if gpus:
        return Finding("GPU", True, f"{len(gpus)} visible to TensorFlow")
    if shutil.which("nvidia-smi"):
        return Finding(
            "GPU",
            None,
            "there is one, but TensorFlow does not see it",
            "pip install 'tensorflow[and-cuda]'",
        )
    return Finding("GPU", None, "none; training runs on the CPU")


def _report() -> Finding:
    return _package("report", "matplotlib", "pip install 'f1_rl[report]'", optional=False)


def _video() -> Finding:
    return _package("video", "av", "pip install 'f1_rl[report]'", optional=False)


def _policy() -> Finding:
    return _package(
        "LiteRT", "ai_edge_litert.interpreter", "pip install ai-edge-litert", optional=True
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free >= _NEEDED_GB:
        return Finding("disk", True, f"{free:.0f} GB free")
    return Finding("disk", False, f"{free:.1f} GB free", f"make {_NEEDED_GB:.0f} GB of room")


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _simulator,
    _tensorflow,
    _tf_agents,
    _gpu,
    _policy,
    _report,
    _video,
    doctor_ros.ros,
    doctor_ros.bridge,
    doctor_ros.gazebo_messages,
    doctor_ros.shared_memory,
    doctor_gazebo.gazebo,
    doctor_gazebo.renderer,
    _disk,
)
