"""How sure a policy is of its decisions along a lap, and which moments of it tell the most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.geometry import Poses
from f1_rl.reporting.run_folder import FloatArray, Lap

_SMOOTHED_S: Final = 0.5
_TIGHTEST: Final = 0.98  # of the largest curvature is the same corner


def decision_margin(lap: Lap) -> FloatArray:
    """Return by how much the best action leads in each control period of a lap.

    The lead is the best Q-value minus the second best. Q-values have the unit of a return, which
    differs from task to task, so the lead is given as a share of this policy's own scale: the
    median over the lap of the best minus the worst Q-value. A scale of the whole lap keeps apart
    what one of each moment would mix up: two actions that are equally good where a third would be
    a mistake, and a place at which it does not matter what is done.

    Args:
        lap: The trace.

    Returns:
        (T,) >= 0: 0 where two actions seem equally good; NaN where fewer than two are known.
    """
    q_values = lap.q_values
    if q_values.shape[1] < 2:
        return np.full(len(lap), np.nan)
    ordered = np.sort(q_values, axis=1)  # NaN comes last, and makes the lead NaN
    scale = ordered[:, -1] - ordered[:, 0]
    known = np.isfinite(scale)
    typical = float(np.median(scale[known])) if known.any() else np.nan
    lead = ordered[:, -1] - ordered[:, -2]
    return np.asarray(lead / typical if typical > 0.0 else np.full(len(lap), np.nan))


def smoothed(lap: Lap, values: FloatArray) -> FloatArray:
    """Return the mean of the known values within a quarter of a second before and after.

    Args:
        lap: The trace.
        values: (T,).

    Returns:
        (T,); NaN where none is known.
    """
    steps = np.diff(lap.time_s)
    steps = steps[np.isfinite(steps) & (steps > 0.0)]
    if not len(steps):
        return values
    width = 2 * round(_SMOOTHED_S / float(np.median(steps)) / 2) + 1
    known = np.isfinite(values)
    window = np.ones(min(width, len(values)))
    counts = np.convolve(known.astype(np.float64), window, "same")
    sums = np.convolve(np.where(known, values, 0.0), window, "same")
    return np.asarray(np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0.5))


@dataclass(frozen=True)
class Moment:
    """A moment of a lap that is worth a look.

    Attributes:
        title: What makes it so.
        text: Where it was and what was decided there.
        index: Control period of the lap, from 0.
    """

    title: str
    text: str
    index: int


def telling_moments(
    lap: Lap, circuit: Circuit | None, action_names: tuple[str, ...]
) -> tuple[Moment, ...]:
    """Find the moments of a lap that tell the most about its driver.

    Args:
        lap: The trace.
        circuit: The circuit, if it is known.
        action_names: Names of the actions, empty if they are not known.

    Returns:
        Where the policy hesitates most and where it is surest, the middle of the tightest corner,
        and the largest lateral error, as far as the trace tells them; what is the same moment but
        for half a second counts as one.
    """
    margin = smoothed(lap, decision_margin(lap))
    found = (
        ("Where it hesitates most", _least(margin)),
        ("Where it is surest", _least(-margin)),
        ("In the tightest corner", _tightest(lap, circuit)),
        ("Farthest from the centre line", _least(-np.abs(lap.lateral_error_m))),
    )
    titles: dict[int, str] = {}
    for title, index in found:
        if index is None:
            continue
        same = [i for i in titles if abs(lap.time_s[i] - lap.time_s[index]) <= _SMOOTHED_S]
        if same:
            titles[same[0]] += f", and {title[0].lower()}{title[1:]}"
        else:
            titles[index] = title
    return tuple(
        Moment(title, _describe(lap, index, action_names), index) for index, title in titles.items()
    )


def _least(values: FloatArray) -> int | None:
    return int(np.nanargmin(values)) if np.isfinite(values).any() else None


def _tightest(lap: Lap, circuit: Circuit | None) -> int | None:
    """Return the middle of the first of the tightest corners."""
    known = np.flatnonzero(np.isfinite(lap.x_m + lap.y_m))
    if circuit is None or not len(known):
        return None
    poses = Poses(lap.x_m[known], lap.y_m[known], np.zeros(len(known)))
    curvature = np.abs(circuit.project(poses).curvature_per_m)
    tight = curvature >= _TIGHTEST * curvature.max()
    first = int(tight.argmax())
    beyond = np.flatnonzero(~tight[first:])
    end = first + int(beyond[0]) if len(beyond) else len(tight)
    return int(known[(first + end - 1) // 2])


def _describe(lap: Lap, index: int, action_names: tuple[str, ...]) -> str:
    parts = []
    for value, form in (
        (lap.arc_length_m[index], "at {:.0f} m"),
        (lap.time_s[index], "after {:.1f} s"),
        (100 * abs(lap.lateral_error_m[index]), "{:.0f} cm from the centre line"),
    ):
        if np.isfinite(value):
            parts.append(form.format(value))
    text = ", ".join(parts)
    q_values = lap.q_values[index]
    if len(q_values) < 2 or not np.isfinite(q_values).all():
        return _sentence(text)
    best, second = np.argsort(q_values)[::-1][:2]
    names = [action_names[i] if i < len(action_names) else f"action {i}" for i in (best, second)]
    choice = f"“{names[0]}” ({q_values[best]:.3f}) before “{names[1]}” ({q_values[second]:.3f})"
    return _sentence(f"{text}: {choice}" if text else choice)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
