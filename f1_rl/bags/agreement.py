"""How far a policy and the recorded driver agree."""

from __future__ import annotations

import math
from array import array
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from f1_rl.bags.offline import ReplayedFrame
from f1_rl.driving.actions import nearest_actions

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

OTHER: Final = "none of them"
STEERING: Final = ("left", "straight", "right")
# A command is an action of the table if it lies no farther from it than this, in units of the
# table's largest speed and of its span of yaw rates.
_NEAR = 0.1
# A car that is slower than this drives no curve that one could speak of.
_STANDING_MPS = 0.1


@dataclass(frozen=True)
class Errors:
    """By how much commands differ, the policy's less the recorded ones.

    Attributes:
        mean: Of the differences.
        mean_absolute: Of their amounts.
        root_mean_square: The root of the mean of their squares.
        largest: The largest amount.
    """

    mean: float
    mean_absolute: float
    root_mean_square: float
    largest: float


@dataclass(frozen=True)
class Agreement:
    """What a policy and the recorded driver agree on, over the frames that both decided on.

    Attributes:
        frames: Frames on which the policy decided.
        compared: Those of them with a recorded command.
        action_names: Of the policy's table.
        same_action: Share of the compared frames in which the recorded command is the policy's
            action; NaN where none was compared.
        within_table: Share in which it is any action of the policy's table.
        confusion: (A + 1, A) frames by recorded action (the last row: none of the table) and by
            the policy's.
        same_steering: Share in which both steer left, straight, or right, of the frames in which
            the recorded driver drives.
        steering_confusion: (3, 3) frames by the recorded steering and by the policy's.
        speed: Errors of the speed, m/s.
        yaw_rate: Errors of the yaw rate, rad/s.
        curvature: Errors of the curvature, 1/m: of the steering, whatever the speeds.
        actions: How often the policy chose each action.
        mean_best_q: Mean of the largest Q-value.
        mean_margin: Mean distance from the largest to the second largest.
        margin_where_different: The same over the frames in which the actions differ.
    """

    frames: int
    compared: int
    action_names: tuple[str, ...]
    same_action: float
    within_table: float
    confusion: tuple[tuple[int, ...], ...]
    same_steering: float
    steering_confusion: tuple[tuple[int, ...], ...]
    speed: Errors
    yaw_rate: Errors
    curvature: Errors
    actions: tuple[int, ...]
    mean_best_q: float
    mean_margin: float
    margin_where_different: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


class Trace:
    """The numbers of a replay, frame by frame: a hundred bytes each, without the pictures."""

    _COLUMNS = (
        "time_s",
        "recorded_speed",
        "recorded_yaw_rate",
        "speed",
        "yaw_rate",
        "action",
        "best_q",
        "margin",
        "x_m",
        "y_m",
        "measured_speed",
    )

    def __init__(self) -> None:
        """Begin empty."""
        self._values = {name: array("d") for name in self._COLUMNS}

    def __len__(self) -> int:
        """Return the number of frames on which the policy decided."""
        return len(self._values["time_s"])

    def add(self, replayed: ReplayedFrame) -> None:
        """Take a frame, if the policy decided on it."""
        decision = replayed.decision
        if decision is None:
            return
        recorded = replayed.frame.command or (math.nan, math.nan)
        odometry = replayed.frame.odometry
        best = np.sort(decision.q_values)[::-1]
        row = (
            replayed.time_s,
            *recorded,
            *decision.command,
            decision.action,
            best[0],
            best[0] - best[1] if len(best) > 1 else math.nan,
            math.nan if odometry is None else odometry.x_m,
            math.nan if odometry is None else odometry.y_m,
            math.nan if odometry is None else odometry.speed_mps,
        )
        for name, value in zip(self._COLUMNS, row, strict=True):
            self._values[name].append(float(value))

    def __getitem__(self, name: str) -> FloatArray:
        """Return a column, (N,)."""
        return np.array(self._values[name], np.float64)


def compare(trace: Trace, action_names: tuple[str, ...], command_table: FloatArray) -> Agreement:
    """Compare the policy's decisions with the recorded commands.

    Args:
        trace: The replay.
        action_names: Of the policy's actions.
        command_table: (T, A, 2) their speeds and yaw rates at each of the frames.
    """
    chosen = trace["action"].astype(np.int64)
    recorded = np.stack([trace["recorded_speed"], trace["recorded_yaw_rate"]], axis=1)
    proposed = np.stack([trace["speed"], trace["yaw_rate"]], axis=1)
    known = np.isfinite(recorded).all(axis=1)
    count = command_table.shape[1]
    matched = recorded_actions(recorded[known], command_table[known])
    confusion = _table(matched, chosen[known], (count + 1, count))
    driving = known & (np.abs(np.nan_to_num(recorded[:, 0])) > _STANDING_MPS)
    least = _least_curvature(command_table) / 2
    bends = _curvature(recorded[driving]), _curvature(proposed[driving])
    sides = _steering(bends[0], least), _steering(bends[1], least)
    steering = _table(sides[0], sides[1], (len(STEERING), len(STEERING)))
    different = matched != chosen[known]
    margin = trace["margin"]
    return Agreement(
        frames=len(chosen),
        compared=int(known.sum()),
        action_names=action_names,
        same_action=_share(~different),
        within_table=_share(matched < count),
        confusion=_rows(confusion),
        same_steering=_share(sides[0] == sides[1]),
        steering_confusion=_rows(steering),
        speed=_errors(proposed[known, 0] - recorded[known, 0]),
        yaw_rate=_errors(proposed[known, 1] - recorded[known, 1]),
        curvature=_errors(bends[1] - bends[0]),
        actions=tuple(int(n) for n in np.bincount(chosen, minlength=count)),
        mean_best_q=_mean(trace["best_q"]),
        mean_margin=_mean(margin),
        margin_where_different=_mean(margin[known][different]),
    )


def recorded_actions(commands: FloatArray, command_table: FloatArray) -> IntArray:
    """Return of each command (N, 2) the action that it is; A if it is none.

    Args:
        commands: Speeds and yaw rates.
        command_table: (A, 2) those of the actions; (N, A, 2) where they differ by command.
    """
    nearest, distances = nearest_actions(commands, command_table)
    return np.where(distances <= _NEAR, nearest, command_table.shape[-2])


def _curvature(commands: FloatArray) -> FloatArray:
    """Return yaw rate by speed, 1/m, positive to the left; 0 of a command to stand."""
    speed = commands[:, 0]
    standing = np.abs(speed) <= _STANDING_MPS
    return np.where(standing, 0.0, commands[:, 1] / np.where(standing, 1.0, speed))


def _least_curvature(command_table: FloatArray) -> float:
    bends = np.abs(_curvature(command_table.reshape(-1, 2)))
    return float(bends[bends > 0.0].min(initial=math.inf))


def _steering(curvature: FloatArray, least: float) -> IntArray:
    """Return 0 for left, 1 for straight, 2 for right."""
    return np.where(curvature > least, 0, np.where(curvature < -least, 2, 1)).astype(np.int64)


def _table(rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> IntArray:
    table = np.zeros(shape, np.int64)
    np.add.at(table, (rows, columns), 1)
    return table


def _rows(table: IntArray) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(value) for value in row) for row in table)


def _errors(differences: FloatArray) -> Errors:
    if not len(differences):
        return Errors(math.nan, math.nan, math.nan, math.nan)
    amounts = np.abs(differences)
    square = float(np.sqrt((differences**2).mean()))
    return Errors(float(differences.mean()), float(amounts.mean()), square, float(amounts.max()))


def _share(values: npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else math.nan


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else math.nan
