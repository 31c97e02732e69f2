"""`f1-rl drive`: live on a page in the browser, or laps with a saved policy, filmed."""

import argparse
import math
import sys
from pathlib import Path

from f1_rl.cli import live_drive, options
from f1_rl.cli.errors import CommandError
from f1_rl.driving.scores import lap_limits
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.files import check_place
from f1_rl.policy import Policy, load_policy
from f1_rl.settings import build_settings, merge

SUMMARY = "Drive live on a page in the browser, or laps as fast as they are computed, filmed."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "policy",
        type=Path,
        nargs="?",
        metavar="RUN",
        help="run folder or policy folder; without one, you drive by hand",
    )
    options.add_circuit(parser)
    options.add_traffic(parser)
    parser.add_argument(
        "--laps", type=options.positive_int, metavar="N", help="laps to drive (default: 1)"
    )
    parser.add_argument("--last", action="store_true", help="the last policy, not the best")
    parser.add_argument(
        "--video", type=Path, metavar="FILE", help="video to write (default: drive-CIRCUIT.mp4)"
    )
    parser.add_argument("--no-video", action="store_true", help="drive without a video")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="CSV file, a row for each step")
    options.add_json(parser, "how the drive went by column of evaluations.csv, limit_s, video")
    live_drive.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Drive."""
    page = _wants_page(arguments)
    policy = None
    if arguments.policy is not None:
        policy = load_policy(options.policy_folder(arguments.policy, arguments.last))
    task = TaskSettings() if policy is None else policy.task_settings
    changes = options.task_changes(arguments)
    settings = build_settings(TaskSettings, merge(task.as_dict(), changes))
    if page:
        return live_drive.drive_live(arguments, settings, policy)
    assert policy is not None
    return _drive_laps(arguments, settings, policy)


def _wants_page(arguments: argparse.Namespace) -> bool:
    """Return whether the live page is to be opened.

    Raises:
        CommandError: Options contradict one another, or there is nothing that could drive.
    """
    names = ("laps", "video", "no_video", "trace", "json")
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(arguments, name)]
    asked = live_drive.is_asked_for(arguments)
    if asked and given:
        raise CommandError(
            f"{given[0]}: is for laps without the live page; leave it out, or the options of the "
            "page."
        )
    if arguments.video is not None and arguments.no_video:
        raise CommandError("--no-video: there is a --video, too; leave out one of them.")
    if arguments.policy is None and (given or arguments.last):
        raise CommandError(
            f"{[*given, '--last'][0]}: there is no policy to drive with; give a run folder."
        )
    page = asked or (not given and sys.stdout.isatty())
    if arguments.policy is None and not page:
        raise CommandError(
            "drive: without a run folder you drive by hand on the live page, which needs a "
            "terminal or --watch; add that, or give a run folder."
        )
    return page


def _drive_laps(arguments: argparse.Namespace, settings: TaskSettings, policy: Policy) -> int:
    """Drive laps without a page, and say how it went.

    Raises:
        CommandError: Several circuits are asked for.
    """
    asked = dict.fromkeys(expand_circuit_names(arguments.circuit or []))
    if len(asked) > 1:
        raise CommandError(
            f"--circuit: asks for {len(asked)} circuits, and laps without the live page are "
            "driven on one; give one, or drive on all of them with f1-rl evaluate."
        )
    check_place(arguments.video)
    check_place(arguments.trace)
    from f1_rl.reporting.lap_recorder import record_lap

    video = arguments.video or Path(f"drive-{_file_name(settings.circuits[0])}.mp4")
    if arguments.no_video:
        video = None
    drive = record_lap(policy, settings, arguments.trace, video, laps=arguments.laps or 1)
    report = drive.report
    circuit = drive.circuit
    limit_s = lap_limits([circuit], settings.vehicle, policy.actions.commands)[circuit.name]
    if arguments.json:
        where = None if video is None else str(video)
        options.print_json({**drive.as_dict(), "limit_s": limit_s, "video": where})
        return 0 if drive.completed else 1
    laps = f"{report.laps} lap{'s' if report.laps != 1 else ''}"
    if report.laps:
        laps += f", best {report.lap_time_s:.2f} s"
        if math.isfinite(limit_s):
            laps += f" ({report.lap_time_s / limit_s:.2f} of the limit)"
    print(
        f"{circuit.name}: {laps}, {report.mean_speed_mps:.2f} m/s, "
        f"{report.mean_lateral_error_m:.3f} m from the centre line on average"
        + ("" if drive.completed else f"; ended after {report.completion:.0%}: {report.ending}")
    )
    for path in (video, arguments.trace):
        if path is not None:
            print(f"  {path}")
    return 0 if drive.completed else 1


def _file_name(circuit: str) -> str:
    """Return what to call a file by a circuit, `track@0.5` for `tracks/track.csv@0.5`."""
    name, at, scale = Path(circuit).name.partition("@")
    return name.removesuffix(".csv") + at + scale
