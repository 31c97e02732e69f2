"""Measure what driving by a calibrated camera costs, and whether a policy still drives by it.

    python benchmarks/real_camera.py tests/data/policy

A camera with another lens, higher, tilted and turned takes pictures of the embedded simulator's
circuit; they are made those of the training's camera, and the policy drives by them. Prints two
Markdown tables: times, and a lap by each camera.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from f1_rl.calibration import CalibratedCamera, Intrinsics, Mounting
from f1_rl.circuits import load_circuit
from f1_rl.nodes.pilot import Pilot
from f1_rl.policy import load_policy
from f1_rl.simulation import Camera, Simulator

TILTED = Mounting(x_m=0.36, y_m=0.01, z_m=0.13, roll_rad=0.03, pitch_rad=0.12, yaw_rad=-0.05)
LENSES = {
    "pinhole (plumb_bob)": Intrinsics(
        800, 600, (330.0, 332.0), (409.0, 291.0), "plumb_bob", (-0.05, 0.008, 0.001, -0.001, 0.0)
    ),
    "fisheye (equidistant)": Intrinsics(
        800, 600, (390.0, 391.0), (402.0, 297.0), "equidistant", (0.04, -0.012, 0.003, -0.0006)
    ),
}
_REPEATS = 300
_MOST_STEPS = 1_500


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("policy", type=Path, help="run folder or policy folder")
    parser.add_argument("--circuit", default="simple")
    parser.add_argument("--starts", type=int, default=1, help="laps by each camera")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    policy = load_policy(arguments.policy)
    nominal = policy.task_settings.camera
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, one thread of OpenCV\n")
    print("| camera | observation's rows, ms | whole picture, ms | a decision, ms | not seen |")
    print("|---|---|---|---|---|")
    pilots = {"of the training": Pilot(policy)}
    for name, lens in LENSES.items():
        pilots[name] = Pilot(policy, CalibratedCamera(name, lens, TILTED))
    for name, pilot in pilots.items():
        print(f"| {name} | {' | '.join(costs(pilot, nominal))} |", flush=True)
    print("\n| camera | full laps | lap time, s | distance from the centre line, m |")
    print("|---|---|---|---|")
    for name, pilot in pilots.items():
        drives = [
            drive(pilot, nominal, arguments.circuit, start / arguments.starts)
            for start in range(arguments.starts)
        ]
        full = [lap for lap in drives if lap is not None]
        lap_s, lateral_m = np.mean(full, axis=0) if full else (np.nan, np.nan)
        print(
            f"| {name} | {len(full)} of {len(drives)} | {lap_s:.2f} | {lateral_m:.3f} |", flush=True
        )
    return 0


def costs(pilot: Pilot, nominal: Camera) -> list[str]:
    """Return median times of re-projection and decision, and the share that is not seen."""
    rng = np.random.default_rng(0)
    if pilot.reprojection is None:
        picture = rng.integers(0, 256, (nominal.height, nominal.width, 3), np.uint8)
        return ["-", "-", median_ms(lambda: pilot.decide(picture, True)), "0.0 %"]
    lens, reprojection = pilot.reprojection.source.intrinsics, pilot.reprojection
    picture = rng.integers(0, 256, (lens.height, lens.width, 3), np.uint8)
    return [
        median_ms(lambda: reprojection.rows(picture)),
        median_ms(lambda: reprojection.picture(picture)),
        median_ms(lambda: pilot.decide(picture, True)),
        f"{reprojection.missing_share:.1%}",
    ]


def median_ms(call: Callable[[], object]) -> str:
    """Return the median time of a call."""
    times = []
    for _ in range(_REPEATS):
        began_s = time.perf_counter()
        call()
        times.append(time.perf_counter() - began_s)
    return f"{1e3 * float(np.median(times)):.2f}"


def drive(pilot: Pilot, nominal: Camera, name: str, start: float) -> tuple[float, float] | None:
    """Return time and mean distance from the centre line of a lap; None: it left the road."""
    circuit = load_circuit(name)
    camera, take = eye(pilot, nominal)
    simulator = Simulator([circuit], 1, camera=camera, control_period_s=pilot.control_period_s)
    simulator.place([0], 0, circuit.pose_at(np.array([start * circuit.length_m])))
    driven_m, errors_m = 0.0, []
    last_m = start * circuit.length_m
    for step in range(_MOST_STEPS):
        decision = pilot.decide(take(simulator.frame(0)), step == 0, float(simulator.speed_mps[0]))
        simulator.step(np.array([decision.command]))
        place = circuit.project(simulator.poses)
        along_m = float(place.arc_length_m[0])
        gone_m = (along_m - last_m + circuit.length_m / 2) % circuit.length_m - circuit.length_m / 2
        driven_m, last_m = driven_m + gone_m, along_m
        errors_m.append(abs(float(place.lateral_error_m[0])))
        if errors_m[-1] > float(circuit.width_left_m.min()):
            return None
        if driven_m >= circuit.length_m:
            return (step + 1) * pilot.control_period_s, float(np.mean(errors_m))
    return None


def eye(pilot: Pilot, nominal: Camera) -> tuple[Camera, Callable[[np.ndarray], np.ndarray]]:
    """Return a camera of the simulator, and what makes the real camera's picture of its own."""
    if pilot.reprojection is None:
        return nominal, lambda picture: picture
    source = pilot.reprojection.source
    lens, mounting = source.intrinsics, source.mounted()
    wide = Camera(
        width=1600,
        height=1400,
        horizontal_fov_rad=2.3,
        x_m=mounting.x_m,
        y_m=mounting.y_m,
        z_m=mounting.z_m,
        near_m=0.01,
    )
    grid = np.stack(np.meshgrid(np.arange(lens.width), np.arange(lens.height)), axis=-1)
    ahead, left, up = (lens.rays(grid.reshape(-1, 2).astype(float)) @ mounting.rotation.T).T
    focal = wide.focal_length_px
    shape = (lens.height, lens.width)
    x = (wide.width / 2 - 0.5 - focal * left / ahead).astype(np.float32).reshape(shape)
    y = (wide.height / 2 - 0.5 - focal * up / ahead).astype(np.float32).reshape(shape)
    return wide, lambda picture: cv2.remap(picture, x, y, cv2.INTER_LINEAR)


if __name__ == "__main__":
    raise SystemExit(main())
