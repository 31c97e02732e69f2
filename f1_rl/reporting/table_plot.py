"""The table that tabular Q-learning has learned, as a picture."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Rectangle

from f1_rl.reporting.figures import STAND_INS, inline_svg, new_figure, style
from f1_rl.reporting.learning_plots import Plot
from f1_rl.reporting.palette import speed_colours
from f1_rl.reporting.run_folder import FloatArray, LearnedTable

_SIZE_PX: Final = (400, 400)
# Of the hardest turn, how far its arrow leans over; and the length of the fastest, in cells.
_LEAN_RAD: Final = 1.2
_LONGEST: Final = 0.75


def table_plots(table: LearnedTable | None, commands: FloatArray) -> tuple[Plot, ...]:
    """Draw value and greedy action for where the line lies, if that is on two rows.

    Args:
        table: The table, if one was learned.
        commands: (A, 2) speed and yaw rate of each action.
    """
    if table is None or table.positions.shape[1] != 2 or not np.isfinite(table.positions).all():
        return ()
    if len(commands) != table.q_values.shape[1]:
        return ()
    count = int(table.positions.max()) + 1
    with style():
        figure = new_figure(*_SIZE_PX)
        axes = figure.add_subplot()
        axes.set_aspect("equal")
        axes.grid(visible=False)
        axes.set_xlim(0, count)
        axes.set_ylim(0, count)
        known = np.isfinite(table.q_values).all(axis=1) & table.q_values.any(axis=1)
        _draw_cells(axes, table, commands, known)
        ticks = [0.5, count / 2 - 0.5, count - 1.5, count - 0.5]
        axes.set_xticks(ticks, ["left", "middle", "right", "none"])
        axes.set_yticks(ticks, ["left", "middle", "right", "none"], rotation=90, va="center")
        axes.set_xlabel("line near the car")
        axes.set_ylabel("line farther ahead")
    description = (
        f"Table of {len(known)} states, {known.sum()} of which were seen: an arrow in each shows "
        "the action of the largest value, its colour that value."
    )
    caption = (
        "What the car does (arrow: direction and speed) and the return it expects (blue: least, "
        "yellow: most), by where the line lies on the two rows. Empty: never seen."
    )
    return (Plot("The learned table", inline_svg(figure, "table", description), caption),)


def _draw_cells(
    axes: Any, table: LearnedTable, commands: FloatArray, known: npt.NDArray[np.bool_]
) -> None:
    values = table.q_values.max(axis=1)
    low, high = (values[known].min(), values[known].max()) if known.any() else (0.0, 0.0)
    colours = speed_colours((values - low) / max(high - low, 1e-6))
    actions = table.q_values.argmax(axis=1)
    fastest, hardest = np.maximum(np.abs(commands).max(axis=0), 1e-6)
    for i in np.flatnonzero(known):
        far, near = table.positions[i]
        axes.add_patch(Rectangle((near, far), 1, 1, facecolor=colours[i], edgecolor="none"))
        speed, yaw_rate = commands[actions[i]]
        lean, length = _LEAN_RAD * yaw_rate / hardest, _LONGEST * speed / fastest
        along = 0.5 * length * np.array([-np.sin(lean), np.cos(lean)])
        middle = np.array([near + 0.5, far + 0.5])
        axes.annotate(
            "",
            xy=middle + along,
            xytext=middle - along,
            arrowprops={"arrowstyle": "-|>", "color": STAND_INS["road"], "linewidth": 1.2},
        )
