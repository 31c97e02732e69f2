"""`f1-rl evaluate` where the policy is of an environment that is not ours."""

import argparse
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from f1_rl.cli import options
from f1_rl.learning.episodes import Summary, play_episodes, summarise
from f1_rl.policy import EnvironmentPolicy


def evaluate_episodes(policies: dict[str, EnvironmentPolicy], arguments: argparse.Namespace) -> int:
    """Play unseen episodes with each policy and print their statistics.

    Args:
        policies: By name.
        arguments: The options of the verb.

    Returns:
        0 where every policy reached what its environment asks for, else 1.
    """
    told: dict[str, _Played] = {}
    for name, policy in policies.items():
        episodes, threshold = play_episodes(policy, arguments.episodes or 100, arguments.seed)
        summary = summarise(episodes, threshold)
        told[name] = _Played(policy.manifest.env, summary, [asdict(each) for each in episodes])
    if not arguments.json:
        _print_table(told, arguments.seed)
    if arguments.csv is not None:
        options.write_csv(arguments.csv, _rows(told))
    if arguments.json:
        documents = [
            {"env": played.env, "summary": asdict(played.summary), "episodes": played.rows}
            for played in told.values()
        ]
        several = [{"policy": name, **d} for name, d in zip(told, documents, strict=True)]
        options.print_json(documents[0] if len(told) == 1 else {"policies": several})
    return 0 if all(played.summary.solved for played in told.values()) else 1


@dataclass(frozen=True)
class _Played:
    env: str
    summary: Summary
    rows: list[dict[str, Any]]


def _rows(told: dict[str, _Played]) -> list[dict[str, Any]]:
    if len(told) == 1:
        return next(iter(told.values())).rows
    return [{"policy": name, **row} for name, played in told.items() for row in played.rows]


def _print_table(told: dict[str, _Played], seed: int) -> None:
    environments = ", ".join(dict.fromkeys(played.env for played in told.values()))
    last = seed + next(iter(told.values())).summary.episodes - 1
    table = Table(title=f"{environments}, seeds {seed} to {last}", title_justify="left")
    if len(told) > 1:
        table.add_column("policy")
    rows = [_cells(played.summary) for played in told.values()]
    headings = dict.fromkeys(heading for cells in rows for heading in cells)
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, cells in zip(told, rows, strict=True):
        values = [cells.get(heading, "-") for heading in headings]
        table.add_row(*([name] if len(told) > 1 else []), *values)
    options.print_table(table)


def _cells(summary: Summary) -> dict[str, str]:
    cells = {
        "episodes": f"{summary.episodes}",
        "mean": f"{summary.mean:.1f}",
        "std": f"{summary.std:.1f}",
        "median": f"{summary.median:.1f}",
        "interquartile mean (95 %)": f"{summary.interquartile_mean:.1f}",
        "min": f"{summary.least:.1f}",
        "max": f"{summary.most:.1f}",
    }
    if summary.reached is not None:
        cells[f"from {summary.threshold:g} on"] = f"{summary.reached:.0%}"
    return cells
