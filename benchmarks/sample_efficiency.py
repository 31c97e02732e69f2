"""Environment steps until the car drives a full lap from all 8 start poses, seed by seed.

The presets `embedded` and `gazebo`, both in the embedded simulator, in one process, evaluated on a
grid of steps finer than their own; evaluating does not change what is learned. `--ablation` leaves
out or adds one part of `gazebo` at a time. A run that does not get there counts with its budget.

    python benchmarks/sample_efficiency.py --seeds 20
    python benchmarks/sample_efficiency.py --ablation --seeds 10 --first-seed 1000
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from f1_rl.driving.registration import CAMERA_ID
from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.progress import Progress
from f1_rl.learning.runs import RunSettings, run_settings
from f1_rl.learning.training import start_run
from f1_rl.statistics import estimate

Changes = dict[str, dict[str, Any]]

PRESETS: dict[str, tuple[str, Changes]] = {
    "embedded": ("embedded", {}),
    "gazebo": ("gazebo", {}),
}
ABLATION: dict[str, tuple[str, Changes]] = {
    "gazebo": ("gazebo", {}),
}


class Watch:
    """Notes the first evaluation in which every start led to a full lap."""

    def __init__(self) -> None:
        self.solved: Progress | None = None

    def on_progress(self, progress: Progress) -> None:
        """Ignore it."""

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        if evaluation.solved:
            self.solved = self.solved or progress


def settings_of(preset: str, changes: Changes, seed: int, every: int) -> RunSettings:
    evaluation = {"evaluate_from": every, "evaluate_every": every, "evaluation_episodes": 8}
    ending = {"stop_when_solved": True, "checkpoint_every_s": 1e6}
    common = {"env": CAMERA_ID, "seed": seed, "training": {**evaluation, **ending}}
    return run_settings(preset, [common, changes])


def train(settings: RunSettings) -> tuple[int, int] | None:
    """Return the environment steps and updates until it was solved; None: it was not."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        trainer = start_run(settings, Path(folder) / "run", watch, device="cpu")
        try:
            trainer.run()
        finally:
            trainer.close()
    return None if watch.solved is None else (watch.solved.env_step, watch.solved.update)


def measure(preset: str, changes: Changes, seeds: range, every: int) -> str:
    """Train with each seed and return the rest of the row of the table."""
    steps, updates, unsolved = [], [], 0
    for seed in seeds:
        settings = settings_of(preset, changes, seed, every)
        result = train(settings)
        unsolved += result is None
        steps.append(result[0] if result else settings.training.env_steps)
        updates.append(result[1] if result else settings.training.env_steps)
        print(f"  {preset} {changes} seed {seed}: {result or 'not reached'}", flush=True)
    cells = (
        f"{len(seeds) - unsolved} of {len(seeds)}",
        f"{estimate(steps):,.0f}",
        f"{max(steps):,}",
        f"{estimate(updates).value:,.0f}",
        f"{0.05 * estimate(steps).value:,.0f} s",
    )
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many (default 3)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")
    parser.add_argument("--every", type=int, default=50, help="steps between evaluations")
    parser.add_argument("--ablation", action="store_true", help="parts of gazebo, one by one")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    rows = []
    for name, (preset, changes) in (ABLATION if arguments.ablation else PRESETS).items():
        rows.append(f"| {name} | {measure(preset, changes, seeds, arguments.every)} |")
    print("| | full laps | environment steps, IQM (95 %) | most | updates, IQM | driven, IQM |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
