"""The worlds of named perturbations, drawn and lit by Gazebo itself."""

from __future__ import annotations

from typing import Any

from f1_rl.driving.perturbations import NOMINAL, perturbations
from f1_rl.driving.settings import TaskSettings
from f1_rl.errors import did_you_mean
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Variation

GAZEBO_ALONE = {
    "daylight": Variation(),
    "noise": Variation(noise_sigma=(15.0, 15.0)),
}
"""Those that the embedded simulator has not: a sunny day, and noise without a blur."""


def perturbation_names() -> list[str]:
    """Return the names that :func:`perturbed` knows, the nominal first."""
    return [NOMINAL, *GAZEBO_ALONE, *perturbations()]


def perturbed(settings: WorldSettings, name: str) -> WorldSettings:
    """Return the settings of a perturbation's world: lit by lights of its own but for the nominal.

    Args:
        settings: Of the nominal world.
        name: Of the perturbation.

    Raises:
        SettingsError: There is none of that name, or Gazebo has nothing like it.
    """
    if name not in perturbation_names():
        raise SettingsError(
            f"there is no perturbation {name!r}{did_you_mean(name, perturbation_names())}; choose "
            f"from {', '.join(perturbation_names())}."
        )
    if name == NOMINAL:
        return settings
    changes: dict[str, Any] = {"variation": GAZEBO_ALONE.get(name)}
    if name in perturbations():
        task = perturbations()[name].applied(TaskSettings())
        changes = {"variation": task.variation, "line_width_m": task.line_width_m}
    return build_settings(WorldSettings, {**settings.as_dict(), **changes}, name)
