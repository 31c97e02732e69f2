"""How near policies come to the limit of physics on circuits, beside the driver that knows these.

Two laps from each start, every other one backward; the better one counts, for the first begins from
a stand. Prints for each circuit the laps completed and the mean lap time, also as a share of the
shortest one along the line of least curvature, and of the shortest one on any line. The guide knows
the circuit too and has nothing but the policy's actions: the one of the first run's training.

    f1-rl train --preset racing --seed 0 --run-dir RUN
    python benchmarks/racing.py RUN --circuits all
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from f1_rl.circuits import FloatArray
from f1_rl.driving.environment import Observation
from f1_rl.driving.laps import ActionDriver, Drive, Driver, LapDrive
from f1_rl.driving.planned_lines import Reserve
from f1_rl.driving.racing_line import RacingLineDriver, RacingLineGuide
from f1_rl.driving.settings import TaskSettings, vehicle_of
from f1_rl.driving.task import DrivingTask
from f1_rl.learning.runs import resumed_settings
from f1_rl.policy import Policy, load_policy
from f1_rl.racing import racing_limit
from f1_rl.settings import build_settings, merge


class GuideDriver:
    """Drives as the guide does."""

    def __init__(self, task: DrivingTask, reserve: Reserve) -> None:
        """Plan the laps, with as much left for corrections."""
        self._task = task
        self._guide = RacingLineGuide(task, reserve)

    def commands(self, observations: Observation) -> FloatArray:
        """Return the commands `(N, 2)`, whatever is observed."""
        del observations
        return self._task.commands_of(self._guide.actions())


def policy_driver(policy: Policy) -> Callable[[DrivingTask], Driver]:
    """Return what makes a driver of a policy."""
    return lambda task: ActionDriver(task, policy.greedy_actions)


def report(name: str, drive: LapDrive, driver: Driver) -> None:
    """Drive from all starts and print a row for each circuit, and one for all."""
    drives = drive.drive(driver)
    actions = drive.task.actions.commands
    shares: list[list[float]] = []
    for circuit in drive.task.cars.circuits:
        mine = [each for each in drives if each.circuit.name == circuit.name]
        limit = racing_limit(circuit, vehicle_of(drive.task.settings), actions)
        limits = [limit.minimum_curvature.lap_time_s, limit.fastest.lap_time_s]
        shares.append(row(f"{name} | {circuit.name}", mine, limits))
    means = " | ".join(f"{share:.3f}" for share in np.nanmean(shares, axis=0))
    done = sum(each.completed for each in drives)
    print(f"| {name} | all | {done} of {len(drives)} | | {means} |", flush=True)


def row(name: str, drives: Sequence[Drive], limits_s: Sequence[float]) -> list[float]:
    """Print the row of a circuit; return the mean lap time as a share of each limit."""
    times_s = [each.report.lap_time_s for each in drives if each.completed]
    done = f"{len(times_s)} of {len(drives)}"
    if not times_s:
        print(f"| {name} | {done} | | | |", flush=True)
        return [float("nan")] * len(limits_s)
    mean_s = float(np.mean(times_s))
    shares = [mean_s / limit_s for limit_s in limits_s]
    told = " | ".join(f"{share:.3f}" for share in shares)
    print(f"| {name} | {done} | {mean_s:.2f} | {told} |", flush=True)
    return shares


def main() -> None:
    """Drive with every policy and with those who know the circuits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders of one task")
    parser.add_argument("--circuits", nargs="+", help="as for f1-rl evaluate (those of the task)")
    parser.add_argument("--starts", type=int, default=4, help="on each circuit (4)")
    parser.add_argument("--last", action="store_true", help="the last policies, not the best")
    arguments = parser.parse_args()
    folder = "policy-last" if arguments.last else "policy"
    policies = {run.name: load_policy(run / folder) for run in arguments.runs}
    first = next(iter(policies.values()))
    changes = {"circuits": arguments.circuits} if arguments.circuits else {}
    settings = build_settings(TaskSettings, merge(first.task_settings.as_dict(), changes))
    drive = LapDrive(settings, arguments.starts, direction=None, laps=2)
    print("| driver | circuit | drives | lap, s | of least curvature | of the limit |")
    print("|---|---|---:|---:|---:|---:|")
    makers = {name: policy_driver(policy) for name, policy in policies.items()}
    training = resumed_settings(arguments.runs[0], []).training
    reserve = Reserve(training.guide_margin_m, training.guide_reserve)
    for name, make in {
        **makers,
        "guide": lambda task: GuideDriver(task, reserve),
        "knows the circuit": RacingLineDriver,
    }.items():
        report(name, drive, make(drive.task))


if __name__ == "__main__":
    main()
