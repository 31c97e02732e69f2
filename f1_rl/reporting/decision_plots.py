"""The plots of what a policy thought along a lap: where it hesitates, and what it was paid for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from f1_rl.circuits.circuit import Circuit
from f1_rl.reporting.decisions import decision_margin, smoothed
from f1_rl.reporting.figures import STAND_INS, inline_svg, new_figure, style
from f1_rl.reporting.lap_map import WIDTH_PX, Shade, lap_map
from f1_rl.reporting.lap_plots import along, describe_obstacles
from f1_rl.reporting.learning_plots import Plot
from f1_rl.reporting.palette import speed_colours
from f1_rl.reporting.run_folder import FloatArray, Lap
from f1_rl.simulation import Obstacle

_TERM_HEIGHT_PX: Final = 84
_COLOURS: Final = ("second", "third", "good", "warn", "accent", "edge")


def decision_plots(
    lap: Lap | None, circuit: Circuit | None, obstacles: Sequence[Obstacle] = ()
) -> tuple[Plot, ...]:
    """Draw the plots of a lap's decisions.

    Args:
        lap: The trace, if there is one.
        circuit: The circuit that was driven, if it is known.
        obstacles: Where boxes and slower cars were.

    Returns:
        Only plots for which the trace has values.
    """
    if lap is None:
        return ()
    plots = (_hesitation_map(lap, circuit, obstacles), _margin_plot(lap), _reward_plot(lap))
    return tuple(plot for plot in plots if plot is not None)


def _hesitation_map(
    lap: Lap, circuit: Circuit | None, obstacles: Sequence[Obstacle]
) -> Plot | None:
    margin = smoothed(lap, decision_margin(lap))
    known = margin[np.isfinite(margin)]
    if len(known) < 2:
        return None
    # A few very sure places would leave one colour for all the others.
    limits = (0.0, max(float(np.percentile(known, 90)), 1e-9))
    shade = Shade(margin, "lead of the best action", limits, _doubt_colours)
    where = f"the circuit {circuit.name}" if circuit is not None else "the driven line"
    description = f"Map of {where} with the driven line brightest where the policy hesitates."
    svg = lap_map("hesitation-map", lap, circuit, shade, description, obstacles)
    caption = (
        "Bright: the two best actions seem nearly equally good to the policy. Dark: one of them "
        "is clearly the best. Averaged over half a second." + describe_obstacles(obstacles)
    )
    return None if svg is None else Plot("Where it hesitates", svg, caption)


def _doubt_colours(fractions: npt.ArrayLike) -> FloatArray:
    return speed_colours(1.0 - np.asarray(fractions, dtype=np.float64))


def _margin_plot(lap: Lap) -> Plot | None:
    margin = decision_margin(lap)
    at_m, each = along(lap, margin)
    if len(at_m) < 2:
        return None
    known = margin[np.isfinite(margin)]
    with style():
        figure = new_figure(WIDTH_PX, 210)
        axes = figure.add_subplot()
        axes.plot(at_m, each, ".", color=STAND_INS["edge"], markersize=2.2)
        axes.plot(*along(lap, smoothed(lap, margin)), color=STAND_INS["second"])
        axes.set_ylim(0.0, 1.05 * float(np.percentile(known, 99)))
        axes.set_ylabel("lead of the best action")
        axes.set_xlabel("distance along the lap, m")
        axes.margins(x=0)
    close = float((known < 0.05).mean())
    description = (
        f"Lead of the best action along the lap, in the median {np.median(known):.2f} of the "
        f"policy's scale, below 0.05 in {close:.0%} of the decisions."
    )
    caption = (
        "Best minus second best Q-value, as a share of the lap's median of best minus worst. Dots: "
        f"each decision, {close:.0%} of them led by less than 0.05. Line: mean of half a second."
    )
    return Plot("Hesitation along the lap", inline_svg(figure, "margin", description), caption)


def _reward_plot(lap: Lap) -> Plot | None:
    terms = {
        name: values for name, values in lap.reward_terms.items() if len(along(lap, values)[0]) >= 2
    }
    if not terms:
        return None
    with style():
        figure = new_figure(WIDTH_PX, 40 + _TERM_HEIGHT_PX * len(terms))
        panels = figure.subplots(len(terms), 1, sharex=True, squeeze=False)[:, 0]
        for i, (axes, (name, values)) in enumerate(zip(panels, terms.items(), strict=True)):
            axes.axhline(0.0, color=STAND_INS["edge"], linewidth=0.9)
            axes.plot(*along(lap, values), color=STAND_INS[_COLOURS[i % len(_COLOURS)]])
            axes.set_title(name.replace("_", " "), fontsize=10, pad=3)
            axes.margins(x=0)
            axes.locator_params(axis="y", nbins=4)
        panels[-1].set_xlabel("distance along the lap, m")
    sums = {name: float(np.nansum(values)) for name, values in terms.items()}
    listed = ", ".join(
        f"{name.replace('_', ' ')} {value:+.1f}".replace("-", "\N{MINUS SIGN}")
        for name, value in sums.items()
    )
    caption = (
        "Reward of each control period by the rule that gave it, weighted; each on a scale of its "
        f"own. Over the lap: {listed}."
    )
    svg = inline_svg(figure, "rewards", f"Terms of the reward along the lap: {listed} in all.")
    return Plot("What it was paid for", svg, caption)
