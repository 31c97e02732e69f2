"""What the limits of physics are on circuits, and how long it takes to compute them.

Prints a row for each circuit: processor time for all lines inside the road and the fastest lap
along each, and the limits along the centre line, the line of least curvature and the fastest one.

    python benchmarks/racing_limits.py
    python benchmarks/racing_limits.py random-0:20@3 tracks/*.csv --actions fast
"""

import argparse
import time

from f1_rl.circuits import load_circuit
from f1_rl.driving.actions import load_action_table
from f1_rl.driving.settings import expand_circuit_names
from f1_rl.racing import racing_limit
from f1_rl.simulation import SingleTrackCar


def main() -> None:
    """Compute the limits one by one and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("circuits", nargs="*", default=["all"], help="as for f1-rl evaluate (all)")
    parser.add_argument("--actions", default="racing", help="the table of actions (racing)")
    arguments = parser.parse_args()
    commands = load_action_table(arguments.actions).commands
    # Compiled, or loaded, before the clock runs.
    racing_limit(load_circuit("random-0"), SingleTrackCar(), commands)
    print("| circuit | length, m | time, s | centre line, s | least curvature, s | limit, s |")
    print("|---|---:|---:|---:|---:|---:|")
    total_s = 0.0
    for name in expand_circuit_names(arguments.circuits):
        circuit = load_circuit(name)
        begun = time.process_time()
        limit = racing_limit(circuit, SingleTrackCar(), commands)
        took_s = time.process_time() - begun
        total_s += took_s
        laps = (limit.centre_line, limit.minimum_curvature, limit.fastest)
        times = " | ".join(f"{lap.lap_time_s:.3f}" for lap in laps)
        print(
            f"| {circuit.name} | {circuit.length_m:.0f} | {took_s:.2f} | {times} |",
            flush=True,
        )
    print(f"| all | | {total_s:.2f} | | | |")


if __name__ == "__main__":
    main()
