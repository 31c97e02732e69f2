"""`f1-rl circuit`: list, show, import and draw circuits, and write worlds for Gazebo."""

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rich.table import Table

from f1_rl.circuits import (
    Circuit,
    circuit_definition,
    circuit_names,
    load_circuit,
    read_circuit_csv,
    rereadable,
    write_circuit_csv,
)
from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.files import new_file
from f1_rl.settings import build_settings

SUMMARY = (
    "List the circuits, check and import one from a CSV file, draw one, export one, or write its "
    "world for Gazebo."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the circuits of the library")
    options.add_json(
        listing,
        "a list of name, length_m, tightest_radius_m, road_width_m, line and description",
    )
    imported = actions.add_parser(
        "import", help="check a CSV file (x_m,y_m,w_tr_right_m,w_tr_left_m) and resample it"
    )
    imported.add_argument("source", type=Path, help="CSV file")
    imported.add_argument("output", type=Path, help="CSV file to write, a new one")
    imported.add_argument(
        "--narrow",
        action="store_true",
        help="narrow the road in turns that are tighter than it is wide, instead of refusing them",
    )
    render = actions.add_parser("render", help="draw a circuit from above, or from the car")
    render.add_argument("circuit", help="name or CSV file")
    render.add_argument("output", type=Path, help="PNG file to write")
    render.add_argument(
        "--from-car", type=options.finite_float, metavar="METRES", help="camera at this arc length"
    )
    export = actions.add_parser("export", help="write a circuit as CSV")
    export.add_argument("circuit", help="name, random-SEED or CSV file")
    export.add_argument("output", type=Path, help="CSV file to write, a new one")
    world = actions.add_parser("world", help="write a world for Gazebo Harmonic, with its models")
    _add_world_arguments(world)
    for action in (imported, render, export, world):
        action.add_argument("--scale", type=float, default=1.0, help="multiply sizes with this")
        options.add_json(action, "output (the file), name, length_m, tightest_radius_m and line")


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    if arguments.action == "list":
        _list(arguments.json)
        return 0
    if arguments.action in ("import", "export"):
        _check_new(arguments.output)
    if arguments.action == "render":
        _check_no_circuit(arguments.output)
    source = getattr(arguments, "circuit", None) or arguments.source
    if arguments.action == "import":
        circuit = read_circuit_csv(source, scale=arguments.scale, narrow=arguments.narrow)
    else:
        circuit = load_circuit(source, scale=arguments.scale)
    if arguments.action in ("import", "export"):
        circuit = rereadable(circuit, narrow=getattr(arguments, "narrow", False))
    if arguments.action == "world":
        _write_world(circuit, arguments)
        return 0
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
    _print_written(arguments.output, circuit, arguments.json)
    return 0


def _check_new(path: Path) -> None:
    """Refuse a file that exists: a circuit may be drawn by hand, and what is written is resampled.

    Raises:
        CommandError: There is one.
    """
    if path.is_file():
        raise CommandError(f"{path}: exists already; choose another name, or remove it first.")


def _check_no_circuit(path: Path) -> None:
    """Refuse to draw over what may be a circuit, such as the one that is drawn.

    Raises:
        CommandError: The name is that of a circuit's file.
    """
    if path.suffix.lower() == ".csv":
        raise CommandError(
            f"{path}: is the name of a circuit's file, and what is drawn is a picture; choose a "
            "name that ends in .png."
        )


def _add_world_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("circuit", help="name, random-SEED or CSV file")
    parser.add_argument(
        "--out", type=Path, default=Path("gazebo"), help="folder for worlds/ and models/ (gazebo)"
    )
    parser.add_argument(
        "--car",
        choices=("kinematic", "ackermann"),
        default="kinematic",
        help="does as commanded at once (default), or has wheels, mass and limits",
    )
    parser.add_argument(
        "--engine", choices=("ogre2", "ogre"), default="ogre2", help="what draws (ogre2)"
    )
    parser.add_argument(
        "--real-time-factor",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="simulated seconds a second (1); 0: as fast as the machine can, for training",
    )
    parser.add_argument(
        "--no-gui", action="store_true", help="without what a window needs, for training"
    )
    options.add_traffic(parser)
    parser.add_argument(
        "--perturbation",
        metavar="NAME",
        help="light, colours, kerbs, line and camera of this one, lit by Gazebo's own lights: "
        "daylight, noise, or one of f1-rl evaluate that Gazebo can show",
    )
    parser.add_argument(
        "--seed",
        type=options.natural_int,
        default=0,
        metavar="N",
        help="of the traffic's places, and of where a low sun stands (0)",
    )
    parser.add_argument("--width", type=int, default=640, help="columns of the picture (640)")
    parser.add_argument("--height", type=int, default=480, help="rows of the picture (480)")


def _write_world(circuit: Circuit, arguments: argparse.Namespace) -> None:
    from f1_rl.gazebo import WorldSettings, perturbed, write_world
    from f1_rl.simulation import NO_TRAFFIC

    values = {
        "car": arguments.car,
        "camera": {"width": arguments.width, "height": arguments.height},
        "real_time_factor": arguments.real_time_factor,
        "render_engine": arguments.engine,
        "gui": not arguments.no_gui,
        "traffic": options.scenario(arguments.traffic or NO_TRAFFIC),
        "traffic_seed": arguments.seed,
        "variation_seed": arguments.seed,
    }
    settings = build_settings(WorldSettings, values, "circuit world")
    if arguments.perturbation is not None:
        settings = perturbed(settings, arguments.perturbation)
    path = write_world(circuit, settings, arguments.out)
    _print_written(path, circuit, arguments.json)
    if not arguments.json:
        print(f"  GZ_SIM_RESOURCE_PATH={arguments.out / 'models'} gz sim {path}")


def _write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    encoded, data = cv2.imencode(".png", picture[..., ::-1])
    if not encoded:
        raise CommandError(
            f"{path}: the picture cannot be encoded as PNG; choose a smaller circuit."
        )
    with new_file(path, "wb") as file:
        file.write(data.tobytes())


def _list(as_json: bool) -> None:
    rows = [
        {
            **_facts(circuit),
            "road_width_m": round(float((circuit.width_left_m + circuit.width_right_m).mean()), 2),
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


def _print_written(path: Path, circuit: Circuit, as_json: bool) -> None:
    if as_json:
        options.print_json({"output": str(path), **_facts(circuit)})
    else:
        print(f"{path}: {_describe(circuit)}")


def _facts(circuit: Circuit) -> dict[str, Any]:
    return {
        "name": circuit.name,
        "length_m": round(circuit.length_m, 1),
        "tightest_radius_m": round(circuit.min_radius_m, 2),
        "line": circuit.has_line,
    }


def _describe(circuit: Circuit) -> str:
    line = f"line {circuit.line_width_m:.2f} m" if circuit.has_line else "no line"
    return (
        f"{circuit.name}, {circuit.length_m:.1f} m, tightest radius {circuit.min_radius_m:.2f} m, "
        f"{line}"
    )
