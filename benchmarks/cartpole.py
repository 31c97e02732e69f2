"""CartPole: environment steps and seconds until 100 greedy episodes reach the threshold.

A preset seed by seed, in one process, so that the seconds do not contain imports; building
networks and graphs, compiling and evaluating are in them. The threshold is the environment's own:
195 for v0, 475 for v1. A seed that does not reach it counts with all the steps and seconds that it
had.

    python benchmarks/cartpole.py --env CartPole-v0 --seeds 20
    python benchmarks/cartpole.py --env CartPole-v0 --preset cartpole_tutorial --seeds 3
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.progress import Progress
from f1_rl.learning.runs import preset_for, run_settings
from f1_rl.learning.training import start_run
from f1_rl.statistics import estimate


@dataclass(frozen=True)
class Outcome:
    """What one seed needed, or had in vain."""

    env_steps: int
    updates: int
    seconds: float
    mean_return: float
    solved: bool


class Watch:
    """Notes the first evaluation that reached the threshold, and before that the last."""

    def __init__(self) -> None:
        """Begin the clock."""
        self._began_s = time.monotonic()
        self.outcome: Outcome | None = None

    def on_progress(self, progress: Progress) -> None:
        """Ignore it."""

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        """Note steps, seconds and score."""
        if self.outcome is None or not self.outcome.solved:
            self.outcome = Outcome(
                env_steps=progress.env_step,
                updates=progress.update,
                seconds=time.monotonic() - self._began_s,
                mean_return=evaluation.score[0],
                solved=evaluation.solved,
            )


def train(preset: str, env: str, seed: int) -> Outcome:
    """Train with one seed."""
    settings = run_settings(preset, [{"env": env, "seed": seed}])
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        start_run(settings, Path(folder) / "run", watch, device="cpu").run()
    assert watch.outcome is not None
    return watch.outcome


def print_summary(outcomes: Sequence[Outcome]) -> None:
    """Print interquartile means with their 95 % bootstrap intervals, and the worst."""
    solved = sum(outcome.solved for outcome in outcomes)
    steps = [outcome.env_steps for outcome in outcomes]
    seconds = [outcome.seconds for outcome in outcomes]
    print(
        f"\nsolved with {solved} of {len(outcomes)} seeds\n"
        f"environment steps: IQM {estimate(steps):,.0f}, most {max(steps):,}\n"
        f"seconds: IQM {estimate(seconds):.1f}, most {max(seconds):.1f}"
    )


def main() -> None:
    """Train with each seed and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--env", default="CartPole-v0", help="CartPole-v0 or CartPole-v1")
    parser.add_argument("--preset", help="named settings; default: those made for the environment")
    parser.add_argument("--seeds", type=int, default=3, help="how many (default 3)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")
    arguments = parser.parse_args()
    preset = arguments.preset or preset_for(arguments.env)
    print(f"{arguments.env}, preset {preset}\n")
    print("| seed | environment steps | updates | seconds | mean return | solved |")
    print("|---|---|---|---|---|---|")
    outcomes = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        outcome = train(preset, arguments.env, seed)
        outcomes.append(outcome)
        print(
            f"| {seed} | {outcome.env_steps:,} | {outcome.updates:,} | {outcome.seconds:.1f} "
            f"| {outcome.mean_return:.1f} | {'yes' if outcome.solved else 'no'} |",
            flush=True,
        )
    print_summary(outcomes)


if __name__ == "__main__":
    main()
