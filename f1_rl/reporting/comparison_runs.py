"""Find the runs that are to be compared, and group them by their settings."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import gymnasium
import numpy as np

from f1_rl.reporting.flat_settings import flat_settings
from f1_rl.reporting.lap_trace import LapTrace, trace_of
from f1_rl.reporting.run_folder import (
    CONFIG_FILE,
    ReportError,
    RunData,
    is_run_folder,
    read_run,
    runs_inside,
)
from f1_rl.reporting.summary import EvaluationSummary, best_evaluation, summarise

# What differs between runs that are to count as repetitions of each other.
_NO_SETTING: Final = ("seed", "versions")
# Of these, only the file's name says what was learned, not where it lay.
_PATHS: Final = ("task.circuits", "task.actions", "demonstrations.bags")
_MOST_IN_LABEL: Final = 3
# What the names of repetitions have in common besides their own name.
_REPETITION: Final = re.compile(r"([-_. ](\d{8}|seed|s))?[-_. ]*$")
# What is told first of a group, since most else follows from it.
_FIRST_IN_LABEL: Final = "agent.algorithm"


@dataclass(frozen=True)
class ComparedRun:
    """One run and what is compared of it."""

    data: RunData
    name: str

    @cached_property
    def summaries(self) -> tuple[EvaluationSummary, ...]:
        """Its evaluations, in the order of their steps."""
        return summarise(self.data.evaluations) if self.data.evaluations is not None else ()

    @cached_property
    def best(self) -> EvaluationSummary | None:
        """Its best evaluation."""
        return best_evaluation(self.summaries)

    @cached_property
    def solved(self) -> EvaluationSummary | None:
        """The first evaluation that reached the aim: all full laps, or the mean return asked for.

        None where there is none, or where the environment names no such return.
        """
        if self.data.drives:
            reached = (summary for summary in self.summaries if summary.is_complete)
        else:
            threshold = reward_threshold(self.data.environment)
            reached = (s for s in self.summaries if s.mean_return >= threshold)
        return next(reached, None)

    @cached_property
    def lap(self) -> LapTrace | None:
        """Its recorded lap."""
        return trace_of(self.data)

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """All that was set but the seed, by dotted name, without the folders of files."""
        config = {key: value for key, value in self.data.config.items() if key not in _NO_SETTING}
        return {
            name: _without_folders(value) if name in _PATHS else value
            for name, value in flat_settings(config)
        }

    @property
    def seed(self) -> str:
        """Its seed, empty where it is not known."""
        return str(self.data.config.get("seed", ""))

    @property
    def ended(self) -> bool:
        """Whether it came to its end, or was stopped and saved, and has not gone on since."""
        return self.data.saved_last


@dataclass(frozen=True)
class Group:
    """Runs with the same settings: repetitions with different seeds.

    Attributes:
        letter: A, B, C, ... in the order in which the groups were given.
        runs: At least one.
        differing: The settings in which the groups of its environment differ, with its values.
        name: What its runs are called, where no other group's are called so; else empty.
    """

    letter: str
    runs: tuple[ComparedRun, ...]
    differing: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    @property
    def drives(self) -> bool:
        """Whether the runs are about driving."""
        return self.runs[0].data.drives

    @property
    def environment(self) -> str:
        """The environment's id; empty for runs whose settings are not known."""
        return self.runs[0].data.environment

    @property
    def label(self) -> str:
        """Its letter, and what sets it apart as far as that is short: else the name of its runs."""
        parts = [
            f"{name.rpartition('.')[2]} {value}"
            for name, value in sorted(
                self.differing.items(), key=lambda item: item[0] != _FIRST_IN_LABEL
            )
            if len(value) <= 24
        ]
        shown = ", ".join(parts[:_MOST_IN_LABEL])
        hidden = len(self.differing) - len(parts[:_MOST_IN_LABEL])
        if hidden and self.name:
            shown = self.name
        elif shown and hidden:
            shown += f" and {hidden} more"
        return f"{self.letter}\N{EN SPACE}{shown}" if shown else self.letter

    @property
    def best_run(self) -> ComparedRun:
        """The run of the best evaluation, of those with a recorded lap where there are any."""
        with_lap = [run for run in self.runs if run.lap is not None]
        candidates = with_lap or list(self.runs)
        bests = {id(run.best): run for run in candidates if run.best is not None}
        best = best_evaluation([run.best for run in candidates if run.best is not None])
        return bests.get(id(best), candidates[0])


def find_runs(paths: Sequence[Path]) -> tuple[list[ComparedRun], list[str]]:
    """Read the runs in some folders.

    Args:
        paths: Run folders, and folders that hold run folders.

    Returns:
        The runs in their order, each once, and a sentence for whatever could not be compared.

    Raises:
        ReportError: There is no run that can be compared, or one cannot be read.
    """
    folders, notes = _run_folders(paths)
    names = _short_names(folders)
    found = [
        ComparedRun(read_run(folder), name) for folder, name in zip(folders, names, strict=True)
    ]
    for run in found:
        notes += _notes_on(run)
    runs = [run for run in found if run.data.config]
    if not runs:
        where = ", ".join(str(path) for path in paths)
        raise ReportError(
            f"{where}: there is no run with a readable config.yaml here or one level below; give "
            "folders that training runs wrote."
        )
    return runs, notes


def group_runs(runs: Sequence[ComparedRun]) -> tuple[Group, ...]:
    """Group runs that differ in nothing but the seed, in the order of their first ones.

    What sets a group apart is told among the groups of its environment: networks and schedules of
    other environments are others altogether.
    """
    groups: dict[tuple[tuple[str, str], ...], list[ComparedRun]] = {}
    for run in runs:
        groups.setdefault(tuple(sorted(run.settings.items())), []).append(run)
    environments = [members[0].data.environment for members in groups.values()]
    names_of_runs = [_common_name([run.name for run in members]) for members in groups.values()]
    made = []
    for i, members in enumerate(groups.values()):
        alike = [
            others[0].settings
            for others, environment in zip(groups.values(), environments, strict=True)
            if environment == environments[i]
        ]
        names = _differing(alike)
        if not names and len(groups) > 1:
            names = ["env"]
        own = {name: members[0].settings.get(name, "") for name in names}
        name = names_of_runs[i] if names_of_runs.count(names_of_runs[i]) == 1 else ""
        made.append(Group(_letter(i), tuple(members), own, name))
    return tuple(made)


def reward_threshold(environment: str) -> float:
    """Return from which mean return on an environment counts as solved; infinite: it says none."""
    try:
        threshold = gymnasium.spec(environment).reward_threshold
    except gymnasium.error.Error:
        # One that was registered by a package that is not loaded, or is not installed here.
        threshold = None
    return np.inf if threshold is None else float(threshold)


def _notes_on(run: ComparedRun) -> list[str]:
    """Return what has to be known of a run: in one sentence where there is nothing to compare."""
    if not run.data.config:
        return [f"{run.name} was left out: {CONFIG_FILE} is missing or damaged."]
    if run.best is None:
        return [f"{run.name} has left no evaluation yet, so its settings are all that is compared."]
    notes = [f"{run.name}: {note}" for note in run.data.notes if not note.startswith("policy")]
    if not run.ended:
        notes.append(f"{run.name} has not ended, or was killed: it counts as far as it came.")
    return notes


def _differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    names = dict.fromkeys(name for each in settings for name in each)
    return [name for name in names if len({each.get(name, "") for each in settings}) > 1]


def _run_folders(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    folders: list[Path] = []
    notes = []
    for path in paths:
        inside = [path] if is_run_folder(path) else runs_inside(path)
        folders += inside
        if not inside:
            notes.append(f"{path} was left out: it is no run folder and holds none.")
    return list({folder.resolve(): folder for folder in folders}.values()), notes


def _short_names(folders: Sequence[Path]) -> list[str]:
    """Return the folders' own names, with as many of their parents' as tell all apart."""
    parts = [folder.resolve().parts for folder in folders]
    names = [path[-1] for path in parts]
    levels = 1
    while len(set(names)) < len(names):
        levels += 1
        names = ["/".join(path[-levels:]).replace("//", "/") for path in parts]
    return names


def _common_name(names: Sequence[str]) -> str:
    """Return what repetitions are called but for their seeds, numbers or dates; empty: nothing."""
    if len(names) == 1:
        return names[0]
    alike = [len(set(letters)) == 1 for letters in zip(*names, strict=False)]
    common = names[0][: [*alike, False].index(False)]
    ends = [name[len(common) :][:1] for name in names]
    # Neither a number nor a word is cut in two.
    if any(end.isdigit() for end in ends):
        common = common.rstrip(string.digits)
    elif any(end.isalpha() for end in ends):
        common = common.rstrip(string.ascii_letters)
    return _REPETITION.sub("", common)


def _without_folders(value: str) -> str:
    return ", ".join(Path(part.strip(" '\"[]")).name for part in value.split(","))


def _letter(index: int) -> str:
    letters = string.ascii_uppercase
    return letters[index] if index < len(letters) else f"Z{index - len(letters) + 2}"
