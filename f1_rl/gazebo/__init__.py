"""Gazebo's worlds, cars and bridge, written from the circuits and the embedded simulator."""

from f1_rl.gazebo.bridge import (
    BRIDGED_SERVICES,
    BRIDGED_TOPICS,
    bridge_yaml,
    qos_overrides,
    service_arguments,
)
from f1_rl.gazebo.perturbations import perturbation_names, perturbed
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.gazebo.worlds import world_files, write_world

__all__ = [
    "BRIDGED_SERVICES",
    "BRIDGED_TOPICS",
    "WorldSettings",
    "bridge_yaml",
    "perturbation_names",
    "perturbed",
    "qos_overrides",
    "service_arguments",
    "world_files",
    "write_world",
]
