"""Circuits: closed centre lines with a road, where cars are on them, and how many laps they did."""

from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.csv_file import read_circuit_csv, rereadable, write_circuit_csv
from f1_rl.circuits.errors import CircuitError
from f1_rl.circuits.generator import random_circuit
from f1_rl.circuits.geometry import (
    BoolArray,
    FloatArray,
    IntArray,
    Poses,
    Projection,
    wrap_angle,
)
from f1_rl.circuits.laps import LapCounter
from f1_rl.circuits.library import (
    DEFAULT_CIRCUIT,
    CircuitDefinition,
    check_circuit_name,
    circuit_definition,
    circuit_names,
    load_circuit,
)

__all__ = [
    "DEFAULT_CIRCUIT",
    "BoolArray",
    "Circuit",
    "CircuitDefinition",
    "CircuitError",
    "FloatArray",
    "IntArray",
    "LapCounter",
    "Poses",
    "Projection",
    "check_circuit_name",
    "circuit_definition",
    "circuit_names",
    "load_circuit",
    "random_circuit",
    "read_circuit_csv",
    "rereadable",
    "wrap_angle",
    "write_circuit_csv",
]
