"""The obstacles of a recorded lap: where they were when the car came nearest to each."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from f1_rl.files import new_file
from f1_rl.simulation import Obstacle

OBSTACLES_FILE: Final = "lap_obstacles.csv"

# A slower car that stayed farther away than this, middle from middle, was not met.
_MET_M: Final = 4.0


class Encounters:
    """Keeps, of each obstacle of a drive, the moment in which the car was nearest to it."""

    def __init__(self) -> None:
        """Begin before the drive."""
        self._nearest: dict[int, tuple[float, Obstacle]] = {}

    def add(self, place_m: tuple[float, float], obstacles: Sequence[Obstacle]) -> None:
        """Look at one moment.

        Args:
            place_m: x and y of the car.
            obstacles: Those of its road, always in the same order.
        """
        for number, obstacle in enumerate(obstacles):
            distance_m = math.dist(place_m, (obstacle.x_m, obstacle.y_m))
            if number not in self._nearest or distance_m < self._nearest[number][0]:
                self._nearest[number] = distance_m, obstacle

    def write(self, path: Path) -> None:
        """Write a row for each obstacle; without any, see that there is no such file.

        Raises:
            OSError: It cannot be written.
        """
        if not self._nearest:
            path.unlink(missing_ok=True)
            return
        with new_file(path, newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*_COLUMNS, "distance_m"])
            for distance_m, obstacle in self._nearest.values():
                kind, *pose = asdict(obstacle).values()
                writer.writerow([kind, *(round(value, 4) for value in (*pose, distance_m))])


_COLUMNS: Final = tuple(Obstacle.__dataclass_fields__)


def read_met_obstacles(run_dir: Path) -> tuple[Obstacle, ...]:
    """Return the boxes of a run's recorded lap, and the slower cars that were met, where they were.

    None where there is no file of them, or where it cannot be read.
    """
    try:
        with (run_dir / OBSTACLES_FILE).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return tuple(
            Obstacle(
                "box" if row["kind"] == "box" else "car",
                *(float(row[name]) for name in _COLUMNS[1:]),
            )
            for row in rows
            if row["kind"] == "box" or float(row["distance_m"]) <= _MET_M
        )
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        return ()
