"""The table of an offline replay: a row for each picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from f1_rl.bags.offline import ReplayedFrame

_COLUMNS = (
    "frame",
    "stamp_ns",
    "received_ns",
    "time_s",
    "outcome",
    "first",
    "action",
    "speed_mps",
    "yaw_rate_radps",
    "recorded_speed_mps",
    "recorded_yaw_rate_radps",
    "x_m",
    "y_m",
    "odometry_speed_mps",
)


class FrameTable:
    """Writes `frames.csv`; a context manager.

    Numbers are written so that they read back the same; what is not known is left empty.
    """

    def __init__(self, path: Path, action_names: Sequence[str]) -> None:
        """Begin the file, with a column of Q-values for each action."""
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._actions = len(action_names)
        self._writer.writerow([*_COLUMNS, *(f"q {name}" for name in action_names)])

    def __enter__(self) -> FrameTable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, replayed: ReplayedFrame) -> None:
        """Write a row."""
        frame, decision = replayed.frame, replayed.decision
        recorded = frame.command or ("", "")
        motion: tuple[object, ...] = ("", "", "")
        if frame.odometry is not None:
            motion = (frame.odometry.x_m, frame.odometry.y_m, frame.odometry.speed_mps)
        chosen: tuple[object, ...] = ("", "", "")
        q_values: list[object] = [""] * self._actions
        if decision is not None:
            chosen = (decision.action, *decision.command)
            # The shortest text that gives the same 32 bits back.
            q_values = [str(value) for value in decision.q_values]
        self._writer.writerow(
            [
                replayed.index,
                frame.stamp_ns,
                frame.received_ns,
                f"{replayed.time_s:.9f}",
                replayed.outcome,
                int(replayed.first),
                *chosen,
                *recorded,
                *motion,
                *q_values,
            ]
        )
