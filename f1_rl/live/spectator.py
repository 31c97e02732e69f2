"""The spectator of a training run: what the first environment does goes to the live page."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from f1_rl.driving.task import DrivingTask
from f1_rl.live.hub import Hub
from f1_rl.live.snapshot import (
    Command,
    Message,
    Moment,
    Pose,
    Scene,
    TrainingFigures,
    UInt8Array,
    observation_picture,
)
from f1_rl.simulation import Simulator

if TYPE_CHECKING:
    from f1_rl.learning.audience import Decision
    from f1_rl.learning.evaluation import Evaluation
    from f1_rl.learning.progress import Progress

# Moments a second are at most its inverse: more would cost the training and show nothing.
_PERIOD_S = 0.1
_CURVES = (
    "env_step",
    "update",
    "wall_time_s",
    "episode_return",
    "loss",
    "mean_q",
    "epsilon",
    "steps_per_s",
)


class TrainingSpectator:
    """Shows a training run to a hub; see `f1_rl.learning.audience.Spectator`.

    While nobody watches it does nothing but keep the rows of the curves.
    """

    def __init__(self, hub: Hub, title: str, env_steps: int) -> None:
        """Set the scene.

        Args:
            hub: Of the page.
            title: Which run it is.
            env_steps: How long it is; 0: it is counted in updates.
        """
        self._hub = hub
        self._scene = Scene(title, "train", env_steps=env_steps or None)
        self._moment = Moment(status="Training begins.")
        self._steps_per_s = float("nan")
        self._status = "Training."
        self._looked_s = 0.0
        hub.set_scene(self._scene)
        hub.show(self._moment)

    def recall(self, folder: Path) -> None:
        """Show the curves of what was trained before, from the tables of the run folder."""
        rows = [_figures("metrics", row) for row in _read(folder / "metrics.csv")]
        evaluations: dict[tuple[int, int], list[dict[str, str]]] = {}
        for row in _read(folder / "evaluations.csv"):
            evaluations.setdefault((int(row["env_step"]), int(row["update"])), []).append(row)
        rows += [_evaluation_row(*place, episodes) for place, episodes in evaluations.items()]
        self._hub.add_rows(rows)

    @property
    def wants(self) -> bool:
        """Whether somebody watches, and has not been shown anything for a while."""
        return self._hub.awaited and time.monotonic() - self._looked_s >= _PERIOD_S

    def see(self, decision: Decision) -> None:
        """Show what the first environment is about to do."""
        self._looked_s = time.monotonic()
        task = getattr(decision.envs, "task", None)
        driven = _drive(task, int(decision.actions[0])) if isinstance(task, DrivingTask) else {}
        if isinstance(task, DrivingTask):
            self._set_scene(task)
        self._moment = Moment(
            observation=_observation(decision),
            q_values=decision.q_values[0].copy(),
            action=int(decision.actions[0]),
            training=self._training(decision.progress),
            status=self._status,
            **driven,
        )
        self._hub.show(self._moment)

    def say(self, sentence: str) -> None:
        """Show what training does for a while."""
        if self._hub.watched:
            self._hub.show(replace(self._moment, status=sentence))

    def end(self, sentence: str) -> None:
        """Show what came of the run; nothing follows."""
        self._hub.end(sentence)

    def on_progress(self, progress: Progress) -> None:
        """Add a row to the curves, and show the figures where no decision comes with them."""
        self._steps_per_s = progress.steps_per_s
        self._hub.add_rows([_figures("metrics", vars(progress))])
        self._moment = replace(self._moment, training=self._training(progress))
        self.say(self._status)

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        """Add an evaluation to the curves, and say how it went."""
        mark = ", the best so far" if best else ""
        place = (
            f"step {progress.env_step:,}" if progress.env_step else f"update {progress.update:,}"
        )
        self._status = f"Evaluated at {place}: {evaluation.summary}{mark}."
        self._hub.add_rows([_evaluation_row(progress.env_step, progress.update, evaluation.rows)])
        self._moment = replace(self._moment, training=self._training(progress))
        self.say(self._status)

    def _training(self, progress: Progress) -> TrainingFigures:
        return TrainingFigures(
            env_step=progress.env_step,
            update=progress.update,
            epsilon=progress.epsilon,
            loss=progress.loss,
            mean_q=progress.mean_q,
            steps_per_s=self._steps_per_s,
            episode_return=progress.episode_return,
        )

    def _set_scene(self, task: DrivingTask) -> None:
        """Set the scene anew where the car has come to another circuit."""
        circuit = task.cars.circuits[int(task.cars.circuit_index[0])]
        if circuit is self._scene.circuit:
            return
        self._scene = replace(
            self._scene,
            circuit=circuit,
            action_names=task.actions.action_names,
            control_period_s=task.cars.control_period_s,
            max_speed_mps=task.actions.max_speed_mps,
            max_yaw_rate_radps=task.actions.max_yaw_rate_radps,
        )
        self._hub.set_scene(self._scene)


def _drive(task: DrivingTask, action: int) -> dict[str, Any]:
    """Return what a moment shows of the first car, by name."""
    cars, laps, poses = task.cars, task.laps, task.cars.poses
    projection = task.projection
    speed_mps, yaw_rate_radps = (float(part) for part in task.action_commands()[0, action])
    return {
        "camera": cars.frame_later(0) if isinstance(cars, Simulator) else cars.frame(0),
        "time_s": cars.time_s[0],
        "command": Command(speed_mps, yaw_rate_radps),
        "speed_mps": cars.speed_mps[0],
        "pose": Pose(poses.x_m[0], poses.y_m[0], poses.yaw_rad[0]),
        "obstacles": cars.obstacles_around(0),
        "arc_length_m": projection.arc_length_m[0],
        "lateral_error_m": projection.lateral_error_m[0],
        "lap": int(laps.laps[0]) + 1,
        "lap_time_s": laps.lap_time_s[0],
        "last_lap_s": laps.last_lap_time_s[0],
        "best_lap_s": laps.best_lap_time_s[0],
    }


def _observation(decision: Decision) -> UInt8Array | None:
    """Return the first picture that the network is given; None: it is given none."""
    for part, observations in zip(decision.layout.parts, decision.observations, strict=True):
        if len(part.shape) == 3 and part.dtype == np.uint8:
            return observation_picture(observations[0], part.frame_shape[-1])
    return None


def _figures(table: str, row: Mapping[str, Any]) -> Message:
    return {"table": table, **{name: _number(row[name]) for name in _CURVES}}


def _evaluation_row(env_step: int, update: int, episodes: Iterable[Mapping[str, Any]]) -> Message:
    """Return the point that an evaluation makes on the curves."""
    rows = list(episodes)
    place = {"table": "evaluations", "env_step": env_step, "update": update}
    if "completed" not in rows[0]:
        return {**place, "evaluated_return": _mean(rows, "episode_return")}
    completed = [row for row in rows if int(row["completed"])]
    return {**place, "full_laps": len(completed), "lap_time_s": _mean(completed, "lap_time_s")}


def _mean(rows: list[Mapping[str, Any]], name: str) -> float | None:
    values = [_number(row[name]) for row in rows]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _number(cell: Any) -> float | None:
    """Return the number in a cell of a table; an empty one holds none."""
    return None if cell in ("", None) else float(cell)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
