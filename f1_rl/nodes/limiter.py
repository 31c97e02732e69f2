"""Limits of commands: how large they may be and how fast they may change."""

import math
from dataclasses import dataclass
from typing import NamedTuple

# Within this time without a command the next one may not change by more than in this time.
_LONGEST_STEP_S = 0.2


class Command(NamedTuple):
    """What the car is told.

    Attributes:
        speed_mps: Forward speed.
        yaw_rate_radps: Rate of turn, positive to the left.
    """

    speed_mps: float
    yaw_rate_radps: float


STOP = Command(0.0, 0.0)


@dataclass(frozen=True)
class CommandLimits:
    """How large commands may be and how fast they may change; an infinite one does not limit.

    Attributes:
        speed_mps: Largest speed, either way.
        yaw_rate_radps: Largest yaw rate, either way.
        acceleration_mps2: Fastest growth of the amount of the speed.
        deceleration_mps2: Fastest decrease of it. A stop is not limited: it is at once.
        yaw_acceleration_radps2: Fastest change of the yaw rate.
    """

    speed_mps: float = math.inf
    yaw_rate_radps: float = math.inf
    acceleration_mps2: float = math.inf
    deceleration_mps2: float = math.inf
    yaw_acceleration_radps2: float = math.inf

    def __post_init__(self) -> None:
        """Check that every limit is above zero.

        Raises:
            ValueError: One is not.
        """
        for name, value in vars(self).items():
            if not value > 0.0:
                raise ValueError(f"the limit {name} is {value}: give more than 0.")


class CommandLimiter:
    """Cuts commands to the limits, one after the other; begins at a stop."""

    def __init__(self, limits: CommandLimits, period_s: float) -> None:
        """Begin with a car that stands.

        Args:
            limits: The limits.
            period_s: By how much time the first command is held to follow the stop before it.
        """
        self.limits = limits
        self.limited = 0
        self._period_s = period_s
        self._last = STOP
        self._last_s: float | None = None

    def reset(self) -> None:
        """Begin anew from a car that stands."""
        self._last = STOP
        self._last_s = None

    def limit(self, wanted: Command, now_s: float) -> Command:
        """Return what may be commanded at this time, and remember it as commanded.

        Args:
            wanted: What is asked for; one that is not finite is answered with a stop.
            now_s: Time on a steady clock.
        """
        if not (math.isfinite(wanted.speed_mps) and math.isfinite(wanted.yaw_rate_radps)):
            self.limited += 1
            self.reset()
            return STOP
        elapsed_s = self._period_s if self._last_s is None else now_s - self._last_s
        elapsed_s = min(max(elapsed_s, 0.0), _LONGEST_STEP_S)
        limits = self.limits
        last = self._last
        given = Command(
            _approach_speed(
                last.speed_mps,
                _clip(wanted.speed_mps, limits.speed_mps),
                limits.acceleration_mps2 * elapsed_s if elapsed_s else 0.0,
                limits.deceleration_mps2 * elapsed_s if elapsed_s else 0.0,
            ),
            _approach(
                last.yaw_rate_radps,
                _clip(wanted.yaw_rate_radps, limits.yaw_rate_radps),
                limits.yaw_acceleration_radps2 * elapsed_s if elapsed_s else 0.0,
            ),
        )
        if given != wanted:
            self.limited += 1
        self._last, self._last_s = given, now_s
        return given


def _clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))


def _approach(start: float, goal: float, largest_change: float) -> float:
    # A sum may miss the goal by a rounding error, and would count as cut.
    if abs(goal - start) <= largest_change:
        return goal
    return start + _clip(goal - start, largest_change)


def _approach_speed(start: float, goal: float, most_faster: float, most_slower: float) -> float:
    """Move a speed towards a goal; towards zero it decelerates, away from zero it accelerates."""
    if start == 0.0 or (goal - start) * start > 0.0:
        return _approach(start, goal, most_faster)
    # Backwards is reached through a stop: the rest of that step waits for the next one.
    return _approach(start, goal if goal * start > 0.0 else 0.0, most_slower)
