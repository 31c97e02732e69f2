"""What physics allows: the line of least curvature and the fastest lap along a line."""

from f1_rl.racing.lap import FastestLap, fastest_lap
from f1_rl.racing.limit import RacingLimit, laps_inside, racing_limit
from f1_rl.racing.limits import CommandLimits, DrivingLimits, GripLimits, driving_limits
from f1_rl.racing.lines import centre_line, minimum_curvature_line, reversed_line

__all__ = [
    "CommandLimits",
    "DrivingLimits",
    "FastestLap",
    "GripLimits",
    "RacingLimit",
    "centre_line",
    "driving_limits",
    "fastest_lap",
    "laps_inside",
    "minimum_curvature_line",
    "racing_limit",
    "reversed_line",
]
