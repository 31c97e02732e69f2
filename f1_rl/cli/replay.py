"""`f1-rl replay`: check a bag, or replay it offline through a policy."""

import argparse
from dataclasses import asdict
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from f1_rl.cli import options
from f1_rl.cli.errors import CommandError

if TYPE_CHECKING:
    from f1_rl.bags.agreement import Agreement
    from f1_rl.bags.inspection import BagReport
    from f1_rl.bags.replaying import ReplayResult
    from f1_rl.nodes.pilot import Pilot

SUMMARY = (
    "Check a bag, or let a policy decide on every picture of it; faster than real time and the "
    "same every time."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bag", type=Path, help="folder of a rosbag2, or its .mcap or .db3 file")
    parser.add_argument("--policy", type=Path, metavar="RUN", help="run or policy folder")
    parser.add_argument(
        "--last", action="store_true", help="the last policy of the run instead of its best"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="say what the bag holds, what it can be used for and what is missing; with --policy "
        "also whether it fits that",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write frames.csv, replay.json and replay.html"
    )
    parser.add_argument("--video", action="store_true", help="write replay.mp4 there, too")
    parser.add_argument(
        "--bag",
        type=Path,
        dest="bag_out",
        metavar="OUT",
        help="write a new bag with the policy's commands on proposed_cmd",
    )
    parser.add_argument(
        "--camera-calibration",
        type=Path,
        metavar="FILE",
        help="the bag's camera (f1-rl calibrate), where it is not that of the policy's training",
    )
    parser.add_argument("--image-topic", metavar="NAME", help="the camera's pictures")
    parser.add_argument("--command-topic", metavar="NAME", help="what was commanded")
    parser.add_argument("--odometry-topic", metavar="NAME", help="how the car moved")
    parser.add_argument(
        "--tolerance",
        type=options.positive_int,
        default=50,
        metavar="MS",
        help="longest time from a picture to the command that answers it, milliseconds (50)",
    )
    options.add_json(
        parser,
        "with --check the report of the bag; else bag, policy, outcomes, agreement, notes, latency",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check or replay.

    Returns:
        0; 1 where the bag was checked and cannot be replayed.
    """
    if arguments.check:
        _refuse_what_check_ignores(arguments)
        return _check(arguments)
    if arguments.policy is None:
        raise CommandError(
            "replay: give a policy to replay the bag with (--policy RUN), or --check."
        )
    if arguments.video and arguments.out is None:
        raise CommandError("replay: --video needs a folder to write to; add --out DIR.")
    from f1_rl.bags import Bag, FrameReader
    from f1_rl.bags.replaying import ReplayOutputs, replay_bag

    pilot = _pilot(arguments)
    outputs = ReplayOutputs(arguments.out, arguments.video, arguments.bag_out)
    with Bag(arguments.bag) as bag:
        reader = FrameReader(bag, _topics(arguments, bag), arguments.tolerance * 1_000_000)
        result = replay_bag(reader, pilot, outputs)
    if arguments.json:
        options.print_json({**result.summary(), "latency": asdict(result.latency)})
    else:
        _print_result(result)
    return 0


def _refuse_what_check_ignores(arguments: argparse.Namespace) -> None:
    """Refuse what `--check` would leave undone."""
    writing = {"--out": arguments.out, "--video": arguments.video, "--bag": arguments.bag_out}
    for option, given in writing.items():
        if given:
            raise CommandError(f"replay: --check writes nothing; leave out {option}, or --check.")
    of_policy = {"--last": arguments.last, "--camera-calibration": arguments.camera_calibration}
    for option, given in of_policy.items():
        if given and arguments.policy is None:
            raise CommandError(f"replay: {option} needs the policy that it is about; add --policy.")


def _pilot(arguments: argparse.Namespace) -> "Pilot":
    from f1_rl.calibration import read_camera
    from f1_rl.nodes.pilot import Pilot
    from f1_rl.policy import load_policy

    calibration = None
    if arguments.camera_calibration is not None:
        calibration = read_camera(arguments.camera_calibration)
    policy = load_policy(options.policy_folder(arguments.policy, arguments.last))
    return Pilot(policy, calibration)


def _topics(arguments: argparse.Namespace, bag: Any) -> Any:
    from f1_rl.bags import find_drive_topics

    return find_drive_topics(
        bag, arguments.image_topic, arguments.command_topic, arguments.odometry_topic
    )


def _check(arguments: argparse.Namespace) -> int:
    from f1_rl.bags import Bag
    from f1_rl.bags.inspection import inspect_bag

    pilot = None if arguments.policy is None else _pilot(arguments)
    with Bag(arguments.bag) as bag:
        report = inspect_bag(
            bag,
            image_topic=arguments.image_topic,
            command_topic=arguments.command_topic,
            odometry_topic=arguments.odometry_topic,
            tolerance_ns=arguments.tolerance * 1_000_000,
            pilot=pilot,
        )
    if arguments.json:
        options.print_json(report.as_dict())
    else:
        _print_report(report)
    return 0 if report.replayable else 1


def _print_report(report: "BagReport") -> None:
    print(
        f"{report.path}: {report.duration_s:.1f} s, {report.messages:,} messages, "
        f"{report.size_bytes / 1e6:.1f} MB in {report.files} file{'s' * (report.files != 1)}"
    )
    table = Table()
    for heading in ("topic", "type"):
        table.add_column(heading)
    for heading in ("messages", "rate Hz", "longest gap s", "gaps", "back", "twice"):
        table.add_column(heading, justify="right")
    table.add_column("stamps")
    for topic in report.topics:
        table.add_row(
            topic.name,
            topic.type,
            f"{topic.count:,}",
            f"{topic.rate_hz:.1f}" if topic.rate_hz else "-",
            f"{topic.longest_gap_s:.2f}" if topic.longest_gap_s else "-",
            str(topic.gaps),
            str(topic.backwards),
            str(topic.duplicates),
            topic.stamps,
        )
    options.print_table(table)
    for name, value in report.custom_data.items():
        print(f"  {name}: {value}")
    for line in report.pictures:
        print(line)
    for use in report.uses:
        answer, mark = ("yes", "; ") if use.possible else ("no", ": ")
        print(f"{use.name}: {answer}{mark if use.remarks else '.'}{' '.join(use.remarks)}")
    for problem in report.problems:
        print(f"! {problem}")


def _print_result(result: "ReplayResult") -> None:
    agreement, facts = result.agreement, result.facts
    print(
        f"{facts['bag']}: {agreement.frames:,} decisions of {facts['policy']} "
        f"({facts['actions']}), {agreement.compared:,} pictures with a recorded command"
    )
    if agreement.compared:
        _print_agreement(agreement)
    latency = result.latency
    without = ", the first left out" if agreement.frames > 1 else ""
    print(
        f"a decision takes {1e3 * latency.p50_s:.2f} ms (median), {1e3 * latency.p99_s:.2f} ms "
        f"(99 %){without}"
    )
    for note in result.notes:
        print(f"! {note}")
    for path in result.files:
        print(path)


def _print_agreement(agreement: "Agreement") -> None:
    print(
        f"same steering {agreement.same_steering:.1%}, same action {agreement.same_action:.1%} "
        f"({agreement.within_table:.1%} of the recorded commands are in the policy's table)"
    )
    for name, unit, errors in (
        ("speed", "m/s", agreement.speed),
        ("yaw rate", "rad/s", agreement.yaw_rate),
    ):
        print(
            f"{name} off by {errors.mean_absolute:.2f} {unit} on average (bias {errors.mean:+.2f}, "
            f"root mean square {errors.root_mean_square:.2f})"
        )
    from f1_rl.bags.agreement import OTHER, STEERING

    _print_confusion(STEERING, STEERING, agreement.steering_confusion)
    if agreement.within_table > 0.0:
        names = agreement.action_names
        _print_confusion(names, (*names, OTHER), agreement.confusion)


def _print_confusion(
    columns: tuple[str, ...], rows: tuple[str, ...], counts: tuple[tuple[int, ...], ...]
) -> None:
    """Print how often what was chosen for what; what never occurs on a side is left out there."""
    chosen = [any(column) for column in zip(*counts, strict=True)]
    table = Table(title="recorded (rows) against the policy's choice (columns)")
    table.add_column("")
    for name in compress(columns, chosen):
        table.add_column(name, justify="right")
    for name, row in zip(rows, counts, strict=True):
        if any(row):
            table.add_row(name, *(f"{count:,}" for count in compress(row, chosen)))
    options.print_table(table)
