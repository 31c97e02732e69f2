"""`f1-rl benchmark`: this package beside others, measured in the same run."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.errors import did_you_mean

if TYPE_CHECKING:
    from f1_rl.benchmark.track import Options

SUMMARY = "Measure this package beside others in the same run, and write tables and plots."

# In the order in which they are run; f1_rl.benchmark.tracks measures them.
TRACKS = ("engine", "solve", "simulator", "latency", "roofline")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "tracks",
        nargs="*",
        metavar="TRACK",
        type=_track,
        help=f"what to measure, of {', '.join(TRACKS)}; all without it",
    )
    parser.add_argument(
        "--quick", action="store_true", help="everything once and small, to see that it works"
    )
    parser.add_argument(
        "--repetitions", type=options.positive_int, metavar="N", help="measurements of each (5)"
    )
    parser.add_argument(
        "--seconds", type=_positive_float, metavar="S", help="for each measurement (10)"
    )
    parser.add_argument(
        "--seeds", type=options.positive_int, metavar="N", help="for the track solve (20)"
    )
    parser.add_argument(
        "--threads", type=options.positive_int, metavar="N", help="processors to use (all)"
    )
    parser.add_argument(
        "--peers",
        type=Path,
        metavar="PYTHON",
        help="interpreter or environment of the peers (that of `make peers`)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("benchmark"), metavar="DIR", help="(benchmark)"
    )
    options.add_json(parser, "machine, versions, and tracks by name")


def run(arguments: argparse.Namespace) -> int:
    """Measure."""
    from f1_rl.benchmark.report import BenchmarkFolder
    from f1_rl.benchmark.tracks import run_tracks

    settings = _options(arguments)
    folder = BenchmarkFolder(arguments.output, _facts(settings))

    def finished(track: str, outcome: Any) -> None:
        folder.add(track, outcome)
        if not arguments.json:
            print("\n".join(table.markdown() for table in outcome.tables), flush=True)

    run_tracks(arguments.tracks or TRACKS, settings, finished)
    if arguments.json:
        options.print_json(folder.document())
    else:
        print(f"Written to {folder.path}.")
    return 0


def _options(arguments: argparse.Namespace) -> "Options":
    from f1_rl.benchmark.machine import available_processors
    from f1_rl.benchmark.peers import find_peers
    from f1_rl.benchmark.track import Options

    available = available_processors()
    threads = arguments.threads or len(available)
    if threads > len(available):
        raise CommandError(
            f"--threads {threads}: there are {len(available)} processors; give at most so many."
        )
    quick = arguments.quick
    return Options(
        processors=available[:threads],
        seconds=arguments.seconds or (0.2 if quick else 10.0),
        warm_up_s=0.1 if quick else 5.0,
        repetitions=arguments.repetitions or (1 if quick else 5),
        seeds=arguments.seeds or 20,
        peers=find_peers(arguments.peers),
        quick=quick,
        say=_say,
    )


def _facts(settings: "Options") -> dict[str, Any]:
    from f1_rl.benchmark.machine import describe_machine
    from f1_rl.benchmark.peers import peers_versions
    from f1_rl.learning.run_folder import describe_versions

    peers = settings.peers
    return {
        "machine": describe_machine(settings.processors),
        "versions": describe_versions(),
        "peers_versions": {} if peers is None else peers_versions(peers),
        "quick": settings.quick,
        "seconds": settings.seconds,
        "repetitions": settings.repetitions,
    }


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _track(text: str) -> str:
    if text not in TRACKS:
        raise argparse.ArgumentTypeError(
            f"there is no track {text!r}{did_you_mean(text, TRACKS)}; "
            f"choose from {', '.join(TRACKS)}"
        )
    return text


def _positive_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number; give one above 0")
    return value
