"""What is to run: nodes of ours and other programs, one of them the reason for all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from f1_rl.launching.errors import LaunchError
from f1_rl.launching.share import ament_prefix

ParameterValue = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True)
class NodeProcess:
    """One of this package's nodes.

    Attributes:
        executable: Its name, and that of its executable: `simulator`, `driver` and so on.
        namespace: Its namespace, absolute; `/` is none.
        params_file: A parameter file.
        parameters: Parameters that override those of the file; tuples are arrays.
        remappings: Names of topics and services, and what they become.
        log_level: Least severity of what is logged.
        environment: Variables beside, or instead of, those of the environment.
    """

    executable: str
    namespace: str = "/"
    params_file: Path | None = None
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)
    log_level: str = "info"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its output is marked with."""
        return self.executable

    @property
    def full_name(self) -> str:
        """Name of the node in the graph."""
        return f"{self.namespace.rstrip('/')}/{self.executable}"


@dataclass(frozen=True)
class Program:
    """A program that is not ours.

    Attributes:
        name: What its output is marked with.
        command: The program and its arguments; no shell sees them.
        package: The ament package that has the program among its executables; without one it is
            looked for as a shell does.
        remedy: What to do where it is not installed.
        environment: Variables beside, or instead of, those of the environment.
    """

    name: str
    command: tuple[str, ...]
    package: str = ""
    remedy: str = "install it"
    environment: Mapping[str, str] = field(default_factory=dict)

    def command_line(self) -> list[str]:
        """Return program and arguments, the program as a path.

        Raises:
            LaunchError: The program is not installed.
        """
        program, *arguments = self.command
        if not self.package:
            found = shutil.which(program, path=self.environment.get("PATH"))
            if found is None:
                raise LaunchError(f"{self.name} needs the program {program!r}; {self.remedy}.")
            return [found, *arguments]
        prefix = ament_prefix(self.package)
        path = None if prefix is None else prefix / "lib" / self.package / program
        if path is None or not path.is_file():
            raise LaunchError(
                f"{self.name} needs {program!r} of the ROS package {self.package!r}; {self.remedy}."
            )
        return [str(path), *arguments]


Process = NodeProcess | Program


@dataclass(frozen=True)
class Plan:
    """Processes that belong together: when one ends, all do.

    Attributes:
        main: The one whose exit status is that of all, if no other fails first.
        others: Those beside it.
    """

    main: Process
    others: tuple[Process, ...] = ()

    @property
    def processes(self) -> tuple[Process, ...]:
        """All, in the order of starting."""
        return (self.main, *self.others)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the output of each is marked with, `simulator-2` for example."""
        return tuple(f"{each.name}-{i}" for i, each in enumerate(self.processes, start=1))
