"""The tracks of the benchmark, and running some of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from f1_rl.benchmark.engine import measure_engine
from f1_rl.benchmark.latency import measure_latency
from f1_rl.benchmark.roofline import bounds, measure_roofline
from f1_rl.benchmark.simulator import measure_simulator
from f1_rl.benchmark.solve import measure_solve
from f1_rl.benchmark.track import Options, Outcome

TRACKS: Mapping[str, Callable[[Options], Outcome]] = {
    "engine": measure_engine,
    "solve": measure_solve,
    "simulator": measure_simulator,
    "latency": measure_latency,
    "roofline": measure_roofline,
}


def run_tracks(
    names: Sequence[str], options: Options, finished: Callable[[str, Outcome], None]
) -> dict[str, Outcome]:
    """Measure tracks, one after the other.

    Args:
        names: Of the tracks.
        options: How to measure.
        finished: Told of each as soon as it is done, so that nothing measured is lost.

    Raises:
        BenchmarkError: Something could not be measured.
    """
    outcomes: dict[str, Outcome] = {}
    for name in dict.fromkeys(names):
        outcome = TRACKS[name](options)
        outcomes[name] = outcome
        if name in ("engine", "roofline") and {"engine", "roofline"} <= set(outcomes):
            table = bounds(outcomes["engine"].summary, outcomes["roofline"].summary)
            outcomes[name] = replace(outcome, tables=[*outcome.tables, table])
        finished(name, outcomes[name])
    return outcomes
