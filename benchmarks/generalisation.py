"""A policy drives circuits that it has never seen: random ones, and CSV files at several scales.

Trains with a preset and drives the others in both directions; the classical driver beside it, if
asked for. Files in the format of TU Munich's racetrack database are imported at each scale, their
hairpins narrowed where they are tighter than the road; what crosses itself is left out and named.

    python benchmarks/generalisation.py --seeds 3 --classical
    python benchmarks/generalisation.py --preset anywhere --random 100 --starts 2 \
        --files tracks/*.csv --scales 0.1 0.2 0.333
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# The first seed of random circuits that no preset trains on.
FIRST_UNSEEN = 1000


def f1_rl(*arguments: object) -> dict[str, Any]:
    """Run a verb and return its JSON document.

    Raises:
        RuntimeError: The verb says what is wrong.
    """
    command = [sys.executable, "-m", "f1_rl.cli.main", *map(str, arguments), "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    document = json.loads(finished.stdout or "{}")
    if "error" in document or not document:
        raise RuntimeError(document.get("error") or finished.stderr.strip())
    return dict(document)


def import_files(files: list[Path], scale: float, folder: Path) -> list[Path]:
    """Return the files imported at a scale; tell which cannot be."""
    folder.mkdir(parents=True)
    imported = []
    for file in files:
        try:
            f1_rl("circuit", "import", file, folder / file.name, "--scale", scale, "--narrow")
            imported.append(folder / file.name)
        except RuntimeError as error:
            print(f"left out: {error}")
    return imported


def main() -> None:
    """Train with each seed, drive the unseen circuits, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="many", help="to train with (many)")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ... (default 1)")
    parser.add_argument("--random", type=int, default=20, help="unseen random circuits (20)")
    parser.add_argument("--starts", type=int, default=4, help="on each, half of them backward (4)")
    parser.add_argument("--files", type=Path, nargs="*", default=[], help="CSV files of circuits")
    parser.add_argument("--scales", type=float, nargs="*", default=[0.2], help="of the files (0.2)")
    parser.add_argument("--classical", action="store_true", help="the classical driver beside it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unseen: dict[str, list[object]] = {
            "random": [f"random-{FIRST_UNSEEN}:{FIRST_UNSEEN + arguments.random}"]
        }
        for scale in arguments.scales if arguments.files else ():
            imported = import_files(arguments.files, scale, folder / f"{scale:g}")
            unseen[f"files, 1:{1 / scale:.3g}"] = list(imported)
        print(
            f"{'seed':>4}  {'driver':<9}  {'circuits':<12}  {'completed':>11}  {'drives':>11}  "
            f"{'speed m/s':>9}  {'lateral mean m':>14}"
        )
        for seed in range(arguments.seeds):
            run_dir = folder / f"run{seed}"
            f1_rl(
                *("train", "--preset", arguments.preset, "--seed", seed),
                *("--run-dir", run_dir, "--no-report"),
            )
            for kind, circuits in unseen.items():
                drive_and_tell(seed, kind, run_dir, circuits, arguments)


def drive_and_tell(
    seed: int, kind: str, run_dir: Path, circuits: list[object], arguments: argparse.Namespace
) -> None:
    """Drive circuits of one kind and print a row for each driver."""
    named = [word for circuit in circuits for word in ("--circuit", circuit)]
    beside = ["--classical"] if arguments.classical else []
    starts = ("--starts", arguments.starts, "--both-directions")
    result = f1_rl("evaluate", run_dir, *named, *starts, *beside)
    failed_ones = set()
    for driver in dict.fromkeys(drive["driver"] for drive in result["drives"]):
        drives = [drive for drive in result["drives"] if drive["driver"] == driver]
        every = {drive["circuit"] for drive in drives}
        failed = {drive["circuit"] for drive in drives if not drive["completed"]}
        completed = sum(drive["completed"] for drive in drives)
        speed = sum(drive["mean_speed_mps"] for drive in drives) / len(drives)
        lateral = sum(drive["mean_lateral_error_m"] for drive in drives) / len(drives)
        print(
            f"{seed:>4}  {driver:<9}  {kind:<12}  {len(every - failed):>4} of {len(every):>3}  "
            f"{completed:>4} of {len(drives):>3}  {speed:>9.2f}  {lateral:>14.3f}",
            flush=True,
        )
        failed_ones |= failed if driver == "policy" else set()
    if failed_ones:
        print(f"      not completed by the policy: {', '.join(sorted(failed_ones))}")


if __name__ == "__main__":
    main()
