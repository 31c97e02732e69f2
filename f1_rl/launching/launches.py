"""The launches: `simulate`, `drive`, `train`.

Each is a name, arguments, and a function from their values to the processes that run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from f1_rl.launching.arguments import Argument, read_values
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.plan import NodeProcess, Plan

Values = Mapping[str, Any]

_NAMESPACE = re.compile(r"/?|/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*/?", re.ASCII)
_AS_IN_FILE = "Empty: as in the parameter file."
MAX_CARS = 8


@dataclass(frozen=True)
class Launch:
    """Processes that are started together.

    Attributes:
        name: Its name; `ros2 launch` has it as `<name>.launch.py`.
        summary: What it does, in a sentence.
        arguments: What it can be asked for.
        make_plan: Makes the plan of all arguments' values; raises `LaunchError`.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    make_plan: Callable[[Values], Plan]

    def plan(self, given: Mapping[str, str]) -> Plan:
        """Return what to start.

        Args:
            given: Names of arguments, and what was written after `:=`.

        Raises:
            LaunchError: An argument is not there, or values cannot be used, or not together.
        """
        return self.make_plan(read_values(self.arguments, given))


def _parameter(
    name: str, description: str, kind: type = str, choices: tuple[str, ...] = ()
) -> Argument:
    """Return an argument that overrides one parameter of the parameter file."""
    return Argument(name, f"{description} {_AS_IN_FILE}", kind=kind, choices=choices)


def _given(arguments: Sequence[Argument], values: Values) -> dict[str, Any]:
    """Return what was given of arguments that are parameters."""
    return {one.name: values[one.name] for one in arguments if values[one.name] is not None}


def _namespace(values: Values) -> str:
    """Return the namespace, absolute."""
    text = values["namespace"] or ""
    if _NAMESPACE.fullmatch(text) is None:
        raise LaunchError(
            f"namespace:={text} cannot be used: write names of letters, digits and underscores, "
            "with slashes between, as in car1."
        )
    return f"/{text.strip('/')}"


def _params_file(default: str) -> Argument:
    node = default.removesuffix(".yaml")
    return Argument(
        "params_file", f"YAML file with the parameters of the {node}.", default, kind=Path
    )


NAMESPACE = Argument("namespace", "Namespace of the car's nodes and topics; one for each car.")
LOG_LEVEL = Argument(
    "log_level",
    "Least severity of what is logged.",
    "info",
    choices=("debug", "info", "warn", "error", "fatal"),
)
SIMULATOR_PARAMS_FILE = Argument(
    "simulator_params_file",
    "YAML file with the parameters of the simulator.",
    "simulator.yaml",
    kind=Path,
)


def _simulator_choice(default: str) -> Argument:
    return Argument(
        "simulator",
        "The simulator to start: embedded, or none where a car is there already.",
        default,
        choices=("embedded", "none"),
    )


def _refuse_without_simulator(arguments: Sequence[Argument], values: Values) -> None:
    """Refuse arguments that only a simulator would heed."""
    for argument in arguments:
        if values[argument.name] != argument.read(argument.default_text()):
            raise LaunchError(
                f"{argument.name} is for the simulator, and none is started; leave it out, or add "
                "simulator:=embedded."
            )


def _check_circuit(name: str, scale: float = 1.0) -> None:
    # Imported here, since --show-args need not wait for it.
    from f1_rl.circuits import CircuitError, load_circuit

    try:
        load_circuit(name, scale=scale)
    except CircuitError as error:
        raise LaunchError(f"circuit:={name} cannot be used: {error}") from error


_SIMULATOR_PARAMETERS = (
    _parameter("circuit", "Name of the circuit (f1-rl circuit list), or a CSV file of one."),
    _parameter("vehicle", "The car.", choices=("kinematic", "single_track")),
    _parameter("rate", "Simulated seconds a second; 0.0: as fast as the machine can.", float),
    _parameter(
        "start_paused", "Whether the world moves only in steps (lock-step), by service.", bool
    ),
    _parameter(
        "compressed", "Whether JPEG pictures go out as well, on image_raw/compressed.", bool
    ),
    _parameter("stamped_commands", "Whether cmd_vel carries TwistStamped, not Twist.", bool),
    _parameter("seed", "Of what is random.", int),
)


def _plan_simulate(values: Values) -> Plan:
    if values["circuit"] is not None:
        _check_circuit(values["circuit"])
    return Plan(
        NodeProcess(
            "simulator",
            namespace=_namespace(values),
            params_file=values["params_file"],
            parameters=_given(_SIMULATOR_PARAMETERS, values),
            log_level=values["log_level"],
        )
    )


SIMULATE = Launch(
    "simulate",
    "Start the embedded simulator on the topics of the Gazebo car.",
    (*_SIMULATOR_PARAMETERS, NAMESPACE, _params_file("simulator.yaml"), LOG_LEVEL),
    _plan_simulate,
)


_DRIVER_PARAMETERS = (
    _parameter("policy", "Policy folder, or run folder with one."),
    _parameter("use_sim_time", "Whether stamps are compared with /clock.", bool),
    _parameter(
        "autostart", "Whether the driver configures and activates itself (lifecycle).", bool
    ),
    _parameter("shadow", "Whether to say on proposed_cmd only what would be commanded.", bool),
    _parameter("deadman", "Whether to drive only while a button on joy is pressed.", bool),
    _parameter("image_transport", "Which pictures to drive by.", choices=("raw", "compressed")),
    _parameter(
        "image_reliability",
        "How pictures are subscribed to.",
        choices=("auto", "reliable", "best_effort"),
    ),
    _parameter("command_type", "Message on cmd_vel.", choices=("twist", "twist_stamped")),
    _parameter("max_speed_mps", "Largest speed, m/s.", float),
)
_DRIVE_CIRCUIT = Argument(
    "circuit", "The simulator's circuit (f1-rl circuit list). Empty: as in its parameter file."
)


def _plan_drive(values: Values) -> Plan:
    driver = NodeProcess(
        "driver",
        namespace=_namespace(values),
        params_file=values["params_file"],
        parameters=_given(_DRIVER_PARAMETERS, values),
        log_level=values["log_level"],
    )
    if values["simulator"] == "none":
        _refuse_without_simulator((_DRIVE_CIRCUIT, SIMULATOR_PARAMS_FILE), values)
        return Plan(driver)
    # The simulator has to speak as the driver was asked to listen.
    parameters: dict[str, Any] = {}
    remappings = {}
    if values["circuit"] is not None:
        _check_circuit(values["circuit"])
        parameters["circuit"] = values["circuit"]
    if values["image_transport"] == "compressed":
        parameters["compressed"] = True
    if values["command_type"] is not None:
        parameters["stamped_commands"] = values["command_type"] == "twist_stamped"
    if values["use_sim_time"]:
        parameters["publish_clock"] = True
        remappings["clock"] = "/clock"
    simulator = NodeProcess(
        "simulator",
        namespace=driver.namespace,
        params_file=values["simulator_params_file"],
        parameters=parameters,
        remappings=remappings,
        log_level=values["log_level"],
    )
    return Plan(driver, (simulator,))


DRIVE = Launch(
    "drive",
    "Drive a car by its camera and a saved policy: a real one, or the simulator's.",
    (
        *_DRIVER_PARAMETERS,
        _simulator_choice("none"),
        _DRIVE_CIRCUIT,
        NAMESPACE,
        _params_file("driver.yaml"),
        SIMULATOR_PARAMS_FILE,
        LOG_LEVEL,
    ),
    _plan_drive,
)


# What a run that is resumed has settled.
_SETTLED = (
    Argument(
        "circuit", "Circuit to learn on: a name (f1-rl circuit list), or a CSV file.", "simple"
    ),
    Argument("width", "Columns of the camera's picture.", "160", kind=int),
    Argument("height", "Rows of the camera's picture.", "120", kind=int),
    _parameter("preset", "Named settings, or a YAML file of them."),
    _parameter("seed", "Of everything that is random.", int),
    _parameter("run_dir", "Folder to make for the run."),
)
_UNSETTLED = (
    _parameter("steps", "Environment steps to train for; 0: as in the preset.", int),
    _parameter("resume", "Run folder of a run to go on with."),
    _parameter("device", "Where to compute.", choices=("auto", "cpu", "gpu")),
)
_TRAINED_SIMULATOR = ("circuit", "width", "height")


def _plan_train(values: Values) -> Plan:
    namespace = _namespace(values)
    cars = values["cars"]
    if values["resume"] is None:
        scene = {name: values[name] for name in _TRAINED_SIMULATOR}
        settled = _given(_SETTLED, values)
    else:
        scene = _scene_of(Path(values["resume"]).expanduser(), values)
        settled = {}
    parameters: dict[str, Any] = settled | _given(_UNSETTLED, values)
    namespaces: tuple[str, ...] = (namespace,)
    if cars > 1:
        namespaces = tuple(f"{namespace.rstrip('/')}/car{i}" for i in range(1, cars + 1))
        parameters["namespaces"] = namespaces
    trainer = NodeProcess(
        "trainer",
        namespace=namespace,
        params_file=values["params_file"],
        parameters=parameters,
        log_level=values["log_level"],
    )
    if values["simulator"] == "none":
        _refuse_without_simulator((SIMULATOR_PARAMS_FILE,), values)
        return Plan(trainer)
    _check_circuit(scene["circuit"], scene.get("circuit_scale", 1.0))
    return Plan(
        trainer,
        tuple(
            NodeProcess(
                "simulator",
                namespace=name,
                params_file=values["simulator_params_file"],
                parameters={**scene, "start_paused": True},
                log_level=values["log_level"],
            )
            for name in namespaces
        ),
    )


def _scene_of(run: Path, values: Values) -> dict[str, Any]:
    """Return the simulator's parameters for the run to go on with."""
    from f1_rl.driving.settings import TaskSettings
    from f1_rl.learning.run_folder import RunFolder, RunFolderError
    from f1_rl.settings import SettingsError, build_settings

    for argument in _SETTLED:
        if values[argument.name] != argument.read(argument.default_text()):
            raise LaunchError(
                f"{argument.name} cannot be changed in a run that is resumed; leave it out, or "
                "start another run for that."
            )
    try:
        config = RunFolder(run).read_config()
        task = build_settings(TaskSettings, config.get("task", {}), str(run / "config.yaml"))
    except (RunFolderError, SettingsError) as error:
        raise LaunchError(f"resume:={run} cannot be used: {error}") from error
    if len(task.circuits) > 1 and values["simulator"] != "none":
        raise LaunchError(
            f"resume:={run} cannot be used: it learns on {len(task.circuits)} circuits, and the "
            "simulator of this launch shows one; go on with f1-rl train --resume."
        )
    return {
        "circuit": task.circuits[0],
        "circuit_scale": task.circuit_scale,
        "width": task.camera.width,
        "height": task.camera.height,
        "horizontal_fov_rad": task.camera.horizontal_fov_rad,
    }


TRAIN = Launch(
    "train",
    "Teach a car behind ROS topics to drive: the trainer, and simulators in lock-step with it.",
    (
        *_SETTLED,
        *_UNSETTLED,
        Argument(
            "cars",
            "How many cars to learn with; more than one are in the namespaces car1, car2, ...",
            "1",
            kind=int,
            choices=tuple(str(number) for number in range(1, MAX_CARS + 1)),
        ),
        _simulator_choice("embedded"),
        NAMESPACE,
        _params_file("trainer.yaml"),
        SIMULATOR_PARAMS_FILE,
        LOG_LEVEL,
    ),
    _plan_train,
)


LAUNCHES = {launch.name: launch for launch in (SIMULATE, DRIVE, TRAIN)}
