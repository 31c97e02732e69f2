"""The plots of one lap: the circuit from above, the lateral error, the commands, the actions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Polygon

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.figures import STAND_INS, inline_svg, new_figure, style
from f1_rl.reporting.learning_plots import Plot
from f1_rl.reporting.outline import Outline, outline_of
from f1_rl.reporting.palette import speed_colours
from f1_rl.reporting.run_folder import FloatArray, Lap

_WIDTH_PX: Final = 480
_MAX_SEGMENTS: Final = 500
_JUMP_M: Final = 3.0  # farther than that between two samples is no driving


def lap_plots(
    lap: Lap | None, circuit: Circuit | None, action_names: Sequence[str]
) -> tuple[Plot, ...]:
    """Draw the plots of a lap.

    Args:
        lap: The trace, if there is one.
        circuit: The circuit that was driven, if it is known.
        action_names: Names of the actions, empty if they are not known.

    Returns:
        The map first; only plots for which the trace has values.
    """
    if lap is None:
        return ()
    plots = (
        _map_plot(lap, circuit),
        _lateral_plot(lap, circuit),
        _commands_plot(lap),
        _actions_plot(lap, action_names),
    )
    return tuple(plot for plot in plots if plot is not None)


def action_counts(lap: Lap, action_names: Sequence[str]) -> list[tuple[str, int]]:
    """Count how often each action was taken.

    Args:
        lap: The trace of the lap.
        action_names: Names of the actions; those without a name are numbered.

    Returns:
        (name, count) of every action, those that never occurred included.
    """
    taken = lap.action[np.isfinite(lap.action) & (lap.action >= 0)].astype(np.int64)
    size = max(len(action_names), lap.q_values.shape[1], int(taken.max(initial=-1)) + 1)
    counts = np.bincount(taken, minlength=size)
    names = [*action_names, *(f"action {i}" for i in range(len(action_names), size))]
    return [(name, int(count)) for name, count in zip(names, counts, strict=True)]


def _map_plot(lap: Lap, circuit: Circuit | None) -> Plot | None:
    points_m = np.stack([lap.x_m, lap.y_m], axis=1)
    known = np.isfinite(points_m).all(axis=1)
    if known.sum() < 2:
        return None
    points_m, speed_mps = points_m[known], lap.speed_mps[known]
    outline = outline_of(circuit, 600) if circuit is not None else None
    drawn = points_m if outline is None else np.concatenate([outline.left_m, outline.right_m])
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    ratio = float(np.clip((high[1] - low[1]) / max(high[0] - low[0], 1e-6), 0.35, 1.15))
    with style():
        figure = new_figure(_WIDTH_PX, round(_WIDTH_PX * ratio) + 70, automatic_layout=False)
        size = figure.get_size_inches() * 72
        axes = figure.add_axes((0.0, 62 / size[1], 1.0, 1.0 - 66 / size[1]))
        axes.set_axis_off()
        axes.set_aspect("equal")
        margin_m = 0.05 * float((high - low).max())
        axes.set_xlim(low[0] - margin_m, high[0] + margin_m)
        axes.set_ylim(low[1] - margin_m, high[1] + margin_m)
        if outline is not None:
            _draw_road(axes, outline)
        extremes = _draw_driven_line(axes, points_m, speed_mps)
        _draw_start(axes, outline, points_m, float(0.1 * (high - low).max()))
        if extremes is not None:
            bar = figure.add_axes((0.06, 36 / size[1], 0.55, 9 / size[1]))
            _draw_colour_bar(bar, extremes)
        _draw_scale(figure.add_axes((0.68, 36 / size[1], 0.28, 9 / size[1])), axes, size[0])
    where = f"the circuit {circuit.name}" if circuit is not None else "the driven line"
    description = f"Map of {where} with the driven line coloured by speed" + (
        f", from {extremes[0]:.1f} to {extremes[1]:.1f} m/s." if extremes is not None else "."
    )
    caption = "Seen from above: the driven line, coloured by speed; the arrow shows the direction."
    if circuit is None:
        caption += " The circuit itself could not be loaded, so the road is not drawn."
    return Plot("The lap", inline_svg(figure, "map", description), caption)


def _draw_road(axes: Any, outline: Outline) -> None:
    left, right = outline.left_m, outline.right_m[::-1]
    codes = [Polygon.MOVETO] + [Polygon.LINETO] * (len(left) - 2) + [Polygon.CLOSEPOLY]
    ring = Polygon(np.concatenate([left, right]), codes * 2)
    axes.add_patch(PathPatch(ring, facecolor=STAND_INS["road"], edgecolor="none", zorder=1))
    for edge in (left, right):
        axes.plot(edge[:, 0], edge[:, 1], color=STAND_INS["edge"], linewidth=0.9, zorder=2)


def _draw_driven_line(
    axes: Any, points_m: FloatArray, speed_mps: FloatArray
) -> tuple[float, float] | None:
    """Draw the trace; return the range of its speeds, or None where none is known."""
    chosen = np.unique(np.linspace(0, len(points_m) - 1, _MAX_SEGMENTS + 1).astype(np.int64))
    ends = np.stack([points_m[chosen[:-1]], points_m[chosen[1:]]], axis=1)
    gaps = np.abs(np.diff(points_m, axis=0)).max(axis=1) > _JUMP_M
    whole = np.array([not gaps[a:b].any() for a, b in pairwise(chosen)])
    speeds = speed_mps[chosen[1:]]
    known = np.isfinite(speeds)
    if known.any():
        low, high = float(speeds[known].min()), float(speeds[known].max())
        fractions = np.where(known, (speeds - low) / max(high - low, 1e-9), 1.0)
        colours = speed_colours(fractions)
    else:
        colours = speed_colours(np.ones(len(speeds)))
    line = LineCollection(
        ends[whole], colors=colours[whole], linewidths=2.6, capstyle="round", zorder=3
    )
    axes.add_collection(line)
    return (low, high) if known.any() else None


def _draw_start(axes: Any, outline: Outline | None, points_m: FloatArray, arrow_m: float) -> None:
    """Draw the start line, and beside the road an arrow in the driving direction."""
    start_m = points_m[0] if outline is None else outline.start_m.mean(axis=0)
    if outline is not None:
        ends = outline.start_m
        axes.plot(ends[:, 0], ends[:, 1], color=STAND_INS["mark"], linewidth=3.2, zorder=4)
    nearest = int(np.argmin(((points_m - start_m) ** 2).sum(axis=1)))
    # The direction a few samples on, because the line is often crossed between two samples.
    ahead = points_m[min(nearest + 3, len(points_m) - 1)] - points_m[max(nearest - 3, 0)]
    length = float(np.hypot(*ahead))
    if length == 0.0 or length > arrow_m * 3:
        ahead, length = points_m[min(3, len(points_m) - 1)] - points_m[0], 1.0
        length = max(float(np.hypot(*ahead)), 1e-9)
    forward = ahead / length
    aside = np.array([-forward[1], forward[0]])
    if aside @ (points_m.mean(axis=0) - start_m) < 0:
        aside = -aside  # into the circuit, where there is room
    half_width = 0.0
    if outline is not None:
        half_width = float(np.hypot(*(outline.start_m[1] - outline.start_m[0]))) / 2
    tail = start_m + aside * (half_width + 0.35 * arrow_m)
    axes.annotate(
        "",
        xy=tail + forward * arrow_m,
        xytext=tail,
        arrowprops={
            "arrowstyle": "-|>,head_length=0.5,head_width=0.25",
            "color": STAND_INS["accent"],
            "linewidth": 2.2,
        },
        zorder=5,
    )
    label = tail + aside * 0.3 * arrow_m + forward * 0.5 * arrow_m
    axes.text(*label, "start", ha="center", va="center", fontsize=11, zorder=5)


def _draw_colour_bar(axes: Any, extremes: tuple[float, float]) -> None:
    low, high = extremes
    ramp = np.linspace(0.0, 1.0, 128)
    box = (low, max(high, low + 1e-3), 0.0, 1.0)
    colours = ListedColormap(speed_colours(ramp).tolist())
    axes.imshow(ramp[np.newaxis], cmap=colours, aspect="auto", extent=box, interpolation="none")
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(length=0)
    axes.set_xlabel("speed, m/s", labelpad=2)


def _draw_scale(axes: Any, map_axes: Any, width_px: float) -> None:
    """Draw a bar of a round length in the map's own scale."""
    axes.set_axis_off()
    limits = map_axes.get_xlim(), map_axes.get_ylim()
    box = map_axes.get_position()
    height_px = map_axes.figure.get_size_inches()[1] * 72 * box.height
    m_per_px = max(
        (limits[0][1] - limits[0][0]) / width_px, (limits[1][1] - limits[1][0]) / height_px
    )
    longest_m = 0.24 * width_px * m_per_px
    power = 10.0 ** np.floor(np.log10(longest_m))
    length_m = max(step for step in (1.0, 2.0, 5.0) if step * power <= longest_m) * power
    share = length_m / m_per_px / (0.28 * width_px)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.plot([1 - share, 1], [0.2, 0.2], color=STAND_INS["muted"], linewidth=2.2, clip_on=False)
    axes.text(
        1 - share / 2, -0.6, f"{length_m:g} m", ha="center", va="top", color=STAND_INS["muted"]
    )


def _along(lap: Lap, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return arc length and values, broken where the trace crosses the start line."""
    arc_length_m, values = lap.arc_length_m.copy(), values.copy()
    known = np.isfinite(arc_length_m) & np.isfinite(values)
    arc_length_m, values = arc_length_m[known], values[known]
    if len(arc_length_m) < 2:
        return arc_length_m, values
    breaks = np.flatnonzero(np.abs(np.diff(arc_length_m)) > np.ptp(arc_length_m) / 2) + 1
    return np.insert(arc_length_m, breaks, np.nan), np.insert(values, breaks, np.nan)


def _lateral_plot(lap: Lap, circuit: Circuit | None) -> Plot | None:
    arc_length_m, error_m = _along(lap, lap.lateral_error_m)
    if len(arc_length_m) < 2:
        return None
    peak_m = float(np.nanmax(np.abs(error_m)))
    with style():
        figure = new_figure(_WIDTH_PX, 210)
        axes = figure.add_subplot()
        note = _draw_references(axes, circuit, peak_m) if circuit is not None else ""
        axes.plot(arc_length_m, error_m * 100, color=STAND_INS["second"])
        axes.set_ylabel("← right\N{EM SPACE}cm\N{EM SPACE}left →")
        axes.set_xlabel("distance along the lap, m")
        axes.margins(x=0)
    mean_m = float(np.nanmean(np.abs(error_m)))
    description = (
        f"Lateral error along the lap: on average {mean_m * 100:.1f} cm, "
        f"at most {peak_m * 100:.1f} cm from the centre line."
    )
    caption = f"Distance from the centre line, positive to its left. {note}"
    return Plot("Lateral error", inline_svg(figure, "lateral", description), caption.strip())


def _draw_references(axes: Any, circuit: Circuit, peak_m: float) -> str:
    """Draw the painted line and the road's edges as far as they fit; say where they are."""
    notes = []
    half_line_cm = circuit.line_width_m * 50
    if circuit.has_line:
        axes.axhspan(-half_line_cm, half_line_cm, color=STAND_INS["accent"], alpha=0.18, lw=0)
        notes.append(f"Band: the painted line, {circuit.line_width_m * 100:.0f} cm wide.")
    left_m, right_m = float(circuit.width_left_m.min()), float(circuit.width_right_m.min())
    limit_cm = max(1.25 * peak_m * 100, 1.6 * half_line_cm, 5.0)
    if limit_cm > 50.0 * min(left_m, right_m):
        # The car comes near the edge: show the whole road.
        limit_cm = max(limit_cm, 110.0 * max(left_m, right_m))
        for edge_cm in (left_m * 100, -right_m * 100):
            axes.axhline(edge_cm, color=STAND_INS["edge"], linewidth=2.4)
        notes.append("Thick lines: the edges of the road.")
    else:
        nearest_m = min(left_m, right_m)
        notes.append(f"The road ends {nearest_m * 100:.0f} cm from the centre, beyond this plot.")
    axes.set_ylim(-limit_cm, limit_cm)
    axes.axhline(0.0, color=STAND_INS["edge"], linewidth=0.9)
    return " ".join(notes)


def _commands_plot(lap: Lap) -> Plot | None:
    rows = (
        ("speed, m/s", lap.command_speed_mps, lap.speed_mps),
        ("yaw rate, rad/s", lap.command_yaw_rate_radps, lap.yaw_rate_radps),
    )
    if not any(np.isfinite(lap.arc_length_m + values).sum() >= 2 for _, *v in rows for values in v):
        return None
    with style():
        figure = new_figure(_WIDTH_PX, 330)
        panels = figure.subplots(2, 1, sharex=True)
        for axes, (label, command, actual) in zip(panels, rows, strict=True):
            at_m, values = _along(lap, command)
            axes.step(at_m, values, where="post", color=STAND_INS["edge"], linewidth=1.1)
            axes.plot(*_along(lap, actual), color=STAND_INS["accent"], linewidth=1.6)
            axes.set_ylabel(label)
            axes.margins(x=0)
        panels[1].set_xlabel("distance along the lap, m")
    speed = lap.speed_mps[np.isfinite(lap.speed_mps)]
    description = "Speed and yaw rate along the lap, commanded and driven" + (
        f"; speeds from {speed.min():.1f} to {speed.max():.1f} m/s." if len(speed) else "."
    )
    caption = "Thin grey: what the network commanded. Coloured: what the car did. Left is positive."
    return Plot("Speed and yaw rate", inline_svg(figure, "commands", description), caption)


def _actions_plot(lap: Lap, action_names: Sequence[str]) -> Plot | None:
    counts = action_counts(lap, action_names)
    total = sum(count for _, count in counts)
    if not total:
        return None
    shares = np.array([100.0 * count / total for _, count in counts])
    labels = [f"{name}{_command(lap, i)}" for i, (name, _) in enumerate(counts)]
    with style():
        figure = new_figure(_WIDTH_PX, 30 + 31 * len(counts))
        axes = figure.add_subplot()
        axes.barh(range(len(shares)), shares, color=STAND_INS["second"], height=0.68)
        for i, share in enumerate(shares):
            axes.text(share + 0.6, i, f"{share:.0f} %", va="center", fontsize=10)
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(axis="y", length=0, labelcolor=STAND_INS["ink"])
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_xticks([])
        axes.spines[:].set_visible(False)
        axes.set_xlim(0, max(shares) * 1.14)
    listed = ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in counts)
    caption = "How often each action was chosen in the lap, with the commands that it stands for."
    svg = inline_svg(figure, "actions", f"Share of the actions: {listed}.")
    return Plot("Actions", svg, caption)


def _command(lap: Lap, action: int) -> str:
    """Return the command of an action as it was seen in the lap, if it occurred."""
    chosen = lap.action == action
    pair = lap.command_speed_mps[chosen], lap.command_yaw_rate_radps[chosen]
    if not all(np.isfinite(values).any() for values in pair):
        return ""
    speed_mps, yaw_rate_radps = (float(np.nanmedian(values)) for values in pair)
    return f"\n{speed_mps:.1f} m/s, {yaw_rate_radps:+.2f} rad/s".replace("-", "\N{MINUS SIGN}")
