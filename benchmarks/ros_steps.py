"""Print how many lock-steps a second a car behind topics makes, and where the time goes.

    python benchmarks/ros_steps.py [--steps 500]

Starts the simulator node in a process of its own for each size of the camera, on ROS_DOMAIN_ID.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from std_srvs.srv import Trigger

from f1_rl.circuits import Circuit, load_circuit
from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.ros.car import RosCar
from f1_rl.ros.cars import RosCars
from f1_rl.ros.graph import Graph, Pending
from f1_rl.ros.messages import decode_image, image_message
from f1_rl.ros.settings import RosCarSettings
from f1_rl.simulation import Camera, Simulator

SIZES = ((160, 120), (320, 240), (640, 480))
CIRCUIT = "simple"
PERIOD_NS = 50_000_000


@dataclass(frozen=True)
class Row:
    """Milliseconds a step, medians."""

    steps_per_s: float
    slowest_percent_ms: float
    step_ms: float
    draw_ms: float
    message_ms: float
    round_trip_ms: float
    observation_ms: float
    wrong_stamps: int

    @property
    def transport_ms(self) -> float:
        """What is left: the frame's way through DDS and the two executors."""
        known = self.draw_ms + self.message_ms + self.round_trip_ms + self.observation_ms
        return self.step_ms - known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500, help="steps for each size")
    steps = parser.parse_args().steps
    print(f"{os.cpu_count()} cores, {steps} steps each, milliseconds a step (median)")
    print(
        "| camera | steps/s | step | p99 | draw | to message | request and answer | observation "
        "| transport and waiting | wrong stamps |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for width, height in SIZES:
        row = measure(width, height, steps)
        print(
            f"| {width}x{height} | {row.steps_per_s:.0f} | {row.step_ms:.2f} "
            f"| {row.slowest_percent_ms:.2f} | {row.draw_ms:.2f} | {row.message_ms:.2f} "
            f"| {row.round_trip_ms:.2f} | {row.observation_ms:.2f} | {row.transport_ms:.2f} "
            f"| {row.wrong_stamps} |",
            flush=True,
        )


def measure(width: int, height: int, steps: int) -> Row:
    circuit = load_circuit(CIRCUIT)
    camera = Camera(width=width, height=height)
    process = start_simulator(width, height)
    graph = Graph("benchmark")
    try:
        round_trip_ms = median_ms(step_without_frames(graph), 200)
        car = RosCars([RosCar(graph, camera, 50, RosCarSettings())], circuit)
        car.place(np.zeros(1, int), np.zeros(1, int), circuit.pose_at(np.zeros(1)))
        preprocessing = Preprocessing(ObservationSettings(columns=40), camera)
        times_s, wrong = drive(car, preprocessing, steps)
    finally:
        graph.close()
        process.send_signal(signal.SIGINT)
        process.wait()
    return Row(
        steps_per_s=steps / times_s.sum(),
        slowest_percent_ms=1000 * float(np.percentile(times_s, 99)),
        step_ms=1000 * float(np.median(times_s)),
        round_trip_ms=round_trip_ms,
        wrong_stamps=wrong,
        **parts(circuit, camera, preprocessing),
    )


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
    root = str(Path(__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-m", "f1_rl.nodes.simulator", "--ros-args", *given],
        env={**os.environ, "PYTHONPATH": root},
        stderr=subprocess.DEVNULL,
    )


def step_without_frames(graph: Graph) -> Callable[[], None]:
    client = graph.node.create_client(Trigger, "simulator/step")
    graph.wait_for_service(client, time.monotonic() + 30.0)

    def step() -> None:
        Pending(client, Trigger.Request()).result(time.monotonic() + 10.0)

    return step


def drive(car: RosCars, preprocessing: Preprocessing, steps: int) -> tuple[np.ndarray, int]:
    times_s, wrong = np.zeros(steps), 0
    for i in range(steps):
        last_ns = car.cars[0].report.stamp_ns
        began_s = time.perf_counter()
        car.step(np.array([[2.0, 0.3 * np.sin(i / 5)]]))
        car.view(preprocessing.view)
        times_s[i] = time.perf_counter() - began_s
        wrong += car.cars[0].report.stamp_ns != last_ns + PERIOD_NS
    return times_s, wrong


def parts(circuit: Circuit, camera: Camera, preprocessing: Preprocessing) -> dict[str, float]:
    """Time in one process what both do with a frame."""
    simulator = Simulator([circuit], 1, camera=camera)
    message = image_message(simulator.frame(0), 0, "camera")
    frame = decode_image(message)
    return {
        "draw_ms": median_ms(lambda: simulator.frame(0), 50),
        "message_ms": median_ms(lambda: image_message(frame, 0, "camera", message), 50),
        "observation_ms": median_ms(
            lambda: preprocessing.view.take(decode_image(message)[None]), 50
        ),
    }


def median_ms(what: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began_s = time.perf_counter()
        what()
        taken.append(time.perf_counter() - began_s)
    return 1000 * float(np.median(taken))


if __name__ == "__main__":
    main()
