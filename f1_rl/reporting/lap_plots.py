"""The plots of one lap: the circuit from above, the lateral error, the commands, the actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.figures import STAND_INS, inline_svg, new_figure, style
from f1_rl.reporting.lap_map import WIDTH_PX, Shade, lap_map
from f1_rl.reporting.learning_plots import Plot
from f1_rl.reporting.run_folder import FloatArray, Lap
from f1_rl.simulation import Obstacle


def lap_plots(
    lap: Lap | None,
    circuit: Circuit | None,
    action_names: Sequence[str],
    obstacles: Sequence[Obstacle] = (),
) -> tuple[Plot, ...]:
    """Draw the plots of a lap.

    Args:
        lap: The trace, if there is one.
        circuit: The circuit that was driven, if it is known.
        action_names: Names of the actions, empty if they are not known.
        obstacles: Where boxes and slower cars were.

    Returns:
        The map first; only plots for which the trace has values.
    """
    if lap is None:
        return ()
    plots = (
        _map_plot(lap, circuit, obstacles),
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


def describe_obstacles(obstacles: Sequence[Obstacle]) -> str:
    """Return the sentences that a map's caption needs for them; empty where there are none."""
    kinds = {obstacle.kind for obstacle in obstacles}
    sentences = {
        "box": " Squares: boxes.",
        "car": " Arrowheads: slower cars, each where the car came nearest to it.",
    }
    return "".join(sentence for kind, sentence in sentences.items() if kind in kinds)


def _map_plot(lap: Lap, circuit: Circuit | None, obstacles: Sequence[Obstacle]) -> Plot | None:
    shade = Shade(lap.speed_mps, "speed, m/s")
    where = f"the circuit {circuit.name}" if circuit is not None else "the driven line"
    description = f"Map of {where} with the driven line coloured by speed" + (
        f", from {shade.range[0]:.1f} to {shade.range[1]:.1f} m/s." if shade.range else "."
    )
    svg = lap_map("map", lap, circuit, shade, description, obstacles)
    caption = "Seen from above: the driven line, coloured by speed; the arrow shows the direction."
    caption += describe_obstacles(obstacles)
    if circuit is None:
        caption += " The circuit itself could not be loaded, so the road is not drawn."
    return None if svg is None else Plot("The lap", svg, caption)


def along(lap: Lap, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return arc length and values, broken where the trace crosses the start line."""
    arc_length_m, values = lap.arc_length_m.copy(), values.copy()
    known = np.isfinite(arc_length_m) & np.isfinite(values)
    arc_length_m, values = arc_length_m[known], values[known]
    if len(arc_length_m) < 2:
        return arc_length_m, values
    breaks = np.flatnonzero(np.abs(np.diff(arc_length_m)) > np.ptp(arc_length_m) / 2) + 1
    return np.insert(arc_length_m, breaks, np.nan), np.insert(values, breaks, np.nan)


def _lateral_plot(lap: Lap, circuit: Circuit | None) -> Plot | None:
    arc_length_m, error_m = along(lap, lap.lateral_error_m)
    if len(arc_length_m) < 2:
        return None
    peak_m = float(np.nanmax(np.abs(error_m)))
    with style():
        figure = new_figure(WIDTH_PX, 210)
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
        figure = new_figure(WIDTH_PX, 330)
        panels = figure.subplots(2, 1, sharex=True)
        for axes, (label, command, actual) in zip(panels, rows, strict=True):
            at_m, values = along(lap, command)
            axes.step(at_m, values, where="post", color=STAND_INS["edge"], linewidth=1.1)
            axes.plot(*along(lap, actual), color=STAND_INS["accent"], linewidth=1.6)
            axes.set_ylabel(label)
            axes.margins(x=0)
        panels[1].set_xlabel("distance along the lap, m")
    speed = lap.speed_mps[np.isfinite(lap.speed_mps)]
    description = "Speed and yaw rate along the lap, commanded and driven" + (
        f"; speeds from {speed.min():.1f} to {speed.max():.1f} m/s." if len(speed) else "."
    )
    caption = "Thin grey: what the policy commanded. Coloured: what the car did. Left is positive."
    return Plot("Speed and yaw rate", inline_svg(figure, "commands", description), caption)


def _actions_plot(lap: Lap, action_names: Sequence[str]) -> Plot | None:
    counts = action_counts(lap, action_names)
    total = sum(count for _, count in counts)
    if not total:
        return None
    shares = np.array([100.0 * count / total for _, count in counts])
    labels = [f"{name}{_command(lap, i)}" for i, (name, _) in enumerate(counts)]
    with style():
        figure = new_figure(WIDTH_PX, 30 + 31 * len(counts))
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
