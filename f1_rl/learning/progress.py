"""Where a run stands: its row of figures, its episodes, its time."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_RECENT = 100


@dataclass(frozen=True)
class Progress:
    """Where a run stands; the fields are the columns of metrics.csv."""

    env_step: int
    update: int
    wall_time_s: float
    steps_per_s: float
    episodes: int
    faults: int
    episode_return: float
    episode_length: float
    epsilon: float
    loss: float
    mean_q: float


class EpisodeStatistics:
    """Returns and lengths of the episodes of `N` environments that act together."""

    def __init__(self, num_envs: int) -> None:
        """Begin with a reset of all."""
        self.finished = 0
        self.resetting = np.zeros(num_envs, np.bool_)
        self._return = np.zeros(num_envs)
        self._length = np.zeros(num_envs, np.int64)
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)

    @property
    def mean_return(self) -> float:
        """Of the last hundred episodes; not a number before the first has ended."""
        return float(np.mean([r for r, _ in self._recent])) if self._recent else float("nan")

    @property
    def mean_length(self) -> float:
        """Of the last hundred episodes, in environment steps."""
        return float(np.mean([n for _, n in self._recent])) if self._recent else float("nan")

    def begin_anew(self) -> None:
        """Forget the episodes that were not ended: all environments were reset."""
        self.resetting[:] = False
        self._return[:] = 0.0
        self._length[:] = 0

    def follow(self, rewards: Array, ended: Array, infos: Mapping[str, Any] | None = None) -> int:
        """Take a step of all environments and return how many did one: the others were reset.

        Args:
            rewards: `(N,)`.
            ended: `(N,)`, where the step ended an episode.
            infos: Of the step. Where they have an `episode`, as Gymnasium's
                `RecordEpisodeStatistics` gives it, that one counts: an Atari game has a score in
                points and several lives, while rewards are clipped and an episode is a life.
        """
        steps = ~self.resetting
        self._return += np.where(steps, rewards, 0.0)
        self._length += steps
        # A reset that failed ends no episode: none had begun.
        returns, lengths, finished = self._return, self._length, np.flatnonzero(ended & steps)
        if infos is not None and "episode" in infos:
            returns, lengths = infos["episode"]["r"], infos["episode"]["l"]
            finished = np.flatnonzero(infos["_episode"])
        self._recent.extend((float(returns[i]), int(lengths[i])) for i in finished)
        self.finished += len(finished)
        self._return[ended] = 0.0
        self._length[ended] = 0
        self.resetting = ended
        return int(steps.sum())

    def state(self) -> dict[str, Any]:
        """Return everything, for a checkpoint."""
        return {
            "finished": self.finished,
            "recent": [list(pair) for pair in self._recent],
            "resetting": self.resetting,
            "running_return": self._return,
            "running_length": self._length,
        }

    def restore(self, state: dict[str, Any], *, running: bool) -> None:
        """Take back what `state` returned.

        Args:
            state: From there.
            running: Whether the episodes go on that were running.
        """
        self.finished = int(state["finished"])
        self._recent.extend((float(r), int(n)) for r, n in state["recent"])
        if running:
            self.resetting = np.array(state["resetting"])
            self._return = np.array(state["running_return"])
            self._length = np.array(state["running_length"])


class Clock:
    """Time since training began, over all its parts, and what is due."""

    def __init__(self, elapsed_s: float, env_steps: int) -> None:
        """Go on from there."""
        self._began = time.monotonic() - elapsed_s
        self._last = dict.fromkeys(("log", "checkpoint"), time.monotonic())
        self._rated = (time.monotonic(), env_steps)
        self._rate = 0.0

    def skip(self, duration_s: float) -> None:
        """Leave a pause out of the time."""
        self._began += duration_s

    def elapsed_s(self) -> float:
        """Return the time since training began."""
        return time.monotonic() - self._began

    def due(self, what: str, period_s: float) -> bool:
        """Return whether it is time for `log` or `checkpoint`, and begin its period anew."""
        now = time.monotonic()
        if now - self._last[what] < period_s:
            return False
        self._last[what] = now
        return True

    def rate(self, env_steps: int) -> float:
        """Return the environment steps a second since the last call, or over half a second."""
        now = time.monotonic()
        then, steps = self._rated
        if now - then > 0.5:
            self._rate = (env_steps - steps) / (now - then)
            self._rated = (now, env_steps)
        return self._rate
