"""A drive that was recorded from the driver node, replayed: offline and to another driver."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="no rclpy: install it or source ROS")
pytest.importorskip("rosbags", reason="no rosbags: install it to read bags")

from driver_bench import HAS_LITERT, POLICY
from processes import NodeProcess

from f1_rl.bags import Bag, FrameReader
from f1_rl.bags.drive_topics import find_drive_topics
from f1_rl.bags.offline import DECIDED, OfflineReplay, ReplayedFrame
from f1_rl.messages import read_twist, stamp_ns
from f1_rl.nodes.pilot import Pilot
from f1_rl.policy import load_policy

Start = Callable[..., NodeProcess]

pytestmark = pytest.mark.skipif(not HAS_LITERT, reason="no TFLite interpreter")
CAMERA = "/cam_f1_left/image_raw"
# So that what is commanded is what was decided.
UNLIMITED = {
    "max_speed_mps": 100.0,
    "max_yaw_rate_radps": 20.0,
    "max_acceleration_mps2": 1000.0,
    "max_deceleration_mps2": 1000.0,
    "max_yaw_acceleration_radps2": 1000.0,
}


@pytest.fixture(scope="module")
def drive(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record the driver in the embedded simulator, from its first frame on."""
    bag = tmp_path_factory.mktemp("drive") / "bag"
    recorder = start("recorder", ready="recording", output=bag)
    driver = start(ready="active", **UNLIMITED)
    # At half its pace, so that a busy machine makes the driver miss no frame.
    simulator = start("simulator", ready="ready", rate=0.5)
    time.sleep(12.0)
    assert simulator.end() == 0
    time.sleep(1.5)
    assert driver.end() == 0
    assert recorder.end() == 0, recorder.output()
    return bag


def figures(bag: Bag, node: str) -> dict[str, str]:
    """Return what a driver said of itself last."""
    found: dict[str, str] = {}
    for record in bag.records(["/diagnostics"]):
        for status in record.message.status:
            if status.name == node and any(item.key == "policy" for item in status.values):
                found = {item.key: item.value for item in status.values}
    return found


def decisions(bag: Bag) -> list[ReplayedFrame]:
    reader = FrameReader(bag, find_drive_topics(bag))
    return list(OfflineReplay(reader, Pilot(load_policy(POLICY))))


def answers(bag: Bag, command_topic: str) -> dict[int, tuple[float, float] | None]:
    """Return by the stamp of each picture the first command after it, before the next one."""
    found: dict[int, tuple[float, float] | None] = {}
    newest = None
    for record in bag.records([CAMERA, command_topic]):
        if record.topic == CAMERA:
            newest = stamp_ns(record.message.header.stamp)
            found[newest] = None
        elif newest is not None and found[newest] is None:
            found[newest] = read_twist(record.message)
    return found


def test_offline_the_policy_decides_as_the_driver_node_did(drive: Path) -> None:
    with Bag(drive) as bag:
        said = figures(bag, "/driver")
        frames = decisions(bag)
        assert not bag.warnings
    assert said["commands_limited"] == said["frames_unusable"] == "0"
    assert {frame.outcome for frame in frames} == {DECIDED}
    # A picture that the driver did not see is missing in its next stack of two: of the first
    # pictures and the last ones, and where a busy machine kept it from looking.
    compared = [
        frame
        for before, frame in pairwise(frames)
        if before.frame.command is not None and frame.frame.command is not None
    ]
    assert len(frames) > 80
    assert len(compared) >= len(frames) - 6
    policy = load_policy(POLICY)
    recorded = np.array([frame.frame.command for frame in compared])
    decided = np.array([policy.command_table[frame.decision.action] for frame in compared])
    assert len(np.unique(decided, axis=0)) >= 3, "several actions have to occur"
    np.testing.assert_array_equal(decided, recorded)


def test_played_to_a_driver_in_shadow_mode_it_proposes_the_same_again(
    start: Start, drive: Path, tmp_path: Path
) -> None:
    recorder = start(
        "recorder",
        ready="recording",
        output=tmp_path / "bag",
        topics="[cam_f1_left/image_raw, proposed_cmd, recorded/cmd_vel, cmd_vel]",
    )
    driver = start(ready="active", shadow=True, **UNLIMITED)
    player = start("player", bag=drive, wait_for="[driver, recorder]")
    assert player.wait(60.0) == 0, player.output()
    assert driver.end() == 0
    assert recorder.end() == 0
    with Bag(tmp_path / "bag") as bag:
        assert "/cmd_vel" not in bag.topics
        proposed = answers(bag, "/proposed_cmd")
        played = answers(bag, "/recorded/cmd_vel")
    with Bag(drive) as bag:
        driven = answers(bag, "/cmd_vel")
    assert list(proposed) == list(driven), "the pictures are the same ones"
    assert played == driven
    same = [proposed[stamp] == driven[stamp] for stamp in driven if driven[stamp] is not None]
    # All but those that follow a picture that one of the two drivers did not see.
    assert sum(same) >= len(same) - 6
