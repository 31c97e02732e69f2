"""Every command of the guide to a real car, with pictures and a drive that are made for it."""

import shlex
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from markdown_blocks import Block, blocks_to_run

from f1_rl.cli.main import build_parser, main
from f1_rl.launching import LAUNCHES
from f1_rl.launching.arguments import split_words

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("calibration", "bags")]

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(find_spec("rosbags") is None, reason="rosbags is not installed"),
]

ROOT = Path(__file__).parents[2]
BLOCKS = blocks_to_run(ROOT / "docs" / "guides" / "real_car.md")
# A training of some seconds in the place of minutes.
SHORT = (
    *("--steps", "200", "--no-report"),
    *("--set", "training.learning_starts=100", "--set", "training.evaluation_episodes=1"),
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what somebody with a car and a camera has."""
    from boards import picture_of, picture_on_ground, poses
    from real_cameras import FISHEYE, taken
    from throttle_bags import write_throttle_bag

    from f1_rl.calibration import CalibratedCamera, Mounting

    folder = tmp_path_factory.mktemp("real_car")
    mounting = Mounting(x_m=0.3, z_m=0.14, pitch_rad=0.2, roll_rad=0.02)
    (folder / "views").mkdir()
    for number, pose in enumerate(poses(14)):
        cv2.imwrite(str(folder / "views" / f"{number:02}.png"), picture_of(FISHEYE, pose))
    cv2.imwrite(str(folder / "ground.png"), picture_on_ground(FISHEYE, mounting, (0.8, 0.02)))
    road = taken(CalibratedCamera("real", FISHEYE, mounting), 30.0, 0.3)
    cv2.imwrite(str(folder / "road.png"), road[..., ::-1])
    record(folder / "hand_drive", (800, 600))
    levels = [(0.1, 0.5), (0.14, 1.0), (0.18, 1.5), (0.22, 2.0)]
    write_throttle_bag(folder / "throttle_drive", levels)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def record(path: Path, size: tuple[int, int]) -> None:
    from recorded_drives import drive, task_settings, write_bag

    settings = task_settings(variation={"action_delay_s": [0.08, 0.08], "noise_sigma": [3, 3]})
    samples = drive(settings, 13.0, noise=(0.15, 0.5))
    for sample in samples:
        sample.picture = np.ascontiguousarray(cv2.resize(sample.picture, size))
    write_bag(path, samples)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"{i}-{b.section}" for i, b in enumerate(BLOCKS)])
def test_the_commands_do_what_the_guide_says(block: Block, workshop: Path) -> None:
    if "file" in block.options:
        (workshop / block.options["file"]).write_text(block.text)
        return
    for words in block.commands:
        assert words[0] == "f1-rl"
        if "parse" in block.options:
            parsed = build_parser().parse_args(words[1:])
            if hasattr(parsed, "arguments"):
                assert LAUNCHES[parsed.name].plan(split_words(parsed.arguments)).processes
        else:
            arguments = [*words[1:], *(SHORT if words[1] == "train" else ())]
            assert main(arguments) == 0, shlex.join(words)


def test_the_car_of_the_guide_can_drive_its_circuit_by_its_actions(workshop: Path) -> None:
    from f1_rl.calibration.actuators import Actuators, read_actuators
    from f1_rl.circuits import load_circuit
    from f1_rl.driving.actions import load_action_table

    for block in BLOCKS:
        if "file" in block.options:
            (workshop / block.options["file"]).write_text(block.text)
    car = Actuators(read_actuators(workshop / "car.yaml"))
    table = load_action_table(str(workshop / "rc_actions.yaml"))
    radii_m = [speed / abs(rate) for speed, rate in table.pairs if rate]
    assert car.tightest_radius_m <= min(radii_m)
    assert min(radii_m) <= load_circuit("simple", scale=0.25).min_radius_m
    assert table.max_speed_mps <= car.car.max_speed_mps
