"""`f1-rl calibrate delay`: the time from a command to its effect, and how to train for it."""

import argparse
import math
from typing import Any

from f1_rl.bags import Bag, BagError, DriveTopics, find_drive_topics
from f1_rl.bags.motion import (
    reaction_s,
    read_commands,
    read_odometry_increments,
    read_picture_turns,
)
from f1_rl.calibration import CalibratedCamera, CalibrationError, read_camera
from f1_rl.calibration.delay import Delay, measure_delay
from f1_rl.cli import options

_ROUND_S = 0.005


def run(arguments: argparse.Namespace) -> int:
    """Measure and tell."""
    with Bag(arguments.bag) as bag:
        topics = find_drive_topics(
            bag, arguments.image_topic, arguments.command_topic, arguments.odometry_topic
        )
        by_pictures = arguments.by_pictures or topics.odometry_topic is None
        longest_s = arguments.longest / 1000
        if by_pictures:
            camera = None if arguments.camera is None else read_camera(arguments.camera)
            effects = _by_pictures(bag, topics, longest_s, camera)
            notes: list[str] = []
        else:
            effects, notes = _by_odometry(bag, topics, longest_s)
        reaction = reaction_s(bag, topics)
    setting = _setting(effects, reaction or 0.0)
    if arguments.json:
        options.print_json(_document(effects, notes, reaction, setting))
        return 0
    for name, delay in effects.items():
        low, high = delay.interval_s
        print(
            f"{name}: {1000 * delay.delay_s:.0f} ms from the command to its effect "
            f"(95 %: {1000 * low:.0f} to {1000 * high:.0f} ms, correlation {delay.correlation:.2f})"
        )
    for note in notes:
        print(f"! {note}")
    if reaction is not None:
        print(f"{1000 * reaction:.0f} ms from the picture to the command (median)")
    print("Train for both together:")
    print(f"  --set {setting}")
    return 0


def _by_odometry(
    bag: Bag, topics: DriveTopics, longest_s: float
) -> tuple[dict[str, Delay], list[str]]:
    """Measure by both commands; one of them may say nothing where the other does."""
    commands = read_commands(bag, topics)
    driven, turned = read_odometry_increments(bag, topics.odometry_topic)
    effects: dict[str, Delay] = {}
    notes: list[str] = []
    for name, told, done in (
        ("yaw rate", commands.yaw_rate, turned),
        ("speed", commands.speed, driven),
    ):
        try:
            effects[name] = measure_delay(told, done, longest_s, name)
        except CalibrationError as error:
            notes.append(str(error))
    if not effects:
        reason = notes[0]
        raise BagError(f"{bag.path}: {reason}")
    return effects, notes


def _by_pictures(
    bag: Bag, topics: DriveTopics, longest_s: float, camera: CalibratedCamera | None
) -> dict[str, Delay]:
    commands = read_commands(bag, topics)
    turns = read_picture_turns(bag, topics, camera)
    name = "yaw rate, by the pictures"
    return {name: measure_delay(commands.yaw_rate, turns, longest_s, name)}


def _setting(effects: dict[str, Delay], reaction: float) -> str:
    """Return the range that holds all intervals and the reaction, outwards to 5 ms."""
    low_s = min(delay.interval_s[0] for delay in effects.values()) + reaction
    high_s = max(delay.interval_s[1] for delay in effects.values()) + reaction
    low, high = math.floor(low_s / _ROUND_S + 1e-6), math.ceil(high_s / _ROUND_S - 1e-6)
    return f"task.variation.action_delay_s=[{low * _ROUND_S:.3f},{high * _ROUND_S:.3f}]"


def _document(
    effects: dict[str, Delay], notes: list[str], reaction: float | None, setting: str
) -> dict[str, Any]:
    return {
        "effects": {
            name: {
                "delay_s": delay.delay_s,
                "interval_s": list(delay.interval_s),
                "correlation": delay.correlation,
            }
            for name, delay in effects.items()
        },
        "notes": notes,
        "reaction_s": reaction,
        "set": setting,
    }
