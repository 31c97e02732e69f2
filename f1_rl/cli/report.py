"""`f1-rl report`: the HTML report of a run."""

import argparse
from pathlib import Path

from f1_rl.cli import options

SUMMARY = "Write the HTML report of a run folder, also of one that is still training."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run_dir", type=Path, help="run folder")
    parser.add_argument(
        "--lap", action="store_true", help="first drive a lap with the best policy and film it"
    )
    options.add_json(parser, "report (the file)")


def run(arguments: argparse.Namespace) -> int:
    """Write the report."""
    if arguments.lap:
        from f1_rl.reporting.finish import finish_run

        finish_run(arguments.run_dir)
        path = arguments.run_dir / "report.html"
    else:
        from f1_rl.reporting.report import write_report

        path = write_report(arguments.run_dir)
    if arguments.json:
        options.print_json({"report": str(path)})
    else:
        print(path)
    return 0
