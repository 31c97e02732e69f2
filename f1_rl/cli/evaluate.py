"""`f1-rl evaluate`: laps or episodes of a saved policy, counted and measured."""

import argparse
from pathlib import Path

from rich.table import Table

from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.driving.classical import LineFollower
from f1_rl.driving.laps import Drive, LapDrive
from f1_rl.driving.settings import TaskSettings
from f1_rl.policy import load_policy, names_environment
from f1_rl.settings import build_settings, merge

SUMMARY = (
    "Drive laps with a saved policy from starts spread over circuits, or play unseen episodes of "
    "the environment it was trained in, and print a table."
)

_OF_DRIVES = ("circuit", "scale", "starts", "laps", "both_directions", "classical")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("policy", type=Path, help="run folder or policy folder")
    options.add_circuit(parser)
    parser.add_argument(
        "--starts", type=options.positive_int, metavar="N", help="starts on each circuit (8)"
    )
    parser.add_argument(
        "--laps", type=options.positive_int, metavar="N", help="laps from each start (1)"
    )
    parser.add_argument(
        "--both-directions", action="store_true", default=None, help="every other start backward"
    )
    parser.add_argument(
        "--classical", action="store_true", default=None, help="the classical driver beside it"
    )
    parser.add_argument(
        "--episodes",
        type=options.positive_int,
        metavar="N",
        help="episodes of an environment that is not ours (100)",
    )
    parser.add_argument("--last", action="store_true", help="the last policy, not the best")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="write a row for each drive or episode"
    )
    parser.add_argument(
        "--seed",
        type=options.natural_int,
        default=0,
        metavar="N",
        help="of varied pictures, or of the first episode; the others count on from it",
    )
    options.add_json(parser, "drives (a list), or env, summary and episodes (a list)")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate."""
    folder = options.policy_folder(arguments.policy, arguments.last)
    drives = not names_environment(folder)
    for name in ("episodes",) if drives else _OF_DRIVES:
        if getattr(arguments, name) is not None:
            option, trained = name.replace("_", "-"), "to drive" if drives else "for an environment"
            raise CommandError(f"--{option}: {folder} was trained {trained}; leave it out.")
    if drives:
        return _evaluate_drives(folder, arguments)
    from f1_rl.cli.evaluate_episodes import evaluate_episodes

    return evaluate_episodes(folder, arguments)


def _evaluate_drives(folder: Path, arguments: argparse.Namespace) -> int:
    policy = load_policy(folder)
    settings = build_settings(
        TaskSettings, merge(policy.task_settings.as_dict(), options.task_changes(arguments))
    )
    lap_drive = LapDrive(
        settings,
        arguments.starts or 8,
        direction=None if arguments.both_directions else 1,
        laps=arguments.laps or 1,
        seed=arguments.seed,
    )
    policy.check_fits(lap_drive.task)
    drives = {"policy": lap_drive.drive(policy)}
    if arguments.classical:
        drives["classical"] = lap_drive.drive(LineFollower(lap_drive.task))
    rows = [
        {"driver": driver, **drive.as_dict()} for driver, made in drives.items() for drive in made
    ]
    if arguments.csv is not None:
        options.write_csv(arguments.csv, rows)
    if arguments.json:
        options.print_json({"drives": rows})
    else:
        for driver, made in drives.items():
            _print_table(driver, made)
    return 0 if all(drive.completed for drive in drives["policy"]) else 1


def _print_table(driver: str, drives: list[Drive]) -> None:
    table = Table(title=driver, title_justify="left")
    for heading in ("circuit", "length m", "full laps", "lap time s", "speed m/s"):
        table.add_column(heading, justify="left" if heading == "circuit" else "right")
    for heading in ("lateral mean m", "p95 m", "smoothness rad/s²"):
        table.add_column(heading, justify="right")
    circuits = list(dict.fromkeys(drive.circuit.name for drive in drives))
    for name in circuits:
        here = [drive for drive in drives if drive.circuit.name == name]
        completed = [drive for drive in here if drive.completed]
        times = [drive.report.lap_time_s for drive in completed]
        table.add_row(
            name,
            f"{here[0].circuit.length_m:.0f}",
            f"{len(completed)} of {len(here)}",
            f"{sum(times) / len(times):.2f}" if times else "-",
            f"{_mean(here, 'mean_speed_mps'):.2f}",
            f"{_mean(here, 'mean_lateral_error_m'):.3f}",
            f"{max(drive.report.p95_lateral_error_m for drive in here):.3f}",
            f"{_mean(here, 'command_smoothness'):.1f}",
        )
    options.print_table(table)


def _mean(drives: list[Drive], name: str) -> float:
    return sum(float(getattr(drive.report, name)) for drive in drives) / len(drives)
