"""What `f1-rl doctor` says of ROS 2 and Gazebo, told by programs that stand in for `gz`."""

import shutil
import sys
import time
from collections import namedtuple
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from f1_rl.cli import doctor, doctor_gazebo, doctor_ros

GPU = "NVIDIA GeForce RTX 4070/PCIe/SSE2"
HARMONIC = '[ "$2" = --versions ] && { echo 8.9.0; exit; }'
SOFTWARE = "llvmpipe (LLVM 15.0.6, 256 bits)"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make programs that are the only ones on the path, beside the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name: str, script: str) -> Path:
        program = folder / name
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        program.chmod(0o755)
        return program

    return make


def gz_that_draws_with(renderer: str, log: str = "ogre2.log") -> str:
    """Return the script of a gz that writes its log as the real one does, where HOME is."""
    return (
        f"{HARMONIC}\n"
        'mkdir -p "$HOME/.gz/rendering"\n'
        f'echo "10:00:28: GL_VENDOR = somebody" > "$HOME/.gz/rendering/{log}"\n'
        f'echo "10:00:28: GL_RENDERER = {renderer}" >> "$HOME/.gz/rendering/{log}"'
    )


def test_without_gazebo_nothing_is_wrong(programs):
    for finding in (doctor_gazebo.gazebo(), doctor_gazebo.renderer()):
        assert finding.works is None


@pytest.mark.parametrize(
    ("answer", "works", "detail"),
    [
        ("8.9.0", True, "gz sim 8.9.0"),
        ("7.7.0\\n8.10.1", True, "gz sim 8.10.1"),
        ("6.16.0", False, "older than Harmonic"),
        ("9.0.0\\n8.9.0", False, "newer than Harmonic"),
        ("Unknown command: sim", None, "another Gazebo"),
    ],
)
def test_the_version_has_to_be_harmonic(programs, answer, works, detail):
    gz = programs("gz", f'[ "$*" = "sim --versions" ] && printf "{answer}\\n"')
    finding = doctor_gazebo.gazebo()
    assert finding.works is works
    assert detail in finding.detail
    assert str(gz) in finding.detail
    assert bool(finding.remedy) == (works is not True)


def test_a_gazebo_that_hangs_is_ended(programs, monkeypatch):
    monkeypatch.setattr(doctor_gazebo, "_ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(doctor_gazebo, "_DRAW_WITHIN_S", 0.3)
    # The child keeps the output open.
    began_s = time.monotonic()
    programs("gz", "sleep 30 & sleep 30")
    assert "does not answer" in doctor_gazebo.gazebo().detail
    programs("gz", f"{HARMONIC}\nsleep 30 & sleep 30")
    monkeypatch.setattr(doctor_gazebo, "_ANSWER_WITHIN_S", 20.0)
    assert "does not come to an end" in doctor_gazebo.renderer().detail
    assert time.monotonic() - began_s < 10.0


@pytest.mark.parametrize(
    ("renderer", "has_gpu", "detail", "has_remedy"),
    [
        (GPU, True, GPU, False),
        (SOFTWARE, False, f"{SOFTWARE}: in software", False),
        (SOFTWARE, True, "in software, though there is a GPU", True),
    ],
)
def test_it_tells_what_draws(programs, renderer, has_gpu, detail, has_remedy):
    programs("gz", gz_that_draws_with(renderer))
    if has_gpu:
        programs("nvidia-smi", "")
    finding = doctor_gazebo.renderer()
    assert finding.works is True
    assert finding.detail.endswith(detail)
    assert ("NVIDIA_DRIVER_CAPABILITIES" in finding.remedy) == has_remedy


def test_gazebo_draws_apart_from_others_and_from_the_users_files(programs, tmp_path):
    told, world = tmp_path / "told", tmp_path / "world.sdf"
    write = f'echo "$HOME $GZ_PARTITION $*" > {told}; cp "$last" {world}'
    programs("gz", f"{HARMONIC}\nfor last; do :; done\n{write}")
    assert "tells of no renderer" in doctor_gazebo.renderer().detail
    home, partition, *command = told.read_text().split()
    assert not Path(home).exists()
    assert Path(home).name == partition
    assert {"-s", "-r", "--headless-rendering", "--iterations"} < set(command)
    assert ElementTree.parse(world).find(".//sensor").get("type") == "camera"


def test_an_old_gazebo_is_not_asked_what_draws(programs):
    programs("gz", "echo 6.16.0")
    assert doctor_gazebo.renderer().works is None


@pytest.mark.skipif(not doctor_gazebo.gazebo().works, reason="no Gazebo Harmonic is installed")
def test_a_real_gazebo_tells_what_draws():
    finding = doctor_gazebo.renderer()
    assert finding.works is True, finding
    assert finding.detail


def test_without_ros_nothing_is_wrong(monkeypatch):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    finding = doctor_ros.ros()
    assert finding.works is None
    assert "setup.bash" in finding.remedy
    monkeypatch.setattr(doctor_ros, "find_spec", lambda name: None)
    assert doctor_ros.bridge().works is None
    assert doctor_ros.gazebo_messages().works is None


@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
def test_ros_is_told_with_its_middleware(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    finding = doctor_ros.ros()
    assert finding.works is True
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
    finding = doctor_ros.ros()
    assert finding.works is False
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
    assert doctor_ros.bridge().works is None


def test_the_bridge_is_looked_for_in_the_index(prefix):
    finding = doctor_ros.bridge()
    assert (finding.works, "ros-jazzy-ros-gz" in finding.remedy) == (None, True)
    (prefix / "share/ament_index/resource_index/packages/ros_gz_bridge").touch()
    assert doctor_ros.bridge().works is False
    program = prefix / "lib" / "ros_gz_bridge" / "parameter_bridge"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    assert doctor_ros.bridge().works is True


@pytest.mark.parametrize(
    ("free_mb", "has_ros", "works"),
    [(512, True, True), (64, True, False), (64, False, None)],
)
def test_too_little_shared_memory_matters_to_ros(monkeypatch, free_mb, has_ros, works):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(free_mb * 2**20))
    monkeypatch.setattr(doctor_ros, "find_spec", lambda name: object() if has_ros else None)
    finding = doctor_ros.shared_memory()
    assert finding.works is works
    assert f"{free_mb} MB" in finding.detail
    assert ("--shm-size" in finding.remedy) == (free_mb < 128)


def test_doctor_asks_all_of_it():
    asked = {check.__name__ for check in doctor.CHECKS}
    assert {"ros", "bridge", "gazebo_messages", "shared_memory", "gazebo", "renderer"} < asked
