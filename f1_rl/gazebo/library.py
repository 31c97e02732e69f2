"""The worlds, models and bridge configuration that are checked in."""

from __future__ import annotations

from pathlib import Path

from f1_rl.circuits import circuit_names, load_circuit
from f1_rl.gazebo.bridge import bridge_yaml
from f1_rl.gazebo.names import CAR_MODELS
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.gazebo.worlds import car_files, world_files

BRIDGE_FILE = "config/bridge.yaml"


def library_files() -> dict[str, str]:
    """Return the files of all circuits of the library, both cars and the bridge, by path."""
    files = {BRIDGE_FILE: bridge_yaml()}
    for car in CAR_MODELS:
        files |= car_files(WorldSettings(car=car))
    for name in circuit_names():
        files |= world_files(load_circuit(name), WorldSettings())
    return files


def write_library(directory: Path) -> None:
    """Write them.

    Args:
        directory: The root of the repository.
    """
    for name, text in library_files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
