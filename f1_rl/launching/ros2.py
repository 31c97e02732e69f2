"""A launch as `ros2 launch` runs it. Needs the packages launch and launch_ros."""

from __future__ import annotations

import difflib
from typing import Any

from launch.actions import DeclareLaunchArgument, ExecuteProcess, LogInfo, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from f1_rl.launching.errors import LaunchError
from f1_rl.launching.launch import Launch
from f1_rl.launching.plan import NodeProcess, Process
from f1_rl.launching.share import PACKAGE
from f1_rl.ros.discovery import discovery_environment
from launch import LaunchContext, LaunchDescription


def as_launch_description(what: Launch) -> LaunchDescription:
    """Return the declarations of its arguments, and the action that starts its processes.

    Raises:
        LaunchError: A default parameter file is not installed.
    """

    def start(context: LaunchContext) -> list[Any]:
        given = {
            argument.name: LaunchConfiguration(argument.name).perform(context)
            for argument in what.arguments
        }
        plan = what.plan(given)
        limits = discovery_environment(context.environment)
        notes = _notes(what, context)
        return notes + [_action(each, limits | dict(each.environment)) for each in plan.processes]

    declarations = [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default_text(),
            description=argument.description,
            choices=argument.allowed or None,
        )
        for argument in what.arguments
    ]
    return LaunchDescription([*declarations, OpaqueFunction(function=start)])


def _notes(what: Launch, context: LaunchContext) -> list[Any]:
    """Return actions that name what may be a misspelt argument: `ros2 launch` ignores those.

    Others may belong to a launch that includes this one.
    """
    names = [argument.name for argument in what.arguments]
    notes = []
    for given in context.launch_configurations:
        close = difflib.get_close_matches(given, names, n=1)
        if given not in names and close:
            text = f"{what.name} has no argument {given!r} and ignores it; write {close[0]!r}."
            notes.append(LogInfo(msg=text))
    return notes


def _action(process: Process, environment: dict[str, str]) -> Any:
    """Return the action that starts a process."""
    if not isinstance(process, NodeProcess):
        return ExecuteProcess(
            cmd=process.command_line(),
            name=process.name,
            additional_env=environment,
            output="screen",
            on_exit=_end_all,
        )
    # As a ParameterValue a text stays one, even if it looks like a number.
    overrides = {
        name: ParameterValue(
            list(value) if isinstance(value, tuple) else value,
            value_type=list[str] if isinstance(value, tuple) else type(value),
        )
        for name, value in process.parameters.items()
    }
    files = [] if process.params_file is None else [str(process.params_file)]
    return Node(
        package=PACKAGE,
        executable=process.executable,
        name=process.executable,
        namespace=process.namespace,
        parameters=[*files, *([overrides] if overrides else [])],
        remappings=list(process.remappings.items()),
        arguments=["--ros-args", "--log-level", process.log_level],
        # What it says is to be seen when it says it.
        additional_env={"PYTHONUNBUFFERED": "1", **environment},
        output="screen",
        on_exit=_end_all,
    )


def _end_all(event: Any, context: LaunchContext) -> list[Any] | None:
    """Return what happens when a process ends: one without the others is of no use.

    A failure is raised, since that alone makes `ros2 launch` fail.
    """
    if context.is_shutdown:
        return None
    how = f"{event.process_name} has ended with status {event.returncode}"
    if event.returncode:
        raise LaunchError(f"{how}, so the rest is ended; look at what it said.")
    return [Shutdown(reason=how)]
