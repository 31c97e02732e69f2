"""What each algorithm setting does on the F1 circuit: one changed at a time, seed by seed.

Every run is the default preset with a budget of a few thousand environment steps and an evaluation
every 250 steps from 500 on: the greedy policy drives a lap from 8 starts. A cell of the table is
the interquartile mean over the seeds with its 95 % bootstrap interval, of

* the steps to the first evaluation with full laps from all starts; runs without one count with the
  budget;
* the share of the lap driven, averaged over the starts and all evaluations (how fast it learns);
* the same at the last evaluation;
* the lap time there, averaged over the starts; a lap that is not completed counts as 60 s.

With --csv every evaluation is written to a file, and runs that are in there are not done again.

    python benchmarks/ablation.py --seeds 10 --jobs 2 --csv ablation.csv
"""

import argparse
import csv
import multiprocessing
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from f1_rl.learning.runs import DEFAULT_PRESET, RunSettings, run_settings
from f1_rl.settings import SettingsError, parse_assignment
from f1_rl.statistics import estimate

BUDGET = 3_000
NOT_COMPLETED_S = 60.0
COMMON = [
    f"training.env_steps={BUDGET}",
    "training.evaluate_from=500",
    "training.evaluate_every=250",
    "training.checkpoint_every_s=1e6",
]
ROWS: dict[str, list[str]] = {
    "default (double_dqn, 3-step)": [],
    "dqn": ["agent.algorithm=dqn"],
    "c51": ["agent.algorithm=c51"],
    "dueling": ["agent.network.dueling=true"],
    "c51, dueling": ["agent.algorithm=c51", "agent.network.dueling=true"],
    "1-step": ["agent.n_step=1"],
    "5-step": ["agent.n_step=5"],
    "prioritised replay": ["training.prioritized_replay={}"],
    "noisy, no epsilon": [
        "agent.network.noisy=true",
        "training.epsilon_start=0",
        "training.epsilon_end=0",
    ],
    "soft target (0.05 each update)": [
        "agent.target_update_tau=0.05",
        "agent.target_update_period=1",
    ],
    "squared loss": ["agent.loss=squared"],
    "exponential epsilon": ["training.epsilon_schedule=exponential"],
    "epsilon ladder": [
        "training.epsilon_start=0.4",
        "training.epsilon_end=0.4",
        "training.epsilon_ladder=7",
    ],
}
COLUMNS = ("row", "seed", "env_step", "completed", "completion", "lap_time_s")
Record = dict[str, Any]


class Curve:
    """Notes every evaluation of a run, and keeps no policy."""

    def __init__(self, row: str, seed: int) -> None:
        self._cell = {"row": row, "seed": seed}
        self.records: list[Record] = []

    def on_progress(self, progress: Any) -> None:
        pass

    def on_evaluation(self, progress: Any, evaluation: Any, best: bool) -> None:
        drives = evaluation.rows
        times = [d["lap_time_s"] if d["completed"] else NOT_COMPLETED_S for d in drives]
        means = {
            "completed": np.mean([drive["completed"] for drive in drives]),
            "completion": np.mean([drive["completion"] for drive in drives]),
            "lap_time_s": np.mean(times),
        }
        rounded = {name: round(float(value), 4) for name, value in means.items()}
        self.records.append({**self._cell, "env_step": progress.env_step, **rounded})

    def save(self, name: str, agent: Any, training: Any, results: Any) -> None:
        pass


def settings_of(row: str, seed: int) -> RunSettings:
    changes = [parse_assignment(text) for text in (*COMMON, *ROWS[row])]
    return run_settings(DEFAULT_PRESET, [*changes, {"seed": seed}])


def train(cell: tuple[str, int]) -> list[Record]:
    """Return the evaluations of one run."""
    # TensorFlow is imported by the processes that train alone.
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.augmentation import Augmentation
    from f1_rl.learning.environments import make_environments
    from f1_rl.learning.evaluation import LapEvaluator
    from f1_rl.learning.observations import ObservationLayout
    from f1_rl.learning.run_folder import RunFolder
    from f1_rl.learning.trainer import Trainer

    settings, curve = settings_of(*cell), Curve(*cell)
    environments = make_environments(settings)
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    agent = Agent(
        layout, environments.num_actions, settings.agent, seed=settings.seed, device="/CPU:0"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name) / "run")
        folder.create(settings.as_dict())
        trainer = Trainer(
            environments.vector,
            agent,
            LapEvaluator(settings.task, layout, settings.training.evaluation_episodes),
            folder,
            curve,
            agent_settings=settings.agent,
            training=settings.training,
            seed=settings.seed,
            listener=curve,
            augmentation=Augmentation(
                settings.agent.augmentation, layout, environments.mirrored_actions
            ),
        )
        trainer.run()
        trainer.close()
    return curve.records


def read(path: Path | None) -> list[Record]:
    """Return the evaluations that a file holds."""
    if path is None or not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {
                "row": line["row"],
                **{name: int(line[name]) for name in COLUMNS[1:3]},
                **{name: float(line[name]) for name in COLUMNS[3:]},
            }
            for line in csv.DictReader(file)
        ]


def append(path: Path | None, records: list[Record]) -> None:
    """Write the evaluations of a run behind those of others."""
    if path is None:
        return
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerows(records)


def measures(run: list[Record]) -> tuple[float, float, float, float]:
    """Return what the table shows of one run."""
    solved = [record["env_step"] for record in run if record["completed"] == 1.0]
    completions = [record["completion"] for record in run]
    first = min(solved, default=BUDGET)
    return first, float(np.mean(completions)), completions[-1], run[-1]["lap_time_s"]


def print_table(records: list[Record], rows: list[str]) -> None:
    print("| changed | seeds | solved | steps to full laps | mean completion | at the end | lap |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        own = [record for record in records if record["row"] == row]
        seeds = sorted({record["seed"] for record in own})
        if not seeds:
            continue
        runs = [[record for record in own if record["seed"] == seed] for seed in seeds]
        solved = sum(any(record["completed"] == 1.0 for record in run) for run in runs)
        steps, curve, last, lap = map(estimate, zip(*map(measures, runs), strict=True))
        print(
            f"| {row} | {len(seeds)} | {solved} | {steps:,.0f} | {100 * curve.value:.1f} % "
            f"({100 * curve.low:.1f} to {100 * curve.high:.1f}) | {100 * last.value:.1f} % "
            f"({100 * last.low:.1f} to {100 * last.high:.1f}) | {lap:.1f} s |"
        )


def main() -> None:
    """Do the runs that are missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10, help="seeds each (default 10)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once (default 1)")
    parser.add_argument("--only", nargs="+", choices=list(ROWS), metavar="ROW", help="these rows")
    parser.add_argument("--csv", type=Path, help="file of all evaluations, gone on with")
    arguments = parser.parse_args()
    rows = arguments.only or list(ROWS)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    try:
        for row in rows:
            settings_of(row, 0)
    except SettingsError as error:
        parser.error(str(error))
    records = [
        record
        for record in read(arguments.csv)
        if record["row"] in rows and record["seed"] in seeds
    ]
    done = {(record["row"], record["seed"]) for record in records}
    missing = [(row, seed) for seed in seeds for row in rows if (row, seed) not in done]
    # Each run on one core: runs at once do not wait for each other's threads.
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        for run in pool.imap_unordered(train, missing):
            append(arguments.csv, run)
            records += run
    print_table(records, rows)


if __name__ == "__main__":
    main()
