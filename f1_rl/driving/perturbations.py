"""Named perturbations: what a policy is held against, beside the nominal."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from f1_rl.driving.settings import TaskSettings
from f1_rl.errors import did_you_mean
from f1_rl.settings import Settings, SettingsError, build_settings, merge, read_yaml
from f1_rl.simulation import Variation

ALL_PERTURBATIONS = "all"
NOMINAL = "nominal"
"""Stands for the task with nothing changed and nothing varied."""

_FILE = Path(__file__).with_name("perturbations.yaml")


class _Entry(Settings, frozen=True):
    description: str
    task: dict[str, Any]


@dataclass(frozen=True)
class Perturbation:
    """One way in which the world differs from what was planned.

    Attributes:
        name: What it is called.
        description: One sentence.
        changes: Of the settings of the driving task, a nested mapping of names to values.
    """

    name: str
    description: str
    changes: dict[str, Any]

    def applied(self, settings: TaskSettings) -> TaskSettings:
        """Return a task with this perturbation alone: what was varied in it before is not.

        Args:
            settings: The task.
        """
        plain = merge(settings.as_dict(), {"variation": asdict(Variation())})
        return build_settings(TaskSettings, merge(plain, self.changes), self.name)


@cache
def perturbations() -> dict[str, Perturbation]:
    """Return those of the package by name, the nominal not among them."""
    entries = build_settings(dict[str, _Entry], read_yaml(_FILE), str(_FILE))
    return {
        name: Perturbation(name, entry.description, entry.task) for name, entry in entries.items()
    }


def chosen_perturbations(names: Iterable[str]) -> list[Perturbation]:
    """Return the nominal and the perturbations that are asked for, each once, in their own order.

    Args:
        names: Of perturbations, or `all`.

    Raises:
        SettingsError: There is none of that name.
    """
    known, asked = perturbations(), set(names)
    for name in sorted(asked - {ALL_PERTURBATIONS}):
        if name not in known:
            raise SettingsError(
                f"there is no perturbation {name!r}{did_you_mean(name, known)}; choose "
                f"{ALL_PERTURBATIONS} or from {', '.join(known)}."
            )
    every = ALL_PERTURBATIONS in asked
    nominal = Perturbation(NOMINAL, "Nothing is changed or varied.", {})
    return [nominal, *(one for name, one in known.items() if every or name in asked)]
