"""Tables of discrete actions: each one a forward speed and a yaw rate."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from f1_rl.circuits import FloatArray, IntArray
from f1_rl.settings import Settings, SettingsError, build_settings, read_yaml

_TABLES_FILE = Path(__file__).with_name("actions.yaml")


def nearest_actions(commands: FloatArray, command_table: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the action nearest to each command, and how far it is.

    Args:
        commands: (N, 2) speeds and yaw rates.
        command_table: (A, 2) those of the actions.

    Returns:
        (N,) indices into the table, and (N,) distances, in shares of its largest speed and of its
        span of yaw rates.
    """
    scale = np.array([np.abs(command_table[:, 0]).max(), 2.0 * np.abs(command_table[:, 1]).max()])
    scale = np.where(scale > 0.0, scale, 1.0)
    apart = np.linalg.norm((commands[:, None, :] - command_table[None]) / scale, axis=2)
    return apart.argmin(axis=1), apart.min(axis=1)


class _TableEntry(Settings, frozen=True):
    description: str
    actions: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ActionTable:
    """A named table of actions.

    Attributes:
        name: Of the table.
        description: One sentence.
        pairs: Of each action, forward speed (m/s) and yaw rate (rad/s).
    """

    name: str
    description: str
    pairs: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Check that the actions can be commanded, are all different, and drive and turn."""
        if not np.isfinite(self.pairs).all():
            raise SettingsError(
                f"action table {self.name!r} holds a value that is not finite; give numbers."
            )
        if len(self.pairs) < 2 or len(set(self.pairs)) < len(self.pairs):
            raise SettingsError(f"action table {self.name!r} needs two or more different actions.")
        if self.max_speed_mps <= 0.0 or self.max_yaw_rate_radps == 0.0:
            raise SettingsError(
                f"action table {self.name!r} cannot drive around a circuit; "
                "it needs a speed above 0 and a yaw rate other than 0."
            )

    def __len__(self) -> int:
        """Return the number of actions."""
        return len(self.pairs)

    @property
    def commands(self) -> FloatArray:
        """(A, 2) forward speed (m/s) and yaw rate (rad/s)."""
        return np.array(self.pairs, np.float64)

    @property
    def max_speed_mps(self) -> float:
        """The largest forward speed of the table."""
        return max(speed for speed, _ in self.pairs)

    @property
    def max_yaw_rate_radps(self) -> float:
        """The largest yaw rate of the table, either way."""
        return max(abs(yaw_rate) for _, yaw_rate in self.pairs)

    def mirrored_actions(self) -> tuple[int, ...]:
        """Return of each action which one is its mirror image: as fast, and turning the other way.

        Raises:
            SettingsError: An action has none.
        """
        places = {pair: index for index, pair in enumerate(self.pairs)}
        images = [(speed, -yaw_rate) for speed, yaw_rate in self.pairs]
        for image, name in zip(images, self.action_names, strict=True):
            if image not in places:
                raise SettingsError(
                    f"action table {self.name!r} holds no mirror image of {name}; add it, or set "
                    "agent.augmentation.mirror to false."
                )
        return tuple(places[image] for image in images)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Of each action, what it does, for example `4.0 m/s, left 1.8` (rad/s)."""
        return tuple(_name(speed, yaw_rate) for speed, yaw_rate in self.pairs)


@cache
def _tables() -> dict[str, ActionTable]:
    entries = build_settings(dict[str, _TableEntry], read_yaml(_TABLES_FILE), str(_TABLES_FILE))
    return {
        name: ActionTable(name, entry.description, entry.actions) for name, entry in entries.items()
    }


def action_table_names() -> tuple[str, ...]:
    """Return the names of the tables in the package."""
    return tuple(_tables())


def load_action_table(name: str) -> ActionTable:
    """Return a table by name, or read one from a YAML file of the same form with one entry.

    Raises:
        SettingsError: There is no such table, or the file is not one.
    """
    if name in _tables():
        return _tables()[name]
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        known = ", ".join(_tables())
        raise SettingsError(f"there is no action table {name!r}; choose from {known}.")
    entries = build_settings(dict[str, _TableEntry], read_yaml(path), str(path))
    if len(entries) != 1:
        raise SettingsError(f"{path}: holds {len(entries)} action tables; write one.")
    ((own_name, entry),) = entries.items()
    return ActionTable(own_name, entry.description, entry.actions)


def _name(speed: float, yaw_rate: float) -> str:
    if yaw_rate == 0.0:
        return f"{speed:.1f} m/s, straight"
    side = "left" if yaw_rate > 0.0 else "right"
    return f"{speed:.1f} m/s, {side} {abs(yaw_rate):.1f}"
