"""Recording and replaying as one starts them: by `ros2 launch`, and by `f1-rl launch`."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="no rclpy: install it or source ROS")
pytest.importorskip("rosbags", reason="no rosbags: install it to write bags")

from drive_bags import make_bag
from driver_bench import HAS_LITERT, POLICY
from processes import ROOT, NodeProcess
from test_launch_files import is_running, launch, needs_launch, prefix

from f1_rl.bags import Bag
from f1_rl.ros.messages import read_twist

__all__ = ["prefix"]

Start = Callable[..., NodeProcess]
Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(params=["f1-rl", pytest.param("ros2", marks=needs_launch)])
def begin(request: pytest.FixtureRequest) -> Begin:
    """Return what starts a launch, by its name and arguments."""
    if request.param == "ros2":
        folder = request.getfixturevalue("prefix")
        return lambda *words: launch(folder, *words)
    return lambda *words: subprocess.Popen(
        [sys.executable, "-m", "f1_rl.cli.main", "launch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return
    pytest.fail("".join(seen))


def test_a_recording_ends_in_order_when_its_launch_does(
    start: Start, begin: Begin, tmp_path: Path
) -> None:
    bag = tmp_path / "recorded"
    process = begin("record", f"output:={bag}", "topics:=odom,/clock", "circuit:=simple")
    wait_for(process, "recording into")
    simulator = start("simulator", ready="ready")
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=30.0)[0]
    assert process.returncode == 0, output
    assert "0 were dropped" in output
    assert simulator.end() == 0
    with Bag(bag) as recorded:
        assert not recorded.warnings
        assert set(recorded.topics) == {"/odom"}
        assert recorded.topics["/odom"].count > 50
        assert recorded.custom_data["f1_rl.circuit"] == "simple"


@pytest.mark.skipif(not HAS_LITERT, reason="no TFLite interpreter")
def test_a_replay_proposes_and_drives_nothing_and_ends_by_itself(
    domain_id: int, begin: Begin, pictures: list[Any], tmp_path: Path
) -> None:
    bag = make_bag(tmp_path / "bag", 40, pictures=pictures)
    words = (f"policy:={POLICY}", "rate:=0.8", "record:=true", f"output:={tmp_path / 'out'}")
    process = begin("replay", f"bag:={bag}", *words)
    output = process.communicate(timeout=90.0)[0]
    assert process.returncode == 0, output
    assert "that was the end" in output
    assert not is_running(tmp_path / "bag")
    with Bag(tmp_path / "out") as replayed:
        assert replayed.topics["/cam_f1_left/image_raw"].count == 40
        assert replayed.topics["/recorded/cmd_vel"].count == 40
        assert "/cmd_vel" not in replayed.topics
        moving = [read_twist(each.message)[0] for each in replayed.records(["/proposed_cmd"])]
    assert sum(speed > 0.0 for speed in moving) >= 30
