"""Drive laps in a real Gazebo over ros_gz_bridge, in lock-step, and count what goes wrong.

    python benchmarks/gazebo_laps.py [RUN ...] [--circuits simple oval] [--render-engine ogre]

Drives the classical driver and the policy of each RUN from `--starts` start positions, in worlds
made of the circuits, and prints laps, times, lateral errors, lock-steps a second, frames with a
wrong stamp, and how the pictures of the classical driver's lap agree with the embedded camera's.
Needs Gazebo Harmonic, ros_gz_bridge and ros_gz_interfaces. Uses ROS_DOMAIN_ID.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from f1_rl.circuits import Circuit, Poses
from f1_rl.driving.classical import LineFollower
from f1_rl.driving.laps import LapDrive
from f1_rl.driving.perturbations import NOMINAL
from f1_rl.driving.settings import TaskSettings
from f1_rl.gazebo import WorldSettings, perturbed
from f1_rl.launching.gazebo import GazeboInstance, make_world
from f1_rl.policy import load_policy
from f1_rl.ros.car import RosCar
from f1_rl.ros.discovery import discovery_environment
from f1_rl.ros.environment import F1CameraRosVectorEnv
from f1_rl.settings import build_settings
from f1_rl.simulation import NOMINAL_PALETTE, Appearance, Renderer

LINE = 3


class Stamps:
    """Counts lock-steps, and frames that were not exactly one period after the last."""

    def __init__(self) -> None:
        self.steps = self.wrong = self.unanswered = self.discarded = 0
        self.seconds = 0.0
        begin, finish = RosCar.begin_step, RosCar.finish_step
        began: dict[int, tuple[int, float]] = {}

        def noted_begin(car: RosCar, *command: float) -> None:
            began[id(car)] = (car.report.stamp_ns, time.perf_counter())
            begin(car, *command)

        def checked_finish(car: RosCar) -> None:
            finish(car)
            stamp_ns, began_s = began[id(car)]
            self.seconds += time.perf_counter() - began_s
            self.steps += 1
            self.discarded += car.report.discarded_frames
            self.unanswered += not car.report.answered
            self.wrong += car.report.stamp_ns != stamp_ns + round(car.control_period_s * 1e9)

        RosCar.begin_step, RosCar.finish_step = noted_begin, checked_finish


class Pictures:
    """Holds a lap's pictures against what the embedded camera sees at the same poses."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._count = 0
        self.frames: list[np.ndarray] = []
        self.poses: list[tuple[float, float, float]] = []

    def look(self, task: Any, _observations: Any, _outcome: Any) -> None:
        self._count += 1
        if self._count % self._every:
            return
        poses = task.cars.poses
        self.frames.append(task.cars.frame(0).copy())
        self.poses.append((float(poses.x_m[0]), float(poses.y_m[0]), float(poses.yaw_rad[0])))

    def agreement(self, circuit: Circuit, camera: Any) -> tuple[float, float, float]:
        """Return the worst and the mean share of pixels below the horizon, and the line's IoU."""
        count = len(self.poses)
        poses = Poses(*(np.array(part) for part in zip(*self.poses, strict=True)))
        drawn = Renderer([circuit], camera).frames(
            np.zeros(count), poses, Appearance.nominal(count)
        )
        below = slice(camera.height // 2 + 1, None)
        alike, both, either = [], 0, 0
        for ours, theirs in zip(drawn, self.frames, strict=True):
            labels = [_labels(picture)[below] for picture in (ours, theirs)]
            alike.append((labels[0] == labels[1]).mean())
            both += ((labels[0] == LINE) & (labels[1] == LINE)).sum()
            either += ((labels[0] == LINE) | (labels[1] == LINE)).sum()
        return min(alike), float(np.mean(alike)), both / max(either, 1)


def _labels(picture: np.ndarray) -> np.ndarray:
    palette = np.array(NOMINAL_PALETTE)
    return np.square(picture[..., None, :].astype(int) - palette).sum(-1).argmin(-1)


@contextlib.contextmanager
def gazebo(
    task: TaskSettings, circuit: str, arguments: argparse.Namespace, perturbation: str = NOMINAL
) -> Iterator[None]:
    """A real Gazebo with its bridge, paused, in processes of their own."""
    choices = {
        "camera": task.as_dict()["camera"],
        "car": arguments.car,
        "render_engine": arguments.render_engine,
        "frame_period_ms": task.control_period_ms,
        "real_time_factor": 0.0,
        "gui": False,
        "traffic": task.as_dict()["traffic"],
    }
    settings = perturbed(build_settings(WorldSettings, choices), perturbation)
    world = make_world(circuit, task.circuit_scale, settings)
    instance = GazeboInstance(
        world, "/", f"benchmark-{os.getpid()}", headless=arguments.render_engine == "ogre2"
    )
    processes = [
        subprocess.Popen(
            program.command_line(),
            env={**os.environ, **discovery_environment(os.environ), **program.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for program in instance.processes()
    ]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            # A bridge whose Gazebo has gone first may not end by itself.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10.0)
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="runs whose policies drive")
    parser.add_argument("--circuits", nargs="+", default=["simple"])
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--car", default="kinematic", choices=("kinematic", "ackermann"))
    parser.add_argument("--render-engine", default="ogre2", choices=("ogre2", "ogre"))
    parser.add_argument("--size", default="192x144", help="of the classical driver's picture")
    arguments = parser.parse_args()
    width, height = (int(part) for part in arguments.size.split("x"))
    stamps = Stamps()
    print(
        "| circuit | driver | picture | full laps | lap time, s | embedded, s | lateral error, m "
        "| embedded, m |\n|---|---|---|---|---|---|---|---|"
    )
    agreements = []
    for circuit in arguments.circuits:
        base = {"circuits": [circuit], "camera": {"width": width, "height": height}}
        task = build_settings(TaskSettings, base)
        pictures = Pictures(every=5)
        with gazebo(task, circuit, arguments):
            drive("classical", task, arguments, None, pictures)
        agreements.append((circuit, *pictures.agreement(*scene(task))))
        for run in arguments.runs:
            policy = load_policy(run)
            own = build_settings(
                TaskSettings, {**policy.task_settings.as_dict(), "circuits": [circuit]}
            )
            with gazebo(own, circuit, arguments):
                drive(str(run), own, arguments, policy, None)
    print(
        f"\n{stamps.steps} lock-steps, {stamps.steps / stamps.seconds:.0f} a second, "
        f"{stamps.wrong} wrong stamps, {stamps.discarded} discarded frames, "
        f"{stamps.unanswered} requests unanswered when the frame was there"
    )
    for circuit, worst, mean, overlap in agreements:
        print(
            f"{circuit}: pixels below the horizon as in the embedded camera {mean:.2%}, in the "
            f"worst picture {worst:.2%}; line IoU {overlap:.3f}"
        )


def scene(task: TaskSettings) -> tuple[Circuit, Any]:
    lap = LapDrive(task, 1)
    return lap.task.cars.circuits[0], lap.task.cars.camera


def drive(
    name: str,
    task: TaskSettings,
    arguments: argparse.Namespace,
    policy: Any,
    pictures: Pictures | None,
) -> None:
    """Drive in Gazebo and in the embedded simulator, and print a row."""
    car = {"clockwork": "gazebo"}
    if arguments.car == "ackermann":
        car |= {"braking_periods": 100, "settle_periods": 4}
    env = F1CameraRosVectorEnv(1, ros=car, **task.as_dict())
    try:
        laps = LapDrive(task, arguments.starts, cars=env.task.cars)
        driver = policy or LineFollower(laps.task)
        there = laps.drive(driver, pictures.look if pictures else None)
    finally:
        env.close()
    embedded = LapDrive(task, arguments.starts)
    here = embedded.drive(policy or LineFollower(embedded.task))
    figures = []
    for drives in (there, here):
        times = [each.report.lap_time_s for each in drives if each.completed]
        errors = [each.report.mean_lateral_error_m for each in drives]
        figures.append((len(times), np.mean(times) if times else np.nan, np.mean(errors)))
    camera = task.camera
    print(
        f"| {task.circuits[0]} | {name} | {camera.width} x {camera.height} "
        f"| {figures[0][0]} of {arguments.starts} | {figures[0][1]:.2f} | {figures[1][1]:.2f} "
        f"| {figures[0][2]:.3f} | {figures[1][2]:.3f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
