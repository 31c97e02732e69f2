"""Compiled driving along planned lines, and what a few periods of it cost."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from f1_rl.simulation.vehicles_kernels import advance_kinematic, advance_single_track

_FloatArray = NDArray[np.float64]
_IntArray = NDArray[np.int64]

# Columns of samples: x and y (m), cosine, sine and angle of the heading (rad), curvature (1/m), and
# two more, of a line the planned speed (m/s) and the planned time from its first sample (s), of a
# road the half widths (m).
X, Y, COS, SIN, HEADING, CURVATURE = 0, 1, 2, 3, 4, 5
SPEED, TIME = 6, 7
LEFT, RIGHT = 6, 7


class Ways(NamedTuple):
    """Closed ways, each sampled evenly in the direction in which it is driven.

    Attributes:
        samples: (M, 8) of all of them, one behind the other.
        ends: (W + 1,) where each begins, and where the last one ends.
        spacing_m: (W,) between the samples of each.
    """

    samples: _FloatArray
    ends: _IntArray
    spacing_m: _FloatArray


class Steering(NamedTuple):
    """How a line is followed, see `RacingLineDriver`.

    Attributes:
        period_s: Control period.
        braked_mps: How much slower the car can be after one.
        driven_mps: How much faster.
        slowest_mps: Never told to go slower, where it can.
        correction_s: Errors fade over about the way of this time,
        shortest_m: but not over a shorter one than this,
        longest_m: nor a longer one.
        max_yaw_rate_radps: Either way.
        top_mps: (K,) the highest speeds in turns, evenly from the sharpest right one to the
            sharpest left one.
        sharpest_per_m: The curvature of these.
    """

    period_s: float
    braked_mps: float
    driven_mps: float
    slowest_mps: float
    correction_s: float
    shortest_m: float
    longest_m: float
    max_yaw_rate_radps: float
    top_mps: _FloatArray
    sharpest_per_m: float


class Prices(NamedTuple):
    """What is as bad as a second lost.

    Attributes:
        standing: A second of standing; the less the faster, and nothing at the slowest speed that
            is planned.
        too_fast: A second of driving 1 m/s faster than planned; with the square of the excess.
        beside: A second of driving 1 m beside the line; with the square of the distance.
        turned: A heading 1 rad away from the line's at the end; with the square of its sine.
        edge: A second of driving a metre too near to the road's edge,
        edge_m: which is nearer than this.
    """

    standing: float
    too_fast: float
    beside: float
    turned: float
    edge: float
    edge_m: float


@numba.njit(cache=True, nogil=True)
def _nearest(way: _FloatArray, spacing_m: float, near: int, x_m: float, y_m: float) -> int:
    """Return the sample nearest to a point, found from one that was so shortly before."""
    for _ in range(8):
        along = way[near, COS] * (x_m - way[near, X]) + way[near, SIN] * (y_m - way[near, Y])
        steps = round(along / spacing_m)
        if steps == 0:
            break
        near = (near + min(max(steps, -16), 16)) % way.shape[0]
    return near


@numba.njit(cache=True, nogil=True)
def _place(way: _FloatArray, near: int, x_m: float, y_m: float) -> tuple[float, float]:
    """Return how far along the way, and to the left beside it, a point is from a sample."""
    dx, dy = x_m - way[near, X], y_m - way[near, Y]
    along = way[near, COS] * dx + way[near, SIN] * dy
    across = way[near, COS] * dy - way[near, SIN] * dx
    return along, across - 0.5 * way[near, CURVATURE] * along * along


@numba.njit(cache=True, nogil=True)
def _heading(way: _FloatArray, spacing_m: float, near: int, along_m: float) -> float:
    """Return the way's heading so far along it from a sample."""
    steps = round(along_m / spacing_m)
    sample = (near + steps) % way.shape[0]
    return float(way[sample, HEADING] + (along_m - steps * spacing_m) * way[sample, CURVATURE])


@numba.njit(cache=True, nogil=True)
def _top_speed(steering: Steering, curvature_per_m: float) -> float:
    last = steering.top_mps.shape[0] - 1
    place = 0.5 * last * (curvature_per_m / steering.sharpest_per_m + 1.0)
    place = min(max(place, 0.0), float(last))
    before = min(int(place), last - 1)
    share = place - before
    top = steering.top_mps
    return float((1.0 - share) * top[before] + share * top[before + 1])


@numba.njit(cache=True, nogil=True)
def _command(
    line: _FloatArray,
    spacing_m: float,
    near: int,
    x_m: float,
    y_m: float,
    yaw_rad: float,
    speed_mps: float,
    steering: Steering,
) -> tuple[float, float]:
    """Return the speed and the yaw rate that bring a car near a sample along its line."""
    along, beside = _place(line, near, x_m, y_m)
    way = max(speed_mps * steering.period_s, spacing_m)
    here = _heading(line, spacing_m, near, along)
    planned = math.sin(_heading(line, spacing_m, near, along + way) - here) / way
    wanted = line[(near + round((along + way) / spacing_m)) % line.shape[0], SPEED]
    low, high = speed_mps - steering.braked_mps, speed_mps + steering.driven_mps
    over = steering.correction_s * min(max(wanted, low), high)
    over = min(max(over, steering.shortest_m), steering.longest_m)
    curvature = planned - 2.0 / over * math.sin(yaw_rad - here) - beside / (over * over)
    wanted = max(min(wanted, _top_speed(steering, curvature)), steering.slowest_mps)
    speed = min(max(wanted, low), high)
    most = steering.max_yaw_rate_radps
    return speed, min(max(speed * curvature, -most), most)


@numba.njit(cache=True, nogil=True)
def follow(
    lines: Ways,
    which: _IntArray,
    near: _IntArray,
    states: _FloatArray,
    steering: Steering,
    commands: _FloatArray,
) -> None:
    """Find the commands (N, 2) that bring cars along their lines.

    Args:
        lines: Of plans.
        which: (N,) the line of each car.
        near: (N,) the sample of it that is nearest.
        states: (N, 4) or more, x, y (m), yaw (rad) and speed (m/s).
        steering: How to follow.
        commands: Changed in place.
    """
    for car in range(which.shape[0]):
        line = lines.samples[lines.ends[which[car]] : lines.ends[which[car] + 1]]
        commands[car] = _command(
            line,
            lines.spacing_m[which[car]],
            near[car],
            states[car, 0],
            states[car, 1],
            states[car, 2],
            states[car, 3],
            steering,
        )


@numba.njit(cache=True, nogil=True)
def look_ahead(
    lines: Ways,
    roads: Ways,
    which: _IntArray,
    near_line: _IntArray,
    near_road: _IntArray,
    states: _FloatArray,
    steering: Steering,
    limits: _FloatArray,
    prices: Prices,
    periods: int,
    commands: _FloatArray,
    costs: _FloatArray,
) -> None:
    """Find what it costs (N, A) to be told each command for a period, and to follow the plan then.

    Args:
        lines: Of plans.
        roads: Around them.
        which: (N,) the line and the road of each car.
        near_line: (N,) the nearest sample of the line.
        near_road: (N,) that of the road.
        states: (N, 6) x, y (m), yaw (rad), speed (m/s), yaw rate (rad/s), steering angle (rad).
        steering: How the plan is followed.
        limits: Those of `advance_single_track`; of a car that obeys at once none, (0,).
        prices: Of what may happen on the way.
        periods: How many control periods, with the first.
        commands: (N, A, 2) for the first one.
        costs: In seconds, changed in place; the time that is planned for the way made is a gain,
            and that for the way which is lost until the planned speed is reached a loss.
    """
    for car in range(which.shape[0]):
        one = which[car]
        _roll_out(
            lines.samples[lines.ends[one] : lines.ends[one + 1]],
            lines.spacing_m[one],
            near_line[car],
            roads.samples[roads.ends[one] : roads.ends[one + 1]],
            roads.spacing_m[one],
            near_road[car],
            states[car],
            steering,
            limits,
            prices,
            periods,
            commands[car],
            costs[car],
        )


@numba.njit(cache=True, nogil=True)
def _roll_out(
    line: _FloatArray,
    line_spacing_m: float,
    near_line: int,
    road: _FloatArray,
    road_spacing_m: float,
    near_road: int,
    state: _FloatArray,
    steering: Steering,
    limits: _FloatArray,
    prices: Prices,
    periods: int,
    commands: _FloatArray,
    costs: _FloatArray,
) -> None:
    """Do for one car what `look_ahead` does for all: a rollout for each of (A, 2) commands."""
    actions = commands.shape[0]
    period = np.full(actions, steering.period_s)
    x_m, y_m = np.full(actions, state[0]), np.full(actions, state[1])
    yaw_rad, speed = np.full(actions, state[2]), np.full(actions, state[3])
    yaw_rate, wheels = np.full(actions, state[4]), np.full(actions, state[5])
    acceleration = np.zeros(actions)
    told = commands.copy()
    at, on = np.full(actions, near_line), np.full(actions, near_road)
    costs[:] = 0.0
    for number in range(periods):
        if number > 0:
            for a in range(actions):
                told[a] = _command(
                    line, line_spacing_m, at[a], x_m[a], y_m[a], yaw_rad[a], speed[a], steering
                )
        if limits.shape[0] == 0:
            advance_kinematic(told, period, x_m, y_m, yaw_rad, speed, yaw_rate)
        else:
            advance_single_track(
                told, period, limits, x_m, y_m, yaw_rad, speed, yaw_rate, wheels, acceleration
            )
        for a in range(actions):
            at[a] = _nearest(line, line_spacing_m, at[a], x_m[a], y_m[a])
            on[a] = _nearest(road, road_spacing_m, on[a], x_m[a], y_m[a])
            _, beside = _place(line, at[a], x_m[a], y_m[a])
            price = _price(beside, speed[a], line[at[a], SPEED], steering, prices)
            _, beside = _place(road, on[a], x_m[a], y_m[a])
            left = min(road[on[a], LEFT] - beside, road[on[a], RIGHT] + beside)
            price += prices.edge * max(prices.edge_m - left, 0.0)
            costs[a] += steering.period_s * price
    start = _time(line, near_line, state[0], state[1])
    for a in range(actions):
        along, _ = _place(line, at[a], x_m[a], y_m[a])
        turned = math.sin(yaw_rad[a] - _heading(line, line_spacing_m, at[a], along))
        costs[a] += prices.turned * turned**2 + _behind(line[at[a], SPEED], speed[a], steering)
        gained = _time(line, at[a], x_m[a], y_m[a]) - start
        costs[a] -= _without_laps(gained, line, line_spacing_m)


@numba.njit(cache=True, nogil=True)
def _price(
    beside_m: float, speed_mps: float, planned_mps: float, steering: Steering, prices: Prices
) -> float:
    """Return what a second of driving so costs, wherever the road's edges are."""
    standing = max(1.0 - speed_mps / steering.slowest_mps, 0.0)
    excess = max(speed_mps - planned_mps, 0.0)
    return prices.standing * standing + prices.too_fast * excess**2 + prices.beside * beside_m**2


@numba.njit(cache=True, nogil=True)
def _behind(planned_mps: float, speed_mps: float, steering: Steering) -> float:
    """Return the time that is lost until a car drives as fast as planned.

    At full drive that takes `v / a`, and half of the way is lost that it is too slow by.
    """
    lacking = max(planned_mps - speed_mps, 0.0)
    return 0.5 * lacking**2 * steering.period_s / (steering.driven_mps * planned_mps)


@numba.njit(cache=True, nogil=True)
def _without_laps(gained_s: float, line: _FloatArray, spacing_m: float) -> float:
    """Return what less than half a lap gained, also over the line's first sample."""
    lap = line[-1, TIME] + spacing_m / line[-1, SPEED]
    if gained_s < -0.5 * lap:
        return float(gained_s + lap)
    if gained_s > 0.5 * lap:
        return float(gained_s - lap)
    return gained_s


@numba.njit(cache=True, nogil=True)
def _time(line: _FloatArray, near: int, x_m: float, y_m: float) -> float:
    """Return the planned time from the line's first sample to a point near one of them."""
    along, _ = _place(line, near, x_m, y_m)
    return float(line[near, TIME] + along / line[near, SPEED])
