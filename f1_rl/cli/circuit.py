"""`f1-rl circuit`: list, show, import and draw circuits."""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.table import Table

from f1_rl.circuits import (
    Circuit,
    circuit_definition,
    circuit_names,
    load_circuit,
    write_circuit_csv,
)
from f1_rl.cli import options
from f1_rl.cli.errors import CommandError

SUMMARY = "List the circuits, check and import one from a CSV file, draw one, or export one."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the circuits of the library")
    options.add_json(listing)
    imported = actions.add_parser(
        "import", help="check a CSV file (x_m,y_m,w_tr_right_m,w_tr_left_m) and resample it"
    )
    imported.add_argument("source", type=Path, help="CSV file")
    imported.add_argument("output", type=Path, help="CSV file to write")
    render = actions.add_parser("render", help="draw a circuit from above, or from the car")
    render.add_argument("circuit", help="name or CSV file")
    render.add_argument("output", type=Path, help="PNG file to write")
    render.add_argument(
        "--from-car", type=float, metavar="METRES", help="camera at this arc length"
    )
    export = actions.add_parser("export", help="write a circuit as CSV")
    export.add_argument("circuit", help="name, random-SEED or CSV file")
    export.add_argument("output", type=Path, help="CSV file to write")
    for action in (imported, render, export):
        action.add_argument("--scale", type=float, default=1.0, help="multiply sizes with this")


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    if arguments.action == "list":
        _list(arguments.json)
        return 0
    source = getattr(arguments, "circuit", None) or arguments.source
    circuit = load_circuit(source, scale=arguments.scale)
    if arguments.action == "render":
        from f1_rl.reporting.circuit_picture import draw_from_above, draw_from_car

        picture = (
            draw_from_above(circuit)
            if arguments.from_car is None
            else draw_from_car(circuit, arguments.from_car)
        )
        _write_png(arguments.output, picture)
    else:
        write_circuit_csv(circuit, arguments.output)
    print(f"{arguments.output}: {_describe(circuit)}")
    return 0


def _write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    encoded, data = cv2.imencode(".png", picture[..., ::-1])
    if not encoded:
        raise CommandError(f"{path}: the picture cannot be encoded as PNG.")
    path.write_bytes(data.tobytes())


def _list(as_json: bool) -> None:
    rows = [
        {
            "name": name,
            "length_m": round(circuit.length_m, 1),
            "tightest_radius_m": round(circuit.min_radius_m, 2),
            "road_width_m": round(float((circuit.width_left_m + circuit.width_right_m).mean()), 2),
            "line": circuit.has_line,
            "description": circuit_definition(name).description,
        }
        for name in circuit_names()
        for circuit in [load_circuit(name)]
    ]
    if as_json:
        options.print_json(rows)
        return
    table = Table()
    for heading, side in (
        ("circuit", "left"),
        ("length m", "right"),
        ("tightest radius m", "right"),
        ("road m", "right"),
        ("line", "left"),
        ("", "left"),
    ):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(
            str(row["name"]),
            f"{row['length_m']:.0f}",
            f"{row['tightest_radius_m']:.1f}",
            f"{row['road_width_m']:.1f}",
            "yes" if row["line"] else "no",
            str(row["description"]),
        )
    options.print_table(table)


def _describe(circuit: Circuit) -> str:
    line = f"line {circuit.line_width_m:.2f} m" if circuit.has_line else "no line"
    return (
        f"{circuit.name}, {circuit.length_m:.1f} m, tightest radius {circuit.min_radius_m:.2f} m, "
        f"{line}"
    )
