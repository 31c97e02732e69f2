"""`f1-rl launch`: what `ros2 launch f1_rl` does, where that is not installed."""

import argparse
import sys
from typing import Any

from f1_rl.cli import options
from f1_rl.launching import LAUNCHES, Launch
from f1_rl.launching.arguments import split_words

SUMMARY = "Start ROS 2 nodes together, as `ros2 launch f1_rl NAME.launch.py` does."

_INDENT = " " * 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    names = "; ".join(f"{each.name}: {each.summary}" for each in LAUNCHES.values())
    parser.add_argument("name", choices=tuple(LAUNCHES), metavar="NAME", help=names)
    add_launch_arguments(parser)


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what every launch takes."""
    parser.add_argument(
        "arguments", nargs="*", metavar="ARG:=VALUE", help="arguments; --show-args lists them"
    )
    parser.add_argument(
        *("-s", "--show-args"), action="store_true", help="list the arguments, and start nothing"
    )
    options.add_json(
        parser,
        "with --show-args name, summary and arguments; else, when all have ended, name and status, "
        "and what the nodes say goes to the error stream",
    )


def run(arguments: argparse.Namespace) -> int:
    """Start the nodes and wait for their end."""
    launch = LAUNCHES[arguments.name]
    if arguments.show_args:
        if arguments.json:
            options.print_json(_document(launch))
        else:
            print(manual(launch))
        return 0
    plan = launch.plan(split_words(arguments.arguments))
    from f1_rl.launching.supervisor import run_plan

    if not arguments.json:
        return run_plan(plan)
    status = run_plan(plan, sys.stderr.buffer)
    options.print_json({"name": launch.name, "status": status})
    return status


def manual(launch: Launch) -> str:
    """Return a launch's arguments, described as `ros2 launch --show-args` does."""
    lines = [launch.summary, "", "Arguments (pass arguments as '<name>:=<value>'):"]
    for argument in launch.arguments:
        lines += ["", f"    '{argument.name}':", f"{_INDENT}{argument.description}"]
        choices = [choice for choice in argument.allowed if choice]
        if choices:
            lines[-1] += f" One of: {', '.join(choices)}."
        lines.append(f"{_INDENT}(default: {argument.default_text() or repr('')})")
    return "\n".join(lines)


def _document(launch: Launch) -> dict[str, Any]:
    arguments = [
        {
            "name": argument.name,
            "description": argument.description,
            "default": argument.default_text(),
            "choices": [choice for choice in argument.allowed if choice],
        }
        for argument in launch.arguments
    ]
    return {"name": launch.name, "summary": launch.summary, "arguments": arguments}
