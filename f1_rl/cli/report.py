"""`f1-rl report`: the HTML report of a run."""

import argparse
from pathlib import Path

SUMMARY = "Write the HTML report of a run folder, also of one that is still training."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run_dir", type=Path, help="run folder")
    parser.add_argument(
        "--lap", action="store_true", help="first drive a lap with the best policy and film it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the report."""
    if arguments.lap:
        from f1_rl.reporting.finish import finish_run

        finish_run(arguments.run_dir)
        print(arguments.run_dir / "report.html")
        return 0
    from f1_rl.reporting.report import write_report

    print(write_report(arguments.run_dir))
    return 0
