"""The settings of the driving task, in one tree."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal

from msgspec import Meta, field

from f1_rl.circuits import DEFAULT_CIRCUIT, circuit_names
from f1_rl.driving.endings import EndingSettings
from f1_rl.driving.observation import ObservationSettings
from f1_rl.settings import (
    FiniteFloat,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    Settings,
    SettingsError,
)
from f1_rl.simulation import (
    NO_TRAFFIC,
    Camera,
    SingleTrackCar,
    Traffic,
    Variation,
    Vehicle,
    load_traffic,
)
from f1_rl.simulation.car_parameters import CAR
from f1_rl.simulation.vehicles import make_vehicle

# Stands for every circuit of the library.
ALL_CIRCUITS = "all"
# As many names as one range may stand for; more is a typing error.
_MOST_IN_RANGE = 1_000


class StartSettings(Settings, frozen=True):
    """Where training episodes begin: anywhere on the circuit.

    Attributes:
        direction: Which way round.
        lateral_m: Largest offset from the centre line, either side; on narrow roads at most half of
            the way to the edge.
        heading_rad: Largest offset of the heading, either side.
    """

    direction: Literal["forward", "backward", "both"] = "both"
    lateral_m: NonNegativeFloat = 0.5
    heading_rad: NonNegativeFloat = 0.3


class ActuatorSettings(Settings, frozen=True):
    """How drive, brakes and steering of the single-track car lag behind the commands.

    Attributes:
        drive_lag_s: Time constant of drive and brakes.
        steering_lag_s: Time constant of the steering.
    """

    drive_lag_s: NonNegativeFloat = CAR.drive_lag_s
    steering_lag_s: NonNegativeFloat = CAR.steering_lag_s


class TaskSettings(Settings, frozen=True):
    """The driving task.

    Attributes:
        circuits: Names of circuits, CSV files, ranges of random ones (`random-0:8` is eight), or
            `all` for those of the library; each may have a scale of its own, as `random-0:8@0.5`.
            One that is named twice is learned by twice as many cars, and evaluated once.
        circuit_scale: What circuits are multiplied with, the road's widths included, not the line.
        line_width_m: Width of the line painted on every circuit, 0: none; none: each circuit's own.
        vehicle: The car.
        actuators: How a single-track car's lag; a kinematic one has none.
        control_period_ms: Time between two actions, milliseconds.
        camera: The camera.
        observation: What is made of its frames.
        actions: Name of the action table, or a YAML file that holds one.
        rewards: The weight of each reward rule, of the package or `FILE.py:FUNCTION` of one's own.
        endings: When an episode ends.
        starts: Where it begins.
        variation: By how much pictures and delays vary from episode to episode.
        traffic: Boxes and slower cars on the road: the name of a scenario, or what there is. A
            Gazebo that shows the car must have been given the same.
    """

    circuits: Annotated[tuple[str, ...], Meta(min_length=1)] = (DEFAULT_CIRCUIT,)
    circuit_scale: PositiveFloat = 1.0
    line_width_m: NonNegativeFloat | None = None
    vehicle: Literal["kinematic", "single_track"] = "kinematic"
    actuators: ActuatorSettings = ActuatorSettings()
    control_period_ms: PositiveInt = 50
    camera: Camera = field(default_factory=Camera)
    observation: ObservationSettings = field(default_factory=ObservationSettings)
    actions: str = "racing"
    rewards: dict[str, FiniteFloat] = field(
        default_factory=lambda: {"centred_progress": 1.0, "lateral_error": 1.0}
    )
    endings: EndingSettings = field(default_factory=EndingSettings)
    starts: StartSettings = field(default_factory=StartSettings)
    variation: Variation = field(default_factory=Variation)
    traffic: str | Traffic = NO_TRAFFIC

    def __post_init__(self) -> None:
        """Check that the scenario exists."""
        load_traffic(self.traffic)


def vehicle_of(settings: TaskSettings) -> Vehicle:
    """Return the car of a task."""
    vehicle = make_vehicle(settings.vehicle)
    if isinstance(vehicle, SingleTrackCar):
        lags = settings.actuators
        return replace(vehicle, drive_lag_s=lags.drive_lag_s, steering_lag_s=lags.steering_lag_s)
    return vehicle


def pedal_lead_s(settings: TaskSettings) -> float:
    """Return how much further ahead than a control period pedals command a speed; seconds.

    A car that lags makes of the way to the speed that it is told 1 / (4 lag) its acceleration, see
    `advance_single_track`; and a delayed command is about an earlier speed. So far ahead, throttle
    and brakes work in full all the same, since the car's limits bound what they do.
    """
    if settings.vehicle != "single_track":
        return 0.0
    return 4.0 * settings.actuators.drive_lag_s + settings.variation.action_delay_s[1]


def told_circuits(names: Iterable[str]) -> str:
    """Return the names in one line, each once: `oval, serpent (3 times)`."""
    counts = Counter(names)
    return ", ".join(
        name if count == 1 else f"{name} ({count} times)" for name, count in counts.items()
    )


def expand_circuit_names(names: Iterable[str]) -> list[str]:
    """Return the names with ranges written out: `random-3:5` gives `random-3`, `random-4`.

    `all` gives those of the library, the default one first. A scale behind a range is each one's.

    Raises:
        SettingsError: A range is empty or absurdly long.
    """
    expanded: list[str] = []
    for name in names:
        several, at, scale = name.partition("@")
        if several == ALL_CIRCUITS:
            expanded.extend(known + at + scale for known in circuit_names())
            continue
        match = re.fullmatch(r"random-(\d+):(\d+)", several)
        if match is None:
            expanded.append(name)
            continue
        first, end = int(match[1]), int(match[2])
        if not 0 < end - first <= _MOST_IN_RANGE:
            raise SettingsError(
                f"circuits: {name!r} stands for {end - first} circuits; "
                f"choose a range of 1 to {_MOST_IN_RANGE}."
            )
        expanded.extend(f"random-{seed}{at}{scale}" for seed in range(first, end))
    return expanded
