"""A policy trained on six circuits drives twenty that it has never seen.

Trains with the preset `many` on circuits of the library and drives random circuits, from four
starts each, the classical driver beside it.

    python benchmarks/generalisation.py --seeds 3
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# Seeds of random circuits that no preset trains on.
UNSEEN = "random-1000:1020"


def f1_rl(*arguments: str) -> dict[str, Any]:
    """Run a verb and return its JSON document."""
    command = [sys.executable, "-m", "f1_rl.cli.main", *arguments, "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if not finished.stdout:
        sys.exit(finished.stderr)
    return dict(json.loads(finished.stdout))


def main() -> None:
    """Train with each seed, drive the unseen circuits, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ... (default 1)")
    arguments = parser.parse_args()
    print(
        f"{'seed':>4}  {'driver':<9}  {'circuits':>8}  {'drives':>8}  {'speed m/s':>9}  "
        f"{'lateral mean m':>14}"
    )
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            run_dir = str(Path(folder) / "run")
            f1_rl(
                *("train", "--preset", "many", "--seed", str(seed)),
                *("--run-dir", run_dir, "--no-report"),
            )
            result = f1_rl(
                *("evaluate", run_dir, "--circuit", UNSEEN, "--starts", "4", "--classical"),
                "--both-directions",
            )
        for driver in ("policy", "classical"):
            drives = [drive for drive in result["drives"] if drive["driver"] == driver]
            circuits = {drive["circuit"] for drive in drives}
            failed = {drive["circuit"] for drive in drives if not drive["completed"]}
            completed = sum(drive["completed"] for drive in drives)
            speed = sum(drive["mean_speed_mps"] for drive in drives) / len(drives)
            lateral = sum(drive["mean_lateral_error_m"] for drive in drives) / len(drives)
            print(
                f"{seed:>4}  {driver:<9}  {len(circuits - failed):>2} of {len(circuits)}  "
                f"{completed:>2} of {len(drives)}  {speed:>9.2f}  {lateral:>14.3f}"
            )


if __name__ == "__main__":
    main()
