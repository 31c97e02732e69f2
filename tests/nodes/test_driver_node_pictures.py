"""What can be looked at while the driver drives: its pictures, and the views that are shipped."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from driver_bench import PERIOD_S, Bench
from nav_msgs.msg import Odometry
from processes import NodeProcess, until
from sensor_msgs.msg import Image
from std_msgs.msg import Float32MultiArray

from f1_rl.circuits import load_circuit
from f1_rl.reporting.palette import DARK, rgb
from f1_rl.ros.messages import OdometrySample, decode_image, odometry_message
from f1_rl.ros.qos import lossless

ROOT = Path(__file__).parents[2]
RATE_HZ = 4.0
Start = Callable[..., NodeProcess]


@pytest.fixture(scope="module")
def driver(start: Start) -> NodeProcess:
    return start(ready="active", dashboard_rate_hz=RATE_HZ)


@pytest.fixture
def driving(driver: NodeProcess, bench: Bench) -> Bench:
    """A bench before a car that is being driven."""
    bench.reset()
    until(lambda: bench.drives, 20.0, driver.output)
    return bench


def say_where_the_car_is(bench: Bench, publisher: Any) -> None:
    pose = load_circuit("simple").pose_at(40.0)
    sample = OdometrySample(
        stamp_ns=time.time_ns(),
        x_m=float(pose.x_m[0]),
        y_m=float(pose.y_m[0]),
        yaw_rad=float(pose.yaw_rad[0]),
        speed_mps=6.0,
        yaw_rate_radps=0.0,
    )
    publisher.publish(odometry_message(sample, "odom", "base_link"))


def test_the_dashboard_is_published_at_its_rate_while_the_car_is_driven_as_before(
    driving: Bench, driver: NodeProcess
) -> None:
    seen: list[tuple[float, Image]] = []
    odometry = driving.node.create_publisher(Odometry, "odom", lossless(1))
    ear = driving.node.create_subscription(
        Image, "driver/dashboard", lambda m: seen.append((time.monotonic(), m)), 1
    )

    def shows_the_car() -> bool:
        say_where_the_car_is(driving, odometry)
        time.sleep(PERIOD_S)
        return bool(seen) and accent_on_the_map(seen[-1][1]) > 20

    until(shows_the_car, 30.0, driver.output)
    first, began_s = len(seen), time.monotonic()
    commands = len(driving.commands)
    time.sleep(2.0)
    pictures = len(seen) - first
    waited_s = time.monotonic() - began_s
    driving.node.destroy_subscription(ear)
    driving.node.destroy_publisher(odometry)

    assert 1 <= pictures <= RATE_HZ * waited_s + 1
    assert len(driving.commands) - commands >= 0.5 * waited_s / PERIOD_S
    assert driving.drives
    message = seen[-1][1]
    assert (message.width, message.height, message.encoding) == (1280, 720, "rgb8")
    assert message.header.frame_id == "camera"


def accent_on_the_map(message: Image) -> int:
    picture = decode_image(message)[16:306, 848:1264]
    return int((picture == np.array(rgb(DARK["accent"]))).all(axis=-1).sum())


def test_odometry_is_listened_to_only_while_the_map_is_looked_at(
    driving: Bench, driver: NodeProcess
) -> None:
    def listeners() -> int:
        return int(driving.node.count_subscribers("/odom"))

    until(lambda: listeners() == 0, 10.0, driver.output)
    ear = driving.node.create_subscription(Image, "driver/dashboard", lambda _: None, 1)
    until(lambda: listeners() == 1, 10.0, driver.output)
    driving.node.destroy_subscription(ear)
    until(lambda: listeners() == 0, 10.0, driver.output)


def test_q_values_come_with_each_decision(driving: Bench, driver: NodeProcess) -> None:
    heard: list[Float32MultiArray] = []
    ear = driving.node.create_subscription(
        Float32MultiArray, "driver/q_values", heard.append, lossless(10)
    )
    until(lambda: len(heard) >= 5, 10.0, driver.output)
    driving.node.destroy_subscription(ear)

    assert all(len(message.data) == 7 for message in heard)
    assert all(np.isfinite(message.data).all() for message in heard)


def test_a_map_of_an_unknown_circuit_costs_the_map_alone(start: Start, bench: Bench) -> None:
    bench.reset()
    lost = start(
        "driver", "-r", "__node:=lost", "-r", "cmd_vel:=lost_cmd", dashboard_circuit="nowhere"
    )
    seen: list[Image] = []
    ear = bench.node.create_subscription(Image, "lost/dashboard", seen.append, 1)
    lost.wait_for("the dashboard has no map: ")
    until(lambda: len(seen) >= 2, 20.0, lost.output)
    bench.node.destroy_subscription(ear)

    assert lost.end() == 0, lost.output()


def topics_in(document: Any) -> set[str]:
    """Return the topics named anywhere in a layout: strings and keys that begin with a slash."""
    if isinstance(document, dict):
        return topics_in(list(document)) | topics_in(list(document.values()))
    if isinstance(document, list):
        return set().union(*map(topics_in, document)) if document else set()
    if isinstance(document, str) and re.match(r"/\w", document):
        return {re.split(r"[.\[]", document)[0]}
    return set()


def topics_of_the_views() -> dict[str, set[str]]:
    layout = json.loads((ROOT / "config" / "foxglove.json").read_text())
    # The name of a node is no topic.
    layout["configById"]["DiagnosticStatusPanel!driver"].pop("selectedName")
    rviz = yaml.safe_load((ROOT / "rviz" / "f1_rl.rviz").read_text())
    displays = rviz["Visualization Manager"]["Displays"]
    values = [display["Topic"]["Value"] for display in displays if "Topic" in display]
    return {"foxglove.json": topics_in(layout), "f1_rl.rviz": topics_in(values)}


def test_every_topic_of_the_shipped_views_is_published_by_default(
    start: Start, bench: Bench, driver: NodeProcess
) -> None:
    start("simulator", ready="simulator")

    def published() -> set[str]:
        return {
            name
            for name, _ in bench.node.get_topic_names_and_types()
            for info in bench.node.get_publishers_info_by_topic(name)
            if info.node_name != bench.node.get_name()
        }

    for view, topics in topics_of_the_views().items():
        assert len(topics) >= 5, view
        assert {"/cam_f1_left/image_raw", "/driver/dashboard", "/odom"} <= topics, view
        until(
            lambda topics=topics: topics <= published(),
            20.0,
            lambda topics=topics, view=view: f"{view}: nobody publishes {topics - published()}",
        )


def test_every_panel_of_the_foxglove_layout_has_its_place_and_its_settings() -> None:
    layout = json.loads((ROOT / "config" / "foxglove.json").read_text())

    def panels(node: Any) -> list[str]:
        if isinstance(node, str):
            return [node]
        assert node["direction"] in ("row", "column")
        assert 0 < node["splitPercentage"] < 100
        return panels(node["first"]) + panels(node["second"])

    placed = panels(layout["layout"])
    assert sorted(placed) == sorted(layout["configById"])
    kinds = {name.split("!")[0] for name in placed}
    assert kinds == {"Image", "3D", "Plot", "DiagnosticStatusPanel", "DiagnosticSummary"}
