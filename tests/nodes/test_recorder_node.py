"""The recorder as a real process, beside a simulator, a driver or made-up publishers."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="no rclpy: install it or source ROS")
pytest.importorskip("rosbags", reason="no rosbags: install it to write bags")

import numpy as np
from drive_bags import picture
from driver_bench import HAS_LITERT, POLICY
from processes import NodeProcess, until
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import Trigger

from f1_rl.bags import Bag
from f1_rl.policy.manifest import read_manifest
from f1_rl.ros.graph import Graph
from f1_rl.ros.messages import image_message, stamp_ns
from f1_rl.ros.qos import lossless

Start = Callable[..., NodeProcess]

CAMERA = "/cam_f1_left/image_raw"
needs_litert = pytest.mark.skipif(not HAS_LITERT, reason="no TFLite interpreter")


@pytest.fixture
def graph(domain_id: int) -> Iterator[Graph]:
    one = Graph("test")
    yield one
    one.close()


def stamps_ns(bag: Bag, topic: str) -> list[int]:
    return [stamp_ns(record.message.header.stamp) for record in bag.records([topic])]


def call(graph: Graph, name: str) -> Any:
    client = graph.node.create_client(Trigger, name)
    return graph.call(client, Trigger.Request(), time.monotonic() + 20.0)


@needs_litert
def test_a_drive_is_recorded_without_a_gap_and_says_what_drove(
    start: Start, tmp_path: Path
) -> None:
    recorder = start("recorder", ready="recording", output=tmp_path / "bag", circuit="simple")
    simulator = start("simulator", ready="ready")
    driver = start(ready="active")
    time.sleep(4.0)
    assert driver.end() == 0
    assert recorder.end() == 0, recorder.output()
    assert simulator.end() == 0
    with Bag(tmp_path / "bag") as bag:
        assert not bag.warnings
        kinds = {name: topic.type for name, topic in bag.topics.items()}
        assert kinds == {
            CAMERA: "sensor_msgs/msg/Image",
            "/cam_f1_left/camera_info": "sensor_msgs/msg/CameraInfo",
            "/odom": "nav_msgs/msg/Odometry",
            "/cmd_vel": "geometry_msgs/msg/Twist",
            "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
        }
        frames, odometry = stamps_ns(bag, CAMERA), stamps_ns(bag, "/odom")
        received = [record.received_ns for record in bag.raw_records(list(bag.topics))]
        noted = bag.custom_data
    assert len(frames) > 60
    assert set(np.diff(frames)) == {50_000_000}
    assert set(np.diff(odometry)) == {10_000_000}
    assert received == sorted(received)
    assert noted["f1_rl.circuit"] == "simple"
    assert noted["f1_rl.policy"] == str(POLICY)
    assert read_manifest(POLICY).hash.startswith(noted["f1_rl.policy_hash"])
    assert "f1_rl.version.python" in noted


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_recording_that_is_killed_can_be_read_up_to_its_last_second(
    start: Start, tmp_path: Path, storage: str
) -> None:
    recorder = start("recorder", ready="recording", output=tmp_path / "bag", storage=storage)
    simulator = start("simulator", ready="ready")
    time.sleep(4.5)
    recorder.end(signal.SIGKILL)
    killed_ns = time.time_ns()
    assert simulator.end() == 0
    with Bag(tmp_path / "bag") as bag:
        frames = list(bag.raw_records([CAMERA]))
        stamps = stamps_ns(bag, CAMERA)
    assert set(np.diff(stamps)) == {50_000_000}
    assert killed_ns - frames[-1].received_ns < 2e9
    assert len(frames) > 40


def test_files_are_split_and_make_one_bag(start: Start, tmp_path: Path) -> None:
    recorder = start("recorder", ready="recording", output=tmp_path / "bag", max_duration_s=1.0)
    simulator = start("simulator", ready="ready")
    time.sleep(4.0)
    assert recorder.end() == 0
    assert simulator.end() == 0
    assert len(list((tmp_path / "bag").glob("*.mcap"))) >= 3
    with Bag(tmp_path / "bag") as bag:
        assert set(np.diff(stamps_ns(bag, CAMERA))) == {50_000_000}
        assert not bag.warnings


@needs_litert
def test_a_fault_of_the_driver_has_the_last_seconds_written(start: Start, tmp_path: Path) -> None:
    recorder = start(
        "recorder", ready="are written", output=tmp_path / "bag", continuous=False, ring_s=3.0
    )
    simulator = start("simulator", ready="ready")
    driver = start(autostart=True, ready="active")
    # What the driver said before the first picture may have been heard, and was no surprise.
    time.sleep(5.0)
    before = len(list(tmp_path.glob("bag-ring-*")))
    assert simulator.end() == 0
    until(lambda: len(list(tmp_path.glob("bag-ring-*"))) > before, 10.0, recorder.output)
    ring = tmp_path / f"bag-ring-{before + 1}"
    recorder.wait_for(f"messages of the last seconds are in {ring}", 10.0)
    assert not (tmp_path / "bag").exists()
    with Bag(ring) as bag:
        assert 2.5e9 < bag.end_ns - bag.start_ns <= 3.0e9
        frames = stamps_ns(bag, CAMERA)
        assert len(frames) > 10
        assert set(np.diff(frames)) == {50_000_000}
        last = [record.message for record in bag.records(["/diagnostics"])]
        assert any("held" in status.message for each in last for status in each.status)
    assert driver.end() == 0
    assert recorder.end() == 0


def test_the_ring_is_written_on_request(start: Start, graph: Graph, tmp_path: Path) -> None:
    recorder = start("recorder", ready="recording", output=tmp_path / "bag", ring_s=1.0)
    publisher = graph.node.create_publisher(Image, CAMERA, lossless(10))
    until(lambda: publisher.get_subscription_count() == 1, 10.0)
    for i in range(40):
        publisher.publish(image_message(picture(i), i, "camera"))
        time.sleep(0.05)
    answer = call(graph, "recorder/save_ring")
    assert answer.success
    assert str(tmp_path / "bag-ring-1") in answer.message
    recorder.wait_for("messages of the last seconds are in", 10.0)
    with Bag(tmp_path / "bag-ring-1") as bag:
        frames = stamps_ns(bag, CAMERA)
    assert 15 <= len(frames) <= 21
    assert frames[-1] == 39
    assert recorder.end() == 0


def test_every_quality_of_service_is_heard_and_what_is_latched_too(
    start: Start, graph: Graph, tmp_path: Path
) -> None:
    loose = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    graph.node.create_publisher(String, "map", latched).publish(String(data="of old"))
    publisher = graph.node.create_publisher(String, "loose", loose)
    recorder = start(
        "recorder", ready="recording", output=tmp_path / "bag", topics="[map, loose, never]"
    )
    until(lambda: publisher.get_subscription_count() == 1, 10.0)
    publisher.publish(String(data="now"))
    # A publisher that offers less comes later, and is heard as well.
    firm = graph.node.create_publisher(String, "map", QoSProfile(depth=10))
    until(lambda: firm.get_subscription_count() == 1, 10.0)
    firm.publish(String(data="more"))
    time.sleep(0.5)
    assert recorder.end() == 0
    with Bag(tmp_path / "bag") as bag:
        texts = [(record.topic, record.message.data) for record in bag.records(list(bag.topics))]
    assert set(texts) == {("/map", "of old"), ("/loose", "now"), ("/map", "more")}


_LITTLE_ROOM = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
from f1_rl.nodes.recorder import main
sys.exit(main())
"""


def test_a_full_disk_is_told_in_one_sentence_and_what_is_written_stays(
    start: Start, graph: Graph, tmp_path: Path
) -> None:
    recorder = start(_LITTLE_ROOM, ready="recording", output=tmp_path / "bag")
    publisher = graph.node.create_publisher(Image, CAMERA, lossless(10))
    until(lambda: publisher.get_subscription_count() == 1, 10.0, recorder.output)
    for i in range(400):
        publisher.publish(image_message(picture(i, 320, 240), i, "camera"))
        time.sleep(0.02)
        if not recorder.is_running:
            break
    assert recorder.wait() == 1, recorder.output()
    assert "cannot be written any further: File too large" in recorder.output()
    assert "Traceback" not in recorder.output()
    with Bag(tmp_path / "bag") as bag:
        frames = stamps_ns(bag, CAMERA)
    assert len(frames) >= 5
    assert frames == list(range(frames[0], frames[0] + len(frames)))


def test_a_bag_is_never_overwritten(start: Start, tmp_path: Path) -> None:
    recorder = start("recorder", output=tmp_path)
    assert recorder.wait() == 2
    assert "exists already, and a bag is never overwritten" in recorder.output()


def test_a_recorder_that_would_never_record_is_refused(start: Start, tmp_path: Path) -> None:
    recorder = start("recorder", output=tmp_path / "bag", continuous=False, ring_s=0.0)
    assert recorder.wait() == 2
    assert "with continuous false and ring_s 0 nothing is ever recorded" in recorder.output()


def test_a_type_that_is_not_installed_is_told_and_the_rest_recorded(
    start: Start, tmp_path: Path
) -> None:
    strange = """
import sys
from f1_rl.nodes import recorder_topics
find = recorder_topics._message_class
def without(kind):
    if kind.startswith("nav"):
        raise ImportError("No module named 'nav_msgs'")
    return find(kind)
recorder_topics._message_class = without
from f1_rl.nodes.recorder import main
sys.exit(main())
"""
    recorder = start(strange, ready="recording", output=tmp_path / "bag")
    simulator = start("simulator", ready="ready")
    recorder.wait_for("/odom is not recorded, for nav_msgs/msg/Odometry is not known")
    time.sleep(1.0)
    assert recorder.end() == 0
    assert simulator.end() == 0
    assert recorder.output().count("is not recorded") == 1
    with Bag(tmp_path / "bag") as bag:
        assert CAMERA in bag.topics
        assert "/odom" not in bag.topics
