"""The launch `simulate`."""

from __future__ import annotations

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
from f1_rl.launching.simulators import (
    EMBEDDED,
    FOR_GAZEBO,
    GAZEBO,
    TRAFFIC,
    VEHICLES,
    Scene,
    check_circuit,
    refuse_unheeded,
    simulator_choice,
    simulators,
    traffic_parameter,
)

_CAR = parameter(
    "car",
    "The car: kinematic does as commanded at once, ackermann has wheels, mass and limits.",
    choices=tuple(VEHICLES),
)
_SCENE = (
    parameter("circuit", "Name of the circuit (f1-rl circuit list), or a CSV file of one."),
    parameter("width", "Columns of the camera's picture.", int),
    parameter("height", "Rows of the camera's picture.", int),
    parameter("seed", "Of what is random.", int),
)
_EMBEDDED_ALONE = (
    parameter("rate", "Simulated seconds a second; 0.0: as fast as the machine can.", float),
    parameter("compressed", "Whether JPEG pictures go out as well, on image_raw/compressed.", bool),
    parameter("stamped_commands", "Whether cmd_vel carries TwistStamped, not Twist.", bool),
)
_PAUSED = parameter(
    "start_paused", "Whether the world moves only in steps (lock-step), by service.", bool
)
_PARAMS_FILE = params_file("simulator.yaml")


def _plan(values: Values) -> Plan:
    namespace = namespace_of(values)
    if values["simulator"] == GAZEBO:
        return _gazebo(values, namespace)
    refuse_unheeded(values, FOR_GAZEBO)
    parameters = given((*_SCENE, *_EMBEDDED_ALONE, _PAUSED), values)
    if values["traffic"] is not None:
        parameters["traffic"] = traffic_parameter(values["traffic"])
    if values["car"] is not None:
        parameters["vehicle"] = VEHICLES[values["car"]]
    if values["circuit"] is not None:
        check_circuit(values["circuit"])
    return Plan(
        NodeProcess(
            "simulator",
            namespace=namespace,
            params_file=values["params_file"],
            parameters=parameters,
            log_level=values["log_level"],
        )
    )


def _gazebo(values: Values, namespace: str) -> Plan:
    refuse_unheeded(values, (*_EMBEDDED_ALONE, _PARAMS_FILE))
    if values["world"] is not None and values["circuit"] is not None:
        raise LaunchError("world has a circuit of its own; leave circuit or world out.")
    scene = Scene(values["circuit"], width=values["width"], height=values["height"])
    # Gazebo has no parameter file that could name a car.
    chosen = {**values, "car": values["car"] or "kinematic"}
    main, *others = simulators(chosen, scene, [namespace], lock_step=bool(values["start_paused"]))
    return Plan(main, tuple(others))


SIMULATE = Launch(
    "simulate",
    "Start a simulator of the car on its topics.",
    (
        *_SCENE,
        _CAR,
        _PAUSED,
        *_EMBEDDED_ALONE,
        simulator_choice(EMBEDDED, (EMBEDDED, GAZEBO)),
        TRAFFIC,
        *FOR_GAZEBO,
        NAMESPACE,
        _PARAMS_FILE,
        LOG_LEVEL,
    ),
    _plan,
)
