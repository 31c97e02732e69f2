"""Train over ROS 2 topics in lock-step and print what came of it and where the time went.

    python benchmarks/ros_training.py [--steps 10000] [--seeds 1] [--size 192x144]

Starts the simulator node in a process of its own for each run, on ROS_DOMAIN_ID. The stamp of the
frame behind every transition is held against the one before: exactly one control period later
within an episode.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from f1_rl.learning.agent import Agent
from f1_rl.learning.runs import run_settings
from f1_rl.learning.training import start_run
from f1_rl.ros.car import RosCar

CIRCUIT = "simple"


class Stopwatch:
    """Adds up the time that methods take, and the calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def around(self, owner: type, name: str, label: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            began_s = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                self.seconds[label] += time.perf_counter() - began_s
                self.calls[label] += 1

        setattr(owner, name, timed)

    def mean_ms(self, label: str) -> float:
        return 1e3 * self.seconds[label] / max(1, self.calls[label])


class Stamps:
    """Counts frames that were not exactly one period after the last."""

    def __init__(self, period_ns: int) -> None:
        self.steps = self.wrong = self.discarded = 0
        self._period_ns = period_ns

    def watch(self) -> None:
        begin, finish = RosCar.begin_step, RosCar.finish_step
        last: dict[int, int] = {}

        def noted_begin(car: RosCar, *command: float) -> None:
            last[id(car)] = car.report.stamp_ns
            begin(car, *command)

        def checked_finish(car: RosCar) -> None:
            finish(car)
            self.steps += 1
            self.discarded += car.report.discarded_frames
            self.wrong += car.report.stamp_ns != last[id(car)] + self._period_ns

        RosCar.begin_step, RosCar.finish_step = noted_begin, checked_finish


class Watch:
    """A listener that keeps the time in training, evaluations left out."""

    def __init__(self) -> None:
        self.solved: tuple[int, float] | None = None
        self.last: Any = None

    def on_progress(self, progress: Any) -> None:
        self.last = progress

    def on_evaluation(self, progress: Any, evaluation: Any, best: bool) -> None:
        print(f"    step {progress.env_step}: {evaluation.summary}", file=sys.stderr)
        if evaluation.solved and self.solved is None:
            self.solved = (progress.env_step, progress.wall_time_s)


def start_simulator(width: int, height: int) -> "subprocess.Popen[bytes]":
    parameters = {
        "circuit": CIRCUIT,
        "width": width,
        "height": height,
        "start_paused": True,
        "physics_step_ms": 50,
        "odometry_period_ms": 50,
    }
    given = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    return subprocess.Popen(
        [sys.executable, "-m", "f1_rl.nodes.simulator", "--ros-args", *given],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stderr=subprocess.DEVNULL,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="environment steps of each run")
    parser.add_argument("--seeds", type=int, default=1, help="runs, with seeds from 0 on")
    parser.add_argument("--size", default="192x144", help="of the camera's picture")
    parser.add_argument("--no-overlap", action="store_true", help="learn between the steps")
    arguments = parser.parse_args()
    width, height = (int(part) for part in arguments.size.split("x"))
    watch = Stopwatch()
    stamps = Stamps(50_000_000)
    stamps.watch()
    watch.around(RosCar, "begin_step", "command")
    watch.around(RosCar, "finish_step", "wait")
    watch.around(RosCar, "place", "reset")
    watch.around(Agent, "train", "update")
    watch.around(Agent, "q_values", "decision")
    solved: list[tuple[int, float]] = []
    for seed in range(arguments.seeds):
        listener = Watch()
        settings = run_settings(
            "gazebo",
            [
                {"seed": seed, "task": {"circuits": [CIRCUIT]}},
                {"task": {"camera": {"width": width, "height": height}}},
                {"training": {"env_steps": arguments.steps, "checkpoint_every_s": 1e6}},
                {"training": {"overlap": not arguments.no_overlap, "replay_capacity": 20_000}},
            ],
        )
        process = start_simulator(width, height)
        try:
            with tempfile.TemporaryDirectory() as folder:
                trainer = start_run(settings, Path(folder) / "run", listener, device="cpu")
                try:
                    trainer.run()
                finally:
                    trainer.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
        if listener.solved is not None:
            solved.append(listener.solved)
        print(
            f"seed {seed}: {listener.last.env_step} steps, {listener.last.faults} faults, full "
            f"laps from all starts {listener.solved or 'not reached'}",
            flush=True,
        )
    print(f"{os.cpu_count()} cores, {arguments.size}, {len(solved)} of {arguments.seeds} solved")
    if solved:
        steps, seconds = np.median(np.array(solved), axis=0)
        print(f"median: {steps:.0f} environment steps, {seconds:.1f} s of training")
    print(
        f"{stamps.steps} lock-steps (evaluation included), {stamps.wrong} wrong stamps, "
        f"{stamps.discarded} discarded frames"
    )
    print("| part | calls | ms a call |\n|---|---|---|")
    for label in ("decision", "command", "wait", "reset", "update"):
        print(f"| {label} | {watch.calls[label]} | {watch.mean_ms(label):.2f} |")


if __name__ == "__main__":
    main()
