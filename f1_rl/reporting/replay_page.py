"""The page of an offline replay: one HTML file that stands alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from f1_rl.bags.agreement import OTHER, STEERING, Agreement, Trace
from f1_rl.files import new_file
from f1_rl.reporting import wording
from f1_rl.reporting.figures import STAND_INS, inline_svg, new_figure, style
from f1_rl.reporting.film_strip import Still, film_strip
from f1_rl.reporting.learning_plots import Plot
from f1_rl.reporting.page import render_page
from f1_rl.reporting.wording import Headline, Tile

_WIDE_PX: Final = (1180, 230)
_MAP_PX: Final = (1180, 460)
_MAX_POINTS: Final = 1500
_STRIP_WIDTH_PX: Final = 480
_POSTER_WIDTH_PX: Final = 960
_GOOD_SHARE: Final = 0.8

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Confusion:
    """A table of frames by what was recorded and by what the policy chose.

    Attributes:
        title: Of the table.
        caption: What it shows.
        columns: What the policy can choose.
        rows: Name, counts, whether a count is an agreement, and its share of the row (0 to 1).
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, bool, float], ...]], ...]


def write_replay_page(
    path: Path,
    title: str,
    facts: Mapping[str, Any],
    agreement: Agreement,
    trace: Trace,
    notes: Sequence[str],
    video: Path | None,
) -> None:
    """Write the page.

    What it says follows from bag and policy alone: the same ones give the same bytes.

    Args:
        path: The file to write; replaced where it exists.
        title: What was replayed.
        facts: Names and values for the table at the end.
        agreement: What policy and recorded driver agree on.
        trace: The replay, frame by frame.
        notes: What could not be read, and what else is to be known.
        video: The video beside the page, if there is one.

    Raises:
        ReportError: The video cannot be read.
    """
    stills: tuple[Still, ...] = ()
    posters: tuple[Still, ...] = ()
    if video is not None:
        stills = film_strip(video, 6, _STRIP_WIDTH_PX)
        posters = film_strip(video, 1, _POSTER_WIDTH_PX)
    page = render_page(
        "replay.html.j2",
        name=title,
        headline=_headline(agreement),
        tiles=_tiles(agreement),
        notes=list(notes),
        video=video.name if video is not None else None,
        stills=stills,
        poster=posters[0] if posters else None,
        plots=_plots(trace, agreement),
        confusions=_confusions(agreement),
        facts=[(name, str(value)) for name, value in facts.items()],
    )
    with new_file(path) as file:
        file.write(page)


def _headline(agreement: Agreement) -> Headline:
    task = (
        f"A saved policy looked at the {agreement.frames:,} pictures of a recorded drive, one "
        "after the other, and said what it would have done. Nothing was driven."
    )
    if not agreement.compared:
        return Headline(
            "muted",
            f"{agreement.frames:,} decisions, none to compare with",
            f"{task} The bag holds no commands that answer its pictures.",
        )
    share = agreement.same_steering
    table = (
        f"Its commands are those of the policy's table in {agreement.within_table:.0%} of them"
        if agreement.within_table > 0.0
        else "Its commands are none of the policy's table, so the two are compared by steering"
    )
    return Headline(
        "good" if share >= _GOOD_SHARE else "warn",
        f"Steers as recorded in {share:.0%} of the pictures"
        if math.isfinite(share)
        else "The recorded driver stands still",
        f"{task} The recorded driver answered {agreement.compared:,} of them. {table}.",
    )


def _tiles(agreement: Agreement) -> tuple[Tile, ...]:
    number = wording.number
    return (
        Tile("Decisions", number(agreement.frames), "", "pictures that the policy acted on"),
        Tile(
            "Same steering",
            number(100 * agreement.same_steering),
            "%",
            "both left, straight or right",
        ),
        Tile("Same action", number(100 * agreement.same_action), "%", "of the policy's table"),
        Tile(
            "Yaw rate, off by",
            number(agreement.yaw_rate.mean_absolute, 2),
            "rad/s",
            f"on average; bias {number(agreement.yaw_rate.mean, 2)}",
        ),
        Tile(
            "Speed, off by",
            number(agreement.speed.mean_absolute, 2),
            "m/s",
            f"on average; bias {number(agreement.speed.mean, 2)}",
        ),
        Tile(
            "Certainty",
            number(agreement.mean_margin, 3),
            "",
            "mean distance of the best Q-value to the second",
        ),
    )


def _confusions(agreement: Agreement) -> tuple[Confusion, ...]:
    if not agreement.compared:
        return ()
    steering = Confusion(
        "Steering",
        "Left and right are bends of more than half the gentlest one of the policy's table. "
        "Pictures in which the recorded driver stands are left out.",
        STEERING,
        _rows(STEERING, agreement.steering_confusion),
    )
    names = agreement.action_names
    actions = Confusion(
        "Actions",
        f"A recorded command that is far from every action of the policy counts as “{OTHER}”.",
        names,
        _rows((*names, OTHER), agreement.confusion),
    )
    return steering, actions


def _rows(
    names: Sequence[str], table: Sequence[Sequence[int]]
) -> tuple[tuple[str, tuple[tuple[int, bool, float], ...]], ...]:
    rows = []
    for i, (name, counts) in enumerate(zip(names, table, strict=True)):
        total = sum(counts)
        if total or name != OTHER:
            cells = tuple((n, i == j, n / total if total else 0.0) for j, n in enumerate(counts))
            rows.append((name, cells))
    return tuple(rows)


def _plots(trace: Trace, agreement: Agreement) -> tuple[Plot, ...]:
    if not len(trace):
        return ()
    chosen = np.unique(np.linspace(0, len(trace) - 1, _MAX_POINTS).astype(np.int64))
    time_s = trace["time_s"][chosen]
    plots = [
        _lines(
            "yaw",
            "Yaw rate",
            "rad/s",
            time_s,
            trace["recorded_yaw_rate"][chosen],
            trace["yaw_rate"][chosen],
            "What the recorded driver commanded and what the policy would have; left is positive.",
        ),
        _lines(
            "speed",
            "Speed",
            "m/s",
            time_s,
            trace["recorded_speed"][chosen],
            trace["speed"][chosen],
            "The commanded speeds.",
        ),
        _certainty(time_s, trace["best_q"][chosen], trace["margin"][chosen]),
    ]
    drive = _map(trace, chosen) if agreement.compared else None
    return (*plots, drive) if drive is not None else tuple(plots)


def _lines(
    key: str,
    title: str,
    unit: str,
    time_s: FloatArray,
    recorded: FloatArray,
    proposed: FloatArray,
    caption: str,
) -> Plot:
    with style():
        figure = new_figure(*_WIDE_PX)
        axes = figure.add_subplot()
        axes.plot(
            time_s,
            proposed,
            color=STAND_INS["accent"],
            label="policy",
            linewidth=1.2,
            drawstyle="steps-post",
        )
        if np.isfinite(recorded).any():
            axes.plot(time_s, recorded, color=STAND_INS["second"], label="recorded", linewidth=1.4)
        axes.set_xlabel("time, s")
        axes.set_ylabel(unit)
        axes.margins(x=0.005)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2)
        svg = inline_svg(figure, key, f"{title} over time, recorded and by the policy.")
    return Plot(title, svg, caption)


def _certainty(time_s: FloatArray, best_q: FloatArray, margin: FloatArray) -> Plot:
    with style():
        figure = new_figure(*_WIDE_PX)
        axes = figure.add_subplot()
        axes.plot(time_s, best_q, color=STAND_INS["third"], label="best Q-value", linewidth=1.2)
        second = best_q - margin
        axes.fill_between(
            time_s,
            second,
            best_q,
            color=STAND_INS["third"],
            alpha=0.3,
            linewidth=0,
            label="down to the second best",
        )
        axes.set_xlabel("time, s")
        axes.set_ylabel("return")
        axes.margins(x=0.005)
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2)
        svg = inline_svg(figure, "q", "The largest Q-value over time and the second largest.")
    return Plot(
        "Q-values",
        svg,
        "The return that the network expects of its best action. Where it collapses, the network "
        "sees what it has not learned from.",
    )


def _map(trace: Trace, chosen: npt.NDArray[np.int64]) -> Plot | None:
    x_m, y_m = trace["x_m"][chosen], trace["y_m"][chosen]
    apart = np.abs(trace["yaw_rate"][chosen] - trace["recorded_yaw_rate"][chosen])
    known = np.isfinite(x_m) & np.isfinite(y_m) & np.isfinite(apart)
    if known.sum() < 2:
        return None
    worst = float(np.percentile(apart[known], 90))
    with style():
        figure = new_figure(*_MAP_PX)
        axes = figure.add_subplot()
        axes.set_aspect("equal")
        axes.plot(x_m, y_m, color=STAND_INS["edge"], linewidth=1.0)
        far = known & (apart >= worst)
        axes.scatter(
            x_m[far],
            y_m[far],
            s=14,
            color=STAND_INS["accent"],
            zorder=3,
            label=f"yaw rates differ by {worst:.2f} rad/s or more",
        )
        axes.set_xlabel("x, m")
        axes.set_ylabel("y, m")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98))
        svg = inline_svg(figure, "map", "The recorded drive from above; differences are marked.")
    return Plot(
        "Where they differ",
        svg,
        "The recorded drive from above; marked is the tenth of the pictures in which the yaw rates "
        "differ most.",
    )
