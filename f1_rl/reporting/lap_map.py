"""The circuit from above with the driven line, coloured by a quantity of choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.markers import MarkerStyle
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Polygon

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.figures import STAND_INS, inline_svg, new_figure, style
from f1_rl.reporting.outline import Outline, outline_of
from f1_rl.reporting.palette import speed_colours
from f1_rl.reporting.run_folder import FloatArray, Lap
from f1_rl.simulation import Obstacle

WIDTH_PX: Final = 480
_MAX_SEGMENTS: Final = 500
_JUMP_M: Final = 3.0  # farther than that between two samples is no driving
# About the middle, pointing to the right.
_BOX: Final = Polygon(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]), closed=True)
_CAR: Final = Polygon(
    np.array([[1.0, 0.0], [-0.8, 0.75], [-0.5, 0.0], [-0.8, -0.75], [1.0, 0.0]]), closed=True
)


@dataclass(frozen=True)
class Shade:
    """What colours the driven line.

    Attributes:
        values: (T,) for each control period of the lap; NaN where it is not known.
        label: The quantity and its unit, under the bar of the colours.
        limits: The values of the first and the last colour; None: the least and the largest.
        colours: From fractions of the range, (N,) in 0 to 1, to (N, 3) RGB in 0 to 1.
    """

    values: FloatArray
    label: str
    limits: tuple[float, float] | None = None
    colours: Callable[[npt.ArrayLike], FloatArray] = speed_colours

    @property
    def range(self) -> tuple[float, float] | None:
        """The values of the first and the last colour, None where no value is known."""
        known = self.values[np.isfinite(self.values)]
        if not len(known):
            return None
        return self.limits or (float(known.min()), float(known.max()))


def lap_map(
    key: str,
    lap: Lap,
    circuit: Circuit | None,
    shade: Shade,
    description: str,
    obstacles: Sequence[Obstacle] = (),
) -> str | None:
    """Draw a lap from above.

    Args:
        key: A word that no other figure of the page has.
        lap: The trace.
        circuit: The circuit, if it is known; its road is drawn beneath.
        shade: What colours the driven line.
        description: What the figure shows, for those who do not see it.
        obstacles: Where boxes and slower cars were.

    Returns:
        The `<svg>` element; None where the trace has no two positions.
    """
    points_m = np.stack([lap.x_m, lap.y_m], axis=1)
    known = np.isfinite(points_m).all(axis=1)
    if known.sum() < 2:
        return None
    points_m = points_m[known]
    outline = outline_of(circuit, 600) if circuit is not None else None
    drawn = points_m if outline is None else np.concatenate([outline.left_m, outline.right_m])
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    ratio = float(np.clip((high[1] - low[1]) / max(high[0] - low[0], 1e-6), 0.35, 1.15))
    with style():
        figure = new_figure(WIDTH_PX, round(WIDTH_PX * ratio) + 70, automatic_layout=False)
        size = figure.get_size_inches() * 72
        axes = figure.add_axes((0.0, 62 / size[1], 1.0, 1.0 - 66 / size[1]))
        axes.set_axis_off()
        axes.set_aspect("equal")
        margin_m = 0.05 * float((high - low).max())
        axes.set_xlim(low[0] - margin_m, high[0] + margin_m)
        axes.set_ylim(low[1] - margin_m, high[1] + margin_m)
        if outline is not None:
            draw_road(axes, outline)
        _draw_driven_line(axes, points_m, shade.values[known], shade)
        _draw_obstacles(axes, obstacles)
        draw_start(axes, outline, points_m, float(0.1 * (high - low).max()))
        if shade.range is not None:
            bar = figure.add_axes((0.06, 36 / size[1], 0.55, 9 / size[1]))
            _draw_colour_bar(bar, shade, shade.range)
        draw_scale(figure.add_axes((0.68, 36 / size[1], 0.28, 9 / size[1])), axes, size[0])
    return inline_svg(figure, key, description)


def draw_road(axes: Any, outline: Outline, role: str = "road") -> None:
    """Draw the road from above, its surface in a role of the palette."""
    left, right = outline.left_m, outline.right_m[::-1]
    codes = [Polygon.MOVETO] + [Polygon.LINETO] * (len(left) - 2) + [Polygon.CLOSEPOLY]
    ring = Polygon(np.concatenate([left, right]), codes * 2)
    axes.add_patch(PathPatch(ring, facecolor=STAND_INS[role], edgecolor="none", zorder=1))
    for edge in (left, right):
        axes.plot(edge[:, 0], edge[:, 1], color=STAND_INS["edge"], linewidth=0.9, zorder=2)


def _draw_driven_line(axes: Any, points_m: FloatArray, values: FloatArray, shade: Shade) -> None:
    chosen = np.unique(np.linspace(0, len(points_m) - 1, _MAX_SEGMENTS + 1).astype(np.int64))
    ends = np.stack([points_m[chosen[:-1]], points_m[chosen[1:]]], axis=1)
    gaps = np.abs(np.diff(points_m, axis=0)).max(axis=1) > _JUMP_M
    whole = np.array([not gaps[a:b].any() for a, b in pairwise(chosen)])
    low, high = shade.range or (0.0, 1.0)
    fractions = (values[chosen[1:]] - low) / max(high - low, 1e-9)
    colours = shade.colours(np.where(np.isfinite(fractions), fractions, 1.0))
    line = LineCollection(
        ends[whole], colors=colours[whole], linewidths=2.6, capstyle="round", zorder=3
    )
    axes.add_collection(line)


def _draw_obstacles(axes: Any, obstacles: Sequence[Obstacle]) -> None:
    """Draw boxes as squares and slower cars as arrowheads, larger than they are."""
    for obstacle in obstacles:
        shape, size_px = (_BOX, 8.0) if obstacle.kind == "box" else (_CAR, 16.0)
        axes.plot(
            obstacle.x_m,
            obstacle.y_m,
            marker=MarkerStyle(shape).rotated(rad=obstacle.yaw_rad),
            markersize=size_px,
            markerfacecolor=STAND_INS["warn"],
            markeredgecolor=STAND_INS["mark"],
            markeredgewidth=1.0,
            zorder=4,
        )


def draw_start(axes: Any, outline: Outline | None, points_m: FloatArray, arrow_m: float) -> None:
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


def _draw_colour_bar(axes: Any, shade: Shade, extremes: tuple[float, float]) -> None:
    low, high = extremes
    ramp = np.linspace(0.0, 1.0, 128)
    box = (low, max(high, low + 1e-3), 0.0, 1.0)
    colours = ListedColormap(shade.colours(ramp).tolist())
    axes.imshow(ramp[np.newaxis], cmap=colours, aspect="auto", extent=box, interpolation="none")
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(length=0)
    axes.set_xlabel(shade.label, labelpad=2)


def draw_scale(axes: Any, map_axes: Any, width_px: float) -> None:
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
