"""From a hand at a page to commands for a car: who steers, and how a car follows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from f1_rl.simulation.car_parameters import CAR

# A page sends its input 20 times a second; without any for so long, nobody holds the wheel.
SILENCE_S = 0.5
# Without throttle and brake, a car loses speed as fast as this.
COASTING_MPS2 = 2.0
# From straight ahead to the tightest turn.
_FULL_LOCK_S = 0.2


@dataclass(frozen=True)
class DriverInput:
    """What a hand does.

    Attributes:
        throttle: 1 is full throttle, -1 the full brake.
        steer: 1 is full left, -1 full right.
    """

    throttle: float = 0.0
    steer: float = 0.0

    @property
    def neutral(self) -> bool:
        """Whether nothing is pressed."""
        return self.throttle == 0.0 and self.steer == 0.0


HANDS_OFF = DriverInput()
BRAKE = DriverInput(throttle=-1.0)


class Wheel:
    """The steering wheel that several pages reach for: the newest that steers has it.

    A page takes the wheel when it begins to press something. Pages that merely go on pressing
    lose it to that one until they press anew. Where the page that has it falls silent, the wheel
    brakes: a page that is closed, frozen or cut off must not drive on.

    Attributes:
        holder: Name of the page that has it; None: nobody has yet.
    """

    def __init__(self) -> None:
        """Begin with nobody at the wheel."""
        self.holder: str | None = None
        self._input = HANDS_OFF
        self._heard_s = -math.inf
        self._pressing: set[str] = set()

    def hear(self, message: Mapping[str, Any], now_s: float) -> None:
        """Take a page's message of its input; one that makes no sense is left out.

        Args:
            message: With `throttle` and `steer`, cut to -1..1, and `page`, the page's name.
            now_s: Time on a steady clock.
        """
        throttle, steer = (_unit(message.get(name)) for name in ("throttle", "steer"))
        if throttle is None or steer is None:
            return
        page = str(message.get("page", ""))
        given = DriverInput(throttle, steer)
        begins = not given.neutral and page not in self._pressing
        if given.neutral:
            self._pressing.discard(page)
        else:
            self._pressing.add(page)
        if begins or self.holder is None:
            self.holder = page
        if page == self.holder:
            self._input, self._heard_s = given, now_s

    def silent(self, now_s: float) -> bool:
        """Return whether the page that has the wheel has said nothing for too long."""
        return now_s - self._heard_s > SILENCE_S

    def read(self, now_s: float) -> DriverInput:
        """Return what the wheel says at this time."""
        return BRAKE if self.silent(now_s) else self._input


class HandControl:
    """Turns what a hand does into speed and yaw rate, with the inertia that a car has.

    Throttle is a share of the largest speed, reached with the drive of the car in `cars.yaml`;
    without it the car coasts, and the brake is that car's. Steering is a share of the largest yaw
    rate, and of what the car's tightest turn allows while it is slow, so that it does not turn on
    the spot. Speed and yaw rate stay within those of the action table, the policy's own limits.
    """

    def __init__(
        self, max_speed_mps: float, max_yaw_rate_radps: float, control_period_s: float
    ) -> None:
        """Begin with a car that stands.

        Args:
            max_speed_mps: The largest speed.
            max_yaw_rate_radps: The largest yaw rate, either way.
            control_period_s: For how long a command acts.
        """
        self._max_speed_mps = max_speed_mps
        self._max_yaw_rate_radps = max_yaw_rate_radps
        self._period_s = control_period_s
        self.reset()

    def reset(self) -> None:
        """Stand."""
        self._speed_mps = self._yaw_rate_radps = 0.0

    def command(self, given: DriverInput) -> tuple[float, float]:
        """Return speed (m/s) and yaw rate (rad/s) for the next control period."""
        wanted_mps = max(0.0, given.throttle) * self._max_speed_mps
        brake = max(0.0, -given.throttle)
        slowing_mps2 = COASTING_MPS2 + brake * (CAR.max_braking_mps2 - COASTING_MPS2)
        slowest = self._speed_mps - slowing_mps2 * self._period_s
        fastest = self._speed_mps + CAR.max_acceleration_mps2 * self._period_s
        self._speed_mps = max(slowest, min(fastest, wanted_mps))
        tightest = min(self._max_yaw_rate_radps, self._speed_mps / CAR.min_radius_m)
        change = self._max_yaw_rate_radps * self._period_s / _FULL_LOCK_S
        wanted = given.steer * tightest
        turned = self._yaw_rate_radps + max(-change, min(change, wanted - self._yaw_rate_radps))
        self._yaw_rate_radps = max(-tightest, min(tightest, turned))
        return self._speed_mps, self._yaw_rate_radps


def _unit(value: Any) -> float | None:
    """Return a number cut to -1..1; None: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return max(-1.0, min(1.0, float(value)))
