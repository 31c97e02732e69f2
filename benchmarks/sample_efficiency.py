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
    "not mirrored": ("gazebo", {"agent": {"augmentation": {"mirror": False}}}),
    "1 update a step": ("gazebo", {"training": {"updates_per_call": 1}}),
    "not mirrored, 1 update a step": (
        "gazebo",
        {
            "agent": {"augmentation": {"mirror": False}},
            "training": {"updates_per_call": 1},
        },
    ),
    "4 updates a step": ("gazebo", {"training": {"updates_per_call": 4}}),
    "shifted by up to 1 pixel": ("gazebo", {"agent": {"augmentation": {"shift": 1}}}),
    "reset every 200 updates": ("gazebo", {"training": {"reset_every_updates": 200}}),
}


class Watch:
    """Notes how far it was at the first evaluation with all laps, or at the end."""

    def __init__(self) -> None:
        self.solved = False
        self.steps = self.updates = 0

    def on_progress(self, progress: Progress) -> None:
        self._note(progress)

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        self._note(progress)
        self.solved = self.solved or evaluation.solved

    def _note(self, progress: Progress) -> None:
        if not self.solved:
            self.steps, self.updates = progress.env_step, progress.update


def settings_of(preset: str, changes: Changes, seed: int, every: int) -> RunSettings:
    evaluation = {"evaluate_from": every, "evaluate_every": every, "evaluation_episodes": 8}
    ending = {"stop_when_solved": True, "checkpoint_every_s": 1e6}
    common = {"env": CAMERA_ID, "seed": seed, "training": {**evaluation, **ending}}
    return run_settings(preset, [common, changes])


def train(settings: RunSettings) -> Watch:
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        trainer = start_run(settings, Path(folder) / "run", watch, device="cpu")
        try:
            trainer.run()
        finally:
            trainer.close()
    return watch


def measure(preset: str, changes: Changes, seeds: range, every: int) -> str:
    """Train with each seed and return the cells of the table's row."""
    runs = []
    for seed in seeds:
        settings = settings_of(preset, changes, seed, every)
        runs.append(train(settings))
        said = f"{runs[-1].steps} steps, {runs[-1].updates} updates"
        print(f"seed {seed}: {said if runs[-1].solved else 'not reached'}", flush=True)
    steps = estimate([run.steps for run in runs])
    period_s = settings.task.control_period_ms / 1000
    cells = (
        f"{sum(run.solved for run in runs)} of {len(runs)}",
        f"{steps:,.0f}",
        f"{max(run.steps for run in runs):,}",
        f"{estimate([run.updates for run in runs]).value:,.0f}",
        f"{period_s * steps.value:,.0f} s",
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
        print(name)
        rows.append(f"| {name} | {measure(preset, changes, seeds, arguments.every)} |")
    print("| | full laps | environment steps, IQM (95 %) | most | updates, IQM | driven, IQM |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
