"""Launch arguments that become a node's parameters. Needs the launch and launch_ros packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext

PACKAGE = "f1_rl"
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
FLAG = ("", "true", "false")


@dataclass(frozen=True)
class ParameterArgument:
    """A launch argument that overrides one parameter of the parameter file.

    Attributes:
        name: Of argument and parameter.
        description: What it sets.
        kind: Type of the parameter.
        choices: Values allowed, without the empty one; all if empty.
    """

    name: str
    description: str
    kind: type = str
    choices: tuple[str, ...] = ()

    def declare(self) -> Any:
        """Return the declaration; the default, empty, leaves the file's value."""
        choices = FLAG if self.kind is bool else ("", *self.choices) if self.choices else None
        return DeclareLaunchArgument(
            self.name,
            default_value="",
            description=f"{self.description} Empty: as in the parameter file.",
            choices=choices,
        )


def common_arguments(config_name: str, params_argument: str = "params_file") -> list[Any]:
    """Return the declarations that every launch file has.

    Args:
        config_name: Name of the default parameter file in config/.
        params_argument: Name of the argument that gives another one.
    """
    default_file = PathJoinSubstitution([FindPackageShare(PACKAGE), "config", config_name])
    return [
        DeclareLaunchArgument(
            "namespace",
            default_value="",
            description="Namespace of the car's nodes and topics; one for each car.",
        ),
        DeclareLaunchArgument(
            params_argument,
            default_value=default_file,
            description="YAML file with the node's parameters.",
        ),
        DeclareLaunchArgument(
            "log_level",
            default_value="info",
            choices=LOG_LEVELS,
            description="Least severity of what is logged.",
        ),
    ]


def node_with_overrides(
    executable: str,
    arguments: Sequence[ParameterArgument],
    *,
    params_argument: str = "params_file",
    fixed: dict[str, str] | None = None,
) -> Any:
    """Return an action that starts one of the package's nodes and ends the launch with it.

    Args:
        executable: Name of the node's executable and of the node.
        arguments: Those that override the parameter file where they are not empty.
        params_argument: Name of the argument that holds the parameter file.
        fixed: Parameters that are other launch arguments: parameter and argument.
    """

    def start(context: LaunchContext) -> list[Any]:
        parameters: list[Any] = [LaunchConfiguration(params_argument)]
        for argument in arguments:
            given = LaunchConfiguration(argument.name)
            if given.perform(context):
                parameters.append({argument.name: ParameterValue(given, value_type=argument.kind)})
        for parameter, name in (fixed or {}).items():
            value = ParameterValue(LaunchConfiguration(name), value_type=bool)
            parameters.append({parameter: value})
        return [
            Node(
                package=PACKAGE,
                executable=executable,
                name=executable,
                namespace=LaunchConfiguration("namespace"),
                parameters=parameters,
                arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
                output="screen",
                # One without the other is of no use: whoever ends takes the rest along.
                on_exit=Shutdown(reason=f"{executable} has ended"),
            )
        ]

    return OpaqueFunction(function=start)
