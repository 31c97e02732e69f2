"""`f1-rl report`: the HTML report of a run, or the comparison of several."""

import argparse
from pathlib import Path

from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.files import check_place

SUMMARY = (
    "Write the HTML report of a run folder, also of one that is still training; of several runs "
    "write a page that compares them."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="run folder; of several, or of folders that hold runs, a comparison is written",
    )
    parser.add_argument(
        "--lap", action="store_true", help="first drive a lap with the best policy and film it"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="page of the comparison (comparison.html)"
    )
    options.add_json(parser, "report (the file); of several runs page, and what it compares")


def run(arguments: argparse.Namespace) -> int:
    """Write the report or the comparison."""
    check_place(arguments.out)
    from f1_rl.reporting.run_folder import runs_inside

    first: Path = arguments.runs[0]
    if len(arguments.runs) > 1 or arguments.out is not None or runs_inside(first):
        return _compare(arguments)
    if arguments.lap:
        from f1_rl.reporting.finish import finish_run

        finish_run(first)
        report = first / "report.html"
    else:
        from f1_rl.reporting.report import write_report

        report = write_report(first)
    if arguments.json:
        options.print_json({"report": str(report)})
    else:
        print(report)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from f1_rl.reporting.comparison import COMPARISON_FILE, compare_runs, write_comparison

    if arguments.lap:
        raise CommandError("--lap: is for the report of one run; leave it out to compare.")
    comparison = compare_runs(arguments.runs)
    page = arguments.out or Path(COMPARISON_FILE)
    write_comparison(comparison, page)
    if arguments.json:
        options.print_json({"page": str(page), **comparison.as_dict()})
    else:
        print(page)
    return 0
