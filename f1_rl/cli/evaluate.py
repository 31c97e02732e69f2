"""`f1-rl evaluate`: laps or episodes of a saved policy, counted and measured."""

import argparse
from pathlib import Path

from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.driving.perturbations import chosen_perturbations, perturbations
from f1_rl.files import check_place
from f1_rl.policy import load_environment_policy, load_policy, names_environment

SUMMARY = (
    "Drive laps with saved policies from starts spread over circuits, or play unseen episodes of "
    "the environment they were trained in, and print a table."
)

_COLUMNS = (
    "In the table, 'of limit' is the lap time over that of the fastest lap that physics allows; "
    "'lateral m' the mean distance from the centre line, which for 95 % of the time is below "
    "'p95 m'; 'rad/s²' how fast the commanded yaw rate changes, less being smoother. A narrow "
    "terminal shows fewer columns."
)
_OF_DRIVES = (
    *("circuit", "scale", "traffic", "starts", "laps", "repeat"),
    *("both_directions", "classical", "racing_line", "perturbation", "markdown"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = _COLUMNS
    parser.add_argument(
        "policies", type=Path, nargs="+", metavar="RUN", help="run folder or policy folder"
    )
    options.add_circuit(parser)
    options.add_traffic(parser, several=True)
    parser.add_argument(
        "--starts", type=options.positive_int, metavar="N", help="starts on each circuit (8)"
    )
    parser.add_argument(
        "--laps", type=options.positive_int, metavar="N", help="laps from each start (1)"
    )
    parser.add_argument(
        "--repeat",
        type=options.positive_int,
        metavar="N",
        help="drive all of it N times, with other seeds and from starts in between (1)",
    )
    parser.add_argument(
        "--both-directions", action="store_true", default=None, help="every other start backward"
    )
    parser.add_argument(
        "--classical", action="store_true", default=None, help="the classical driver beside it"
    )
    parser.add_argument(
        "--racing-line",
        action="store_true",
        default=None,
        help="beside it a driver that knows the whole circuit, the fastest line and the limits",
    )
    parser.add_argument(
        "--perturbation",
        action="append",
        metavar="NAME",
        help="hold the laps under this against the nominal ones: "
        f"{', '.join(perturbations())}, or 'all'; may be given several times",
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
        "--markdown", type=Path, metavar="FILE", help="write the table of policies and circuits"
    )
    parser.add_argument(
        "--seed",
        type=options.natural_int,
        default=0,
        metavar="N",
        help="of varied pictures and traffic, or of the first episode; the others count on from it",
    )
    options.add_json(
        parser,
        "drives, scores and totals (lists); with --perturbation drives and perturbations; or env, "
        "summary and episodes (a list)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate."""
    check_place(arguments.csv)
    check_place(arguments.markdown)
    folders = [options.policy_folder(path, arguments.last) for path in arguments.policies]
    drives = not names_environment(folders[0])
    for folder in folders:
        if names_environment(folder) == drives:
            raise CommandError(
                f"{folder}: does not do what {folders[0]} does, one drives and the other plays "
                "episodes; give each kind to an evaluation of its own."
            )
    for name in ("episodes",) if drives else _OF_DRIVES:
        if getattr(arguments, name) is not None:
            option, trained = name.replace("_", "-"), "to drive" if drives else "for an environment"
            raise CommandError(f"--{option}: {folders[0]} was trained {trained}; leave it out.")
    named = _named(folders)
    if not drives:
        from f1_rl.cli.evaluate_episodes import evaluate_episodes

        policies = {name: load_environment_policy(folder) for name, folder in named.items()}
        return evaluate_episodes(policies, arguments)
    chosen = chosen_perturbations(arguments.perturbation or [])
    drivers = {name: load_policy(folder) for name, folder in named.items()}
    if arguments.perturbation:
        from f1_rl.cli.evaluate_perturbations import evaluate_perturbations

        return evaluate_perturbations(drivers, chosen, arguments)
    from f1_rl.cli.evaluate_drives import evaluate_drives

    return evaluate_drives(drivers, arguments)


def _named(folders: list[Path]) -> dict[str, Path]:
    """Return the policy folders by the names of their runs, longer where these are alike."""
    whole = [folder.resolve() for folder in folders]
    names = [_name(folder) for folder in whole]
    if len(set(names)) < len(names):
        names = [f"{_run_of(folder).parent.name}/{_name(folder)}" for folder in whole]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CommandError(f"{twice}: is given twice; name each policy once.")
    return dict(zip(names, folders, strict=True))


def _name(folder: Path) -> str:
    last = ", last" if folder.name == "policy-last" else ""
    return f"{_run_of(folder).name}{last}"


def _run_of(folder: Path) -> Path:
    return folder.parent if folder.name in ("policy", "policy-last") else folder
