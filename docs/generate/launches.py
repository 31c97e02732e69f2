"""The launches and their arguments."""

from pathlib import Path

from f1_rl.launching import LAUNCHES, Launch
from f1_rl.launching.arguments import Argument
from generate import markdown

_INTRODUCTION = """
`f1-rl launch NAME ARG:=VALUE ...`, and `ros2 launch f1_rl NAME.launch.py ARG:=VALUE ...` where
ROS 2 is installed. `--show-args` lists the arguments.
"""


def page() -> str:
    """Return the page of all launches."""
    return markdown.page("Launches", _INTRODUCTION, *map(_section, LAUNCHES.values()))


def _section(launch: Launch) -> str:
    rows = [
        [f"`{one.name}`", _values(one), markdown.code(_default(one)) or "-", one.description]
        for one in launch.arguments
    ]
    listed = markdown.table(["argument", "values", "default", "meaning"], rows)
    return f"## {launch.name}\n\n{launch.summary}\n\n{listed}"


def _default(argument: Argument) -> str:
    is_file = argument.kind is Path and argument.default
    return f"config/{argument.default}" if is_file else argument.default


def _values(argument: Argument) -> str:
    choices = [choice for choice in argument.allowed if choice]
    words = {str: "text", int: "whole number", float: "number", Path: "file", bool: ""}
    return " or ".join(map(markdown.code, choices)) or words[argument.kind]
