"""The parameters of the simulator node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from f1_rl.circuits import DEFAULT_CIRCUIT
from f1_rl.gazebo.world_obstacles import of_world
from f1_rl.nodes.parameters import parameter
from f1_rl.settings import SettingsError, build_settings, merge, parse_assignment
from f1_rl.simulation import NO_TRAFFIC, Traffic, Variation, load_traffic

_DOMAIN = "domain"


@dataclass(frozen=True)
class SimulatorParameters:
    """What `ros2 param` shows of the simulator; each field says what it is."""

    circuit: str = parameter(DEFAULT_CIRCUIT, "Name of the circuit, or a CSV file of one.")
    circuit_scale: float = parameter(
        1.0, "What the circuit is multiplied with, widths included.", minimum=0.01, maximum=100.0
    )
    vehicle: str = parameter(
        "kinematic",
        "The car: kinematic does as commanded at once, single_track has the limits of a real one.",
        choices=("kinematic", "single_track"),
    )
    width: int = parameter(640, "Columns of the camera's picture.", minimum=8, maximum=4096)
    height: int = parameter(480, "Rows of the camera's picture.", minimum=8, maximum=4096)
    horizontal_fov_rad: float = parameter(
        1.57, "Angle between the picture's left and right edge, rad.", minimum=0.1, maximum=3.0
    )
    frame_period_ms: int = parameter(
        50, "Simulated time from frame to frame, ms.", minimum=1, maximum=10_000
    )
    odometry_period_ms: int = parameter(
        10,
        "Simulated time from odometry to odometry, ms; divides frame_period_ms. In real time "
        "commands act from the next of them on.",
        minimum=1,
        maximum=10_000,
    )
    physics_step_ms: int = parameter(
        10,
        "Simulated time of one physics step, ms; divides odometry_period_ms.",
        minimum=1,
        maximum=1_000,
    )
    command_effect: str = parameter(
        "at_once",
        "When a command acts: at_once, or one physics step late, as in Gazebo (next_step).",
        choices=("at_once", "next_step"),
    )
    command_timeout_s: float = parameter(
        0.0,
        "How long a command acts before the car is stopped, simulated seconds; 0: until the next, "
        "as with Gazebo's plugins.",
        minimum=0.0,
        maximum=3600.0,
    )
    stamped_commands: bool = parameter(
        False, "Whether cmd_vel carries TwistStamped instead of Twist."
    )
    compressed: bool = parameter(
        False, "Whether frames go out as JPEG on cam_f1_left/image_raw/compressed as well."
    )
    rate: float = parameter(
        1.0,
        "Simulated seconds a second while the world runs; 0: as fast as it goes.",
        minimum=0.0,
        maximum=1000.0,
        changeable=True,
    )
    start_paused: bool = parameter(
        False, "Whether the world begins paused and moves only in steps: lock-step."
    )
    step_ms: int = parameter(
        50,
        "Simulated time that one call of the service step takes, ms; a multiple of "
        "physics_step_ms.",
        minimum=1,
        maximum=60_000,
        changeable=True,
    )
    start_arc_length_m: float = parameter(
        0.0, "Where the car begins, metres along the centre line from the start line."
    )
    start_direction: int = parameter(
        1, "Which way it points then: 1 along the centre line, -1 against it.", choices=(1, -1)
    )
    pose: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0),
        "Where the service reset puts the car: x (m), y (m), yaw (rad); the node sets it to where "
        "the car begins.",
        length=3,
        changeable=True,
    )
    publish_clock: bool = parameter(False, "Whether simulated time goes out on clock.")
    publish_tf: bool = parameter(
        True, "Whether the car's and the camera's frames go out on tf and tf_static."
    )
    variation: tuple[str, ...] = parameter(
        ("",),
        "What is drawn anew at every reset, as NAME=VALUE of the settings task.variation, for "
        "example noise_sigma=[0.0, 6.0] or action_delay_s=[0.0, 0.05]; domain: all of them, "
        "moderately, before what follows.",
    )
    traffic: tuple[str, ...] = parameter(
        (NO_TRAFFIC,),
        "Boxes and slower cars on the road: name of a scenario, or NAME=VALUE of the settings "
        "task.traffic after it, for example mixed, seed=3. They stay when the car is reset; while "
        "the node runs, other ones are refused.",
        changeable=True,
    )
    world: str = parameter(
        "f1", "Name of the world in Gazebo's services, where ros_gz_interfaces is installed."
    )
    entity: str = parameter("f1", "Name of the car in Gazebo's services.")
    seed: int = parameter(0, "Of what is random.", minimum=0, maximum=2**31 - 1)

    def read_variation(self) -> Variation:
        """Return what the parameter variation says.

        Raises:
            SettingsError: There is no such name, or its value does not fit.
            ValueError: A range is not one.
        """
        values: dict[str, Any] = {}
        for text in filter(None, self.variation):
            if text != _DOMAIN and "=" not in text:
                raise SettingsError(
                    f"parameter variation has {text!r}; write {_DOMAIN}, or NAME=VALUE, for "
                    "example noise_sigma=[0.0, 6.0]."
                )
            change = asdict(Variation.domain()) if text == _DOMAIN else parse_assignment(text)
            values = merge(values, change)
        return build_settings(Variation, values, "parameter variation")

    def read_traffic(self) -> Traffic:
        """Return what the parameter traffic says, as a world has it.

        Raises:
            SettingsError: There is no such name, or its value does not fit.
            ValueError: There is no such scenario.
        """
        return parse_traffic(self.traffic)


def parse_traffic(texts: Sequence[str]) -> Traffic:
    """Return the traffic that a parameter names, as a world has it.

    Args:
        texts: Names of scenarios, and NAME=VALUE of what is changed.

    Raises:
        SettingsError: There is no such name, or its value does not fit.
        ValueError: There is no such scenario.
    """
    values: dict[str, Any] = {}
    for text in filter(None, texts):
        change = parse_assignment(text) if "=" in text else asdict(load_traffic(text))
        values = merge(values, change)
    return of_world(build_settings(Traffic, values, "parameter traffic"))
