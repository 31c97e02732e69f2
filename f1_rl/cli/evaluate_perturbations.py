"""`f1-rl evaluate --perturbation`: laps while the world is not as planned, beside the nominal."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from f1_rl.cli import options
from f1_rl.cli.evaluate_drives import OTHERS, POLICY, lap_drives, tasks_of
from f1_rl.cli.perturbation_table import terminal_tables, write_markdown
from f1_rl.driving.laps import ActionDriver, Drive
from f1_rl.driving.perturbations import Perturbation
from f1_rl.driving.robustness import Robustness, hold_against
from f1_rl.policy import Policy


@dataclass(frozen=True)
class _Driven:
    """All drives of one driver, by perturbation and repeat by repeat; the nominal ones first."""

    driver: str
    repeats: dict[str, list[list[Drive]]]

    @property
    def completed(self) -> bool:
        return all(drive.completed for _, _, drive in self._each())

    @property
    def held(self) -> list[Robustness]:
        flat = {name: [*chain(*repeats)] for name, repeats in self.repeats.items()}
        nominal = next(iter(flat.values()))
        return [hold_against(self.driver, name, made, nominal) for name, made in flat.items()]

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"driver": self.driver, "perturbation": name, "repeat": repeat, **drive.as_dict()}
            for name, repeat, drive in self._each()
        ]

    def _each(self) -> Iterator[tuple[str, int, Drive]]:
        for name, repeats in self.repeats.items():
            for repeat, made in enumerate(repeats):
                for drive in made:
                    yield name, repeat, drive


def evaluate_perturbations(
    policies: dict[str, Policy], chosen: Sequence[Perturbation], arguments: argparse.Namespace
) -> int:
    """Drive with each policy under each perturbation, on the circuits that are asked for.

    Args:
        policies: By name.
        chosen: The nominal, and the perturbations.
        arguments: The options of the verb.

    Returns:
        0 where every policy drove all its laps under each, else 1.
    """
    driven: list[_Driven] = []
    others: list[_Driven] = []
    asked = [option for option in OTHERS if getattr(arguments, option)]
    for name, policy, settings in tasks_of(policies, arguments):
        one = _Driven(name, {})
        task_of = "" if name == POLICY else f", as {name}"
        beside = {option: _Driven(option.replace("_", " ") + task_of, {}) for option in asked}
        for perturbation in chosen:
            drives = lap_drives(perturbation.applied(settings), arguments)
            task = drives[0].task
            policy.check_fits(task)
            driver = ActionDriver(task, policy.greedy_actions)
            one.repeats[perturbation.name] = [drive.drive(driver) for drive in drives]
            for option, other in beside.items():
                laps = [drive.drive(OTHERS[option](task)) for drive in drives]
                other.repeats[perturbation.name] = laps
        driven.append(one)
        others += beside.values()
    _tell([*driven, *others], arguments)
    return 0 if all(one.completed for one in driven) else 1


def _tell(driven: Sequence[_Driven], arguments: argparse.Namespace) -> None:
    rows = [row for one in driven for row in one.rows()]
    by_driver = {one.driver: one.held for one in driven}
    if not arguments.json:
        for table in terminal_tables(by_driver, options.console_width()):
            options.print_table(table)
    if arguments.csv is not None:
        options.write_csv(arguments.csv, rows)
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, by_driver, _note(rows))
    if arguments.json:
        held = [made.as_dict() for each in by_driver.values() for made in each]
        options.print_json({"drives": rows, "perturbations": held})


def _note(rows: Sequence[dict[str, Any]]) -> str:
    circuits = dict.fromkeys(row["circuit"] for row in rows)
    return (
        f"Embedded simulator; circuits: {', '.join(circuits)}. Nothing but the perturbation is "
        "varied, and the nominal varies nothing. Lap time: of the drives with all their laps; of "
        "nominal: over the nominal one from the same start, mean over the starts from which both "
        "were completed. Lateral error: distance from the centre line, mean."
    )
