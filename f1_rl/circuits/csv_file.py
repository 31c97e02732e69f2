"""Circuits as CSV files in the format of the TUM racetrack database.

One row a point of the closed centre line, ``x_m,y_m,w_tr_right_m,w_tr_left_m``, usually below a
header that begins with ``#``; see https://github.com/TUMFTM/racetrack-database.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from f1_rl.circuits.circuit import DEFAULT_LINE_WIDTH_M, Circuit
from f1_rl.circuits.errors import CircuitError
from f1_rl.errors import told
from f1_rl.files import new_file

COLUMNS = ("x_m", "y_m", "w_tr_right_m", "w_tr_left_m")
HEADER = "# " + ",".join(COLUMNS)
# Once is nearly always enough.
_NARROWED_AT_MOST = 5


def read_circuit_csv(
    path: str | Path,
    *,
    scale: float = 1.0,
    line_width_m: float = DEFAULT_LINE_WIDTH_M,
    narrow: bool = False,
) -> Circuit:
    """Read a circuit from a CSV file; its name is the file's without the extension.

    Args:
        path: The file.
        scale: Factor for coordinates and road widths, for instance 0.2 for a full-size circuit.
        line_width_m: Width of the painted line, not scaled; zero if there is only a road.
        narrow: Whether to narrow the road in turns that are tighter than it is wide.

    Returns:
        The circuit.

    Raises:
        CircuitError: If the file cannot be read, is not in the format, or is no circuit.
    """
    path = Path(path)
    if not (math.isfinite(scale) and scale > 0.0):
        raise CircuitError(f"The scale of {path} must be a number greater than zero, not {scale}.")
    rows = [
        _parse_row(path, number, line)
        for number, line in enumerate(_read_text(path).splitlines(), start=1)
        if _holds_data(number, line)
    ]
    if not rows:
        raise CircuitError(f"{path} holds no points; write rows of {','.join(COLUMNS)}.")
    x_m, y_m, right_m, left_m = scale * np.array(rows).T
    try:
        return Circuit.from_points(
            path.stem, x_m, y_m, left_m, right_m, line_width_m, narrow=narrow
        )
    except CircuitError as error:
        raise CircuitError(f"{path}: {error}") from error


def write_circuit_csv(circuit: Circuit, path: str | Path) -> None:
    """Write the samples of a circuit as a CSV file; the width of the line is not part of it.

    Args:
        circuit: What to write.
        path: The file, replaced if it exists.

    Raises:
        CircuitError: If the file cannot be written.
    """
    columns = (circuit.x_m, circuit.y_m, circuit.width_right_m, circuit.width_left_m)
    rows = [",".join(f"{value:.6f}" for value in row) for row in np.column_stack(columns)]
    try:
        with new_file(path) as file:
            file.write("\n".join([HEADER, *rows, ""]))
    except OSError as error:
        raise CircuitError(f"Cannot write {path}: {told(error)}.") from error


def rereadable(circuit: Circuit, *, narrow: bool = False) -> Circuit:
    """Return the circuit if its file can be read again, which thins the samples.

    That makes tight turns tighter still: one of 0.3 m radius by up to a fifth.

    Args:
        circuit: What is to be written.
        narrow: Whether to narrow the road where it is refused for that, instead of passing on why.

    Raises:
        CircuitError: It cannot be read again.
    """
    for _ in range(_NARROWED_AT_MOST if narrow else 0):
        try:
            _reread(circuit)
        except CircuitError:
            circuit = _reread(circuit, narrow=True)
        else:
            return circuit
    _reread(circuit)
    return circuit


def _reread(circuit: Circuit, *, narrow: bool = False) -> Circuit:
    return Circuit.from_points(
        circuit.name,
        circuit.x_m,
        circuit.y_m,
        circuit.width_left_m,
        circuit.width_right_m,
        circuit.line_width_m,
        narrow=narrow,
    )


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise CircuitError(f"{path} is a directory; give a CSV file of a circuit.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CircuitError(f"{path} is not a text file; give a CSV file.") from error
    except OSError as error:
        raise CircuitError(f"Cannot read {path}: {told(error)}.") from error
    if "\0" in text:
        raise CircuitError(f"{path} is not a text file; give a CSV file.")
    return text


def _holds_data(number: int, line: str) -> bool:
    """Tell rows from blank lines, comments and a header without its comment sign."""
    text = line.strip()
    if not text or text.startswith("#"):
        return False
    return not (number == 1 and text.split(",")[0].strip().lower() in ("x", "x_m"))


def _parse_row(path: Path, number: int, line: str) -> list[float]:
    fields = line.split(",")
    if len(fields) != len(COLUMNS):
        raise CircuitError(
            f"{path}, line {number}: give {len(COLUMNS)} values ({','.join(COLUMNS)}) "
            f"separated by commas, not {len(fields)}."
        )
    row = []
    for column, field in zip(COLUMNS, fields, strict=True):
        try:
            value = float(field)
        except ValueError as error:
            raise CircuitError(
                f"{path}, line {number}: {column} must be a number, found {field.strip()[:40]!r}."
            ) from error
        if not math.isfinite(value):
            raise CircuitError(
                f"{path}, line {number}: {column} must be a finite number, found {field.strip()}."
            )
        row.append(value)
    for column, value in zip(COLUMNS[2:], row[2:], strict=True):
        if value <= 0.0:
            raise CircuitError(
                f"{path}, line {number}: {column} must be greater than zero, found {value:g}."
            )
    return row
