"""Drive laps in a real Gazebo whose light, colours or camera are those of a perturbation.

    python benchmarks/gazebo_perturbations.py RUN [RUN ...] [--render-engine ogre]

Each policy drives a lap from each of `--starts` positions in the nominal world, and in that of each
perturbation that Gazebo can show, lit by Gazebo's own lights. Prints laps, lap time and lateral
error, the last two beside the nominal ones. `--pictures DIR` writes what the car's camera saw at
two places (above), what the embedded camera sees there (below), and a sheet of all. Needs Gazebo
Harmonic, ros_gz_bridge and ros_gz_interfaces. Uses ROS_DOMAIN_ID.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from gazebo_laps import gazebo

from f1_rl.circuits import Poses
from f1_rl.cli.perturbation_table import COLUMNS
from f1_rl.driving.cars import CarFault
from f1_rl.driving.laps import ActionDriver, Drive, LapDrive
from f1_rl.driving.perturbations import NOMINAL
from f1_rl.driving.robustness import hold_against
from f1_rl.driving.settings import TaskSettings
from f1_rl.gazebo import WorldSettings, perturbation_names, perturbed
from f1_rl.policy import Policy, load_policy
from f1_rl.ros.environment import F1CameraRosVectorEnv
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Renderer, Variation

_PLACES = (0.02, 0.3)
_ATTEMPTS = 4
_TILE, _COLUMNS = (320, 240), 3
_SHOWN = ("full laps", "driven (%)", "lap time (s)", "of nominal", "lateral error (m)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="runs whose policies drive")
    parser.add_argument("--circuit", default="simple")
    parser.add_argument("--starts", type=int, default=1)
    parser.add_argument("--perturbation", nargs="+", default=None, help="these alone")
    parser.add_argument("--pictures", type=Path, help="folder for pictures")
    parser.add_argument("--car", default="kinematic", choices=("kinematic", "ackermann"))
    parser.add_argument("--render-engine", default="ogre2", choices=("ogre2", "ogre"))
    arguments = parser.parse_args()
    shown = [column for column in COLUMNS if column.heading in _SHOWN]
    headings = ["driver", "perturbation", *(column.heading for column in shown)]
    print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    nominal: dict[Path, list[Drive]] = {}
    for name in _drawable(arguments.perturbation):
        drives = _drives(name, arguments)
        nominal = nominal or drives
        for run, made in drives.items():
            held = hold_against(run.name, name, made, nominal[run])
            cells = [run.name, name, *(column.cell(held) for column in shown)]
            print(f"| {' | '.join(cells)} |", flush=True)
    if arguments.pictures is not None:
        write_sheet(arguments.pictures)


def _drawable(asked: list[str] | None) -> list[str]:
    """Return the perturbations to drive, the nominal first, and say which Gazebo cannot show."""
    drawable = [NOMINAL]
    for name in asked or perturbation_names():
        try:
            perturbed(WorldSettings(), name)
        except SettingsError as error:
            print(f"left out: {error}")
            continue
        if name != NOMINAL:
            drawable.append(name)
    return drawable


def _drives(name: str, arguments: argparse.Namespace) -> dict[Path, list[Drive]]:
    """Return each policy's drives in the world of a perturbation."""
    drives = {}
    for run in arguments.runs:
        policy = load_policy(run)
        settings = {**policy.task_settings.as_dict(), "circuits": [arguments.circuit]}
        task = build_settings(TaskSettings, settings)
        for attempt in range(_ATTEMPTS):
            try:
                drives[run] = _drive(name, policy, task, arguments)
                break
            except CarFault as fault:
                print(f"{name}: Gazebo is started again, since {fault}", file=sys.stderr)
                if attempt == _ATTEMPTS - 1:
                    raise
    return drives


def _drive(
    name: str, policy: Policy, task: TaskSettings, arguments: argparse.Namespace
) -> list[Drive]:
    with gazebo(task, arguments.circuit, arguments, name):
        env = F1CameraRosVectorEnv(1, ros={"clockwork": "gazebo"}, **task.as_dict())
        try:
            if arguments.pictures is not None:
                _write_pictures(name, env.task.cars, task, arguments.pictures)
            laps = LapDrive(task, arguments.starts, cars=env.task.cars)
            return laps.drive(ActionDriver(laps.task, policy.greedy_actions))
        finally:
            env.close()


def _write_pictures(name: str, cars: Any, task: TaskSettings, folder: Path) -> None:
    circuit = cars.circuits[0]
    poses = circuit.pose_at(np.array(_PLACES) * circuit.length_m)
    seen = []
    for place in range(len(_PLACES)):
        one = Poses(*(part[place : place + 1] for part in (poses.x_m, poses.y_m, poses.yaw_rad)))
        cars.place(np.zeros(1, np.int64), np.zeros(1, np.int64), one)
        seen.append(cars.frame(0).copy())
    world = perturbed(WorldSettings(camera=task.camera), name)
    if world.line_width_m is not None:
        circuit = circuit.with_line(world.line_width_m)
    variation = world.variation or Variation()
    appearance = variation.sample(np.random.default_rng(world.variation_seed), 1)
    nowhere = np.zeros(len(_PLACES), np.int64)
    embedded = Renderer([circuit], task.camera).frames(nowhere, poses, appearance[nowhere])
    rows = [np.concatenate([*pictures], axis=1) for pictures in (seen, embedded)]
    folder.mkdir(parents=True, exist_ok=True)
    sheet = np.concatenate(rows)[..., ::-1]
    cv2.imwrite(str(folder / f"{name}.png"), sheet)


def write_sheet(folder: Path) -> None:
    """Write the pictures of a folder side by side, small and named."""
    tiles = []
    for name in perturbation_names():
        path = folder / f"{name}.png"
        if not path.is_file():
            continue
        small = cv2.resize(cv2.imread(str(path)), _TILE, interpolation=cv2.INTER_AREA)
        tile = cv2.copyMakeBorder(small, 20, 4, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
        cv2.putText(tile, name, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    cv2.imwrite(str(folder / "sheet.png"), np.vstack(rows))


if __name__ == "__main__":
    main()
