"""`f1-rl drive`: a lap with a saved policy, with trace and video."""

import argparse
from pathlib import Path

from f1_rl.cli import options
from f1_rl.driving.settings import TaskSettings
from f1_rl.policy import load_policy
from f1_rl.settings import build_settings, merge

SUMMARY = "Drive laps with a saved policy in the embedded simulator; writes a video and a trace."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("policy", type=Path, help="run folder or policy folder")
    options.add_circuit(parser)
    parser.add_argument(
        "--laps", type=options.positive_int, default=1, metavar="N", help="laps to drive"
    )
    parser.add_argument("--last", action="store_true", help="the last policy, not the best")
    parser.add_argument(
        "--video", type=Path, metavar="FILE", help="video to write (default: drive-CIRCUIT.mp4)"
    )
    parser.add_argument("--no-video", action="store_true", help="drive without a video")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="CSV file, a row for each step")
    options.add_json(parser, "how the drive went by column of evaluations.csv, and video")


def run(arguments: argparse.Namespace) -> int:
    """Drive."""
    from f1_rl.reporting.lap_recorder import record_lap

    policy = load_policy(options.policy_folder(arguments.policy, arguments.last))
    settings = build_settings(
        TaskSettings, merge(policy.task_settings.as_dict(), options.task_changes(arguments))
    )
    video = arguments.video or Path(f"drive-{Path(settings.circuits[0]).stem}.mp4")
    if arguments.no_video:
        video = None
    drive = record_lap(policy, settings, arguments.trace, video, laps=arguments.laps)
    report = drive.report
    if arguments.json:
        options.print_json({**drive.as_dict(), "video": None if video is None else str(video)})
        return 0 if drive.completed else 1
    laps = f"{report.laps} lap{'s' if report.laps != 1 else ''}"
    print(
        f"{drive.circuit.name}: {laps}"
        + (f", best {report.lap_time_s:.2f} s" if report.laps else "")
        + f", {report.mean_speed_mps:.2f} m/s, {report.mean_lateral_error_m:.3f} m from the centre "
        f"line on average"
        + ("" if drive.completed else f"; ended after {report.completion:.0%}: {report.ending}")
    )
    for path in (video, arguments.trace):
        if path is not None:
            print(f"  {path}")
    return 0 if drive.completed else 1
