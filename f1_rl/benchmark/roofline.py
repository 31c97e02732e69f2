"""Roofline: the floating-point rate that this machine reaches, and the learner's share of it.

The peaks are measured, not looked up: a product of large matrices by NumPy's BLAS and by
TensorFlow, and a convolution with many channels by TensorFlow. The learner's operations are counted
from the shapes of its layers. At equal work no system can be faster than the peak, so its inverse
share is the most that any other could gain.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from f1_rl.benchmark.groups import GROUPS
from f1_rl.benchmark.systems import say_missing
from f1_rl.benchmark.tables import Table, interval, number
from f1_rl.benchmark.track import Bars, Options, Outcome
from f1_rl.benchmark.turns import Job, Turns, take_turns
from f1_rl.benchmark.work import CARTPOLE, PIXELS
from f1_rl.statistics import Estimate, estimate, estimate_ratio

TARGET_SHARE = 0.6
_COMPUTING = "f1_rl.benchmark.computing"
_GEMMS = ("product of matrices, NumPy", "product of matrices, TensorFlow")
_CONVOLUTION = "convolution, TensorFlow"
_LEARNERS = {
    CARTPOLE: "f1_rl's learner, CartPole network",
    PIXELS: "f1_rl's learner, pixel network",
}
_COPY = "copy of 256 MiB"


def measure_roofline(options: Options) -> Outcome:
    """Measure peaks and learners in turns.

    Raises:
        BenchmarkError: One of them failed.
    """
    if say_missing(["ours"], options):
        return Outcome()
    options.say("roofline: peaks and learners ...")
    turns = take_turns(
        _jobs(options.quick),
        options.processors,
        repetitions=options.repetitions,
        request={"seconds": min(options.seconds, 5.0)},
        warm_up={"seconds": min(options.warm_up_s, 1.0)},
    )
    return summarise_roofline(turns)


def summarise_roofline(turns: Turns) -> Outcome:
    """Return tables and plots of the workers' answers, in the order of the jobs."""
    titles = [*_GEMMS, _CONVOLUTION, *_LEARNERS.values(), _COPY]
    rates = {
        title: [float(answer["rate"]) for answer in turns.of(index)]
        for index, title in enumerate(titles)
    }
    floating = {title: values for title, values in rates.items() if title != _COPY}
    gemm = max((rates[title] for title in _GEMMS), key=np.median)
    peaks = {"GEMM": gemm, "convolution": rates[_CONVOLUTION]}
    lines = [
        (
            title,
            interval(_scaled(estimate(values, np.median))),
            *(interval(estimate_ratio(values, peak)) for peak in peaks.values()),
        )
        for title, values in floating.items()
    ]
    copied = _scaled(estimate(rates[_COPY], np.median))
    table = Table(
        "Floating-point rates",
        ("what", "GFLOP/s", "of the GEMM peak", "of the convolution peak"),
        lines,
        [
            f"Target: {TARGET_SHARE:.0%} of the convolution peak for the pixel learner. Memory is "
            f"copied at {interval(copied)} GB/s, read and write counted."
        ],
    )
    bars = [(title, _scaled(estimate(values, np.median))) for title, values in floating.items()]
    return Outcome(
        [table],
        [Bars("roofline", "Floating-point rates", "GFLOP/s", bars)],
        [
            {"what": title, "repetition": repetition, "per_s": rate}
            for title, values in rates.items()
            for repetition, rate in enumerate(values)
        ],
        {
            "peak_flops": float(max(np.median(values) for values in peaks.values())),
            **{title: vars(estimate(values, np.median)) for title, values in rates.items()},
        },
    )


def bounds(engine: Mapping[str, Any], roofline: Mapping[str, Any]) -> Table:
    """Return how far each training loop is from the peak, and what is the most to be gained.

    Args:
        engine: The summary of the engine track.
        roofline: The summary of this track.
    """
    peak, lines = roofline["peak_flops"], []
    titles = {group.name: group.title for group in GROUPS}
    for name, rows in engine.items():
        for row in rows:
            achieved = row["flops_per_env_step"] * row["env_steps_per_s"]["value"]
            lines.append(
                (
                    f"{titles[name]}: {row['title']}",
                    number(row["flops_per_env_step"] / 1e6),
                    number(achieved / 1e9),
                    f"{achieved / peak:.1%}",
                    number(peak / achieved),
                )
            )
    return Table(
        "Training loops below the roof",
        ("group and system", "MFLOP per step", "GFLOP/s", "of the peak", "at most x faster"),
        lines,
        [
            "At equal work nothing can be faster than the last column says, and arithmetic at the "
            "peak would leave no time for anything else."
        ],
    )


def _jobs(quick: bool) -> list[Job]:
    size = {"size": 256 if quick else 2048}
    return [
        Job(_GEMMS[0], f"{_COMPUTING}:numpy_product", size),
        Job(_GEMMS[1], f"{_COMPUTING}:tensorflow_product", size),
        Job(_CONVOLUTION, f"{_COMPUTING}:convolution", {"batch": 4 if quick else 64}),
        *(
            Job(title, f"{_COMPUTING}:learner", _learner(preset))
            for preset, title in _LEARNERS.items()
        ),
        Job(_COPY, f"{_COMPUTING}:copy"),
    ]


def _learner(preset: str) -> dict[str, Any]:
    """Return the arguments for the work of the first group that has this preset."""
    work = next(group.entries[0].work for group in GROUPS if group.entries[0].work.preset == preset)
    return {"work": work.as_dict()}


def _scaled(value: Estimate) -> Estimate:
    return Estimate(value.value / 1e9, value.low / 1e9, value.high / 1e9)
