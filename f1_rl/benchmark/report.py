"""The folder that a benchmark writes: tables, plots, every single measurement."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from f1_rl.benchmark.track import Outcome
from f1_rl.files import new_file


class BenchmarkFolder:
    """`tables.md`, `results.json`, and for each track `TRACK.csv` and its plots."""

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Make the folder.

        Args:
            path: It may exist; files in it are replaced.
            facts: Of the machine, the versions and the options.

        Raises:
            OSError: It cannot be made.
        """
        self.path = path
        self._facts = dict(facts)
        self._outcomes: dict[str, Outcome] = {}
        path.mkdir(parents=True, exist_ok=True)

    def add(self, track: str, outcome: Outcome) -> None:
        """Write what a track measured, beside what others have.

        Raises:
            OSError: It cannot be written.
        """
        from f1_rl.benchmark.plots import bars_svg

        self._outcomes[track] = outcome
        if outcome.raw:
            self._write_csv(track, outcome)
        for plot in outcome.plots:
            self._write(f"{plot.name}.svg", bars_svg(plot))
        self._write("tables.md", self.tables())
        self._write("results.json", json.dumps(self.document(), indent=2) + "\n")

    def tables(self) -> str:
        """Return all tables as Markdown."""
        parts = []
        for track, outcome in self._outcomes.items():
            parts += [f"## {track}\n", *(table.markdown() for table in outcome.tables)]
        return "\n".join(parts)

    def document(self) -> dict[str, Any]:
        """Return all figures and what is to be known beside them."""
        tracks = {name: dict(outcome.summary) for name, outcome in self._outcomes.items()}
        return {**self._facts, "tracks": tracks}

    def _write(self, name: str, text: str) -> None:
        with new_file(self.path / name) as file:
            file.write(text)

    def _write_csv(self, track: str, outcome: Outcome) -> None:
        with new_file(self.path / f"{track}.csv", newline="") as file:
            writer = csv.DictWriter(file, list(outcome.raw[0]))
            writer.writeheader()
            writer.writerows(outcome.raw)
