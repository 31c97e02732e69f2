"""Options that several verbs share."""

import argparse
import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from f1_rl.cli.errors import CommandError
from f1_rl.files import new_file
from f1_rl.settings import parse_assignment

_WIDTH_IN_FILES = 120
_LAST_PORT = 65_535

CIRCUIT_HELP = (
    "circuit to drive: a name ('f1-rl circuit list'), 'all' of the library, a CSV file, 'random-7' "
    "or a range of random ones 'random-0:20', with '@0.5' behind it at half the size; may be given "
    "several times"
)


def add_circuit(parser: argparse.ArgumentParser) -> None:
    """Add `--circuit` and `--scale`."""
    parser.add_argument("--circuit", action="append", metavar="NAME", help=CIRCUIT_HELP)
    parser.add_argument(
        "--scale", type=float, metavar="FACTOR", help="multiply the circuits' sizes with this"
    )


def add_traffic(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add `--traffic`; its values are checked with the task.

    Args:
        parser: Of a verb.
        several: Whether it may be given several times, or `all`.
    """
    more = ", or 'all' but none; may be given several times" if several else ""
    parser.add_argument(
        "--traffic",
        action="append" if several else "store",
        metavar="NAME",
        help=f"boxes and slower cars on the road: a scenario, such as 'mixed' or 'none'{more}",
    )


def traffic_asked_for(arguments: argparse.Namespace) -> list[str | None]:
    """Return the scenarios that a `--traffic` for several asks for; [None]: the policy's own.

    Raises:
        CommandError: There is no such scenario.
    """
    # Here, since it takes longer to import than all options.
    from f1_rl.simulation import NO_TRAFFIC, traffic_names

    named: list[str | None] = []
    for name in arguments.traffic or []:
        known = [each for each in traffic_names() if each != NO_TRAFFIC]
        named.extend(known if name == "all" else [scenario(name)])
    return list(dict.fromkeys(named)) or [None]


def add_set(parser: argparse.ArgumentParser) -> None:
    """Add `--set`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="NAME=VALUE",
        help="change any setting, for example --set agent.gamma=0.9",
    )


def add_json(parser: argparse.ArgumentParser, holds: str = "") -> None:
    """Add `--json`.

    Args:
        parser: Of a verb.
        holds: What the document of this verb holds, for its help.
    """
    text = f"print one JSON document, for programs{': ' if holds else ''}{holds}"
    parser.add_argument("--json", action="store_true", help=text)


def task_changes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the changes to the task that `--circuit`, `--scale` and one `--traffic` ask for."""
    changes: dict[str, Any] = {}
    if arguments.circuit:
        changes["circuits"] = arguments.circuit
    if arguments.scale is not None:
        changes["circuit_scale"] = arguments.scale
    if isinstance(getattr(arguments, "traffic", None), str):
        changes["traffic"] = scenario(arguments.traffic)
    return changes


def scenario(name: str) -> str:
    """Return the scenario that `--traffic` names.

    Raises:
        CommandError: There is no such scenario.
    """
    from f1_rl.simulation import load_traffic

    try:
        load_traffic(name)
    except ValueError as error:
        raise CommandError(f"--traffic: {error}.") from error
    return name


def assignments(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the changes that `--set` asks for, in order."""
    return [parse_assignment(text) for text in arguments.assignments]


def console_width() -> int:
    """Return how many columns there are to print in; many where the output is no terminal."""
    console = Console()
    return console.width if console.is_terminal else _WIDTH_IN_FILES


def print_table(table: Table) -> None:
    """Print a table, wide where the output is no terminal that sets a width."""
    Console(width=console_width()).print(table)


def print_json(document: Any) -> None:
    """Print a document as JSON; a number that is not finite becomes null."""
    print(json.dumps(_plain(document), indent=2))


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows with the columns of the first.

    Raises:
        OSError: The file cannot be written; what was there before is untouched.
    """
    with new_file(path, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def policy_folder(run_or_policy: Path, last: bool) -> Path:
    """Return the policy folder that was meant: of a run the best, or the last one.

    Raises:
        CommandError: The last one of a run was asked for, and there is none.
    """
    if not last:
        return run_or_policy
    folder = run_or_policy / "policy-last"
    if not folder.is_dir():
        raise CommandError(
            f"{run_or_policy}: holds no policy-last, which a run leaves when it ends "
            "or is stopped; leave out --last."
        )
    return folder


def positive_int(text: str) -> int:
    """Return the number that an option was given, for argparse.

    Raises:
        ArgumentTypeError: It is no whole number from 1 on.
    """
    return _int_from(1, text)


def natural_int(text: str) -> int:
    """Return the number that an option was given, for argparse.

    Raises:
        ArgumentTypeError: It is no whole number from 0 on.
    """
    return _int_from(0, text)


def finite_float(text: str) -> float:
    """Return the number that an option was given, for argparse.

    Raises:
        ArgumentTypeError: It is no finite number.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be used; give a finite number")
    return value


def add_watch(parser: argparse.ArgumentParser | argparse._ArgumentGroup, does: str) -> None:
    """Add `--watch` and `--watch-port`.

    Args:
        parser: Of the verb, or a group of its options.
        does: What `--watch` does, for the help.
    """
    parser.add_argument("--watch", action="store_true", help=does)
    parser.add_argument(
        "--watch-port",
        type=port,
        metavar="N",
        help="port of the page on localhost; by default any that is free",
    )


def port(text: str) -> int:
    """Return the TCP port that an option was given, for argparse; 0 is any that is free.

    Raises:
        ArgumentTypeError: It is none.
    """
    value = _int_from(0, text)
    if value > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give one from 0 to {_LAST_PORT}")
    return value


def _int_from(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be used; give a whole number from {least} on"
        )
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
