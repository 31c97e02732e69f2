"""What physics allows: lines inside the road and the fastest lap along each."""

from f1_rl.racing.lap import FastestLap, fastest_lap
from f1_rl.racing.least_time import line_of_least_time
from f1_rl.racing.limit import RacingLimit, fastest_lap_inside, racing_limit
from f1_rl.racing.limits import CommandLimits, DrivingLimits, GripLimits, driving_limits
from f1_rl.racing.lines import centre_line, lines_inside, reversed_line

__all__ = [
    "CommandLimits",
    "DrivingLimits",
    "FastestLap",
    "GripLimits",
    "RacingLimit",
    "centre_line",
    "driving_limits",
    "fastest_lap",
    "fastest_lap_inside",
    "line_of_least_time",
    "lines_inside",
    "racing_limit",
    "reversed_line",
]
