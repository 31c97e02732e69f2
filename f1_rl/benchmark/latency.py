"""Latency of one decision: from an observation to an action, batch 1, one thread.

The network is that of the default preset, untrained: its arithmetic is the same. TF-Agents' own way
is the SavedModel that its PolicySaver writes; between it and ours lie a `tf.function` of the
network alone, and LiteRT's interpreter without the checks and the action table around it.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from f1_rl.benchmark.systems import say_missing
from f1_rl.benchmark.tables import Table, interval, number
from f1_rl.benchmark.track import Bars, Options, Outcome
from f1_rl.benchmark.turns import Job, Turns, take_turns
from f1_rl.statistics import Estimate, estimate, estimate_ratio

TARGET_P99_S = 0.2e-3
_DECISIONS, _QUICK_DECISIONS = 10_000, 50
_HERE = "f1_rl.benchmark.deciding"
_TITLES = {
    "saved_model": "TF-Agents' SavedModel policy",
    "tf_function": "tf.function of the network",
    "tflite": "LiteRT interpreter",
    "ours": "f1_rl, policy runner",
}
_HEADINGS = ("system", "p50, µs", "p99, µs", "max, µs", "f1_rl is times (p50)", "p99 <= 200 µs")


def measure_latency(options: Options) -> Outcome:
    """Let every way of deciding take turns on one processor.

    Raises:
        BenchmarkError: One of them failed.
    """
    if say_missing(["ours"], options):
        return Outcome()
    decisions = _QUICK_DECISIONS if options.quick else _DECISIONS
    processors = options.processors[:1]
    options.say(f"latency: {options.repetitions} x {decisions:,} decisions of each ...")
    with tempfile.TemporaryDirectory() as folder:
        policy = str(Path(folder) / "policy")
        writer = Job("policy", f"{_HERE}:write_policy", {"folder": policy})
        take_turns([writer], processors, repetitions=0, request={})
        jobs = [
            Job(title, f"{_HERE}:{name}", {"folder": policy}) for name, title in _TITLES.items()
        ]
        turns = take_turns(
            jobs,
            processors,
            repetitions=options.repetitions,
            request={"decisions": decisions},
            warm_up={"decisions": max(decisions // 10, 10)},
        )
    return summarise_latency(turns, decisions)


def summarise_latency(turns: Turns, decisions: int) -> Outcome:
    """Return tables and plots of the workers' answers, in the order of the titles."""
    medians = {name: _column(turns, index, "p50") for index, name in enumerate(_TITLES)}
    lines, bars, summary = [], [], {}
    for index, (name, title) in enumerate(_TITLES.items()):
        p50, p99 = (estimate(_column(turns, index, column), np.median) for column in ("p50", "p99"))
        greatest = max(_column(turns, index, "max"))
        lines.append(
            (
                title,
                interval(_in_us(p50)),
                interval(_in_us(p99)),
                number(greatest * 1e6),
                interval(estimate_ratio(medians[name], medians["ours"])),
                "yes" if p99.high <= TARGET_P99_S else "no",
            )
        )
        bars.append((title, _in_us(p99)))
        summary[name] = {"p50_s": vars(p50), "p99_s": vars(p99), "max_s": greatest}
    raw = [
        {"system": name, "repetition": repetition, **answer}
        for index, name in enumerate(_TITLES)
        for repetition, answer in enumerate(turns.of(index))
    ]
    table = Table(
        f"One decision, one thread: {len(turns.rounds)} x {decisions:,} decisions of each",
        _HEADINGS,
        lines,
        ["Medians of the repetitions with 95 % bootstrap intervals; max is that of all."],
    )
    plot = Bars("latency", "One decision", "microseconds, 99th percentile", bars, logarithmic=True)
    return Outcome([table], [plot], raw, summary)


def _column(turns: Turns, index: int, name: str) -> Sequence[float]:
    return [float(answer[name]) for answer in turns.of(index)]


def _in_us(value: Estimate) -> Estimate:
    return Estimate(value.value * 1e6, value.low * 1e6, value.high * 1e6)
