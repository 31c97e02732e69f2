"""The learning curves: how the training and its evaluations went over the environment steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from f1_rl.reporting.figures import STAND_INS, inline_svg, label_plainly, new_figure, style
from f1_rl.reporting.run_folder import FloatArray, Metrics
from f1_rl.reporting.summary import EvaluationSummary, first_complete

_SIZE_PX: Final = (400, 230)
_MAX_POINTS: Final = 500
_QUIET_FROM: Final = 0.9  # of all steps: no episode ended in the rest of them
_SMOOTH_FROM: Final = 12  # with fewer points the eye smooths better


@dataclass(frozen=True)
class Plot:
    """A figure for the page."""

    title: str
    svg: str
    caption: str


@dataclass(frozen=True)
class _Curve:
    """How a column of the metrics is shown."""

    column: str
    title: str
    colour: str
    caption: str
    may_be_log: bool = False


@dataclass(frozen=True)
class _Axis:
    """What the learning curves are drawn over, and where the first success lies."""

    unit: str
    success: int | None


_CURVES: Final = (
    _Curve(
        "episode_return",
        "Return of an episode",
        "second",
        "Sum of the rewards of the training's latest episodes, exploration included.",
    ),
    _Curve(
        "mean_q",
        "Mean Q-value",
        "second",
        "The return that the policy expects; it should settle, not run away.",
    ),
    _Curve(
        "loss",
        "Loss",
        "third",
        "What each update lowers: the error of the expected return against the temporal-difference "
        "target, and what learning from advice or from demonstrations alone adds to it.",
        may_be_log=True,
    ),
    _Curve(
        "epsilon",
        "Exploration (\N{GREEK SMALL LETTER EPSILON})",
        "third",
        "Share of the actions that were drawn at random.",
    ),
)


def learning_plots(
    metrics: Metrics | None, summaries: Sequence[EvaluationSummary]
) -> tuple[Plot, ...]:
    """Draw the learning curves.

    Args:
        metrics: The progress of the training, if there is any.
        summaries: The evaluations, in the order of their steps.

    Returns:
        One plot a quantity of which at least one value is known.
    """
    unit = "environment steps"
    if summaries and all(summary.env_step == 0 for summary in summaries):
        # A run that learned from recorded drives alone.
        unit = "updates"
        summaries = [replace(summary, env_step=summary.update) for summary in summaries]
        metrics = None if metrics is None else replace(metrics, env_step=metrics.update)
    first = first_complete(summaries)
    axis = _Axis(unit, first.env_step if first else None)
    plots = [_completion_plot(summaries, axis), _lap_time_plot(summaries, axis)]
    if all(plot is None for plot in plots):
        plots = [_return_plot(summaries)]
    if metrics is not None:
        for curve in _CURVES:
            plots.append(_curve_plot(*_shown(curve, metrics), axis))
    return tuple(plot for plot in plots if plot is not None)


def _shown(curve: _Curve, metrics: Metrics) -> tuple[_Curve, FloatArray, FloatArray]:
    """Return a curve with its steps and values: returns only where an episode has ended since."""
    values = getattr(metrics, curve.column)
    if curve.column != "episode_return" or not np.isfinite(metrics.episodes).all():
        return curve, metrics.env_step, values
    new = np.diff(metrics.episodes, prepend=0.0) > 0.0
    values = np.where(new, values, np.nan)
    last = metrics.env_step[new].max(initial=0.0)
    if last < _QUIET_FROM * metrics.env_step[-1]:
        silence = f" After step {last:,.0f} none ended any more."
        curve = replace(curve, caption=curve.caption + silence)
    return curve, metrics.env_step, values


def _curve_plot(
    curve: _Curve, env_step: FloatArray, values: FloatArray, axis: _Axis
) -> Plot | None:
    known = np.isfinite(env_step) & np.isfinite(values)
    if not known.any():
        return None
    last = env_step[np.isfinite(env_step)].max()
    steps, values = _thinned(env_step[known], values[known])
    with style():
        figure = new_figure(*_SIZE_PX)
        axes = figure.add_subplot()
        colour = STAND_INS[curve.colour]
        if len(values) < _SMOOTH_FROM:
            axes.plot(steps, values, color=colour, marker="o", markersize=3.5)
        else:
            axes.plot(steps, values, color=colour, alpha=0.35, linewidth=1.0)
            axes.plot(steps, _smoothed(values), color=colour)
        if curve.may_be_log and 0.0 < 30.0 * np.median(values) < values.max() and values.min() > 0:
            axes.set_yscale("log")
            label_plainly(axes.yaxis)
        axes.set_xlim(right=max(axes.get_xlim()[1], last))
        _finish(axes, axis)
    description = (
        f"{curve.title} over {axis.unit}: from {values[0]:.3g} to {values[-1]:.3g} "
        f"at {steps[-1]:,.0f}."
    )
    return Plot(curve.title, inline_svg(figure, curve.column, description), curve.caption)


def _completion_plot(summaries: Sequence[EvaluationSummary], axis: _Axis) -> Plot | None:
    if not any(np.isfinite(summary.completion) for summary in summaries):
        return None
    steps = [summary.env_step for summary in summaries]
    full = [100.0 * summary.full_laps / summary.starts for summary in summaries]
    driven = [100.0 * summary.completion for summary in summaries]
    with style():
        figure = new_figure(*_SIZE_PX)
        axes = figure.add_subplot()
        axes.plot(steps, driven, color=STAND_INS["muted"], linestyle="--", linewidth=1.2)
        axes.plot(steps, full, color=STAND_INS["good"], marker="o", markersize=_dot_px(steps))
        axes.set_ylim(-4.0, 107.0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
        _finish(axes, axis)
    description = (
        f"Starts with a full lap over {axis.unit}: {full[0]:.0f} % in the first evaluation, "
        f"{full[-1]:.0f} % in the last."
    )
    return Plot(
        "Evaluation: starts with a full lap",
        inline_svg(figure, "completion", description),
        "Without exploration, from every start pose. Dashed: mean share of the lap driven.",
    )


def _lap_time_plot(summaries: Sequence[EvaluationSummary], axis: _Axis) -> Plot | None:
    timed = [summary for summary in summaries if np.isfinite(summary.mean_lap_time_s)]
    if not timed:
        return None
    steps = [summary.env_step for summary in timed]
    times_s = [summary.mean_lap_time_s for summary in timed]
    with style():
        figure = new_figure(*_SIZE_PX)
        axes = figure.add_subplot()
        axes.plot(steps, times_s, color=STAND_INS["accent"], marker="o", markersize=_dot_px(steps))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g} s"))
        axes.set_xlim(0, max(summary.env_step for summary in summaries) * 1.03 or 1)
        _finish(axes, axis)
    description = f"Mean lap time over {axis.unit}: from {times_s[0]:.2f} s to {times_s[-1]:.2f} s."
    caption = "Mean over the full laps of an evaluation; no dot where there was none."
    svg = inline_svg(figure, "laptime", description)
    return Plot("Evaluation: lap time", svg, caption)


def _return_plot(summaries: Sequence[EvaluationSummary]) -> Plot | None:
    """Draw the returns of evaluations that know no laps, because the task is another."""
    known = [summary for summary in summaries if np.isfinite(summary.mean_return)]
    if not known:
        return None
    steps = [summary.env_step for summary in known]
    returns = [summary.mean_return for summary in known]
    with style():
        figure = new_figure(*_SIZE_PX)
        axes = figure.add_subplot()
        axes.plot(steps, returns, color=STAND_INS["good"], marker="o", markersize=_dot_px(steps))
        _finish(axes, _Axis("environment steps", None))
    description = (
        f"Mean return of an evaluation over environment steps: from {returns[0]:.1f} "
        f"to {returns[-1]:.1f}."
    )
    svg = inline_svg(figure, "returns", description)
    return Plot("Evaluation: mean return", svg, "Without exploration.")


def _finish(axes: Any, axis: _Axis) -> None:
    """Set what all learning curves share: the step axis and the mark of the first success."""
    axes.set_xlabel(axis.unit)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(step_formatter(axes.get_xlim()[1]))
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(5))
    if axis.success is not None:
        axes.axvline(axis.success, color=STAND_INS["good"], linestyle=":", linewidth=1.4)


def step_formatter(last: float) -> FuncFormatter:
    """Return one unit for the whole axis: steps, thousands or millions of steps."""
    divisor, suffix = next(
        (unit for unit in ((1e6, " M"), (1e3, " k")) if last >= 5 * unit[0]), (1.0, "")
    )
    return FuncFormatter(lambda value, _: f"{value / divisor:.4g}{suffix if value else ''}")


def _dot_px(points: Sequence[int]) -> float:
    return 4.5 if len(points) <= 40 else 2.0


def _thinned(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average neighbours so that the file stays small however long the run was."""
    if len(x) <= _MAX_POINTS:
        return x, y
    groups = np.array_split(np.arange(len(x)), _MAX_POINTS)
    return np.array([x[g].mean() for g in groups]), np.array([y[g].mean() for g in groups])


def _smoothed(values: FloatArray) -> FloatArray:
    """Return the centred moving average over a twelfth of the curve."""
    width = max(3, len(values) // 12)
    weights = np.ones(width)
    totals = np.convolve(values, weights, mode="same")
    counts = np.convolve(np.ones(len(values)), weights, mode="same")
    return np.asarray(totals / counts, dtype=np.float64)
