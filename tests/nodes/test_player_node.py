"""The player as a real process: what it plays, when, and where it never does."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="no rclpy: install it or source ROS")
pytest.importorskip("rosbags", reason="no rosbags: install it to read bags")

from drive_bags import PERIOD_NS, STAMPS_FROM_NS, make_bag, picture
from driver_bench import HAS_LITERT, Bench
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from processes import NodeProcess, until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import SetBool, Trigger

from f1_rl.ros.graph import Graph
from f1_rl.ros.messages import decode_image, stamp_ns
from f1_rl.ros.qos import latched, lossless

Start = Callable[..., NodeProcess]

needs_litert = pytest.mark.skipif(not HAS_LITERT, reason="no TFLite interpreter")
ALONE = {"wait_for": "[test]"}


class Ear:
    """Hears all that a player may say."""

    def __init__(self) -> None:
        self.graph = Graph("test")
        self.heard: dict[str, list[Any]] = {}
        self.at_s: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        for kind, name in (
            (Image, "cam_f1_left/image_raw"),
            (CameraInfo, "cam_f1_left/camera_info"),
            (Odometry, "odom"),
            (Twist, "cmd_vel"),
            (Twist, "proposed_cmd"),
            (Twist, "recorded/cmd_vel"),
            (Twist, "recorded/proposed_cmd"),
            (Clock, "/clock"),
        ):
            self.heard[name], self.at_s[name] = [], []
            self.graph.node.create_subscription(
                kind, name, lambda message, name=name: self._hear(name, message), lossless(50)
            )

    @property
    def pictures(self) -> list[Any]:
        return self.heard["cam_f1_left/image_raw"]

    def stamps(self) -> list[int]:
        return [stamp_ns(message.header.stamp) for message in self.pictures]

    def call(self, kind: Any, name: str, **fields: Any) -> Any:
        client = self.graph.node.create_client(kind, name)
        return self.graph.call(client, kind.Request(**fields), time.monotonic() + 20.0)

    def _hear(self, name: str, message: Any) -> None:
        with self._lock:
            self.heard[name].append(message)
            self.at_s[name].append(time.monotonic())


@pytest.fixture
def ear(domain_id: int) -> Iterator[Ear]:
    one = Ear()
    yield one
    one.graph.close()


def stamps(numbers: range) -> list[int]:
    return [STAMPS_FROM_NS + number * PERIOD_NS for number in numbers]


def test_everything_is_played_at_its_pace_and_nothing_can_drive(
    start: Start, ear: Ear, tmp_path: Path
) -> None:
    player = start("player", bag=make_bag(tmp_path / "bag", names={"clock": "/clock"}), **ALONE)
    assert player.wait() == 0, player.output()
    assert "that was the end" in player.output()
    assert ear.stamps() == stamps(range(40))
    assert all((decode_image(each) == picture(i)).all() for i, each in enumerate(ear.pictures))
    assert len(ear.heard["odom"]) == len(ear.heard["cam_f1_left/camera_info"]) == 40
    assert [message.linear.x for message in ear.heard["recorded/cmd_vel"]] == list(range(40))
    assert len(ear.heard["recorded/proposed_cmd"]) == 40
    assert not ear.heard["cmd_vel"]
    assert not ear.heard["proposed_cmd"]
    assert not ear.heard["/clock"], "it was not asked for"
    took_s = ear.at_s["cam_f1_left/image_raw"][-1] - ear.at_s["cam_f1_left/image_raw"][0]
    assert 39 * 0.05 <= took_s + 0.02 < 39 * 0.05 + 0.5


def test_names_in_the_bag_need_not_be_those_of_the_driver(
    start: Start, ear: Ear, tmp_path: Path
) -> None:
    names = {"image": "/car7/front/image_color", "info": "/car7/front/camera_info"}
    names |= {"odom": "/car7/ekf/odometry", "command": "/car7/mux/cmd_vel"}
    names |= {"proposed": "/car7/other_cmd"}
    bag = make_bag(tmp_path / "bag", 10, names)
    player = start("player", bag=bag, **ALONE)
    assert player.wait() == 0, player.output()
    counts = {name: len(messages) for name, messages in ear.heard.items() if messages}
    assert counts == {
        "cam_f1_left/image_raw": 10,
        "cam_f1_left/camera_info": 10,
        "odom": 10,
        "recorded/cmd_vel": 10,
    }


def test_who_comes_later_is_told_all_that_was_latched(
    start: Start, ear: Ear, tmp_path: Path
) -> None:
    bag = make_bag(tmp_path / "bag", 5, {"info": "/tf_static"})
    player = start("player", bag=bag, start_paused=True, **ALONE)
    for count in (1, 2, 3):
        ear.call(Trigger, "player/step")
        until(lambda count=count: len(ear.pictures) == count, 10.0, player.output)
    told: list[Any] = []
    ear.graph.node.create_subscription(CameraInfo, "tf_static", told.append, latched(10))
    until(lambda: len(told) == 3, 10.0, player.output)
    assert [stamp_ns(message.header.stamp) for message in told] == stamps(range(3))
    assert player.end() == 0


@pytest.mark.parametrize("name", ["cmd_vel", "/car2/cmd_vel", "wheels"])
def test_no_remapping_takes_commands_to_a_car(start: Start, tmp_path: Path, name: str) -> None:
    bag = make_bag(tmp_path / "bag", 1)
    player = start("player", "-r", f"recorded/cmd_vel:={name}", bag=bag, **ALONE)
    assert player.wait() == 2
    assert "where it might drive a car; leave that remapping out." in player.output()


def test_it_pauses_and_goes_on_and_steps_from_picture_to_picture(
    start: Start, ear: Ear, tmp_path: Path
) -> None:
    bag = make_bag(tmp_path / "bag")
    player = start("player", ready="paused", bag=bag, start_paused=True, **ALONE)
    time.sleep(0.5)
    assert not ear.pictures
    for number in range(1, 4):
        assert ear.call(Trigger, "player/step").success
        until(lambda number=number: len(ear.pictures) == number, 5.0)
    time.sleep(0.2)
    assert ear.stamps() == stamps(range(3))
    assert ear.call(SetBool, "player/pause", data=False).success
    until(lambda: len(ear.pictures) >= 10, 5.0)
    assert ear.call(SetBool, "player/pause", data=True).success
    time.sleep(0.1)
    count = len(ear.pictures)
    time.sleep(0.4)
    assert len(ear.pictures) == count < 40
    answer = ear.call(SetBool, "player/pause", data=False)
    assert answer.message == "playing."
    assert not ear.call(Trigger, "player/step").success
    assert player.wait() == 0
    # A pause loses nothing, and nothing hurries after it.
    assert ear.stamps() == stamps(range(40))


def test_rate_offset_restamping_and_clock(start: Start, ear: Ear, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 80)
    began_ns = time.time_ns()
    player = start(
        "player",
        bag=bag,
        rate=4.0,
        start_offset_s=1.0,
        restamp=True,
        publish_clock=True,
        **ALONE,
    )
    assert player.wait() == 0, player.output()
    assert (decode_image(ear.pictures[0]) == picture(20)).all()
    assert len(ear.pictures) == 60
    arrived_s = ear.at_s["cam_f1_left/image_raw"]
    assert 59 * 0.0125 - 0.02 < arrived_s[-1] - arrived_s[0] < 59 * 0.0125 + 0.3
    assert all(began_ns < stamp < time.time_ns() for stamp in ear.stamps())
    assert len(ear.heard["/clock"]) > 50


def test_a_loop_begins_anew_until_it_is_ended(start: Start, ear: Ear, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 10)
    player = start("player", bag=bag, loop=True, rate=5.0, **ALONE)
    until(lambda: len(ear.pictures) >= 25, 10.0, player.output)
    assert player.end() == 0
    assert ear.stamps()[:20] == stamps(range(10)) * 2


@needs_litert
def test_it_waits_for_a_driver_that_is_active(
    start: Start, bench: Bench, pictures: list[Any], tmp_path: Path
) -> None:
    bench.running.clear()
    bag = make_bag(tmp_path / "bag", 30, pictures=pictures)
    player = start("player", bag=bag)
    driver = start(autostart=False, shadow=True)
    player.wait_for("waiting for /driver", 15.0)
    assert bench.transition("configure")
    time.sleep(1.0)
    assert "playing" not in player.output(), "it listens, and is not active"
    assert bench.transition("activate")
    assert player.wait() == 0
    until(lambda: bench.status().get("frames_received") == "30", 5.0, bench.status)
    assert not bench.commands
    assert driver.end() == 0


def test_what_cannot_be_played_is_told_in_a_sentence(start: Start, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 10)
    for parameters, sentence in (
        ({}, "no bag is given"),
        ({"bag": tmp_path / "none"}, "does not exist"),
        ({"bag": bag, "start_offset_s": 9.0}, "start_offset_s is 9, the bag has 0.5 s"),
        ({"bag": bag, "image_topic": "front"}, "has no topic front"),
    ):
        player = start("player", **parameters)
        assert player.wait() == 2
        assert sentence in player.output()
        assert "Traceback" not in player.output()
