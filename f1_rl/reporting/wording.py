"""The report's sentences and numbers, for a reader who has never seen the project."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from f1_rl.reporting.run_folder import Evaluations, RunData
from f1_rl.reporting.summary import EvaluationSummary, best_evaluation, first_complete

# What the settings call the learning rules; those of runs that do not say are deep ones.
_METHODS = {
    "tabular": "Q-learning with a table",
    "c51": "distributional deep Q-learning, C51",
    "double_dqn": "deep Q-learning, double DQN",
}
_USUAL_METHOD = "deep Q-learning, DQN"

DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Headline:
    """Whether the car learned to lap, in a phrase and a paragraph."""

    state: str
    """`good`, `warn` or `muted`: a role of the palette."""
    title: str
    text: str


@dataclass(frozen=True)
class Tile:
    """One figure of the headline."""

    label: str
    value: str
    unit: str = ""
    note: str = ""


def number(value: float, digits: int = 0, unit: str = "") -> str:
    """Format a number with thousands separated, a dash where it is not known."""
    if not math.isfinite(value):
        return DASH
    text = f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text


def duration(seconds: float) -> str:
    """Format a time span as a person would say it: 9.8 s, 3 min 12 s, 1 h 05 min."""
    if not math.isfinite(seconds):
        return DASH
    space = "\N{NO-BREAK SPACE}"
    if seconds < 99.95:
        return f"{seconds:.1f}{space}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}{space}min {whole % 60:02d}{space}s"
    whole = round(seconds / 60)
    return f"{whole // 60}{space}h {whole % 60:02d}{space}min"


def headline(
    run: RunData, summaries: Sequence[EvaluationSummary], lengths_m: dict[str, float]
) -> Headline:
    """Say whether the car learned to lap.

    Args:
        run: The run.
        summaries: Its evaluations.
        lengths_m: The lengths of the circuits that are known, by name.

    Returns:
        The headline.
    """
    if not run.drives:
        return _other_headline(run, summaries)
    where = _circuits(run.circuit_names, lengths_m)
    steps, _ = run.extent
    way = "by trial and error" if steps else "from recorded drives"
    if run.is_guided:
        way += ", helped by a driver that knows the circuit"
    senses = "and its speed" if run.knows_its_speed else "alone"
    method = f"from the pictures of its camera {senses}, {way} ({_method(run)})"
    task = (
        f"A simulated Formula 1 car is to learn to drive {where}, {method}. "
        "It starts knowing nothing."
    )
    best = best_evaluation(summaries)
    if best is None:
        text = f"{task} This run has not been evaluated yet, so nothing is known about its laps."
        return Headline("muted", "Not evaluated yet", text)
    first = first_complete(summaries)
    if first is not None:
        task = f"A simulated Formula 1 car learned to drive {where}, {method}."
        return Headline("good", "The car learned to lap", f"{task} {_success(first, best)}")
    if best.full_laps:
        title = f"The car laps from {best.full_laps} of {best.starts} start positions"
        text = (
            f"{task} In its best evaluation, after {_place(best)}, it drove a full "
            f"lap from {best.full_laps} of {best.starts} start positions."
        )
        return Headline("warn", title, f"{text} {_failures(best)}".strip())
    farthest = ""
    if math.isfinite(best.completion):
        farthest = (
            f" In its best evaluation, after {_place(best)}, it drove "
            f"{best.completion:.0%} of a lap on average."
        )
    text = f"{task} So far it has not driven a full lap.{farthest} {_failures(best)}".strip()
    return Headline("warn", "The car has not driven a full lap yet", text)


def tiles(run: RunData, summaries: Sequence[EvaluationSummary]) -> tuple[Tile, ...]:
    """Return the figures of the headline.

    Args:
        run: The run.
        summaries: Its evaluations.

    Returns:
        Lap time, full laps, steps, training time, lateral error and speed.
    """
    best, first = best_evaluation(summaries), first_complete(summaries)
    steps, wall_time_s = run.extent
    if best is None or not run.drives:
        extent = (
            Tile("Environment steps", number(steps)),
            Tile("Training time", duration(wall_time_s)),
        )
        if best is None:
            return extent
        note = f"of {best.starts} episodes at step {number(best.env_step)}"
        return (Tile("Best mean return", number(best.mean_return, 1), "", note), *extent)
    reached_steps, reached_s, until = steps, wall_time_s, ("so far", "so far")
    if first is not None:
        reached_steps, reached_s = first.env_step, first.wall_time_s
        reached = "to full laps from all starts"
        until = (
            f"{reached}; {number(steps)} in all",
            f"{reached}; {duration(wall_time_s)} in all, without starting up",
        )
    lap = Tile("Best lap", DASH, "", "no full lap yet")
    if best.full_laps:
        mean = number(best.mean_lap_time_s, 2, "s")
        lap = Tile(
            "Best lap", number(best.best_lap_time_s, 2), "s", f"mean of the full laps {mean}"
        )
    below = number(best.p95_lateral_error_m * 100, 0, "cm")
    error_cm = number(best.mean_lateral_error_m * 100, 1)
    return (
        lap,
        Tile("Full laps", f"{best.full_laps} of {best.starts}", "", "start positions, best policy"),
        Tile("Environment steps", number(reached_steps), "", until[0]),
        Tile("Training time", duration(reached_s), "", until[1]),
        Tile("Lateral error", error_cm, "cm", f"mean; 95 % of the time below {below}"),
        Tile(
            "Mean speed",
            number(best.mean_speed_mps, 2),
            "m/s",
            number(best.mean_speed_mps * 3.6, 0, "km/h"),
        ),
    )


def result(evaluations: Evaluations, row: int) -> str:
    """Say in a few words how one evaluated start ended."""
    if evaluations.completed[row] > 0.5:
        excursions = evaluations.off_track[row]
        off = f", off the road {_times(int(excursions))}" if excursions > 0.5 else ""
        return f"full lap{off}"
    completion = evaluations.completion[row]
    at = f" after {completion:.0%} of the lap" if math.isfinite(completion) else ""
    if evaluations.collisions[row] > 0.5:
        return f"touched an obstacle{at}"
    if evaluations.off_track[row] > 0.5:
        return f"left the road{at}"
    if evaluations.wrong_way[row] > 0.5:
        return f"turned the wrong way{at}"
    return f"not complete{at.replace('after', 'in time:')}"


def _other_headline(run: RunData, summaries: Sequence[EvaluationSummary]) -> Headline:
    """Say how well an environment was learned that is not about driving."""
    task = f"An agent learns “{run.environment}” by trial and error ({_method(run)})."
    best = best_evaluation(summaries)
    if best is None:
        return Headline("muted", "Not evaluated yet", f"{task} It has not been evaluated yet.")
    mean = number(best.mean_return, 1)
    text = (
        f"{task} In its best evaluation, after {number(best.env_step)} steps, it reached a mean "
        f"return of {mean} over {best.starts} episodes."
    )
    return Headline("good", f"Mean return {mean} in {run.environment}", text)


def _method(run: RunData) -> str:
    return _METHODS.get(run.algorithm, _USUAL_METHOD)


def _circuits(names: Sequence[str], lengths_m: dict[str, float]) -> str:
    if not names:
        return "a circuit"
    if len(names) > 3:
        return f"{len(names)} circuits"
    shown = [
        f"“{name}” ({lengths_m[name]:.0f} m)" if name in lengths_m else f"“{name}”"
        for name in names
    ]
    return ("the circuit " if len(names) == 1 else "the circuits ") + ", ".join(shown)


def _success(first: EvaluationSummary, best: EvaluationSummary) -> str:
    time = ""
    if math.isfinite(first.wall_time_s):
        time = f", {duration(first.wall_time_s)} of training,"
    starts = (
        f"from all {first.starts} start positions, spread over the circuit"
        if first.starts > 1
        else "from its start position"
    )
    text = f"It began knowing nothing; after {_place(first)}{time} it drove a full lap {starts}."
    if math.isfinite(best.best_lap_time_s):
        text += f" Its best lap took {number(best.best_lap_time_s, 2, 's')}"
        if math.isfinite(best.mean_lateral_error_m):
            text += (
                f", on average {number(best.mean_lateral_error_m * 100, 1, 'cm')} from the centre"
                " line"
            )
        text += "."
    return text


def _place(summary: EvaluationSummary) -> str:
    """Return after how much learning an evaluation was; before the first step updates count."""
    if summary.env_step == 0 and summary.update:
        return f"{number(summary.update)} updates from recorded drives"
    return f"{number(summary.env_step)} steps"


def _failures(best: EvaluationSummary) -> str:
    parts = []
    if best.off_track:
        parts.append(f"left the road {_times(best.off_track)}")
    if best.wrong_way:
        parts.append(f"turned the wrong way {_times(best.wrong_way)}")
    if best.collisions:
        parts.append(f"touched an obstacle {_times(best.collisions)}")
    return f"It {' and '.join(parts)}." if parts else ""


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
