"""`f1-rl determinism`: what two drives with the same commands differ by."""

import argparse

from f1_rl.circuits import DEFAULT_CIRCUIT
from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.driving.determinism import Divergence, measure_divergence
from f1_rl.driving.environment import make_simulator
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.settings import build_settings

SUMMARY = "Drive twice with the same commands and report what differs; embedded or behind topics."

_MAX_SPEED_MPS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--cars",
        choices=("embedded", "simulator", "gazebo"),
        default="embedded",
        help="the embedded simulator, or a car behind topics that is there already, in lock-step: "
        "of our simulator node, or of Gazebo",
    )
    parser.add_argument(
        "--circuit",
        action="append",
        metavar="NAME",
        help="circuit to drive (simple): a name ('f1-rl circuit list'), a CSV file, or 'random-7', "
        "with '@0.5' behind it at half the size",
    )
    parser.add_argument("--width", type=options.positive_int, default=192, help="of the picture")
    parser.add_argument("--height", type=options.positive_int, default=144, help="of the picture")
    parser.add_argument("--steps", type=options.positive_int, default=200, metavar="N")
    parser.add_argument("--seed", type=options.natural_int, default=0, help="of the commands")
    parser.add_argument("--namespace", default="", help="of the car's topics")
    options.add_json(parser, "identical, steps, first_step, and the largest differences")


def run(arguments: argparse.Namespace) -> int:
    """Drive twice; the status says only whether that could be done.

    Raises:
        CommandError: Several circuits are asked for.
    """
    circuits = expand_circuit_names(arguments.circuit or [DEFAULT_CIRCUIT])
    if len(circuits) > 1:
        raise CommandError(
            f"--circuit: asks for {len(circuits)} circuits, and one is driven twice; give one."
        )
    camera = {"width": arguments.width, "height": arguments.height}
    task = {"circuits": circuits, "camera": camera}
    divergence = _measure(arguments, build_settings(TaskSettings, task))
    if arguments.json:
        options.print_json({**divergence.as_dict(), "identical": divergence.identical})
    else:
        _print(divergence)
    return 0


def _measure(arguments: argparse.Namespace, task: TaskSettings) -> Divergence:
    how = (arguments.steps, arguments.seed, _MAX_SPEED_MPS)
    if arguments.cars == "embedded":
        return measure_divergence(make_simulator(task, 1), *how)
    from f1_rl.ros.environment import F1CameraRosVectorEnv

    # The picture need not be one that an observation can be made of.
    values = {**task.as_dict(), "observation": {"rows": 1, "columns": 1}}
    env = F1CameraRosVectorEnv(
        1, ros={"clockwork": arguments.cars}, namespaces=[arguments.namespace], **values
    )
    try:
        return measure_divergence(env.task.cars, *how)
    finally:
        env.close()


def _print(divergence: Divergence) -> None:
    if divergence.identical:
        print(f"The two drives of {divergence.steps} steps are the same, bit for bit.")
        return
    print(
        f"The two drives of {divergence.steps} steps differ from step {divergence.first_step} on, "
        f"at most by {divergence.position_m:.3g} m, {divergence.yaw_rad:.3g} rad, "
        f"{divergence.speed_mps:.3g} m/s and {divergence.duration_s:.3g} s; {divergence.pictures} "
        f"pictures differ, in at most {divergence.pixel_share:.2%} of their pixels, by up to "
        f"{divergence.pixel_level} of 255."
    )
