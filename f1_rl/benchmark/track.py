"""What a track is told, and what comes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from f1_rl.benchmark.tables import Table
from f1_rl.statistics import Estimate


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        processors: That every worker is pinned to; each pool has as many threads.
        seconds: For each measurement.
        warm_up_s: Before the first measurement of each worker.
        repetitions: Measurements of each worker.
        seeds: Runs of each system in time to solve.
        peers: Interpreter of the peers' environment, if there is one.
        quick: Whether to do everything once in small, to see that it works.
        say: Told in a sentence what is being done, and what is left out.
    """

    processors: tuple[int, ...]
    seconds: float = 10.0
    warm_up_s: float = 5.0
    repetitions: int = 5
    seeds: int = 20
    peers: Path | None = None
    quick: bool = False
    say: Callable[[str], None] = print


@dataclass(frozen=True)
class Bars:
    """A plot: a bar with its interval for each entry.

    Attributes:
        name: Of the file.
        title: Above it.
        unit: Below it.
        bars: Titles and figures; those of this package begin with its name.
        logarithmic: Whether the axis is.
    """

    name: str
    title: str
    unit: str
    bars: Sequence[tuple[str, Estimate]]
    logarithmic: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a track measured.

    Attributes:
        tables: For people.
        plots: For people.
        raw: A row for every single measurement, by column.
        summary: For programs.
    """

    tables: Sequence[Table] = ()
    plots: Sequence[Bars] = ()
    raw: Sequence[Mapping[str, Any]] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
