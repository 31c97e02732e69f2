"""Demonstrations shorten training, and are enough by themselves.

Records the classical driver with noise on its commands into a bag, trains with and without it until
the first evaluation in which all eight laps are full, and prints environment steps and seconds of
each, making environments and network and reading the bag included. All evaluate equally often,
from the start on. Then learns from the bag alone, with and without the conservative term, and
prints the most full laps of any evaluation.

    python benchmarks/demonstrations.py --seeds 5
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from recorded_drives import drive, task_settings, write_bag

from f1_rl.learning.runs import run_settings
from f1_rl.learning.trainer import Trainer
from f1_rl.learning.training import start_run

# So often that the first solved evaluation tells when.
SCHEDULE = {"evaluate_from": 0, "evaluate_every": 100, "stop_when_solved": True}
OFFLINE = {"offline_updates": 1000, "offline_evaluate_every": 100}


class Best:
    """A listener that keeps the most full laps of any evaluation."""

    def __init__(self) -> None:
        self.laps = 0

    def on_progress(self, progress: Any) -> None:
        pass

    def on_evaluation(self, progress: Any, evaluation: Any, best: bool) -> None:
        self.laps = max(self.laps, evaluation.successes)


def train(
    preset: str, seed: int, changes: dict[str, Any], folder: Path
) -> tuple[Trainer, float, int]:
    """Return the trainer at the end of a run, the seconds before it began, and the most laps."""
    task = task_settings(circuits=["simple"]).as_dict()
    listener = Best()
    settings = run_settings(preset, [{"task": task, "seed": seed}, changes])
    began_s = time.monotonic()
    trainer = start_run(settings, folder / f"{preset}-{seed}", listener, device="cpu")
    start_s = time.monotonic() - began_s
    trainer.run()
    trainer.close()
    return trainer, start_s, listener.laps


def main() -> None:
    """Record, train with each seed, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (default 3)")
    parser.add_argument("--seconds", type=float, default=100.0, help="of the recorded drive")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = drive(
            task_settings(circuits=["simple"]), arguments.seconds, noise=(0.05, 0.15), seed=100
        )
        bags = {"demonstrations": {"bags": [str(write_bag(folder / "bag", samples))]}}
        print(f"{'':<22}  {'seed':>4}  {'env steps':>9}  {'updates':>7}  {'seconds':>7}")
        for preset, given in (("embedded", {}), ("demonstrated", bags)):
            what = "with demonstrations" if given else "without"
            rows = []
            for seed in range(arguments.seeds):
                changes = {"training": SCHEDULE, **given}
                trainer, start_s, _ = train(preset, seed, changes, folder)
                solved = trainer.solved_at
                if solved is None:
                    print(f"{what:<22}  {seed:>4}  not within {trainer.env_steps} steps")
                    continue
                row = (solved.env_step, solved.update, start_s + solved.wall_time_s)
                rows.append(row)
                print(f"{what:<22}  {seed:>4}  {row[0]:>9,}  {row[1]:>7,}  {row[2]:>7.1f}")
            if rows:
                steps, updates, seconds = (
                    statistics.median(column) for column in zip(*rows, strict=True)
                )
                print(f"{what:<22}  {'med.':>4}  {steps:>9,.0f}  {updates:>7,.0f}  {seconds:>7.1f}")
        print(f"\n{'from the bag alone':<22}  {'seed':>4}  most full laps of 8")
        for weight in (0.0, 1.0):
            what = f"conservative {weight:.0f}" if weight else "plain DQN"
            for seed in range(arguments.seeds):
                changes = {"agent": {"conservative_weight": weight}, "training": OFFLINE, **bags}
                _, _, laps = train("offline", seed, changes, folder / str(weight))
                print(f"{what:<22}  {seed:>4}  {laps}", flush=True)


if __name__ == "__main__":
    main()
