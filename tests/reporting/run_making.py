"""Run folders as training leaves them: a car that follows the centre line of a circuit."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from f1_rl.circuits.circuit import Circuit
from f1_rl.circuits.geometry import wrap_angle

ACTIONS = {"left": (5.0, 0.8), "straight": (7.0, 0.0), "right": (5.0, -0.8)}
PERIOD_S = 0.05
STARTS = 4
METRICS = (
    "env_step,update,wall_time_s,steps_per_s,episodes,episode_return,episode_length,epsilon,loss,"
    "mean_q"
)
EVALUATIONS = (
    "env_step,update,wall_time_s,circuit,direction,start_arc_length_m,completed,laps,lap_time_s,"
    "completion,mean_lateral_error_m,p95_lateral_error_m,mean_speed_mps,command_smoothness,"
    "off_track,wrong_way,steps,episode_return"
)
LAP = (
    "time_s,x_m,y_m,yaw_rad,speed_mps,yaw_rate_radps,command_speed_mps,command_yaw_rate_radps,"
    "action,arc_length_m,lateral_error_m,heading_error_rad,reward,reward_progress,"
    "reward_lateral_error,q_0,q_1,q_2"
)


def write_csv(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


@dataclass
class RunMaker:
    """Writes runs of the given outcome into a folder."""

    path: Path
    circuit: Circuit

    def write(self, completed: Sequence[int] = (0, 2, 4, 4)) -> Path:
        """Write a whole run in which evaluation i led to `completed[i]` full laps of 4 starts."""
        self.path.mkdir(exist_ok=True)
        (self.path / "policy").mkdir(exist_ok=True)
        config = {
            "seed": 3,
            "circuits": [self.circuit.name],
            "agent": {"gamma": 0.97, "network": {"filters": [16, 32]}},
            "note": "<script>alert('$x')</script>",
        }
        policy = {
            "actions": [{"name": name, "speed_mps": v} for name, (v, _) in ACTIONS.items()],
            "versions": {"python": "3.11.7", "tensorflow": "2.15.1", "numpy": "1.26.4"},
            "commit": "0123abcd",
        }
        (self.path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (self.path / "policy" / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
        write_csv(self.path / "metrics.csv", METRICS, self._metrics())
        write_csv(self.path / "evaluations.csv", EVALUATIONS, self._evaluations(completed))
        if max(completed, default=0):
            write_csv(self.path / "lap.csv", LAP, self.lap())
        return self.path

    def lap(self) -> list[list[object]]:
        rng = np.random.default_rng(5)
        speed_mps = 6.0
        count = int(self.circuit.length_m / (speed_mps * PERIOD_S))
        arc_length_m = np.arange(count) * speed_mps * PERIOD_S
        lateral_m = 0.15 * np.sin(arc_length_m / 7.0) + rng.normal(0.0, 0.005, count)
        heading_error_rad = np.full(count, 0.02)
        poses = self.circuit.pose_at(arc_length_m, lateral_m, heading_error_rad)
        yaw_rate = wrap_angle(np.gradient(np.unwrap(poses.yaw_rad))) / PERIOD_S
        rows: list[list[object]] = []
        for i in range(count):
            q_values = -np.abs(np.array([w for _, w in ACTIONS.values()]) - yaw_rate[i]) + 12.0
            action = int(np.argmax(q_values))
            v, w = list(ACTIONS.values())[action]
            rows.append(
                [i * PERIOD_S, poses.x_m[i], poses.y_m[i], poses.yaw_rad[i], 5.5 + np.sin(i / 50),
                 yaw_rate[i], v, w, action, arc_length_m[i], lateral_m[i], heading_error_rad[i],
                 0.9 - lateral_m[i] ** 2, 0.9, -(lateral_m[i] ** 2), *q_values]
            )  # fmt: skip
        return rows

    def _metrics(self) -> list[list[object]]:
        rng = np.random.default_rng(7)
        return [
            [250 * i, 8 * i, 2.0 + 0.4 * i, 620.0, 5 * i, i + rng.normal(), 80 + i,
             max(0.05, 1 - i / 10), 0.5 / (1 + i) if i else "", 0.9 * i if i else ""]
            for i in range(17)
        ]  # fmt: skip

    def _evaluations(self, completed: Sequence[int]) -> list[list[object]]:
        return [
            [1000 * (i + 1), 31 * (i + 1), 3.6 + 1.6 * i, self.circuit.name, 1,
             start * self.circuit.length_m / STARTS, int(start < laps), int(start < laps),
             50.0 - i + 0.1 * start if start < laps else "",
             1.0 if start < laps else 0.25 * (i + 1) - 0.1,
             0.2 / (i + 1), 0.4 / (i + 1), 5.0 + 0.2 * i, 0.3, int(start >= laps), 0,
             round((50.0 - i) / PERIOD_S), 30.0]
            for i, laps in enumerate(completed)
            for start in range(STARTS)
        ]  # fmt: skip
