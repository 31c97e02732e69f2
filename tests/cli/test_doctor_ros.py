"""What `f1-rl doctor` says of ROS 2: rclpy, the graph, shared memory, the bridge to Gazebo."""

import fcntl
import shutil
import subprocess
import sys
from collections import namedtuple
from importlib.util import find_spec

import pytest

from f1_rl.cli.checks import ros


def test_without_ros_nothing_is_wrong(monkeypatch):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    monkeypatch.delenv("ROS_DISTRO", raising=False)
    finding = ros.ros()
    assert finding.state == "absent"
    assert "setup.bash" in finding.remedy
    monkeypatch.setattr(ros, "find_spec", lambda name: None)
    assert ros.bridge().state == "absent"
    assert ros.gazebo_messages().state == "absent"


@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
def test_ros_is_told_with_its_middleware(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    finding = ros.ros()
    assert finding.state == "ok"
    assert finding.detail.startswith("jazzy, rclpy ")
    assert "rmw_" in finding.detail
    assert finding.detail.split()[2][0].isdigit(), finding.detail


@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
def test_a_middleware_that_cannot_be_loaded_is_said(monkeypatch):
    import rclpy

    def fail():
        raise RuntimeError("librmw_nowhere.so: cannot open shared object file")

    monkeypatch.setattr(rclpy, "get_rmw_implementation_identifier", fail)
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_nowhere")
    finding = ros.ros()
    assert finding.state == "fail"
    assert "librmw_nowhere.so" in finding.detail
    assert "unset RMW_IMPLEMENTATION" in finding.remedy


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """A place where ROS packages can be installed."""
    if find_spec("ament_index_python") is None:
        pytest.skip("ament_index_python is not installed")
    (tmp_path / "share/ament_index/resource_index/packages").mkdir(parents=True)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    return tmp_path


def test_a_bridge_is_missing_where_nothing_is_sourced(prefix, monkeypatch):
    monkeypatch.delenv("AMENT_PREFIX_PATH")
    assert ros.bridge().state == "absent"


def test_the_bridge_is_looked_for_in_the_index(prefix):
    finding = ros.bridge()
    assert (finding.state, "ros-jazzy-ros-gz" in finding.remedy) == ("absent", True)
    (prefix / "share/ament_index/resource_index/packages/ros_gz_bridge").touch()
    assert ros.bridge().state == "fail"
    program = prefix / "lib" / "ros_gz_bridge" / "parameter_bridge"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    assert ros.bridge().state == "ok"


@pytest.mark.parametrize(
    ("free_mb", "has_ros", "state"),
    [(512, True, "ok"), (64, True, "fail"), (64, False, "absent")],
)
def test_too_little_shared_memory_matters_to_ros(monkeypatch, free_mb, has_ros, state):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(free_mb * 2**20))
    monkeypatch.setattr(ros, "find_spec", lambda name: object() if has_ros else None)
    finding = ros.shared_memory()
    assert finding.state == state
    assert f"{free_mb} MB" in finding.detail
    assert ("--shm-size" in finding.remedy) == (free_mb < 128)


def test_a_sourced_ros_of_another_python_is_told_from_one_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    finding = ros.ros()
    assert finding.state == "fail"
    assert "jazzy is sourced" in finding.detail
    assert "PYTHON=python3.12" in finding.remedy


@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
def test_another_distribution_is_untested(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "humble")
    assert (ros.ros().state, "only jazzy is tested" in ros.ros().detail) == ("warn", True)


@pytest.mark.parametrize(
    ("changes", "state", "detail"),
    [
        ({}, "ok", "domain 0, discovery on this machine alone"),
        ({"ROS_DOMAIN_ID": "7", "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, "ok", "SUBNET"),
        ({"ROS_DOMAIN_ID": "150"}, "warn", "domain 150"),
        ({"ROS_DOMAIN_ID": "233"}, "fail", "233"),
        ({"ROS_DOMAIN_ID": "mine"}, "fail", "mine"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, "warn", "no node finds another"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "HOUSE"}, "fail", "HOUSE"),
        ({"FASTDDS_DEFAULT_PROFILES_FILE": "/no/file.xml"}, "fail", "/no/file.xml"),
    ],
)
def test_the_graph_is_as_the_environment_says(monkeypatch, changes, state, detail):
    monkeypatch.setattr(ros, "find_spec", lambda name: object())
    for name in (
        "ROS_DOMAIN_ID",
        "ROS_AUTOMATIC_DISCOVERY_RANGE",
        "FASTRTPS_DEFAULT_PROFILES_FILE",
        "FASTDDS_DEFAULT_PROFILES_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    finding = ros.graph()
    assert finding.state == state
    assert detail in finding.detail
    assert bool(finding.remedy) == (state != "ok")


def test_shared_memory_of_dead_processes_is_found_and_removed_by_the_command(tmp_path):
    if shutil.which("flock") is None:
        pytest.skip("the command flock is not installed")
    pieces = [tmp_path / name for name in ("fastrtps_dead", "fastrtps_alive")]
    for piece in pieces:
        piece.write_bytes(b"x" * 1_000_000)
        piece.with_name(f"{piece.name}_el").touch()
    with (tmp_path / "fastrtps_alive_el").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        finding = ros.leftovers(tmp_path)
        assert (finding.state, finding.detail[:9]) == ("warn", "1 pieces ")
        assert "1 MB" in finding.detail
        subprocess.run(["bash", "-c", finding.remedy], check=True)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "fastrtps_alive",
            "fastrtps_alive_el",
        ]
        assert ros.leftovers(tmp_path).state == "ok"
