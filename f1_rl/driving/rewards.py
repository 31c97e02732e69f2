"""Reward rules: small, named, each reported by itself."""

from collections.abc import Callable, Mapping

import numpy as np

from f1_rl.circuits import FloatArray
from f1_rl.driving.own_rewards import load_own_rule, names_own_rule
from f1_rl.driving.step import Step
from f1_rl.settings import SettingsError

RewardRule = Callable[[Step], FloatArray]


def progress(step: Step) -> FloatArray:
    """Distance driven along the circuit: 1 for a step straight ahead at full speed."""
    return step.progress_fraction


def centred_progress(step: Step) -> FloatArray:
    """Progress, worth nothing at the edge of the road and all on the centre line."""
    centred: FloatArray = np.maximum(0.0, 1.0 - step.lateral_fraction**2)
    return step.progress_fraction * centred


def lateral_error(step: Step) -> FloatArray:
    """Minus the square of the lateral error, -1 at the edge of the road."""
    return np.asarray(-(step.lateral_fraction**2))


def heading_error(step: Step) -> FloatArray:
    """Minus the share of a half turn that the car points away from the road's direction."""
    return -np.abs(step.projection.heading_error_rad) / np.pi


def off_road(step: Step) -> FloatArray:
    """-1 in a step that ends beside the road."""
    return -step.off_road.astype(np.float64)


def collision(step: Step) -> FloatArray:
    """-1 in a step in which the car touches an obstacle."""
    return -step.collided.astype(np.float64)


def clearance(step: Step) -> FloatArray:
    """Minus the square of what an obstacle is nearer than half a metre, -1 where it is touched."""
    missing = np.maximum(0.0, 1.0 - step.clearance_m / 0.5)
    return np.broadcast_to(-(missing**2), step.time_s.shape)


def steering_change(step: Step) -> FloatArray:
    """Minus the change of the commanded yaw rate, -1 from one stop to the other."""
    change = step.commands[:, 1] - step.previous_commands[:, 1]
    return -np.abs(change) / (2.0 * step.max_yaw_rate_radps)


def centre_steps(step: Step) -> FloatArray:
    """The field's stepped reward: 10 near the centre, 2, 1, and -100 near the edge."""
    fraction = step.lateral_fraction
    return np.select([fraction <= 0.2, fraction <= 0.4, fraction <= 0.9], [10.0, 2.0, 1.0], -100.0)


RULES: Mapping[str, RewardRule] = {
    rule.__name__: rule
    for rule in (
        progress,
        centred_progress,
        lateral_error,
        heading_error,
        off_road,
        collision,
        clearance,
        steering_change,
        centre_steps,
    )
}


class Rewards:
    """A weighted sum of rules."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        """Take the weight of each rule by its name, or by `FILE.py:FUNCTION` of one's own.

        Raises:
            SettingsError: A rule does not exist, or there is none at all.
        """
        unknown = [name for name in weights if name not in RULES and not names_own_rule(name)]
        if unknown or not weights:
            known = ", ".join(RULES)
            named = f"there is no reward rule {unknown[0]!r}" if unknown else "no reward is chosen"
            raise SettingsError(
                f"rewards: {named}; choose from {known}, or name a function of yours as "
                "FILE.py:FUNCTION."
            )
        self.weights = dict(weights)
        self._rules = {name: RULES.get(name) or load_own_rule(name) for name in weights}

    def terms(self, step: Step) -> dict[str, FloatArray]:
        """Return the weighted reward of each rule, (N,) each.

        Raises:
            SettingsError: A rule of one's own failed, or returned no finite number for each car.
        """
        return {name: weight * self._rules[name](step) for name, weight in self.weights.items()}
