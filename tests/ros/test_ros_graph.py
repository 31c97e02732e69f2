import os
from pathlib import Path

import pytest
import rclpy

from f1_rl.ros.discovery import limit_discovery
from f1_rl.ros.graph import Graph

NAMES = (
    "ROS_AUTOMATIC_DISCOVERY_RANGE",
    "ROS_LOCALHOST_ONLY",
    "FASTRTPS_DEFAULT_PROFILES_FILE",
    "FASTDDS_DEFAULT_PROFILES_FILE",
    "FASTDDS_BUILTIN_TRANSPORTS",
)


@pytest.fixture
def bare(monkeypatch):
    # First set, so that what the code under test sets is undone.
    for name in NAMES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_by_default_the_graph_keeps_to_this_machine_with_room_for_frames(bare):
    limit_discovery()
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    profile = Path(os.environ["FASTDDS_DEFAULT_PROFILES_FILE"])
    assert "<segment_size>" in profile.read_text()


def test_what_the_user_set_is_left_alone(bare, monkeypatch):
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", "/mine.xml")
    limit_discovery()
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SUBNET"
    assert os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] == "/mine.xml"
    assert "FASTDDS_DEFAULT_PROFILES_FILE" not in os.environ


def test_a_graph_needs_no_default_context_and_closes_twice(domain_id):
    graph = Graph("alone", namespace="/some", remappings={"odom": "other"})
    assert graph.node.get_fully_qualified_name() == "/some/alone"
    assert graph.node.resolve_topic_name("odom") == "/some/other"
    assert graph.is_open
    graph.close()
    graph.close()
    assert not graph.is_open
    assert not rclpy.ok()


def test_a_callback_that_fails_is_known(domain_id):
    graph = Graph("failing")
    try:
        graph.node.create_timer(0.01, lambda: 1 / 0)
        graph._thread.join(timeout=10.0)
        assert isinstance(graph.failure, ZeroDivisionError)
    finally:
        graph.close()
