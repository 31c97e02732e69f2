"""What can be learned from, as it comes out of a bag, and an account of what became of the rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.driving.observation import UInt8Array


@dataclass(frozen=True)
class Episode:
    """A stretch of a recorded drive of T control periods.

    Attributes:
        frames: `(T + 1, R, C, K) uint8`, the preprocessed frames, not stacked.
        speed: `(T + 1, 1) float32`, the speed as the task observes it; None: it does not.
        actions: `(T,) int32`, the entries of the action table nearest to the commands.
        rewards: `(T,) float32`.
        terminated: Whether it ended in a failure; else it was cut.
        reason: Why it ended: a rule of the task, or `gap`, `unmatched`, `far_command`, `teleport`,
            `end`.
    """

    frames: UInt8Array
    speed: npt.NDArray[np.float32] | None
    actions: npt.NDArray[np.int32]
    rewards: npt.NDArray[np.float32]
    terminated: bool
    reason: str

    def __len__(self) -> int:
        """Return T."""
        return len(self.actions)


@dataclass
class Account:
    """What became of the frames of a bag.

    Attributes:
        bag: Its path.
        reward: `circuit` or `image`.
        circuit: The circuit that it was judged by, or empty.
        frames: Frames in the bag that could be decoded.
        unusable: Frames that could not be.
        between: Left out, since the camera is faster than the control period.
        gaps: Times that the next frame was not one control period later, within the tolerance.
        unmatched: Frames without a command or, where it is needed, odometry within the tolerance.
        far_commands: Frames whose command is farther from every action than the tolerance.
        command_distance: Mean distance of all commands from their nearest actions.
        teleports: Times that the car was put elsewhere.
        off_road: Frames at which no episode could begin, the car being off the road, or its line
            out of sight.
        episodes: Stretches that were made.
        failures: Of them those that ended in a failure.
        transitions: In all of them.
        mean_reward: Of these.
    """

    bag: str
    reward: str
    circuit: str = ""
    frames: int = 0
    unusable: int = 0
    between: int = 0
    gaps: int = 0
    unmatched: int = 0
    far_commands: int = 0
    command_distance: float = 0.0
    teleports: int = 0
    off_road: int = 0
    episodes: int = 0
    failures: int = 0
    transitions: int = 0
    mean_reward: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)

    @property
    def losses(self) -> str:
        """What was not learned from and why, in words; empty where all was."""
        parts = {
            "that cannot be decoded": self.unusable,
            "without command or odometry": self.unmatched,
            "with a command that is far from every action": self.far_commands,
            "off the road": self.off_road,
            "after a gap": self.gaps,
            "after a teleport": self.teleports,
        }
        return ", ".join(f"{count} {what}" for what, count in parts.items() if count)

    def __str__(self) -> str:
        """Tell it in one line."""
        by = f"circuit {self.circuit}" if self.circuit else "its pictures"
        told = (
            f"{self.bag}: {self.transitions:,} transitions in {self.episodes} episodes from "
            f"{self.frames:,} frames, judged by {by}"
        )
        return f"{told}; frames {self.losses}." if self.losses else f"{told}."
