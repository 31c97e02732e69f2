"""`f1-rl evaluate` where policies drive: laps on circuits, policy by policy."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from f1_rl.cli import options
from f1_rl.cli.score_table import terminal_tables, write_markdown
from f1_rl.driving.classical import LineFollower
from f1_rl.driving.laps import ActionDriver, Drive, Driver, LapDrive, repeated_lap_drives
from f1_rl.driving.racing_line import RacingLineDriver
from f1_rl.driving.scores import Score, lap_limits, score, scores_by_circuit
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import DrivingTask
from f1_rl.policy import Policy
from f1_rl.settings import build_settings, merge

POLICY = "policy"
# What is driven beside the policies where its option is given, by that option.
OTHERS: dict[str, Callable[[DrivingTask], Driver]] = {
    "classical": LineFollower,
    "racing_line": RacingLineDriver,
}
# What does not change how a task is driven, but only what is learned from it.
_OF_TRAINING = ("rewards", "starts", "endings")


@dataclass(frozen=True)
class _Driven:
    """All drives of one driver, repeat by repeat, and what physics allows on their circuits."""

    driver: str
    repeats: list[list[Drive]]
    limits_s: dict[str, float]

    @property
    def drives(self) -> list[Drive]:
        return [drive for made in self.repeats for drive in made]

    @property
    def scores(self) -> list[Score]:
        return scores_by_circuit(self.driver, self.drives, self.limits_s)

    @property
    def total(self) -> Score:
        return score(self.driver, self.drives, self.limits_s)

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"driver": self.driver, "repeat": repeat, **drive.as_dict()}
            for repeat, made in enumerate(self.repeats)
            for drive in made
        ]


def evaluate_drives(policies: dict[str, Policy], arguments: argparse.Namespace) -> int:
    """Drive with each policy in the task it was trained for, on the circuits that are asked for.

    Args:
        policies: By name.
        arguments: The options of the verb.

    Returns:
        0 where every policy drove all its laps, else 1.
    """
    driven: list[_Driven] = []
    others: list[_Driven] = []
    asked = [option for option in OTHERS if getattr(arguments, option)]
    tasks: dict[str, TaskSettings] = {}
    for name, policy, settings in tasks_of(policies, arguments):
        drives = lap_drives(settings, arguments)
        policy.check_fits(drives[0].task)
        choose = policy.greedy_actions
        driven.append(_drive(name, drives, partial(ActionDriver, choose=choose)))
        first = next((other for other in tasks if _alike(tasks[other], settings)), None)
        tasks[name] = settings
        # A task of its own is another bar: other limits, other pictures.
        task_of = f", as {name}" if len(tasks) > 1 else ""
        for option in asked if first is None else ():
            others.append(_drive(option.replace("_", " ") + task_of, drives, OTHERS[option]))
    _tell([*driven, *others], arguments)
    return 0 if all(drive.completed for one in driven for drive in one.drives) else 1


def tasks_of(
    policies: dict[str, Policy], arguments: argparse.Namespace
) -> Iterator[tuple[str, Policy, TaskSettings]]:
    """Yield what each policy is to drive, once for each traffic, and what to call that."""
    asked = options.traffic_asked_for(arguments)
    for name, policy in policies.items():
        shown = POLICY if len(policies) == 1 else name
        for traffic in asked:
            changes = options.task_changes(arguments)
            if traffic is not None:
                changes["traffic"] = traffic
            settings = build_settings(TaskSettings, merge(policy.task_settings.as_dict(), changes))
            yield shown if len(asked) == 1 else f"{shown}, {traffic}", policy, settings


def lap_drives(settings: TaskSettings, arguments: argparse.Namespace) -> list[LapDrive]:
    """Return what is driven in a task, repeat by repeat, as the options of the verb say."""
    return repeated_lap_drives(
        settings,
        arguments.starts or 8,
        arguments.repeat or 1,
        direction=None if arguments.both_directions else 1,
        laps=arguments.laps or 1,
        seed=arguments.seed,
    )


def _drive(
    name: str, drives: Sequence[LapDrive], driver_of: Callable[[DrivingTask], Driver]
) -> _Driven:
    task = drives[0].task
    limits_s = lap_limits(task.cars.circuits, task.settings.vehicle, task.actions.commands)
    # Each drive has a driver of its own: some remember what they saw last.
    repeats = [lap_drive.drive(driver_of(lap_drive.task)) for lap_drive in drives]
    return _Driven(name, repeats, limits_s)


def _alike(first: TaskSettings, other: TaskSettings) -> bool:
    """Return whether two tasks are driven alike."""
    driven = [
        {name: value for name, value in task.as_dict().items() if name not in _OF_TRAINING}
        for task in (first, other)
    ]
    return driven[0] == driven[1]


def _tell(driven: Sequence[_Driven], arguments: argparse.Namespace) -> None:
    rows = [row for one in driven for row in one.rows()]
    by_driver = {one.driver: one.scores for one in driven}
    totals = [one.total for one in driven]
    if not arguments.json:
        for table in terminal_tables(by_driver, totals, options.console_width()):
            options.print_table(table)
    # After the tables, which are not lost then on a full disk.
    if arguments.csv is not None:
        options.write_csv(arguments.csv, rows)
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, by_driver, totals, _note(totals[0], arguments))
    if arguments.json:
        scores = [made.as_dict() for scores in by_driver.values() for made in scores]
        totalled = [made.as_dict() for made in totals]
        options.print_json({"drives": rows, "scores": scores, "totals": totalled})


def _note(total: Score, arguments: argparse.Namespace) -> str:
    starts, repeats = arguments.starts or 8, arguments.repeat or 1
    laps = arguments.laps or 1
    each = f"{starts} starts" if repeats == 1 else f"{starts} starts, {repeats} times"
    asked = "a lap" if laps == 1 else f"{laps} laps"
    return (
        f"Embedded simulator; {asked} from each of {each}, spread over the circuit, "
        f"{total.drives} drives in all. Driven: share of a lap, mean over the drives. Lap time: "
        "of the drives with all their laps. Limit: the shortest flying lap that the car's limits "
        "allow on lines inside the road. Lateral error: distance from the centre line in "
        "metres, mean, and what 95 % of a drive stayed below. Smoothness: change of the commanded "
        "yaw rate, 0 is smoothest."
    )
