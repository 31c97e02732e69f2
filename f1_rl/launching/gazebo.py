"""Gazebo and its bridge, as processes of a launch."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from f1_rl.errors import advice
from f1_rl.gazebo import names, qos_overrides, service_arguments, write_world
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.plan import Program
from f1_rl.launching.share import config_file
from f1_rl.launching.simulators import Scene
from f1_rl.settings import SettingsError

_RESOURCE_PATH = "GZ_SIM_RESOURCE_PATH"
_PARTITION = "GZ_PARTITION"
_EXTENSIONS = "MESA_EXTENSION_OVERRIDE"
# OGRE filters all textures so, even the empty one of a plain colour; and where a box passes close
# by the camera, Mesa's software OpenGL may filter one pixel for ever.
_NO_ANISOTROPY = "-GL_EXT_texture_filter_anisotropic"
_REMEDY = "install ros-jazzy-ros-gz (Gazebo Harmonic) and source ROS, or use simulator:=embedded"


@dataclass(frozen=True)
class GazeboInstance:
    """One Gazebo with one car.

    Attributes:
        world: The world file, in a folder `worlds` beside the folder `models` that it needs.
        namespace: Of the car's topics in ROS, absolute.
        partition: Name under which its processes find each other, and no others do.
        seed: Of what is random in Gazebo.
        running: Whether time runs from the start; else it moves in steps alone.
        headless: Whether pictures are drawn without a display (EGL).
        gui: Whether to open Gazebo's window.
    """

    world: Path
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
        paths = [
            str(self.world.resolve().parents[1] / "models"),
            os.environ.get(_RESOURCE_PATH, ""),
        ]
        return {
            _PARTITION: self.partition,
            _RESOURCE_PATH: os.pathsep.join(filter(None, paths)),
            # Whoever is on the network shall not hear of it.
            "GZ_IP": os.environ.get("GZ_IP", "127.0.0.1"),
            _EXTENSIONS: f"{os.environ.get(_EXTENSIONS, '')} {_NO_ANISOTROPY}".lstrip(),
        }

    def _server(self) -> Program:
        options = ["-s", "-v", "1"]
        # Gazebo takes no 0.
        options += ["--seed", str(self.seed + 1)]
        options += ["--headless-rendering"] if self.headless else []
        options += ["-r"] if self.running else []
        return Program(
            "gazebo",
            ("gz", "sim", *options, str(self.world)),
            remedy=_REMEDY,
            environment=self._environment(),
        )

    def _window(self) -> Program:
        command = ("gz", "sim", "-g", "-v", "1")
        return Program("window", command, remedy=_REMEDY, environment=self._environment())

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
            remedy=_REMEDY,
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
        raise LaunchError(
            f"{cache}: cannot be written ({error.strerror}); {advice(error)}."
        ) from error


def check_world(path: Path, scene: Scene, car: str | None = None) -> None:
    """Refuse a world file that bridge, trainer or policy would not find what they need in.

    Args:
        path: The world file.
        scene: What is expected of it.
        car: The car that is asked for, or any.

    Raises:
        LaunchError: It cannot be read, lacks the names that are used, or has another camera or car.
    """
    world = _root(path).find("world")
    if world is None or world.get("name") != names.WORLD:
        found = "has no world" if world is None else f"is named {world.get('name')!r}"
        raise LaunchError(
            f"world:={path} {found}, and the bridge's services are those of {names.WORLD!r}; make "
            "one with f1-rl circuit world."
        )
    for include in world.findall("include"):
        if include.findtext("name") == names.ENTITY:
            uri = include.findtext("uri") or ""
            _check_car(path, uri, car)
            _check_camera(path, uri, scene)
            return
    raise LaunchError(
        f"world:={path} includes no car named {names.ENTITY!r}; make one with f1-rl circuit world."
    )


def _check_car(world: Path, uri: str, wanted: str | None) -> None:
    """Refuse the other of our cars; one of another name may be any."""
    for car, model in names.CAR_MODELS.items():
        if wanted is not None and car != wanted and uri == f"model://{model}":
            raise LaunchError(
                f"world:={world}: its car is {car}, and {wanted} is asked for; leave world or car "
                "out."
            )


def _check_camera(world: Path, uri: str, scene: Scene) -> None:
    model = world.resolve().parents[1] / "models" / uri.removeprefix("model://") / "model.sdf"
    image = _root(model).find(".//sensor[@type='camera']/camera/image")
    size = tuple(int(image.findtext(side) or 0) for side in ("width", "height")) if image else ()
    wanted = (scene.width, scene.height)
    if None not in wanted and size != wanted:
        has = f"{size[0]} x {size[1]}" if size else "none"
        raise LaunchError(
            f"world:={world}: its car's camera is {has}, and {wanted[0]} x {wanted[1]} is needed; "
            "give width and height, or leave world out."
        )


def _root(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise LaunchError(f"{path} cannot be read: {error}.") from error


def check_engine(engine: str, headless: bool) -> None:
    """Refuse to draw without a display what needs one.

    Raises:
        LaunchError: The engine cannot.
    """
    if engine == "ogre" and headless:
        raise LaunchError(
            "render_engine:=ogre needs a display; add headless:=false (Xvfb will do), or use ogre2."
        )
