"""The launch `drive`."""

from __future__ import annotations

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
    namespace_of,
    parameter,
    params_file,
)
from f1_rl.launching.plan import NodeProcess, Plan
from f1_rl.launching.share import config_file
from f1_rl.launching.simulators import (
    EMBEDDED,
    FOR_GAZEBO,
    FOR_SIMULATORS,
    GAZEBO,
    NONE,
    SIMULATOR_PARAMS_FILE,
    Scene,
    refuse_unheeded,
    simulator_choice,
    simulators,
)

_DRIVER_PARAMETERS = (
    parameter("policy", "Policy folder, or run folder with one."),
    parameter("camera_calibration", "File of f1-rl calibrate with a real car's camera."),
    parameter("use_sim_time", "Whether stamps are compared with /clock.", bool),
    parameter("autostart", "Whether the driver configures and activates itself (lifecycle).", bool),
    parameter("shadow", "Whether to say on proposed_cmd only what would be commanded.", bool),
    parameter("deadman", "Whether to drive only while a button on joy is pressed.", bool),
    parameter("image_transport", "Which pictures to drive by.", choices=("raw", "compressed")),
    parameter(
        "image_reliability",
        "How pictures are subscribed to.",
        choices=("auto", "reliable", "best_effort"),
    ),
    parameter("command_type", "Message on cmd_vel.", choices=("twist", "twist_stamped")),
    parameter("max_speed_mps", "Largest speed, m/s; with actuators, theirs.", float),
)
_CIRCUIT = Argument(
    "circuit",
    "The simulator's circuit, and that of the driver's map (f1-rl circuit list). Empty: the first "
    "that the policy learned on.",
)
_ACTUATORS = Argument(
    "actuators",
    "YAML file of an RC car, whose steering and throttle a node is then started for. Empty: the "
    "car understands cmd_vel.",
)
_ACTUATORS_PARAMETERS = (
    parameter(
        "actuators_output",
        "What the RC car's electronics listen to.",
        choices=("joy", "twist", "ackermann"),
    ),
)


def _plan(values: Values) -> Plan:
    driver = _driver(values)
    chosen = values["simulator"]
    unheeded = {
        EMBEDDED: FOR_GAZEBO,
        GAZEBO: (SIMULATOR_PARAMS_FILE,),
        NONE: (_CIRCUIT, *FOR_SIMULATORS),
    }
    refuse_unheeded(values, unheeded[chosen])
    if chosen == NONE:
        return Plan(driver, _actuators(values))
    if values["actuators"] is not None:
        raise LaunchError("actuators are those of a real car; leave simulator or actuators out.")
    # The simulator has to speak as the driver was asked to listen.
    parameters: dict[str, Any] = {}
    remappings = {}
    if values["image_transport"] == "compressed":
        parameters["compressed"] = True
    if values["command_type"] is not None:
        parameters["stamped_commands"] = values["command_type"] == "twist_stamped"
    if values["use_sim_time"]:
        parameters["publish_clock"] = True
        remappings["clock"] = "/clock"
    if chosen == GAZEBO and parameters:
        raise LaunchError(
            "Gazebo's bridge passes raw pictures and plain Twist, and no /clock here; leave "
            "image_transport, command_type and use_sim_time out."
        )
    others = simulators(
        values,
        _scene(values),
        [driver.namespace],
        lock_step=False,
        parameters=parameters,
        remappings=remappings,
    )
    return Plan(driver, others)


def _driver(values: Values) -> NodeProcess:
    of_driver = given(_DRIVER_PARAMETERS, values)
    if values["actuators"] is not None:
        # They drive the same way slower; a speed that the driver cuts makes turns tighter.
        of_driver.pop("max_speed_mps", None)
    if values["circuit"] is not None:
        of_driver["dashboard_circuit"] = values["circuit"]
    return NodeProcess(
        "driver",
        namespace=namespace_of(values),
        params_file=values["params_file"],
        parameters=of_driver,
        log_level=values["log_level"],
    )


def _actuators(values: Values) -> tuple[NodeProcess, ...]:
    if values["actuators"] is None:
        if values["actuators_output"] is not None:
            raise LaunchError(
                "actuators_output is for an RC car; give its file with actuators:=FILE."
            )
        return ()
    parameters: dict[str, Any] = {"car": values["actuators"]}
    if values["actuators_output"] is not None:
        parameters["output"] = values["actuators_output"]
    if values["command_type"] is not None:
        parameters["command_type"] = values["command_type"]
    if values["max_speed_mps"] is not None:
        parameters["max_speed_mps"] = values["max_speed_mps"]
    node = NodeProcess(
        "actuators",
        namespace=namespace_of(values),
        params_file=config_file("actuators.yaml"),
        parameters=parameters,
        log_level=values["log_level"],
    )
    return (node,)


def _scene(values: Values) -> Scene:
    """Return a scene that the policy can drive in: its camera, and a circuit it knows."""
    if values["policy"] is None:
        return Scene(values["circuit"])
    from f1_rl.driving.settings import TaskSettings
    from f1_rl.policy.manifest import PolicyError, find_policy, read_manifest
    from f1_rl.settings import SettingsError, build_settings

    folder = Path(values["policy"]).expanduser()
    try:
        manifest = read_manifest(find_policy(folder))
        task = build_settings(TaskSettings, manifest.task, str(folder))
    except (PolicyError, SettingsError) as error:
        raise LaunchError(f"policy:={values['policy']} cannot be used: {error}") from error
    return Scene.of_task(task, values["circuit"])


DRIVE = Launch(
    "drive",
    "Drive a car by its camera and a saved policy: a real one, or a simulator's.",
    (
        *_DRIVER_PARAMETERS,
        _ACTUATORS,
        *_ACTUATORS_PARAMETERS,
        simulator_choice(NONE),
        _CIRCUIT,
        *FOR_SIMULATORS,
        NAMESPACE,
        params_file("driver.yaml"),
        LOG_LEVEL,
    ),
    _plan,
)
