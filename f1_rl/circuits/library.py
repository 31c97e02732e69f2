"""The circuits that come with the package, and loading a circuit by whatever names it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from f1_rl.circuits.circuit import DEFAULT_LINE_WIDTH_M, Circuit
from f1_rl.circuits.corners import RoundedLine, round_corners
from f1_rl.circuits.csv_file import read_circuit_csv
from f1_rl.circuits.errors import CircuitError
from f1_rl.circuits.generator import RANDOM_PREFIX, random_circuit
from f1_rl.circuits.geometry import FloatArray
from f1_rl.circuits.validation import check_length, check_line_width
from f1_rl.errors import did_you_mean

DATA_PACKAGE = "f1_rl.circuits.data"
DEFAULT_CIRCUIT = "simple"
DEFAULT_HALF_WIDTH_M = 1.5


@dataclass(frozen=True)
class CircuitDefinition:
    """A circuit as data: the corners of its centre line.

    Attributes:
        name: Name of the circuit.
        description: One line about it.
        corners_m: (C, 2) corners in driving order; the start line lies in the middle of the
            straight from the last corner to the first.
        radii_m: (C,) tightest radius of the turn at each corner.
        half_widths_m: (C,) half width of the road at the apex of each turn.
        line_width_m: Width of the painted line; zero if there is only a road.
    """

    name: str
    description: str
    corners_m: FloatArray
    radii_m: FloatArray
    half_widths_m: FloatArray
    line_width_m: float

    def build(self, scale: float = 1.0) -> Circuit:
        """Return the circuit.

        Args:
            scale: Factor for coordinates, radii and road widths.

        Raises:
            CircuitError: If the definition is no circuit at this scale.
        """
        # Before its turns are drawn in points, which are too many in a circuit too long.
        sides_m = np.roll(self.corners_m, -1, axis=0) - self.corners_m
        check_length(self.name, scale * float(np.hypot(*sides_m.T).sum()))
        check_line_width(self.name, self.line_width_m, scale * self.half_widths_m)
        rounded = round_corners(self.name, scale * self.corners_m, scale * self.radii_m)
        half_width_m = _blend_half_widths(rounded, scale * self.half_widths_m)
        x_m, y_m = rounded.points_m.T
        return Circuit.from_points(
            self.name, x_m, y_m, half_width_m, half_width_m, self.line_width_m
        )


def circuit_names() -> tuple[str, ...]:
    """Return the names of the circuits in the library, the default one first."""
    names = sorted(
        entry.name.removesuffix(".yaml")
        for entry in resources.files(DATA_PACKAGE).iterdir()
        if entry.name.endswith(".yaml")
    )
    return (DEFAULT_CIRCUIT, *(name for name in names if name != DEFAULT_CIRCUIT))


def circuit_definition(name: str) -> CircuitDefinition:
    """Return a circuit of the library as data, with its description.

    Args:
        name: One of ``circuit_names()``.

    Raises:
        CircuitError: If there is no such circuit, or its file cannot be understood.
    """
    if name not in circuit_names():
        raise _unknown(name)
    file = resources.files(DATA_PACKAGE).joinpath(f"{name}.yaml")
    try:
        return _parse_definition(name, yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise CircuitError(f"The definition of circuit '{name}' is not usable: {error}") from error


def load_circuit(name_or_csv_path: str | Path, *, scale: float = 1.0) -> Circuit:
    """Load a circuit by name or from a CSV file.

    Args:
        name_or_csv_path: A name in the library, ``random-<seed>``, or the path of a CSV file;
            with ``@FACTOR`` behind it, the circuit of that scale, which is named so, too.
        scale: Factor for coordinates and road widths, besides.

    Returns:
        The circuit.

    Raises:
        CircuitError: If there is no such circuit, or the file is not one.
    """
    if not (np.isfinite(scale) and scale > 0.0):
        raise CircuitError(f"The scale of a circuit must be greater than zero, not {scale}.")
    check_circuit_name(name_or_csv_path)
    name, own_scale = _split_scale(str(name_or_csv_path))
    if own_scale is not None:
        circuit = load_circuit(name, scale=scale * own_scale)
        return replace(circuit, name=f"{circuit.name}@{own_scale:g}")
    if _is_path(name_or_csv_path):
        return read_circuit_csv(name_or_csv_path, scale=scale)
    if name.startswith(RANDOM_PREFIX):
        return random_circuit(int(name.removeprefix(RANDOM_PREFIX)), scale=float(scale))
    return circuit_definition(name).build(float(scale))


def check_circuit_name(name_or_csv_path: str | Path) -> None:
    """Refuse a name that no circuit has, without loading one.

    Args:
        name_or_csv_path: What `load_circuit` is to load.

    Raises:
        CircuitError: There is no such circuit, or no such file.
    """
    name, own_scale = _split_scale(str(name_or_csv_path))
    if own_scale is not None and not (np.isfinite(own_scale) and own_scale > 0.0):
        raise CircuitError(
            f"The scale of '{name_or_csv_path}' must be a number greater than zero, not "
            f"{own_scale:g}."
        )
    if _is_path(name):
        if not Path(name).exists():
            raise CircuitError(f"Cannot read {name}: there is no such file; check the path.")
    elif name.startswith(RANDOM_PREFIX):
        if not name.removeprefix(RANDOM_PREFIX).isdecimal():
            raise CircuitError(
                f"'{name}' names no random circuit: write {RANDOM_PREFIX} and a whole number, as "
                f"in '{RANDOM_PREFIX}17'."
            )
    elif name not in circuit_names():
        raise _unknown(name)


def _unknown(name: str) -> CircuitError:
    return CircuitError(
        f"There is no circuit '{name}'{did_you_mean(name, circuit_names())}; give a CSV file, "
        f"'{RANDOM_PREFIX}<seed>', or one of: {', '.join(circuit_names())}."
    )


def _split_scale(name: str) -> tuple[str, float | None]:
    """Return a name without the scale behind it, and that scale."""
    plain, at, scale = name.rpartition("@")
    if at:
        with suppress(ValueError):
            return plain, float(scale)
    return name, None


def _is_path(name: str | Path) -> bool:
    return isinstance(name, Path) or bool(Path(name).suffix) or len(Path(name).parts) > 1


def _parse_definition(name: str, data: dict[str, Any]) -> CircuitDefinition:
    half_width_m = data.get("half_width_m", DEFAULT_HALF_WIDTH_M)
    corners = [row if len(row) == 4 else [*row, half_width_m] for row in data["corners"]]
    rows = np.array(corners, dtype=np.float64)
    return CircuitDefinition(
        name=name,
        description=data["description"],
        corners_m=rows[:, :2],
        radii_m=rows[:, 2],
        half_widths_m=rows[:, 3],
        line_width_m=float(data.get("line_width_m", DEFAULT_LINE_WIDTH_M)),
    )


def _blend_half_widths(rounded: RoundedLine, half_widths_m: FloatArray) -> FloatArray:
    """Return a half width for each point (P,), going smoothly from each apex to the next."""
    points_m, apexes = rounded.points_m, rounded.apexes
    steps = np.hypot(*(np.roll(points_m, -1, axis=0) - points_m).T)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    length, at_points, at_apexes = travelled[-1], travelled[:-1], travelled[apexes]
    knots = np.concatenate([[at_apexes[-1] - length], at_apexes, [at_apexes[0] + length]])
    values = np.concatenate([half_widths_m[-1:], half_widths_m, half_widths_m[:1]])
    segment = np.searchsorted(knots, at_points, side="right") - 1
    share = (at_points - knots[segment]) / (knots[segment + 1] - knots[segment])
    blend = 0.5 - 0.5 * np.cos(np.pi * share)
    return np.asarray(values[segment] + blend * (values[segment + 1] - values[segment]))
