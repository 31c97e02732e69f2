"""The plots of a comparison: learning curves of groups, and laps over one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.comparison_curves import Curve, Quantity
from f1_rl.reporting.figures import STAND_INS, inline_svg, new_figure, style
from f1_rl.reporting.lap_map import draw_road, draw_scale, draw_start
from f1_rl.reporting.lap_trace import LapTrace
from f1_rl.reporting.learning_plots import Plot, step_formatter
from f1_rl.reporting.outline import outline_of
from f1_rl.reporting.palette import CURVE_ROLES
from f1_rl.reporting.run_folder import FloatArray

_CURVE_PX: Final = (400, 240)
_LAP_PX: Final = 480
_ZOOMS: Final = 4
_ZOOM_M: Final = 7.0  # half the side of a cut-out; one shows some 14 m of road
_GRID_M: Final = 0.25
_SMOOTHED_M: Final = 4.0
_DASHES: Final = ("-", (0, (5, 2)), (0, (1, 1.5)))


@dataclass(frozen=True)
class DrawnLap:
    """A lap with the look that its run has on the page."""

    label: str
    look: int
    trace: LapTrace


def colour_role(look: int) -> str:
    """Return the role of the palette for the n-th thing that is compared; they repeat."""
    return CURVE_ROLES[look % len(CURVE_ROLES)]


def dashes(look: int) -> Any:
    """Return its line style: solid while the colours last."""
    return _DASHES[look // len(CURVE_ROLES) % len(_DASHES)]


def curve_plot(quantity: Quantity, curves: Sequence[Curve], looks: dict[str, int]) -> Plot | None:
    """Draw one quantity over the steps, a curve with its interval for each group.

    Args:
        quantity: What is drawn.
        curves: Of the groups that have a value.
        looks: By the letter of a group its place among the colours.

    Returns:
        The plot, None where there is no curve.
    """
    if not curves:
        return None
    with style():
        figure = new_figure(*_CURVE_PX)
        axes = figure.add_subplot()
        for curve in curves:
            _draw_curve(axes, curve, looks[curve.group.letter])
        suffix = f" {quantity.unit}" if quantity.unit else ""
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}{suffix}"))
        if quantity.unit == "%":
            axes.set_ylim(-4.0, 107.0)
        axes.set_xlim(left=0)
        axes.set_xlabel("environment steps")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(step_formatter(axes.get_xlim()[1]))
    last = ", ".join(
        f"{curve.group.letter} {curve.value[np.isfinite(curve.value)][-1]:.4g}{suffix}"
        for curve in curves
    )
    description = f"{quantity.title} over environment steps, in the end: {last}."
    return Plot(quantity.title, inline_svg(figure, f"curve-{quantity.key}", description), "")


def _draw_curve(axes: Any, curve: Curve, look: int) -> None:
    colour = STAND_INS[colour_role(look)]
    many = sum(len(steps) for steps, _ in curve.runs) > 40
    for steps, values in curve.runs:
        axes.plot(steps, values, color=colour, alpha=0.3, linewidth=0.8)
    if len(curve.runs) > 1:
        axes.fill_between(curve.steps, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(curve.steps, curve.value, color=colour, linestyle=(0, (2, 2)), linewidth=1.4)
    axes.plot(
        curve.steps,
        curve.whole,
        color=colour,
        linestyle=dashes(look),
        linewidth=2.2,
        marker=None if many else "o",
        markersize=2.5,
    )


def lap_plots(circuit: Circuit, laps: Sequence[DrawnLap], key: str) -> tuple[Plot, ...]:
    """Draw laps of one circuit over one another.

    Args:
        circuit: The circuit.
        laps: The laps, at least one.
        key: A word that no other circuit of the page has.

    Returns:
        Map, cut-outs of it where the lines are farthest apart, and over the distance along the lap
        the time lost to the fastest complete lap, the speed, and the lateral error.
    """
    places = widest_places(circuit, laps)
    plots = (
        _map_plot(circuit, laps, places, key),
        _zoom_plot(circuit, laps, places, key),
        _delta_plot(circuit, laps, key),
        _speed_plot(circuit, laps, key),
        _lateral_plot(circuit, laps, key),
    )
    return tuple(plot for plot in plots if plot is not None)


def widest_places(circuit: Circuit, laps: Sequence[DrawnLap]) -> FloatArray:
    """Return up to four places, (P,) arc lengths, where the lines are farthest apart.

    They are at least a tenth of the circuit from each other, in the order of the lap.
    """
    grid = _grid(circuit)
    lateral = np.array([lap.trace.at(lap.trace.lateral_error_m, grid) for lap in laps])
    spread = np.ptp(lateral, axis=0)
    spread = np.where(np.isfinite(spread), spread, -1.0)
    places: list[float] = []
    while len(places) < _ZOOMS and spread.max() > 0.0:
        place = float(grid[spread.argmax()])
        places.append(place)
        apart = np.abs((grid - place + circuit.length_m / 2) % circuit.length_m)
        near = np.abs(apart - circuit.length_m / 2) < circuit.length_m / 10
        spread = np.where(near, -1.0, spread)
    return np.sort(np.array(places))


def time_lost_s(lap: LapTrace, fastest: LapTrace, progress_m: FloatArray) -> FloatArray:
    """Return by how much a lap was behind another at places along it, (P,); NaN beyond its end."""
    return np.asarray(lap.at(lap.time_s, progress_m) - fastest.at(fastest.time_s, progress_m))


def fastest_of(laps: Sequence[LapTrace]) -> LapTrace | None:
    """Return the complete lap that took least, None where none is complete."""
    return min(
        (lap for lap in laps if lap.is_complete), key=lambda lap: lap.lap_time_s, default=None
    )


def _grid(circuit: Circuit) -> FloatArray:
    return np.linspace(0.0, circuit.length_m, max(2, round(circuit.length_m / _GRID_M)))


def _map_plot(circuit: Circuit, laps: Sequence[DrawnLap], places: FloatArray, key: str) -> Plot:
    outline = outline_of(circuit, 600)
    edges = np.concatenate([outline.left_m, outline.right_m])
    drawn = np.array([_centre(circuit, place) for place in places]).reshape(-1, 2)
    drawn = np.concatenate([edges, drawn - _ZOOM_M, drawn + _ZOOM_M])
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    extent_m = float((high - low).max())
    ratio = float(np.clip((high[1] - low[1]) / max(high[0] - low[0], 1e-6), 0.35, 1.15))
    with style():
        figure = new_figure(_LAP_PX, round(_LAP_PX * ratio) + 40, automatic_layout=False)
        size = figure.get_size_inches() * 72
        axes = figure.add_axes((0.0, 32 / size[1], 1.0, 1.0 - 36 / size[1]))
        _prepare_map(axes, (low + high) / 2, (high - low) / 2 + 0.02 * extent_m)
        draw_road(axes, outline, "grid")
        _draw_lines(axes, laps, 1.5)
        draw_start(axes, outline, _points(laps[0].trace), 0.1 * extent_m)
        if len(laps) > 1:
            _draw_frames(axes, circuit, places)
        draw_scale(figure.add_axes((0.68, 20 / size[1], 0.28, 9 / size[1])), axes, size[0])
    description = f"Map of the circuit {circuit.name} with {len(laps)} driven lines."
    caption = "Seen from above; the arrow shows the direction."
    if len(laps) > 1 and len(places):
        caption += " The numbered squares are drawn larger beside it."
    return Plot("The lines", inline_svg(figure, f"map-{key}", description), caption)


def _zoom_plot(
    circuit: Circuit, laps: Sequence[DrawnLap], places: FloatArray, key: str
) -> Plot | None:
    if not len(places) or len(laps) < 2:
        return None
    rows = -(-len(places) // 2)
    outline = outline_of(circuit)
    with style():
        figure = new_figure(_LAP_PX, 236 * rows, automatic_layout=False)
        for i, place in enumerate(places):
            left, top = (i % 2) * 0.5, 1.0 - (i // 2) / rows
            axes = figure.add_axes((left + 0.005, top - 0.99 / rows, 0.49, 0.98 / rows))
            centre = _centre(circuit, place)
            _prepare_map(axes, centre, np.full(2, _ZOOM_M))
            draw_road(axes, outline, "grid")
            axes.plot(*outline.centre_m.T, color=STAND_INS["edge"], linewidth=0.8, zorder=2.5)
            _draw_lines(axes, laps, 2.2)
            axes.add_patch(_frame(centre, _ZOOM_M * 0.995))
            corner = centre + np.array([-0.88, 0.84]) * _ZOOM_M
            axes.annotate(
                f"{i + 1}", tuple(corner), ha="center", va="center", weight="bold", zorder=6
            )
            corner = centre + np.array([0.92, -0.9]) * _ZOOM_M
            text = f"at {place:.0f} m"
            axes.annotate(text, tuple(corner), ha="right", color=STAND_INS["muted"], zorder=6)
    listed = ", ".join(f"{place:.0f} m" for place in places)
    description = f"The driven lines where they are farthest apart, at {listed} along the lap."
    caption = (
        f"The lines where they are farthest apart, {2 * _ZOOM_M:.0f} m of road each; thin grey is "
        "the centre line."
    )
    return Plot("Where they differ most", inline_svg(figure, f"zoom-{key}", description), caption)


def _delta_plot(circuit: Circuit, laps: Sequence[DrawnLap], key: str) -> Plot | None:
    fastest = fastest_of([lap.trace for lap in laps])
    if fastest is None or len(laps) < 2:
        return None
    grid = _grid(circuit)
    with style():
        figure, axes = _along(circuit)
        for lap in laps:
            lost_s = time_lost_s(lap.trace, fastest, grid)
            axes.plot(grid, lost_s, **_look(lap.look), linewidth=1.9)
        axes.set_ylabel("s behind")
    best = next(lap for lap in laps if lap.trace is fastest)
    ends = ", ".join(
        f"{lap.label} {lap.trace.lap_time_s - fastest.lap_time_s:+.2f} s"
        for lap in laps
        if lap.trace is not fastest
    )
    description = f"Time behind {best.label} along the lap; at the end: {ends}."
    caption = (
        f"Time behind the fastest lap, {best.label}, at the same place: a line that rises loses "
        "time there, one that falls gains it."
    )
    svg = inline_svg(figure, f"delta-{key}", description)
    return Plot("Time behind the fastest", svg, caption)


def _speed_plot(circuit: Circuit, laps: Sequence[DrawnLap], key: str) -> Plot:
    """Draw what the car made good along the centre line, which is also what a lap time sums up."""
    grid = _grid(circuit)
    half_m = _SMOOTHED_M / 2
    ends_m = np.clip([grid - half_m, grid + half_m], 0.0, circuit.length_m)
    with style():
        figure, axes = _along(circuit)
        for lap in laps:
            since_s, until_s = (lap.trace.at(lap.trace.time_s, end) for end in ends_m)
            speed_mps = (ends_m[1] - ends_m[0]) / (until_s - since_s)
            axes.plot(grid, speed_mps, **_look(lap.look), linewidth=1.7)
        axes.set_ylabel("m/s")
    means = ", ".join(
        f"{lap.label} {lap.trace.progress_m[-1] / lap.trace.time_s[-1]:.2f} m/s" for lap in laps
    )
    description = f"Speed along the lap; on average {means}."
    caption = f"Along the centre line, averaged over {_SMOOTHED_M:g} m."
    return Plot("Speed", inline_svg(figure, f"speed-{key}", description), caption)


def _lateral_plot(circuit: Circuit, laps: Sequence[DrawnLap], key: str) -> Plot:
    with style():
        figure, axes = _along(circuit)
        for lap in laps:
            error_cm = 100.0 * lap.trace.lateral_error_m
            axes.plot(lap.trace.progress_m, error_cm, **_look(lap.look), linewidth=1.7)
        axes.axhline(0.0, color=STAND_INS["edge"], linewidth=0.9, zorder=1)
        axes.set_ylabel(
            "\N{LEFTWARDS ARROW} right\N{EM SPACE}cm\N{EM SPACE}left \N{RIGHTWARDS ARROW}"
        )
    means = ", ".join(
        f"{lap.label} {100.0 * np.abs(lap.trace.lateral_error_m).mean():.1f} cm" for lap in laps
    )
    description = f"Lateral error along the lap; on average {means} from the centre line."
    caption = "Distance from the centre line, positive to its left."
    return Plot("Lateral error", inline_svg(figure, f"lateral-{key}", description), caption)


def _along(circuit: Circuit) -> tuple[Any, Any]:
    figure = new_figure(_LAP_PX, 215)
    axes = figure.add_subplot()
    axes.set_xlim(0.0, circuit.length_m)
    axes.set_xlabel("distance along the lap, m")
    return figure, axes


def _look(look: int) -> dict[str, Any]:
    return {"color": STAND_INS[colour_role(look)], "linestyle": dashes(look)}


def _prepare_map(axes: Any, centre_m: FloatArray, half_m: FloatArray) -> None:
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(centre_m[0] - half_m[0], centre_m[0] + half_m[0])
    axes.set_ylim(centre_m[1] - half_m[1], centre_m[1] + half_m[1])


def _draw_lines(axes: Any, laps: Sequence[DrawnLap], width: float) -> None:
    for lap in laps:
        axes.plot(*_points(lap.trace).T, **_look(lap.look), linewidth=width, zorder=3)


def _draw_frames(axes: Any, circuit: Circuit, places: FloatArray) -> None:
    for i, place in enumerate(places):
        centre = _centre(circuit, place)
        axes.add_patch(_frame(centre, _ZOOM_M))
        corner = centre + np.array([-0.6, 0.55]) * _ZOOM_M
        axes.annotate(f"{i + 1}", corner, ha="center", va="center", fontsize=10, zorder=6)


def _frame(centre_m: FloatArray, half_m: float) -> Rectangle:
    return Rectangle(
        tuple(centre_m - half_m),
        2 * half_m,
        2 * half_m,
        facecolor="none",
        edgecolor=STAND_INS["muted"],
        linewidth=0.9,
        zorder=5,
    )


def _centre(circuit: Circuit, place_m: float) -> FloatArray:
    pose = circuit.pose_at(np.array([place_m]))
    return np.array([pose.x_m[0], pose.y_m[0]])


def _points(trace: LapTrace) -> FloatArray:
    return np.stack([trace.x_m, trace.y_m], axis=1)
