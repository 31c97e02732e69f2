"""Time to solve CartPole: everybody with the settings that are published for it.

f1_rl has its preset `cartpole`, Stable-Baselines3 and SBX the hyperparameters of RL Baselines3 Zoo,
TF-Agents those of its DQN tutorial. Seconds count from the start of the process, with imports,
building, compiling and the evaluations up to the one that reaches the threshold. All are evaluated
alike: 100 greedy episodes, every 500 environment steps.

A run that does not reach the threshold counts with the whole budget of steps, and with the seconds
that the budget would take it at its pace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from f1_rl.benchmark.systems import SYSTEMS, interpreter, say_missing
from f1_rl.benchmark.tables import Table, interval
from f1_rl.benchmark.track import Bars, Options, Outcome
from f1_rl.benchmark.turns import Job, Message, Worker
from f1_rl.statistics import Estimate, estimate, estimate_ratio

THRESHOLDS = {"CartPole-v0": 195.0, "CartPole-v1": 475.0}
_SYSTEMS = ("ours", "tf-agents", "sb3", "sbx")
_BUDGET, _QUICK_BUDGET = 50_000, 300
_EVALUATE_EVERY, _QUICK_EVALUATE_EVERY = 500, 150
_EPISODES, _QUICK_EPISODES = 100, 4
_HEADINGS = (
    "system",
    "solved",
    "environment steps",
    "seconds from process start",
    "f1_rl is times",
)
_NOTE = (
    "Interquartile means over the seeds with 95 % bootstrap intervals; a run that did not get "
    "there counts with the whole budget. *f1_rl is times*: the ratio of the medians of the seconds."
)


@dataclass(frozen=True)
class Run:
    """One seed of one system.

    Attributes:
        env: Environment id.
        system: Its name.
        seed: Its seed.
        solved: Whether the threshold was reached within the budget.
        env_steps: Until then; the budget otherwise.
        seconds: Until then, from the start of the process; those of the budget otherwise.
    """

    env: str
    system: str
    seed: int
    solved: bool
    env_steps: int
    seconds: float


def measure_solve(options: Options) -> Outcome:
    """Run every system with every seed, a seed after the other.

    Raises:
        BenchmarkError: A system could not be run.
    """
    absent = say_missing(_SYSTEMS, options)
    systems = [name for name in _SYSTEMS if name not in absent]
    if "ours" not in systems:
        return Outcome()
    runs = []
    for env in ["CartPole-v1"] if options.quick else list(THRESHOLDS):
        for seed in range(1 if options.quick else options.seeds):
            options.say(f"solve: {env}, seed {seed} ...")
            runs += [_run(env, system, seed, options) for system in systems]
    envs = list(dict.fromkeys(run.env for run in runs))
    return Outcome(
        tables=[_table(env, systems, runs) for env in envs],
        plots=[_bars(env, systems, runs) for env in envs],
        raw=[vars(run) for run in runs],
        summary={env: _summary(env, systems, runs) for env in envs},
    )


def judge(messages: Sequence[Message], *, env: str, system: str, seed: int, budget: int) -> Run:
    """Return what the evaluations of a run amount to.

    Args:
        messages: Of each evaluation `env_steps`, `seconds` and `mean_return`, in order; after one
            that reaches the threshold there is none.
        env: Environment id.
        system: Its name.
        seed: Its seed.
        budget: Environment steps.

    Raises:
        ValueError: There is no evaluation.
    """
    if not messages:
        raise ValueError("nothing was evaluated.")
    last = messages[-1]
    steps, seconds = int(last["env_steps"]), float(last["seconds"])
    solved = last["mean_return"] >= THRESHOLDS[env] and steps <= budget
    if solved:
        return Run(env, system, seed, True, steps, seconds)
    return Run(env, system, seed, False, budget, seconds * max(1.0, budget / steps))


def _run(env: str, system: str, seed: int, options: Options) -> Run:
    budget = _QUICK_BUDGET if options.quick else _BUDGET
    arguments = {
        "env": env,
        "seed": seed,
        "budget": budget,
        "evaluate_every": _QUICK_EVALUATE_EVERY if options.quick else _EVALUATE_EVERY,
        "episodes": _QUICK_EPISODES if options.quick else _EPISODES,
    }
    python = interpreter(system, options.peers)
    assert python is not None
    job = Job(SYSTEMS[system].title, SYSTEMS[system].function("solve"), arguments, python)
    worker, messages = Worker(job, options.processors), []
    try:
        while "ended" not in (message := worker.receive()):
            messages.append(message)
            if message["mean_return"] >= THRESHOLDS[env]:
                break
    finally:
        worker.close()
    return judge(messages, env=env, system=system, seed=seed, budget=budget)


def _of(env: str, system: str, runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if (run.env, run.system) == (env, system)]


def _seconds(env: str, system: str, runs: Sequence[Run]) -> list[float]:
    return [run.seconds for run in _of(env, system, runs)]


def _steps(env: str, system: str, runs: Sequence[Run]) -> Estimate:
    return estimate([run.env_steps for run in _of(env, system, runs)])


def _table(env: str, systems: Sequence[str], runs: Sequence[Run]) -> Table:
    ours = _seconds(env, "ours", runs)
    lines = []
    for system in systems:
        own, seconds = _of(env, system, runs), _seconds(env, system, runs)
        lines.append(
            (
                SYSTEMS[system].title,
                f"{sum(run.solved for run in own)} of {len(own)}",
                interval(_steps(env, system, runs)),
                interval(estimate(seconds)),
                interval(estimate_ratio(seconds, ours)),
            )
        )
    title = f"{env}: until 100 greedy episodes average {THRESHOLDS[env]:g}"
    return Table(title, _HEADINGS, lines, [_NOTE])


def _bars(env: str, systems: Sequence[str], runs: Sequence[Run]) -> Bars:
    return Bars(
        f"solve-{env}",
        f"{env}: time to {THRESHOLDS[env]:g}",
        "seconds from process start",
        [(SYSTEMS[name].title, estimate(_seconds(env, name, runs))) for name in systems],
        logarithmic=True,
    )


def _summary(env: str, systems: Sequence[str], runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [
        {
            "system": system,
            "seeds": len(_of(env, system, runs)),
            "solved": sum(run.solved for run in _of(env, system, runs)),
            "env_steps": vars(_steps(env, system, runs)),
            "seconds": vars(estimate(_seconds(env, system, runs))),
        }
        for system in systems
    ]
