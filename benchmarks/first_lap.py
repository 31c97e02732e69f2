"""From nothing to full laps: `f1-rl train` as a user starts it, seed by seed.

Each run is a process of its own, with the default preset unless told otherwise, stopped at the
first greedy evaluation in which the car drives a full lap from all 8 start poses. The time counts
from the start of the process, imports and graph building included.

    python benchmarks/first_lap.py --seeds 20
    python benchmarks/first_lap.py --seeds 20 --preset tabular
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from f1_rl.learning.runs import DEFAULT_PRESET


def run(preset: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train by a preset with one seed and return what `f1-rl train --json` says."""
    command = [
        *(sys.executable, "-m", "f1_rl.cli.main", "train", "--json", "--no-report"),
        *("--preset", preset, "--seed", str(seed), "--run-dir", str(folder / str(seed))),
        *("--set", "training.stop_when_solved=true"),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(finished.stdout))


def main() -> None:
    """Run all seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many (default 3)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")
    parser.add_argument("--preset", default=DEFAULT_PRESET, help=f"default {DEFAULT_PRESET}")
    arguments = parser.parse_args()
    print(f"{'seed':>4}  {'env steps':>9}  {'updates':>7}  {'seconds from process start':>26}")
    steps, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            result = run(arguments.preset, seed, Path(folder))
            solved = result["solved"]
            if solved is None:
                print(f"{seed:>4}  not within {result['env_steps']}")
                continue
            steps.append(solved["env_step"])
            seconds.append(result["solved_after_s"])
            print(f"{seed:>4}  {steps[-1]:>9,}  {solved['update']:>7}  {seconds[-1]:>26.1f}")
    print(f"\nfull laps from 8 of 8 starts with {len(steps)} of {arguments.seeds} seeds")
    if steps:
        print(
            f"environment steps: median {statistics.median(steps):,.0f}, most {max(steps):,}\n"
            f"seconds from process start: median {statistics.median(seconds):.1f}, "
            f"most {max(seconds):.1f}"
        )


if __name__ == "__main__":
    main()
