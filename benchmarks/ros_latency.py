"""Measure the time from a camera message to the command that answers it, through DDS.

    python benchmarks/ros_latency.py runs/my-run

This process publishes pictures of the embedded camera at the policy's rate and hears the commands;
the driver runs in a process of its own. Measured is from before a picture is published until its
command has come: serialising, transport, decoding, preprocessing, inference and the way back.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

TARGET_P99_MS = 5.0
_FIRST_COMMAND_WITHIN_S = 30.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("policy", type=Path, help="run folder or policy folder")
    parser.add_argument("--frames", type=int, default=600, help="pictures to publish")
    parser.add_argument("--rate", type=float, default=20.0, help="pictures a second")
    parser.add_argument(
        "--reliability", nargs="+", default=["auto", "best_effort"], help="of the subscription"
    )
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    print(
        f"{arguments.frames} pictures at {arguments.rate:g} Hz, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}\n"
    )
    print("| subscription | answered | p50 ms | p95 ms | p99 ms | max ms | p99 within 5 ms |")
    print("|---|---|---|---|---|---|---|")
    for reliability in arguments.reliability:
        took_ms = measure(arguments.policy, arguments.frames, arguments.rate, reliability)
        p50, p95, p99 = np.percentile(took_ms, (50, 95, 99))
        verdict = "yes" if p99 <= TARGET_P99_MS else "no"
        print(
            f"| {reliability} | {len(took_ms)}/{arguments.frames} | {p50:.2f} | {p95:.2f} "
            f"| {p99:.2f} | {took_ms.max():.2f} | {verdict} |",
            flush=True,
        )
    return 0


def measure(policy: Path, frames: int, rate_hz: float, reliability: str) -> np.ndarray:
    """Return the times from picture to command in milliseconds, of those that were answered."""
    from f1_rl.ros.graph import Graph

    with driver_process(policy, reliability) as process:
        graph = Graph("ros_latency")
        try:
            return _Measurement(graph, policy).run(frames, 1.0 / rate_hz, process)
        finally:
            graph.close()


class driver_process:  # noqa: N801
    """The driver as a process, ended by SIGINT."""

    def __init__(self, policy: Path, reliability: str) -> None:
        self._command = [sys.executable, "-m", "f1_rl.nodes.driver", "--ros-args"]
        self._command += ["--log-level", "warn"]
        for name, value in {"policy": policy, "image_reliability": reliability}.items():
            self._command += ["-p", f"{name}:={value}"]
        # The same few pictures come round again.
        self._command += ["-p", "frozen_timeout_s:=0.0", "-p", "frozen_turn_timeout_s:=0.0"]

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=20)


class _Measurement:
    def __init__(self, graph, policy: Path) -> None:
        from geometry_msgs.msg import Twist
        from sensor_msgs.msg import Image

        from f1_rl.ros.qos import lossless

        self._images = graph.node.create_publisher(Image, "cam_f1_left/image_raw", lossless(1))
        graph.node.create_subscription(Twist, "cmd_vel", self._hear, lossless(10))
        self._heard = threading.Event()
        self._heard_s = 0.0
        self._pictures = _pictures(policy)

    def run(self, frames: int, period_s: float, process: subprocess.Popen[bytes]) -> np.ndarray:
        self._wait_for_driver(period_s, process)
        took_s = []
        next_s = time.perf_counter()
        for i in range(frames):
            next_s = max(next_s + period_s, time.perf_counter())
            time.sleep(max(0.0, next_s - time.perf_counter()))
            sent_s = self._publish(i)
            # A command that answers nothing is the watchdog's: it comes after a lost picture.
            if self._heard.wait(0.9 * period_s):
                took_s.append(self._heard_s - sent_s)
        return 1e3 * np.array(took_s)

    def _wait_for_driver(self, period_s: float, process: subprocess.Popen[bytes]) -> None:
        deadline_s = time.monotonic() + _FIRST_COMMAND_WITHIN_S
        answered = 0
        while answered < 20:
            self._publish(answered)
            time.sleep(period_s)
            answered += self._heard.is_set() and self._moving
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit("the driver does not answer; run it alone to see why.")

    def _publish(self, i: int) -> float:
        from f1_rl.ros.messages import image_message

        message = image_message(self._pictures[i % len(self._pictures)], time.time_ns(), "camera")
        self._heard.clear()
        sent_s = time.perf_counter()
        self._images.publish(message)
        return sent_s

    def _hear(self, message) -> None:
        self._heard_s = time.perf_counter()
        self._moving = message.linear.x != 0.0
        self._heard.set()


def _pictures(policy: Path) -> list[np.ndarray]:
    from f1_rl.circuits import load_circuit
    from f1_rl.policy import load_policy
    from f1_rl.simulation import Simulator

    circuit = load_circuit("simple")
    count = 40
    camera = load_policy(policy).task_settings.camera
    simulator = Simulator([circuit], count, camera=camera)
    begin_m = np.linspace(0.0, circuit.length_m, count, endpoint=False)
    simulator.place(np.arange(count), 0, circuit.pose_at(begin_m))
    return [simulator.frame(car) for car in range(count)]


if __name__ == "__main__":
    sys.exit(main())
