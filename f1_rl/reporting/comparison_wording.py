"""The sentences and figures of a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from f1_rl.reporting.comparison_results import GroupResult, LapRow
from f1_rl.reporting.comparison_runs import Group
from f1_rl.reporting.wording import DASH, Headline, Tile, duration, number
from f1_rl.statistics import Estimate

_MOST_TOLD = 4


def figure(
    estimate: Estimate | None, digits: int = 0, factor: float = 1.0, unit: str = ""
) -> tuple[str, str]:
    """Return an estimate and its interval as two texts, the second empty where it has no width."""
    if estimate is None or not np.isfinite(estimate.value):
        return DASH, ""
    low, high = (number(bound * factor, digits) for bound in (estimate.low, estimate.high))
    value = number(estimate.value * factor, digits, unit)
    return value, "" if estimate.low == estimate.high else f"{low} to {high}"


def headline(results: Sequence[GroupResult]) -> Headline:
    """Say which group learned in fewest steps, if the seeds say so."""
    runs = sum(len(result.group.runs) for result in results)
    title = f"{count(runs, 'run')} compared"
    if len(results) == 1:
        title = f"{runs} runs of the same settings" if runs > 1 else "One run, on its own"
    told = [_told(result) for result in results[:_MOST_TOLD]]
    text = " ".join(told)
    if len(results) > _MOST_TOLD:
        text += f" The other {count(len(results) - _MOST_TOLD, 'group')} follow below."
    lead = _lead(results)
    if lead is None:
        return Headline("muted", title, text)
    state, title, verdict = lead
    return Headline(state, title, f"{text} {verdict}")


def tiles(results: Sequence[GroupResult], laps: Sequence[LapRow]) -> tuple[Tile, ...]:
    """Return the best of each figure, with the group or run that it comes from."""
    made = [Tile("Runs", f"{sum(len(r.group.runs) for r in results)}", "", _seeds(results))]
    environments = {result.group.environment for result in results}
    if len(environments) > 1:
        return (*made, Tile("Environments", f"{len(environments)}", "", "each told on its own"))
    solved = [r for r in results if r.solved and r.solved == r.evaluated and r.steps is not None]
    if solved:
        best = min(solved, key=lambda r: r.steps.value if r.steps else np.inf)
        value, interval = figure(best.steps)
        note = f"until solved: group {best.group.letter}"
        made.append(Tile("Fewest steps", value, "", f"{note}, {interval}" if interval else note))
        quick = min(solved, key=lambda r: r.seconds.value if r.seconds else np.inf)
        seconds = quick.seconds.value if quick.seconds else np.nan
        made.append(Tile("Least time", duration(seconds), "", f"group {quick.group.letter}"))
    timed = [row for row in laps if np.isfinite(row.lap.lap_time_s)]
    if timed:
        row = min(timed, key=lambda r: r.lap.lap_time_s)
        note = f"{row.run.name}, group {row.letter}"
        made.append(Tile("Fastest recorded lap", number(row.lap.lap_time_s, 2), "s", note))
    near = [r for r in results if r.lateral_error_m is not None and r.full_laps is not None]
    near = [r for r in near if r.full_laps and r.full_laps.value > 0.0]
    if near:
        best = min(near, key=lambda r: r.lateral_error_m.value if r.lateral_error_m else np.inf)
        value, _ = figure(best.lateral_error_m, 1, 100.0)
        note = f"mean lateral error: group {best.group.letter}"
        made.append(Tile("Closest to the line", value, "cm", note))
    others = [r for r in results if not r.group.drives and r.mean_return is not None]
    if others:
        best = max(others, key=lambda r: r.mean_return.value if r.mean_return else -np.inf)
        value, interval = figure(best.mean_return, 1)
        made.append(Tile("Largest return", value, "", f"group {best.group.letter}"))
    return tuple(made)


def repeated_seeds(groups: Sequence[Group]) -> list[str]:
    """Return a sentence for each seed that a group has more than once."""
    return [
        f"Group {group.letter} has seed {seed} {count} times; all count, as if they were different."
        for group in groups
        for seed, count in Counter(run.seed for run in group.runs).items()
        if count > 1
    ]


def _told(result: GroupResult) -> str:
    """Return what came of one group in a sentence."""
    seeds = len(result.group.runs)
    group = result.group.letter + _in_brackets(result.group.name)
    if not result.evaluated:
        return f"{group} has not been evaluated yet."
    if result.solved is None:
        value, interval = figure(result.mean_return, 1)
        return f"{group} reached a mean return of {value}{_in_brackets(interval)}."
    aim = "full laps from all starts" if result.group.drives else "the aim"
    if not result.solved:
        if seeds == 1:
            return f"{group} did not reach {aim}."
        return f"{group} reached {aim} with none of {seeds} seeds."
    value, interval = figure(result.steps)
    more = "more than " if result.solved < result.evaluated else ""
    with_seeds = "" if seeds == 1 else f" with {result.solved} of {seeds} seeds"
    return f"{group} reached {aim}{with_seeds}, after {more}{value} steps{_in_brackets(interval)}."


def _lead(results: Sequence[GroupResult]) -> tuple[str, str, str] | None:
    """Return state, title and verdict where groups of one environment can be ranked by steps."""
    if len(results) < 2 or len({result.group.environment for result in results}) > 1:
        return None
    whole = [r for r in results if r.solved and r.solved == r.evaluated and r.steps is not None]
    if not whole:
        return None
    best = min(whole, key=lambda r: r.steps.value if r.steps else np.inf)
    others = [r.steps for r in results if r is not best and r.steps is not None]
    letter = best.group.letter
    if not others or best.steps is None:
        return None
    if min(len(result.group.runs) for result in results) < 2:
        verdict = "One seed says little: other seeds may turn the order around."
        return "muted", f"{letter} needed the fewest steps", verdict
    if best.steps.high < min(other.low for other in others):
        verdict = "The intervals do not overlap."
        return "good", f"{letter} needs the fewest steps", verdict
    verdict = "The intervals overlap: these seeds do not tell which needs fewer steps."
    return "warn", "No clear difference in steps", verdict


def _seeds(results: Sequence[GroupResult]) -> str:
    counts = sorted({len(result.group.runs) for result in results})
    each = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    seeds = "seed" if counts[-1] == 1 else "seeds"
    return f"{count(len(results), 'group')}, {each} {seeds} each"


def _in_brackets(interval: str) -> str:
    return f" ({interval})" if interval else ""


def count(number_of: int, noun: str) -> str:
    """Return how many there are of something, in words that fit one, too."""
    return f"{number_of} {noun}" if number_of == 1 else f"{number_of} {noun}s"
