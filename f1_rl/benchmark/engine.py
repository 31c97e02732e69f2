"""Engine parity: how fast training runs at equal work, beside others in the same run.

A whole training loop is measured: act, step, store, sample, update; no evaluation, no checkpoint.
TensorFlow's, PyTorch's and JAX's compiling comes before that; the time from the start of the
process to the end of the first update has columns of its own.

Equal in all systems of a group: the environment (CartPole is each library's own, TF-Agents' from
gym and the others' from Gymnasium), processors and threads, CPU only, OpenMP's threads sleeping
where they wait; the network, with the number of parameters compared; batch size, updates for each
environment step, n-step returns, replay capacity, Adam, Huber loss, plain DQN (Stable-Baselines3
and SBX have no Double DQN), epsilon 0.05, a copy to the target network every 40 updates.

Not equal: Stable-Baselines3 and SBX clip the norm of all gradients together, the others that of
each variable; they skip the network for a random action. TF-Agents moves all n + 1 observations of
a sample, the others the first and the last. Ours counts the step that resets an environment when it
schedules updates, and writes a row of its log four times a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from f1_rl.benchmark.flops import step_flops
from f1_rl.benchmark.groups import GROUPS, Entry, Group, without
from f1_rl.benchmark.systems import SYSTEMS, interpreter, say_missing
from f1_rl.benchmark.tables import Table, interval, number
from f1_rl.benchmark.track import Bars, Options, Outcome
from f1_rl.benchmark.turns import BenchmarkError, Job, Message, Turns, take_turns
from f1_rl.statistics import Estimate, estimate, estimate_ratio

_HEADINGS = (
    "system",
    "environment steps/s",
    "updates/s",
    "samples per step",
    "f1_rl is times",
    "import, s",
    "build to first update, s",
)
_QUICK_GROUPS = ("cartpole",)
_NOTE = (
    "Medians with 95 % bootstrap intervals over interleaved measurements; *f1_rl is times*: its "
    "fastest row divided by this one."
)


@dataclass(frozen=True)
class Row:
    """What was measured of one entry."""

    entry: Entry
    answers: tuple[Message, ...]
    updates_per_s: float
    samples_per_step: float
    import_s: float
    build_to_first_update_s: float
    parameters: int

    @property
    def rates(self) -> list[float]:
        """Environment steps a second, one measurement after the other."""
        return [answer["env_steps"] / answer["seconds"] for answer in self.answers]

    @property
    def steps_per_s(self) -> Estimate:
        """Environment steps a second."""
        return estimate(self.rates, np.median)


def measure_engine(options: Options) -> Outcome:
    """Measure every group.

    Raises:
        BenchmarkError: A system could not be measured, or the networks of a group differ.
    """
    names = [entry.system for group in GROUPS for entry in group.entries]
    absent = say_missing(names, options)
    if "ours" in absent:
        return Outcome()
    measured = {}
    for group in GROUPS:
        if options.quick and group.name not in _QUICK_GROUPS:
            continue
        options.say(f"engine: {group.title} ...")
        present = without(group, absent)
        measured[group.name] = (present, _measure(present, options))
    return Outcome(
        tables=[
            *(_table(group, rows) for group, rows in measured.values()),
            _targets(list(measured.values())),
        ],
        plots=[_bars(group, rows) for group, rows in measured.values()],
        raw=[line for group, rows in measured.values() for line in _raw(group, rows)],
        summary={name: [_summary(row) for row in rows] for name, (_, rows) in measured.items()},
    )


def fastest(rows: Sequence[Row], system: str) -> Row | None:
    """Return the fastest row of a system; None: it was not measured."""
    own = [row for row in rows if row.entry.system == system]
    return max(own, key=lambda row: float(np.median(row.rates)), default=None)


def _measure(group: Group, options: Options) -> list[Row]:
    jobs = [_job(entry, options) for entry in group.entries]
    turns = take_turns(
        jobs,
        options.processors,
        repetitions=options.repetitions,
        request={"seconds": options.seconds},
        warm_up={"seconds": options.warm_up_s},
    )
    rows = [_row(entry, turns, index) for index, entry in enumerate(group.entries)]
    counts = sorted({row.parameters for row in rows})
    if len(counts) > 1:
        raise BenchmarkError(
            f"{group.title}: the networks differ: {counts} parameters; install the versions of "
            "requirements/peers-*.txt (make peers)."
        )
    return rows


def _job(entry: Entry, options: Options) -> Job:
    system = SYSTEMS[entry.system]
    python = interpreter(entry.system, options.peers)
    assert python is not None
    arguments = {**entry.work.arguments(), "vector": system.vector}
    return Job(entry.title, system.function("train"), arguments, python)


def _row(entry: Entry, turns: Turns, index: int) -> Row:
    start, answers = turns.starts[index], turns.of(index)
    steps = sum(answer["env_steps"] for answer in answers)
    updates = sum(answer["updates"] for answer in answers)
    return Row(
        entry=entry,
        answers=tuple(answers),
        updates_per_s=float(np.median([_updates_per_s(answer) for answer in answers])),
        samples_per_step=updates * entry.work.batch_size / max(steps, 1),
        import_s=start["import_s"],
        build_to_first_update_s=start["first_update_s"] - start["import_s"],
        parameters=start["parameters"],
    )


def _updates_per_s(answer: Message) -> float:
    return float(answer["updates"] / answer["seconds"])


def _table(group: Group, rows: Sequence[Row]) -> Table:
    ours = fastest(rows, "ours")
    assert ours is not None
    lines = [
        (
            row.entry.title,
            interval(row.steps_per_s),
            number(row.updates_per_s),
            f"{row.samples_per_step:.1f}",
            interval(estimate_ratio(ours.rates, row.rates)),
            f"{row.import_s:.1f}",
            f"{row.build_to_first_update_s:.1f}",
        )
        for row in rows
    ]
    title = f"{group.title}: {rows[0].parameters:,} parameters in each network"
    return Table(title, _HEADINGS, lines, [_NOTE])


def _targets(measured: Sequence[tuple[Group, Sequence[Row]]]) -> Table:
    """Return how many times faster ours is than the fastest of each system, beside the target."""
    lines = []
    for group, rows in measured:
        ours = fastest(rows, "ours")
        assert ours is not None
        for system, target in group.targets.items():
            peer = fastest(rows, system)
            if peer is None:
                continue
            ratio = estimate_ratio(ours.rates, peer.rates)
            reached = "yes" if ratio.low >= target else "no"
            title = f"{group.title}: {SYSTEMS[system].title}"
            lines.append((title, f"{target:g}", interval(ratio), reached))
    return Table(
        "Fastest of ours by the fastest of each system",
        ("group and system", "target", "measured", "reached"),
        lines,
        ["Reached: the whole interval is at the target or above it."],
    )


def _bars(group: Group, rows: Sequence[Row]) -> Bars:
    return Bars(
        f"engine-{group.name}",
        group.title,
        "environment steps a second",
        [(row.entry.title, row.steps_per_s) for row in rows],
        logarithmic=True,
    )


def _raw(group: Group, rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {
            "group": group.name,
            "system": row.entry.system,
            "updates_per_call": row.entry.work.updates_per_call,
            "repetition": repetition,
            **answer,
        }
        for row in rows
        for repetition, answer in enumerate(row.answers)
    ]


def _summary(row: Row) -> dict[str, Any]:
    return {
        "system": row.entry.system,
        "title": row.entry.title,
        "updates_per_call": row.entry.work.updates_per_call,
        "env_steps_per_s": vars(row.steps_per_s),
        "updates_per_s": row.updates_per_s,
        "samples_per_step": row.samples_per_step,
        "flops_per_env_step": step_flops(row.entry.work),
        "import_s": row.import_s,
        "build_to_first_update_s": row.build_to_first_update_s,
        "parameters": row.parameters,
    }
