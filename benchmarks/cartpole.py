"""CartPole: environment steps and seconds until 100 greedy episodes reach the threshold.

The preset `cartpole` seed by seed, in one process, so that the seconds do not contain imports;
building networks and graphs is in them. The threshold is the environment's own: 195 for v0, 475
for v1.

    python benchmarks/cartpole.py --env CartPole-v0 --seeds 20
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.progress import Progress
from f1_rl.learning.runs import run_settings
from f1_rl.learning.training import start_run


class Watch:
    """Notes when the first evaluation reached the threshold."""

    def __init__(self) -> None:
        """Begin the clock."""
        self._began = time.monotonic()
        self.solved: tuple[int, float, float] | None = None

    def on_progress(self, progress: Progress) -> None:
        """Ignore it."""

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        """Note steps, seconds and score."""
        if evaluation.solved and self.solved is None:
            elapsed = time.monotonic() - self._began
            self.solved = (progress.env_step, elapsed, evaluation.score[0])


def main() -> None:
    """Train with each seed and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="CartPole-v0", help="CartPole-v0 or CartPole-v1")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (default 3)")
    arguments = parser.parse_args()
    print(f"{arguments.env}\n{'seed':>4}  {'env steps':>9}  {'seconds':>7}  {'mean return':>11}")
    solved = []
    for seed in range(arguments.seeds):
        settings = run_settings("cartpole", [{"env": arguments.env, "seed": seed}])
        watch = Watch()
        with tempfile.TemporaryDirectory() as folder:
            start_run(settings, Path(folder) / "run", watch, device="cpu").run()
        if watch.solved is None:
            print(f"{seed:>4}  not within {settings.training.env_steps}")
            continue
        solved.append(watch.solved)
        steps, seconds, score = watch.solved
        print(f"{seed:>4}  {steps:>9,}  {seconds:>7.1f}  {score:>11.1f}")
    print(f"\nsolved with {len(solved)} of {arguments.seeds} seeds")
    if solved:
        steps_all = [steps for steps, _, _ in solved]
        seconds_all = [seconds for _, seconds, _ in solved]
        print(
            f"environment steps: median {statistics.median(steps_all):,.0f}, "
            f"most {max(steps_all):,}\n"
            f"seconds: median {statistics.median(seconds_all):.1f}, most {max(seconds_all):.1f}"
        )


if __name__ == "__main__":
    main()
