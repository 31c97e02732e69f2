"""Drive among boxes and slower cars in a real Gazebo, and count laps and collisions.

    python benchmarks/gazebo_traffic.py RUN [--circuits simple oval] [--traffic boxes mixed]
                                        [--seeds 0 1] [--starts 2] [--last] [--render-engine ogre]

The policy of RUN, the best or with `--last` the last, drives a lap from each start in each scenario
with each seed: in a Gazebo whose world has that traffic, in lock-step over ros_gz_bridge, and in
the embedded simulator with the same boxes, and slower cars that begin at the same places with each
start. It starts in the middle between two obstacles, where these are farthest apart. Needs what
gazebo_laps.py needs.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from gazebo_laps import gazebo

from f1_rl.circuits import Circuit
from f1_rl.driving.laps import Drive, LapDrive
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import Starts
from f1_rl.policy import load_policy
from f1_rl.ros.environment import F1CameraRosVectorEnv
from f1_rl.settings import build_settings
from f1_rl.simulation import Traffic, load_traffic
from f1_rl.simulation.traffic import place_obstacles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run whose policy drives")
    parser.add_argument("--circuits", nargs="+", default=["simple", "oval"])
    parser.add_argument("--traffic", nargs="+", default=["boxes", "mixed"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--last", action="store_true", help="the last policy, not the best")
    parser.add_argument("--car", default="kinematic", choices=("kinematic", "ackermann"))
    parser.add_argument("--render-engine", default="ogre2", choices=("ogre2", "ogre"))
    arguments = parser.parse_args()
    policy = load_policy(arguments.run / "policy-last" if arguments.last else arguments.run)
    print(
        "| circuit | traffic | full laps | collisions | speed, m/s | embedded: full laps "
        "| collisions | speed, m/s |\n|---|---|---|---|---|---|---|---|"
    )
    for circuit in arguments.circuits:
        for scenario in arguments.traffic:
            there: list[Drive] = []
            here: list[Drive] = []
            for seed in arguments.seeds:
                traffic = replace(load_traffic(scenario), seed=seed)
                task = task_of(policy, circuit, traffic)
                there += in_gazebo(task, policy, arguments)
                here += drives(LapDrive(task, arguments.starts), policy)
            cells = [circuit, scenario, *figures(there), *figures(here)]
            print(f"| {' | '.join(cells)} |", flush=True)


def task_of(policy: Any, circuit: str, traffic: Traffic) -> TaskSettings:
    changes = {"circuits": [circuit], "traffic": asdict(traffic)}
    return build_settings(TaskSettings, {**policy.task_settings.as_dict(), **changes})


def in_gazebo(task: TaskSettings, policy: Any, arguments: argparse.Namespace) -> list[Drive]:
    """Drive in a Gazebo of its own."""
    car: dict[str, Any] = {"clockwork": "gazebo", "step_timeout_s": 20.0}
    if arguments.car == "ackermann":
        car |= {"braking_periods": 100, "settle_periods": 4}
    with gazebo(task, task.circuits[0], arguments):
        env = F1CameraRosVectorEnv(1, ros=car, **task.as_dict())
        try:
            return drives(LapDrive(task, arguments.starts, cars=env.task.cars), policy)
        finally:
            env.close()


def drives(laps: LapDrive, policy: Any) -> list[Drive]:
    """Drive laps from where the road is free."""
    circuit = laps.task.cars.circuits[0]
    traffic = load_traffic(laps.task.settings.traffic)
    laps.starts = free_starts(circuit, traffic, len(laps.starts.arc_length_m))
    return laps.drive(policy)


def free_starts(circuit: Circuit, traffic: Traffic, count: int) -> Starts:
    """Return the middles of the longest stretches of road without an obstacle."""
    placed = place_obstacles(traffic, circuit, np.random.default_rng(traffic.seed))
    begin_m = np.sort(placed.arc_length_m)
    gaps_m = np.diff(np.append(begin_m, begin_m[0] + circuit.length_m))
    longest = np.argsort(-gaps_m)[:count]
    arc_m = (begin_m + gaps_m / 2)[longest] % circuit.length_m
    zeros = np.zeros(len(arc_m))
    directions = np.ones(len(arc_m), np.int64)
    return Starts(zeros.astype(np.int64), arc_m, directions, zeros, zeros)


def figures(made: Sequence[Drive]) -> list[str]:
    """Return full laps, collisions and mean speed."""
    completed = sum(each.completed for each in made)
    collisions = sum(each.report.collisions for each in made)
    speed_mps = np.mean([each.report.mean_speed_mps for each in made])
    return [f"{completed} of {len(made)}", str(collisions), f"{speed_mps:.2f}"]


if __name__ == "__main__":
    main()
