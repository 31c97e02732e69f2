"""What a launch is, and the arguments that launches share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from f1_rl.launching.arguments import Argument, read_values
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.plan import Plan

Values = Mapping[str, Any]

_NAMESPACE = re.compile(r"/?|/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*/?", re.ASCII)

NAMESPACE = Argument("namespace", "Namespace of the car's nodes and topics; one for each car.")
LOG_LEVEL = Argument(
    "log_level",
    "Least severity of what is logged.",
    "info",
    choices=("debug", "info", "warn", "error", "fatal"),
)


@dataclass(frozen=True)
class Launch:
    """Processes that are started together.

    Attributes:
        name: Its name; `ros2 launch` has it as `<name>.launch.py`.
        summary: What it does, in a sentence.
        arguments: What it can be asked for.
        make_plan: Makes the plan of all arguments' values; raises `LaunchError`.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    make_plan: Callable[[Values], Plan]

    def plan(self, given: Mapping[str, str]) -> Plan:
        """Return what to start.

        Args:
            given: Names of arguments, and what was written after `:=`.

        Raises:
            LaunchError: An argument is not there, or values cannot be used, or not together.
        """
        return self.make_plan(read_values(self.arguments, given))


def parameter(
    name: str, description: str, kind: type = str, choices: tuple[str, ...] = ()
) -> Argument:
    """Return an argument that overrides one parameter of the parameter file."""
    text = f"{description} Empty: as in the parameter file."
    return Argument(name, text, kind=kind, choices=choices)


def params_file(default: str) -> Argument:
    """Return the argument that gives another parameter file than the one of config/."""
    node = default.removesuffix(".yaml")
    return Argument(
        "params_file", f"YAML file with the parameters of the {node}.", default, kind=Path
    )


def given(arguments: Sequence[Argument], values: Values) -> dict[str, Any]:
    """Return what was given of arguments that are parameters."""
    return {one.name: values[one.name] for one in arguments if values[one.name] is not None}


def is_default(argument: Argument, values: Values) -> bool:
    """Say whether an argument has the value that it has without being given."""
    return bool(values[argument.name] == argument.read(argument.default_text()))


def namespace_of(values: Values) -> str:
    """Return the namespace, absolute.

    Raises:
        LaunchError: It is none.
    """
    text = values["namespace"] or ""
    if _NAMESPACE.fullmatch(text) is None:
        raise LaunchError(
            f"namespace:={text} cannot be used: write names of letters, digits and underscores, "
            "with slashes between, as in car1."
        )
    return f"/{text.strip('/')}"
