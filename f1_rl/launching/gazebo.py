"""Gazebo and its bridge, as processes of a launch."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from f1_rl.gazebo import names, qos_overrides, service_arguments, write_world
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.plan import Program
from f1_rl.launching.share import config_file
from f1_rl.settings import SettingsError

_RESOURCE_PATH = "GZ_SIM_RESOURCE_PATH"
_PARTITION = "GZ_PARTITION"


@dataclass(frozen=True)
class GazeboInstance:
    """One Gazebo with one car.

    Attributes:
        world: The world file.
        models: Folder of the models that it includes.
        namespace: Of the car's topics in ROS, absolute.
        partition: Name under which its processes find each other, and no others do.
        seed: Of what is random in Gazebo.
        running: Whether time runs from the start; else it moves in steps alone.
        headless: Whether pictures are drawn without a display (EGL).
        gui: Whether to open Gazebo's window.
    """

    world: Path
    models: Path
    namespace: str
    partition: str
    seed: int = 0
    running: bool = False
    headless: bool = True
    gui: bool = False

    def processes(self) -> tuple[Program, ...]:
        """Return the server, the bridge, and the window if there is one."""
        return (self._server(), self._bridge(), *([self._window()] if self.gui else []))

    def _environment(self) -> dict[str, str]:
        paths = [str(self.models), os.environ.get(_RESOURCE_PATH, "")]
        return {
            _PARTITION: self.partition,
            _RESOURCE_PATH: os.pathsep.join(filter(None, paths)),
            # Whoever is on the network shall not hear of it.
            "GZ_IP": os.environ.get("GZ_IP", "127.0.0.1"),
        }

    def _server(self) -> Program:
        options = ["-s", "-v", "1"]
        # Gazebo takes no 0.
        options += ["--seed", str(self.seed + 1)]
        options += ["--headless-rendering"] if self.headless else []
        options += ["-r"] if self.running else []
        return Program(
            "gazebo", ("gz", "sim", *options, str(self.world)), environment=self._environment()
        )

    def _window(self) -> Program:
        return Program("window", ("gz", "sim", "-g", "-v", "1"), environment=self._environment())

    def _bridge(self) -> Program:
        words = [
            "-r",
            f"__ns:={self.namespace}",
            "-p",
            f"config_file:={config_file('bridge.yaml')}",
        ]
        for name, value in qos_overrides(self.namespace).items():
            words += ["-p", f"{name}:={value}"]
        return Program(
            "bridge",
            ("parameter_bridge", *service_arguments(), "--ros-args", *words),
            package="ros_gz_bridge",
            environment=self._environment(),
        )


def own_partition(index: int) -> str:
    """Return a partition that no other launch on this machine has, unless the user chose one."""
    chosen = os.environ.get(_PARTITION)
    own = chosen or f"f1_rl-{os.getpid()}"
    return own if index == 0 else f"{own}-{index}"


def make_world(circuit: str, scale: float, settings: WorldSettings) -> Path:
    """Write the world of a circuit where worlds of launches are kept, and return its file.

    Raises:
        LaunchError: The circuit cannot be used, or the folder cannot be written.
    """
    from f1_rl.circuits import CircuitError, load_circuit

    what = repr((circuit, scale, settings.as_dict()))
    key = hashlib.sha256(what.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        return write_world(load_circuit(circuit, scale=scale), settings, cache / "f1_rl" / key)
    except (CircuitError, SettingsError) as error:
        raise LaunchError(f"circuit:={circuit} cannot be used: {error}") from error
    except OSError as error:
        raise LaunchError(f"{cache}: cannot be written ({error.strerror}).") from error


def check_world(path: Path) -> None:
    """Refuse a world file that the bridge and the trainer would not find their way in.

    Raises:
        LaunchError: It cannot be read, or lacks the names that they use.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise LaunchError(f"world:={path} cannot be read: {error}.") from error
    world = root.find("world")
    if world is None or world.get("name") != names.WORLD:
        found = "has no world" if world is None else f"is named {world.get('name')!r}"
        raise LaunchError(
            f"world:={path} {found}, and the bridge's services are those of {names.WORLD!r}; make "
            "one with f1-rl circuit world."
        )
    cars = [element.findtext("name") for element in world.findall("include")]
    cars += [element.get("name") for element in world.findall("model")]
    if names.ENTITY not in cars:
        raise LaunchError(
            f"world:={path} holds no car named {names.ENTITY!r}; make one with f1-rl circuit world."
        )


def check_version(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to go on without Gazebo.

    Raises:
        LaunchError: There is no `gz` program.
    """
    if shutil.which("gz", path=environment.get("PATH")) is None:
        raise LaunchError(
            "simulator:=gazebo needs Gazebo Harmonic, and there is no program gz; install "
            "ros-jazzy-ros-gz and source ROS, or leave simulator at embedded."
        )
