"""Hold the embedded single-track car against the Ackermann car of a real Gazebo, step by step.

    python benchmarks/step_responses.py [--render-engine ogre] [--period-ms 20]

Commands both the same steps on a wide road and prints what they make of them: speeding up,
braking, turning in, the tightest turn, and the grip. Needs Gazebo Harmonic, ros_gz_bridge and
ros_gz_interfaces; without them (`--embedded`) it prints the embedded car alone. Uses ROS_DOMAIN_ID.
"""

import argparse
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from f1_rl.driving.cars import Cars
from f1_rl.driving.environment import make_simulator
from f1_rl.driving.settings import TaskSettings
from f1_rl.settings import build_settings

# So wide that no car leaves the road.
CIRCUIT, SCALE = "oval", 8.0
FAST_MPS, SLOW_MPS = 6.0, 3.0
TURN_RADPS = 1.2
# Ever harder turns, one after the other, from well within the grip to well beyond it.
RAMP_RADPS = np.arange(0.8, 2.0, 0.02)
_RAMP_STEP_S, _MEAN_OVER_S = 0.1, 0.33


@dataclass(frozen=True)
class Response:
    """What a car made of commands, after each control period.

    Attributes:
        time_s: (T,).
        x_m: (T,) position.
        y_m: (T,) position.
        speed_mps: (T,) forward.
        yaw_rate_radps: (T,).
    """

    time_s: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray
    speed_mps: np.ndarray
    yaw_rate_radps: np.ndarray

    def way_m(self, samples: int) -> float:
        """Return how far the car went up to a sample."""
        return float(np.hypot(np.diff(self.x_m), np.diff(self.y_m))[:samples].sum())

    def largest_lateral_mps2(self) -> float:
        """Return the largest acceleration across the path, as a mean over a third of a second.

        Of the path alone, whichever way the car points: one that spins turns, but does not hold.
        """
        vx, vy = (np.gradient(place, self.time_s) for place in (self.x_m, self.y_m))
        across = np.hypot(vx, vy) * np.gradient(np.unwrap(np.arctan2(vy, vx)), self.time_s)
        window = max(1, round(_MEAN_OVER_S / float(self.time_s[1] - self.time_s[0])))
        return float(np.convolve(across, np.ones(window) / window, "valid").max())

    def reached(self, values: np.ndarray, level: float) -> float:
        """Return when values first reached a level, between two samples; NaN: never."""
        above = np.flatnonzero(values >= level)
        if not len(above):
            return math.nan
        later = max(int(above[0]), 1)
        before, began = values[later - 1], self.time_s[later - 1]
        share = (level - before) / (values[later] - before)
        return float(began + share * (self.time_s[later] - began))

    def steady(self, values: np.ndarray) -> float:
        """Return the mean over the last second."""
        return float(values[self.time_s > self.time_s[-1] - 1.0].mean())


def drive(cars: Cars, *stages: tuple[float, float, float], last: int = 1) -> Response:
    """Place the car, drive stages of (seconds, speed, yaw rate); return what the last ones gave."""
    circuit = cars.circuits[0]
    cars.place(np.zeros(1, np.int64), np.zeros(1, np.int64), circuit.pose_at(np.zeros(1)))
    period_s = cars.control_period_s
    rows: list[tuple[float, ...]] = []
    for number, (seconds, speed_mps, yaw_rate_radps) in enumerate(stages):
        if number == len(stages) - last:
            rows = [_motion(cars, 0.0)]
        for _ in range(round(seconds / period_s)):
            cars.step(np.array([[speed_mps, yaw_rate_radps]]))
            rows.append(_motion(cars, len(rows) * period_s))
    return Response(*np.array(rows).T)


def _motion(cars: Cars, time_s: float) -> tuple[float, ...]:
    pose = cars.poses
    return (time_s, pose.x_m[0], pose.y_m[0], cars.speed_mps[0], cars.yaw_rate_radps[0])


def measure(cars: Cars) -> dict[str, float]:
    """Return what is compared, by name."""
    away = drive(cars, (3.0, FAST_MPS, 0.0))
    braking = drive(cars, (3.0, FAST_MPS, 0.0), (2.5, 0.0, 0.0))
    turning = drive(cars, (2.0, SLOW_MPS, 0.0), (2.5, SLOW_MPS, TURN_RADPS))
    tightest = drive(cars, (1.0, 1.0, 0.0), (4.0, 1.0, 3.0))
    ramp = [(_RAMP_STEP_S, FAST_MPS, float(turn)) for turn in RAMP_RADPS]
    sliding = drive(cars, (3.0, FAST_MPS, 0.0), *ramp, last=len(ramp))
    turned = turning.steady(turning.yaw_rate_radps)
    standing = np.flatnonzero(braking.speed_mps < 0.05)
    stopped = int(standing[0]) if len(standing) else len(braking.time_s) - 1
    return {
        f"0 to {0.95 * FAST_MPS:.1f} m/s, s": away.reached(away.speed_mps, 0.95 * FAST_MPS),
        f"speed told {FAST_MPS:.0f} m/s, m/s": away.steady(away.speed_mps),
        f"{FAST_MPS:.0f} m/s to a stand, m": braking.way_m(stopped),
        f"{FAST_MPS:.0f} m/s to a stand, s": float(braking.time_s[stopped]),
        f"yaw rate told {TURN_RADPS} rad/s at {SLOW_MPS:.0f} m/s, rad/s": turned,
        "63 % of it after, s": turning.reached(turning.yaw_rate_radps, 0.63 * turned),
        "tightest turn at 1 m/s, radius, m": tightest.steady(tightest.speed_mps)
        / tightest.steady(tightest.yaw_rate_radps),
        f"largest lateral acceleration, told {FAST_MPS:.0f} m/s, m/s^2": (
            sliding.largest_lateral_mps2()
        ),
    }


def gazebo_figures(task: TaskSettings, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure the Ackermann car in a Gazebo of its own."""
    from gazebo_laps import gazebo

    from f1_rl.ros.environment import F1CameraRosVectorEnv

    ros: dict[str, Any] = {"clockwork": "gazebo", "braking_periods": 200, "settle_periods": 10}
    with gazebo(task, CIRCUIT, arguments):
        env = F1CameraRosVectorEnv(1, ros=ros, **task.as_dict())
        try:
            return measure(env.task.cars)
        finally:
            env.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--embedded", action="store_true", help="without Gazebo")
    parser.add_argument("--period-ms", type=int, default=20, help="control period")
    parser.add_argument("--render-engine", default="ogre2", choices=("ogre2", "ogre"))
    arguments = parser.parse_args()
    arguments.car = "ackermann"
    chosen = {
        "circuits": [CIRCUIT],
        "circuit_scale": SCALE,
        "vehicle": "single_track",
        "control_period_ms": arguments.period_ms,
        # Nobody looks.
        "camera": {"width": 64, "height": 48},
        "observation": {"rows": 2, "columns": 8, "nearest_m": 1.0, "farthest_m": 8.0},
    }
    task = build_settings(TaskSettings, chosen)
    embedded = measure(make_simulator(task, 1))
    if arguments.embedded:
        print("| step | embedded |\n|---|---:|")
        for name, value in embedded.items():
            print(f"| {name} | {value:.3f} |")
        return
    there = gazebo_figures(task, arguments)
    print("| step | embedded | Gazebo | ratio |\n|---|---:|---:|---:|")
    for name, value in embedded.items():
        print(f"| {name} | {value:.3f} | {there[name]:.3f} | {there[name] / value:.3f} |")


if __name__ == "__main__":
    main()
