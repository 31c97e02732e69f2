"""Endings of an episode: small, named rules, failures kept apart from cuts."""

from dataclasses import dataclass

import numpy as np

from f1_rl.circuits import BoolArray
from f1_rl.driving.step import Step
from f1_rl.settings import NonNegativeFloat, PositiveFloat, PositiveInt, Settings


class EndingSettings(Settings, frozen=True):
    """When an episode ends.

    The first four are failures: the episode is terminated and nothing follows that could be
    worth something. The last two are cuts: the drive would have gone on, the episode is truncated
    and the learner bootstraps.

    Attributes:
        off_road_margin_m: How far beside the road the car's centre may be; none: anywhere.
        wrong_way: Whether pointing more than 90 degrees away from the road ends it.
        collision: Whether touching an obstacle ends it.
        stalled_after_s: How long the car may make no way forward; none: for ever.
        time_limit_s: Longest episode; none: endless.
        laps: Laps after which the episode is cut; none: never.
    """

    off_road_margin_m: NonNegativeFloat | None = 0.0
    wrong_way: bool = True
    collision: bool = True
    stalled_after_s: PositiveFloat | None = 3.0
    time_limit_s: PositiveFloat | None = 60.0
    laps: PositiveInt | None = None


@dataclass(frozen=True)
class Endings:
    """Which of N episodes end with this step.

    Attributes:
        terminated: (N,) by a failure.
        truncated: (N,) by a cut, and by no failure.
        reasons: (N,) the name of the rule, empty where the episode goes on.
    """

    terminated: BoolArray
    truncated: BoolArray
    reasons: list[str]


def find_endings(settings: EndingSettings, step: Step) -> Endings:
    """Apply the rules to a step. Where several hold, the first in the order above is named."""
    failures = {
        "off_road": _beyond(step, settings.off_road_margin_m),
        "wrong_way": step.projection.wrong_way if settings.wrong_way else None,
        "collision": step.collided if settings.collision else None,
        "stalled": _reached(step.stalled_s, settings.stalled_after_s),
    }
    cuts = {
        "time_limit": _reached(step.time_s, settings.time_limit_s),
        "laps": _reached(step.laps, settings.laps),
    }
    terminated, reasons = _first_rule(failures, len(step.time_s))
    cut, cut_reasons = _first_rule(cuts, len(step.time_s))
    reasons = [failure or other for failure, other in zip(reasons, cut_reasons, strict=True)]
    return Endings(terminated, cut & ~terminated, reasons)


def _first_rule(rules: dict[str, BoolArray | None], num_cars: int) -> tuple[BoolArray, list[str]]:
    ended = np.zeros(num_cars, np.bool_)
    reasons = [""] * num_cars
    for name, holds in rules.items():
        if holds is None or not holds.any():
            continue
        for car in np.flatnonzero(holds & ~ended):
            reasons[car] = name
        ended |= holds
    return ended, reasons


def _beyond(step: Step, margin_m: float | None) -> BoolArray | None:
    if margin_m is None:
        return None
    return np.asarray(np.abs(step.projection.lateral_error_m) > step.half_width_m + margin_m)


def _reached(value: np.ndarray, limit: float | None) -> BoolArray | None:  # type: ignore[type-arg]
    # Times are sums of control periods; a limit counts as reached within a microsecond of it.
    return None if limit is None else np.asarray(value >= limit - 1e-6)
