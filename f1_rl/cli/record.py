"""`f1-rl record`: short for `f1-rl launch record`."""

import argparse

from f1_rl.cli import launch
from f1_rl.launching.record import RECORD

SUMMARY = "Record a drive from ROS 2 topics into a bag; short for `f1-rl launch record`."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    launch.add_launch_arguments(parser)
    parser.set_defaults(name=RECORD.name)


def run(arguments: argparse.Namespace) -> int:
    """Record until Ctrl-C."""
    return launch.run(arguments)
