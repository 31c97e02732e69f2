"""What the convolutions by blocks save of an update on a CPU.

Two agents of the same preset, one with Keras' convolutions, learn from the same random samples in
this process, in turns. Printed are milliseconds for an update, and the ratio of the medians with
its 95 % bootstrap interval over the turns.

    python benchmarks/updates.py
    python benchmarks/updates.py --threads 1 --presets embedded nature
"""

import argparse
import time
from unittest import mock

import numpy as np

from f1_rl.benchmark.computing import agent_with_batch
from f1_rl.benchmark.tables import interval, number
from f1_rl.learning.device import import_tensorflow
from f1_rl.learning.runs import run_settings
from f1_rl.statistics import estimate_ratio

UPDATES = 16


def measure(preset: str, turns: int) -> str:
    """Return the row of a preset."""
    settings = run_settings(preset, [])
    with mock.patch("f1_rl.learning.networks.divides", return_value=False):
        learners = [agent_with_batch(settings, UPDATES)]
    learners.append(agent_with_batch(settings, UPDATES))
    times_ms: list[list[float]] = [[], []]
    for turn in range(turns + 1):
        for (agent, batch), of_agent in zip(learners, times_ms, strict=True):
            began_s = time.perf_counter()
            agent.train(batch)
            # The first one compiles.
            if turn:
                of_agent.append((time.perf_counter() - began_s) * 1e3 / UPDATES)
    ratio = estimate_ratio(*times_ms)
    keras, ours = (float(np.median(of_agent)) for of_agent in times_ms)
    return f"| `{preset}` | {number(keras)} | {number(ours)} | {interval(ratio)} |"


def main() -> None:
    """Measure the presets one after another."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--presets", nargs="+", default=["embedded", "racing", "car_racing"])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--threads", type=int, help="of TensorFlow (as many as processors)")
    arguments = parser.parse_args()
    if arguments.threads is not None:
        threading = import_tensorflow().config.threading
        threading.set_intra_op_parallelism_threads(arguments.threads)
        threading.set_inter_op_parallelism_threads(arguments.threads)
    print("| preset | Keras' convolutions, ms | ours, ms | times as quick |")
    print("|---|---|---|---|")
    for preset in arguments.presets:
        print(measure(preset, arguments.turns), flush=True)


if __name__ == "__main__":
    main()
