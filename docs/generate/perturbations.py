"""The named perturbations, and what the camera sees under each.

The picture that is kept in the repository is written anew by

    PYTHONPATH=docs python -m generate.perturbations docs/images/perturbations.png
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from f1_rl.driving.environment import make_simulator
from f1_rl.driving.perturbations import Perturbation, chosen_perturbations, perturbations
from f1_rl.driving.settings import TaskSettings
from generate import markdown

_INTRODUCTION = """
`f1-rl evaluate RUN --perturbation NAME` drives under one of these and holds the laps against the
nominal ones, in which nothing varies; `--perturbation all` under each. The
[guide](../guides/robustness.md) shows them.
"""
# Where the pictures are taken, and a seed with which the sun and some shadows are in them.
_ARC_LENGTH_M, _LATERAL_M, _STEPS, _COMMAND, _SEED = 12.0, 0.3, 5, (3.0, 0.8), 56
# Of a picture the part that shows something, and the size it is shown in.
_ROWS, _SIZE, _COLUMNS = slice(150, 390), (320, 120), 3


def page() -> str:
    """Return the page of all perturbations."""
    rows = []
    for one in perturbations().values():
        changes = yaml.safe_dump(one.changes, default_flow_style=True, width=1000).strip()
        rows.append([f"`{one.name}`", one.description, f"`{changes[1:-1]}`"])
    table = markdown.table(["perturbation", "what it is", "change to `task`"], rows)
    return markdown.page("Perturbations", _INTRODUCTION, table)


def contact_sheet() -> npt.NDArray[np.uint8]:
    """Return what the camera sees at one place, nominally and under each, `(H, W, 3)` BGR."""
    tiles = [_tile(one) for one in chosen_perturbations(["all"])]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    return np.vstack(rows)


def _tile(perturbation: Perturbation) -> npt.NDArray[np.uint8]:
    simulator = make_simulator(perturbation.applied(TaskSettings()), 1)
    simulator.reseed(_SEED)
    start = simulator.circuits[0].pose_at([_ARC_LENGTH_M], [_LATERAL_M])
    simulator.place([0], 0, start)
    for _ in range(_STEPS):
        simulator.step(np.array([_COMMAND]))
    seen = simulator.frame(0)[_ROWS, :, ::-1]
    tile = cv2.resize(seen, _SIZE, interpolation=cv2.INTER_AREA)
    tile = cv2.copyMakeBorder(tile, 20, 0, 0, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    place, font = (4, 14), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(tile, perturbation.name, place, font, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.asarray(tile, np.uint8)


if __name__ == "__main__":
    cv2.imwrite(str(Path(sys.argv[1])), contact_sheet(), [cv2.IMWRITE_PNG_COMPRESSION, 9])
