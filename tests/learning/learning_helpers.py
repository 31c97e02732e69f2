"""What the tests of learning share: small runs, quiet listeners, tables."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from f1_rl.learning.runs import RunSettings, run_settings
from f1_rl.settings import merge

# Every number that a result could depend on, since presets and defaults are tuned now and then.
TINY: dict[str, Any] = {
    "task": {
        "circuits": ["oval"],
        "actions": "simple",
        "observation": {"rows": 8, "columns": 16, "frame_stack": 2},
        "endings": {"time_limit_s": 8.0},
    },
    "agent": {
        "algorithm": "double_dqn",
        "network": {"filters": [4], "kernels": [[3, 3]], "strides": [[2, 2]], "units": [16]},
        "learning_rate": 1e-3,
        "final_learning_rate": 1e-4,
        "gamma": 0.9,
        "n_step": 3,
        "batch_size": 32,
        "target_update_period": 10,
    },
    "training": {
        "num_envs": 8,
        "env_steps": 600,
        "replay_capacity": 4_000,
        "learning_starts": 100,
        "train_every": 1,
        "updates_per_call": 1,
        "epsilon_steps": 500,
        "evaluate_from": 0,
        "evaluate_every": 300,
        "evaluation_episodes": 2,
        "stop_when_solved": False,
        "checkpoint_every_s": 1_000.0,
        "log_every_s": 0.05,
    },
}


def tiny_settings(**changes: Any) -> RunSettings:
    """Settings of a run of a second on the oval, with changes laid over them."""
    return run_settings("embedded", [merge(TINY, changes)])


class Quiet:
    """A listener that only counts, and calls what it is given."""

    def __init__(self, on_evaluation: Callable[[Any], None] | None = None) -> None:
        self.progress: list[Any] = []
        self.evaluations: list[Any] = []
        self._on_evaluation = on_evaluation

    def on_progress(self, progress: Any) -> None:
        self.progress.append(progress)

    def on_evaluation(self, progress: Any, evaluation: Any, best: bool) -> None:
        self.evaluations.append((progress, evaluation, best))
        if self._on_evaluation is not None:
            self._on_evaluation(progress)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
