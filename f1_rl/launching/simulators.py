"""The simulators of a launch: embedded ones, Gazebo, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1_rl.launching.arguments import Argument
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.launch import Values, is_default
from f1_rl.launching.plan import NodeProcess, Process

if TYPE_CHECKING:
    from f1_rl.driving.settings import TaskSettings

EMBEDDED, GAZEBO, NONE = "embedded", "gazebo", "none"

NO_TRAFFIC = "none"
"""The simulation's, written out: to import that takes longer than to plan a launch."""

# What the embedded simulator calls the cars.
VEHICLES = {"kinematic": "kinematic", "ackermann": "single_track"}

CAR = Argument(
    "car",
    "The car: kinematic does as commanded at once, ackermann has wheels, mass and limits.",
    "kinematic",
    choices=tuple(VEHICLES),
)
SIMULATOR_PARAMS_FILE = Argument(
    "simulator_params_file",
    "YAML file with the parameters of the embedded simulator.",
    "simulator.yaml",
    kind=Path,
)
WORLD = Argument(
    "world",
    "Gazebo: world file to use, made by f1-rl circuit world. Empty: one is made of the circuit, "
    "with the camera and car that are asked for.",
    kind=Path,
)
PERTURBATION = Argument(
    "perturbation",
    "Gazebo: the perturbation whose world is made of the circuit, lit by Gazebo's own lights: "
    "daylight, night, ... (f1-rl circuit world --help). Empty: the nominal world.",
)
RENDER_ENGINE = Argument(
    "render_engine", "Gazebo: what draws the pictures.", "ogre2", choices=("ogre2", "ogre")
)
HEADLESS = Argument(
    "headless",
    "Gazebo: whether to draw without a display (EGL), which ogre2 alone can.",
    "true",
    kind=bool,
)
TRAFFIC = Argument(
    "traffic",
    "Boxes and slower cars on the road: none, boxes, slalom, slow_cars or mixed; with world, what "
    "that has. Empty: the policy's, or none.",
)
GUI = Argument("gui", "Gazebo: whether to open its window.", "false", kind=bool)

FOR_GAZEBO = (WORLD, PERTURBATION, RENDER_ENGINE, HEADLESS, GUI)
FOR_SIMULATORS = (CAR, TRAFFIC, SIMULATOR_PARAMS_FILE, *FOR_GAZEBO)


def simulator_choice(default: str, choices: tuple[str, ...] = (EMBEDDED, GAZEBO, NONE)) -> Argument:
    """Return the argument that chooses the simulator."""
    words = {
        EMBEDDED: "embedded, the package's own",
        GAZEBO: "gazebo, with ros_gz_bridge",
        NONE: "none, where a car is there already",
    }
    return Argument(
        "simulator",
        f"The simulator to start: {'; '.join(words[choice] for choice in choices)}.",
        default,
        choices=choices,
    )


@dataclass(frozen=True)
class Scene:
    """What simulators show; None is as their parameter file says.

    Attributes:
        circuit: Name of the circuit, or a CSV file.
        circuit_scale: What it is multiplied with.
        width: Columns of the camera's picture.
        height: Its rows.
        horizontal_fov_rad: Angle that it shows.
        traffic: Scenario of boxes and slower cars, or what there is.
    """

    circuit: str | None = None
    circuit_scale: float | None = None
    width: int | None = None
    height: int | None = None
    horizontal_fov_rad: float | None = None
    traffic: str | dict[str, Any] | None = None

    @classmethod
    def of_task(cls, task: TaskSettings, circuit: str | None = None) -> Scene:
        """Return what a driving task is about: its first circuit, unless another, and camera."""
        from f1_rl.driving.settings import expand_circuit_names

        camera = task.camera
        return cls(
            circuit or expand_circuit_names(task.circuits)[0],
            task.circuit_scale,
            camera.width,
            camera.height,
            camera.horizontal_fov_rad,
            task.as_dict()["traffic"],
        )

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a simulator node that shows it."""
        shown = {name: value for name, value in asdict(self).items() if value is not None}
        if self.traffic is not None:
            shown["traffic"] = traffic_parameter(self.traffic)
        return shown


def traffic_parameter(traffic: str | dict[str, Any]) -> tuple[str, ...]:
    """Return the simulator node's parameter for a scenario, or for what there is.

    Raises:
        LaunchError: There is no such scenario.
    """
    if traffic == NO_TRAFFIC:
        return (NO_TRAFFIC,)
    from f1_rl.settings import assignments
    from f1_rl.simulation import load_traffic

    if not isinstance(traffic, str):
        return tuple(assignments(traffic))
    try:
        load_traffic(traffic)
    except ValueError as error:
        raise LaunchError(f"{error}.") from error
    return (traffic,)


def refuse_unheeded(values: Values, arguments: Sequence[Argument]) -> None:
    """Refuse arguments that mean nothing with the simulator that is chosen.

    Args:
        values: Of all arguments.
        arguments: Those that mean nothing.

    Raises:
        LaunchError: One is given.
    """
    for argument in arguments:
        if not is_default(argument, values):
            other = GAZEBO if argument in FOR_GAZEBO else EMBEDDED
            raise LaunchError(
                f"{argument.name} means nothing with simulator:={values['simulator']}; leave it "
                f"out, or add simulator:={other}."
            )


def check_circuit(name: str, scale: float = 1.0) -> None:
    """Refuse a circuit that cannot be loaded.

    Raises:
        LaunchError: It cannot.
    """
    # Imported here, since --show-args need not wait for it.
    from f1_rl.circuits import CircuitError, load_circuit

    try:
        load_circuit(name, scale=scale)
    except CircuitError as error:
        raise LaunchError(f"circuit:={name} cannot be used: {error}") from error


def simulators(
    values: Values,
    scene: Scene,
    namespaces: Sequence[str],
    *,
    lock_step: bool,
    parameters: Mapping[str, Any] | None = None,
    remappings: Mapping[str, str] | None = None,
) -> tuple[Process, ...]:
    """Return the processes of the chosen simulators, one for each car.

    Args:
        values: Of all arguments.
        scene: What they show.
        namespaces: Of each car, absolute.
        lock_step: Whether time moves in steps alone; otherwise at its real rate.
        parameters: More parameters of the embedded simulators.
        remappings: Names of topics of the embedded simulators, and what they become.

    Raises:
        LaunchError: Something cannot be used.
    """
    if values["simulator"] == NONE:
        return ()
    if scene.circuit is not None:
        check_circuit(scene.circuit, scene.circuit_scale or 1.0)
    if values["traffic"] is not None:
        scene = replace(scene, traffic=values["traffic"])
    if values["simulator"] == GAZEBO:
        return _gazebo(values, scene, namespaces, lock_step)
    every: dict[str, Any] = {**scene.parameters(), **(parameters or {})}
    if not is_default(CAR, values):
        every["vehicle"] = VEHICLES[values["car"]]
    if lock_step:
        every["start_paused"] = True
    return tuple(
        NodeProcess(
            "simulator",
            namespace=namespace,
            params_file=values["simulator_params_file"],
            parameters=every,
            remappings=remappings or {},
            log_level=values["log_level"],
        )
        for namespace in namespaces
    )


def _gazebo(
    values: Values, scene: Scene, namespaces: Sequence[str], lock_step: bool
) -> tuple[Process, ...]:
    from f1_rl.circuits import DEFAULT_CIRCUIT
    from f1_rl.gazebo import WorldSettings, perturbed
    from f1_rl.launching.gazebo import (
        GazeboInstance,
        check_engine,
        check_world,
        make_world,
        own_partition,
    )
    from f1_rl.settings import SettingsError, build_settings

    check_engine(values["render_engine"], values["headless"])
    world = values["world"]
    if world is not None:
        if values["perturbation"] is not None:
            raise LaunchError(
                "perturbation makes a world of its own; leave world out, or write that one with "
                "f1-rl circuit world --perturbation."
            )
        check_world(world, scene, None if is_default(CAR, values) else values["car"])
    else:
        camera = {
            name: value
            for name in ("width", "height", "horizontal_fov_rad")
            if (value := getattr(scene, name)) is not None
        }
        choices = {
            "car": values["car"],
            "camera": camera,
            "real_time_factor": 0.0 if lock_step else 1.0,
            "render_engine": values["render_engine"],
            "gui": values["gui"],
            "traffic": scene.traffic or NO_TRAFFIC,
        }
        try:
            settings = build_settings(WorldSettings, choices, "world")
            if values["perturbation"] is not None:
                settings = perturbed(settings, values["perturbation"])
        except SettingsError as error:
            raise LaunchError(str(error)) from error
        world = make_world(scene.circuit or DEFAULT_CIRCUIT, scene.circuit_scale or 1.0, settings)
    instances = (
        GazeboInstance(
            world=world,
            namespace=namespace,
            partition=own_partition(index),
            seed=values.get("seed") or 0,
            running=not lock_step,
            headless=values["headless"],
            gui=values["gui"] and index == 0,
        )
        for index, namespace in enumerate(namespaces)
    )
    return tuple(process for instance in instances for process in instance.processes())
