"""Tables of discrete actions: speeds and yaw rates, or throttle, brake and steering."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from f1_rl.circuits import FloatArray, IntArray
from f1_rl.driving.pedals import Pedals, grip_yaw_rate, pedal_commands
from f1_rl.settings import PositiveFloat, Settings, SettingsError, build_settings, read_yaml

_TABLES_FILE = Path(__file__).with_name("actions.yaml")


def nearest_actions(commands: FloatArray, command_table: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the action nearest to each command, and how far it is.

    Args:
        commands: (N, 2) speeds and yaw rates.
        command_table: (A, 2) those of the actions; (N, A, 2) where they differ by command.

    Returns:
        (N,) indices into the table, and (N,) distances, in shares of its largest speed and of its
        span of yaw rates.
    """
    largest = np.abs(command_table.reshape(-1, 2)).max(axis=0, initial=0.0)
    scale = np.array([1.0, 2.0]) * np.where(largest > 0.0, largest, 1.0)
    apart = np.linalg.norm((commands[:, None, :] - command_table) / scale, axis=2)
    return apart.argmin(axis=1), apart.min(axis=1)


class _TableEntry(Settings, frozen=True):
    description: str
    actions: tuple[tuple[float, float], ...] = ()
    pedals: tuple[Pedals, ...] = ()
    top_speed_mps: PositiveFloat | None = None


@dataclass(frozen=True)
class ActionTable:
    """A named table of actions, commands each.

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
        """(M, 2) speeds (m/s) and yaw rates (rad/s) that bound all commands; here the actions."""
        return np.array(self.pairs, np.float64)

    @property
    def top_speed_mps(self) -> float | None:
        """The speed at which throttle does no more; None: the actions are commands."""
        return None

    @property
    def needs_speed(self) -> bool:
        """Whether the commands depend on how fast the car is."""
        return self.top_speed_mps is not None

    def commands_at(
        self, speed_mps: FloatArray, period_s: float, lead_s: float = 0.0
    ) -> FloatArray:
        """Return what each action commands to cars of these speeds.

        Args:
            speed_mps: (N,) forward speeds.
            period_s: The control period.
            lead_s: Of the task, see :func:`f1_rl.driving.settings.pedal_lead_s`.

        Returns:
            (N, A, 2) forward speed (m/s) and yaw rate (rad/s).
        """
        return np.broadcast_to(np.array(self.pairs, np.float64), (len(speed_mps), len(self), 2))

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


@dataclass(frozen=True)
class PedalTable(ActionTable):
    """A named table of actions, pedals and steering each, of the car in `cars.yaml`.

    Attributes:
        pairs: Of each action, the shares of the largest drive (below 0.0: of the hardest braking)
            and of the largest steering angle, positive to the left.
        top_speed_mps: The speed at which throttle does no more.
    """

    top_speed_mps: float = 0.0

    def __post_init__(self) -> None:
        """Check that the shares are some, are all different, and drive and turn."""
        super().__post_init__()
        if not 0.0 < self.top_speed_mps < np.inf or np.abs(self.pairs).max() > 1.0:
            raise SettingsError(
                f"action table {self.name!r}: give pedals and steering as shares of at most 1, and "
                "a top_speed_mps above 0."
            )

    @property
    def commands(self) -> FloatArray:
        """(2, 2) the largest commands, to either side; none goes beyond them."""
        speed, yaw_rate = self.top_speed_mps, grip_yaw_rate()
        return np.array([[speed, yaw_rate], [speed, -yaw_rate]])

    @property
    def max_speed_mps(self) -> float:
        """The largest forward speed; 0.0 without throttle."""
        return self.top_speed_mps * (max(drive for drive, _ in self.pairs) > 0.0)

    @property
    def max_yaw_rate_radps(self) -> float:
        """The largest yaw rate, either way; 0.0 without steering."""
        return grip_yaw_rate() * any(steering != 0.0 for _, steering in self.pairs)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Of each action, what it does, for example `throttle 100 %, left 30 %`."""
        return tuple(_pedal_name(drive, steering) for drive, steering in self.pairs)

    def commands_at(
        self, speed_mps: FloatArray, period_s: float, lead_s: float = 0.0
    ) -> FloatArray:
        """See :meth:`ActionTable.commands_at`."""
        pairs = np.array(self.pairs)
        return pedal_commands(pairs, speed_mps, period_s, self.top_speed_mps, lead_s)


def make_table(
    name: str,
    description: str,
    pairs: Sequence[tuple[float, float]],
    top_speed_mps: float | None,
) -> ActionTable:
    """Return the table of these actions: of pedals where there is a top speed, else of commands.

    Raises:
        SettingsError: It cannot drive.
    """
    if top_speed_mps is None:
        return ActionTable(name, description, tuple(pairs))
    return PedalTable(name, description, tuple(pairs), top_speed_mps)


@cache
def _tables() -> dict[str, ActionTable]:
    entries = build_settings(dict[str, _TableEntry], read_yaml(_TABLES_FILE), str(_TABLES_FILE))
    return {name: _table_of(name, entry) for name, entry in entries.items()}


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
    return _table_of(own_name, entry)


def _table_of(name: str, entry: _TableEntry) -> ActionTable:
    if bool(entry.pedals) != (entry.top_speed_mps is not None) or (entry.pedals and entry.actions):
        raise SettingsError(
            f"action table {name!r}: give either actions, or pedals with a top_speed_mps."
        )
    pairs = entry.actions or tuple(each.pair for each in entry.pedals)
    return make_table(name, entry.description, pairs, entry.top_speed_mps)


def _name(speed: float, yaw_rate: float) -> str:
    if yaw_rate == 0.0:
        return f"{speed:.1f} m/s, straight"
    side = "left" if yaw_rate > 0.0 else "right"
    return f"{speed:.1f} m/s, {side} {abs(yaw_rate):.1f}"


def _pedal_name(drive: float, steering: float) -> str:
    pedal = "brake" if drive < 0.0 else "throttle"
    pressed = f"{pedal} {100 * abs(drive):.0f} %" if drive else "coasting"
    if steering == 0.0:
        return f"{pressed}, straight"
    return f"{pressed}, {'left' if steering > 0.0 else 'right'} {100 * abs(steering):.0f} %"
