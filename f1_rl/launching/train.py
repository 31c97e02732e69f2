"""The launch `train`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from f1_rl.launching.arguments import Argument
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.launch import (
    LOG_LEVEL,
    NAMESPACE,
    Launch,
    Values,
    given,
    is_default,
    namespace_of,
    parameter,
    params_file,
)
from f1_rl.launching.plan import NodeProcess, Plan
from f1_rl.launching.simulators import (
    CAR,
    EMBEDDED,
    FOR_GAZEBO,
    FOR_SIMULATORS,
    GAZEBO,
    NO_TRAFFIC,
    NONE,
    SIMULATOR_PARAMS_FILE,
    TRAFFIC,
    VEHICLES,
    Scene,
    refuse_unheeded,
    simulator_choice,
    simulators,
)

MAX_INSTANCES = 8

_SCENE = (
    Argument(
        "circuit", "Circuit to learn on: a name (f1-rl circuit list), or a CSV file.", "simple"
    ),
    Argument("width", "Columns of the camera's picture.", "192", kind=int),
    Argument("height", "Rows of the camera's picture.", "144", kind=int),
)
_INSTANCES = Argument(
    "instances",
    "How many cars to learn with, each in a simulator of its own; more than one are in the "
    "namespaces car1, car2, ...",
    "1",
    kind=int,
    choices=tuple(str(number) for number in range(1, MAX_INSTANCES + 1)),
)
# What a run that is resumed has settled.
_SETTLED = (
    *_SCENE,
    parameter("preset", "Named settings, or a YAML file of them."),
    parameter("seed", "Of everything that is random.", int),
    parameter("run_dir", "Folder to make for the run."),
)
_UNSETTLED = (
    parameter("steps", "Environment steps to train for; 0: as in the preset.", int),
    parameter("resume", "Run folder of a run to go on with."),
    parameter("device", "Where to compute.", choices=("auto", "cpu", "gpu")),
)


def _plan(values: Values) -> Plan:
    chosen = values["simulator"]
    unheeded: dict[str, Sequence[Argument]] = {
        EMBEDDED: FOR_GAZEBO,
        GAZEBO: (SIMULATOR_PARAMS_FILE,),
        NONE: (*FOR_GAZEBO, SIMULATOR_PARAMS_FILE),
    }
    refuse_unheeded(values, unheeded[chosen])
    if values["resume"] is None:
        scene, namespaces, parameters = _new(values)
    else:
        scene, namespaces, parameters, car = _resumed(values)
        values = {**values, "car": car}
    trainer = NodeProcess(
        "trainer",
        namespace=namespace_of(values),
        params_file=values["params_file"],
        parameters=parameters | given(_UNSETTLED, values),
        log_level=values["log_level"],
    )
    return Plan(trainer, simulators(values, scene, namespaces, lock_step=True))


def _new(values: Values) -> tuple[Scene, tuple[str, ...], dict[str, Any]]:
    """Return scene, cars' namespaces and the trainer's parameters of a new run."""
    namespace, count = namespace_of(values), values["instances"]
    parameters = given(_SETTLED, values)
    namespaces: tuple[str, ...] = (namespace,)
    if count > 1:
        namespaces = tuple(f"{namespace.rstrip('/')}/car{i}" for i in range(1, count + 1))
        parameters["namespaces"] = namespaces
    if not is_default(CAR, values):
        parameters["car"] = values["car"]
    if values["simulator"] == GAZEBO:
        parameters["clockwork"] = "gazebo"
    traffic = values["traffic"]
    if traffic is None and values["simulator"] != NONE and values["world"] is None:
        traffic = NO_TRAFFIC
    if traffic is not None:
        parameters["traffic"] = traffic
    scene = Scene(
        values["circuit"], width=values["width"], height=values["height"], traffic=traffic
    )
    if values["preset"] is not None and values["simulator"] != NONE:
        scene = _as_in_preset(scene, values["preset"])
    return scene, namespaces, parameters


def _as_in_preset(scene: Scene, preset: str) -> Scene:
    """Return a scene with what no argument says of it as the settings of the trainer have it."""
    from f1_rl.circuits import CircuitError
    from f1_rl.learning.runs import run_settings
    from f1_rl.settings import SettingsError

    try:
        task = run_settings(preset, []).task
    except (CircuitError, SettingsError) as error:
        raise LaunchError(f"preset:={preset} cannot be used: {error}") from error
    return replace(
        scene,
        circuit_scale=task.circuit_scale,
        horizontal_fov_rad=task.camera.horizontal_fov_rad,
    )


def _resumed(values: Values) -> tuple[Scene, tuple[str, ...], dict[str, Any], str]:
    """Return scene, cars' namespaces, trainer's parameters and car of a run to go on with."""
    from f1_rl.driving.settings import TaskSettings
    from f1_rl.learning.run_folder import RunFolder, RunFolderError
    from f1_rl.settings import SettingsError, build_settings

    run = Path(values["resume"]).expanduser()
    for argument in (*_SETTLED, _INSTANCES, TRAFFIC):
        if not is_default(argument, values):
            raise LaunchError(
                f"{argument.name} cannot be changed in a run that is resumed; leave it out, or "
                "start another run for that."
            )
    try:
        config = RunFolder(run).read_config()
        task = build_settings(TaskSettings, config.get("task", {}), str(run / "config.yaml"))
    except (RunFolderError, SettingsError) as error:
        raise LaunchError(f"resume:={run} cannot be used: {error}") from error
    if len(task.circuits) > 1 and values["simulator"] != NONE:
        raise LaunchError(
            f"resume:={run} cannot be used: it learns on {len(task.circuits)} circuits, and the "
            "simulators of a launch show one; go on with f1-rl train --resume."
        )
    cars = config.get("env_options", {})
    stepped_by = cars.get("ros", {}).get("clockwork", "simulator")
    needed = GAZEBO if stepped_by == "gazebo" else EMBEDDED
    if values["simulator"] not in (needed, NONE):
        raise LaunchError(
            f"resume:={run} learns from cars of simulator:={needed}; go on with that one."
        )
    # f1-rl train takes them without a slash, too.
    settled = (f"/{name.strip('/')}" for name in cars.get("namespaces") or ())
    namespaces = tuple(settled) or (namespace_of(values),)
    car = values["car"]
    if is_default(CAR, values):
        car = next(name for name, vehicle in VEHICLES.items() if vehicle == task.vehicle)
    return Scene.of_task(task), namespaces, {}, car


TRAIN = Launch(
    "train",
    "Teach a car behind ROS topics to drive: the trainer, and simulators in lock-step with it.",
    (
        *_SETTLED,
        *_UNSETTLED,
        simulator_choice(EMBEDDED),
        _INSTANCES,
        *FOR_SIMULATORS,
        NAMESPACE,
        params_file("trainer.yaml"),
        LOG_LEVEL,
    ),
    _plan,
)
