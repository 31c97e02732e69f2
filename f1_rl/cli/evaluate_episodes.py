"""`f1-rl evaluate` where the policy is of an environment that is not ours."""

import argparse
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from f1_rl.cli import options
from f1_rl.learning.episodes import Summary, play_episodes, summarise
from f1_rl.policy import load_environment_policy


def evaluate_episodes(folder: Path, arguments: argparse.Namespace) -> int:
    """Play unseen episodes, print their statistics, and return the exit status."""
    policy = load_environment_policy(folder)
    episodes, threshold = play_episodes(policy, arguments.episodes or 100, arguments.seed)
    summary = summarise(episodes, threshold)
    rows = [asdict(episode) for episode in episodes]
    if arguments.csv is not None:
        options.write_csv(arguments.csv, rows)
    if arguments.json:
        options.print_json(
            {"env": policy.manifest.env, "summary": asdict(summary), "episodes": rows}
        )
    else:
        _print_table(policy.manifest.env, arguments.seed, summary)
    return 0 if summary.solved else 1


def _print_table(env: str, seed: int, summary: Summary) -> None:
    last = seed + summary.episodes - 1
    table = Table(title=f"{env}, seeds {seed} to {last}", title_justify="left")
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
    for heading in cells:
        table.add_column(heading, justify="right")
    table.add_row(*cells.values())
    options.print_table(table)
