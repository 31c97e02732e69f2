"""Endless random circuits, each fixed by its seed."""
from f1_rl.circuits.circuit import Circuit

RANDOM_PREFIX = "random-"


def random_circuit(seed: int, *, scale: float = 1.0) -> Circuit:
    """To follow in the next commit."""
    raise NotImplementedError
