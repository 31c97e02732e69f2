"""Plots of the benchmark as SVG files, in the style of the report."""

import io

import numpy as np
from matplotlib.ticker import LogLocator

from f1_rl.benchmark.tables import number
from f1_rl.benchmark.track import Bars
from f1_rl.reporting.figures import STAND_INS, label_plainly, new_figure, style
from f1_rl.reporting.palette import LIGHT

_WIDTH_PX, _HEAD_PX, _BAR_PX = 880, 80, 26
_OURS = "f1_rl"


def bars_svg(plot: Bars) -> str:
    """Return a bar for each entry with its interval and its figure, as an SVG document."""
    with style():
        figure = new_figure(_WIDTH_PX, _HEAD_PX + _BAR_PX * len(plot.bars))
        axes = figure.add_subplot()
        places = np.arange(len(plot.bars))
        values = np.array([estimate.value for _, estimate in plot.bars])
        errors = np.array(
            [
                (estimate.value - estimate.low, estimate.high - estimate.value)
                for _, estimate in plot.bars
            ]
        ).T.clip(0.0)
        roles = ["accent" if title.startswith(_OURS) else "second" for title, _ in plot.bars]
        axes.barh(
            places,
            values,
            xerr=errors,
            color=[STAND_INS[role] for role in roles],
            ecolor=STAND_INS["ink"],
            height=0.62,
        )
        for place, (_, estimate) in zip(places, plot.bars, strict=True):
            axes.annotate(
                number(estimate.value),
                (max(estimate.high, estimate.value), place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        if plot.logarithmic:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            label_plainly(axes.xaxis)
        axes.margins(x=0.12)
        axes.set_yticks(places, [title for title, _ in plot.bars])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(plot.unit)
        axes.set_title(plot.title)
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor=STAND_INS["page"], metadata={"Date": None})
    svg = text.getvalue()
    for role, colour in STAND_INS.items():
        svg = svg.replace(colour, LIGHT[role])
    return svg
