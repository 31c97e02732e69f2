"""What `f1-rl doctor` asks about ROS 2 and its way to Gazebo."""

import os
import shutil
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

from f1_rl.cli.finding import Finding

_SOURCE = "source /opt/ros/jazzy/setup.bash"
_INSTALL_BRIDGE = "apt install ros-jazzy-ros-gz, then source /opt/ros/jazzy/setup.bash"
_SHARED_MEMORY = Path("/dev/shm")
# Fast DDS takes 8 MiB a process (ros/fastdds.xml): Gazebo's bridge, a node or two for each of some
# cars, the command line's own.
_NEEDED_SHARED_MB = 128

# rclpy comes from apt or from wheels, which call it differently.
_RCLPY = ("rclpy", "ros-rclpy", "ros-jazzy-rclpy")


def ros() -> Finding:
    """Look for rclpy and the middleware that it would use."""
    try:
        rclpy = import_module("rclpy")
    except ImportError as error:
        return Finding("ROS 2", None, f"not installed ({error})", _SOURCE)
    found = [os.environ.get("ROS_DISTRO", ""), f"rclpy {_rclpy_version()}"]
    try:
        found.append(str(rclpy.get_rmw_implementation_identifier()))
    except Exception as error:  # a library that is missing, in the words of whoever missed it
        asked = os.environ.get("RMW_IMPLEMENTATION")
        remedy = f"unset RMW_IMPLEMENTATION, or install {asked}" if asked else _SOURCE
        return Finding("ROS 2", False, f"its middleware cannot be loaded: {error}", remedy)
    return Finding("ROS 2", True, ", ".join(filter(None, found)))


def bridge() -> Finding:
    """Look for the program that puts Gazebo's topics and services on ROS."""
    name = "ros_gz_bridge"
    if find_spec("ament_index_python") is None:
        return Finding(name, None, "unknown without ROS 2")
    index = import_module("ament_index_python.packages")
    try:
        prefix = Path(index.get_package_prefix(name))
    except (LookupError, OSError):  # not in the index; nothing is sourced
        return Finding(name, None, "not installed: no Gazebo behind ROS topics", _INSTALL_BRIDGE)
    program = prefix / "lib" / name / "parameter_bridge"
    if not os.access(program, os.X_OK):
        return Finding(name, False, f"{program} is missing", _INSTALL_BRIDGE)
    return Finding(name, True, str(program))


def gazebo_messages() -> Finding:
    """Look for the messages of Gazebo's services, with which it is stepped and the car reset."""
    name = "ros_gz_interfaces"
    if find_spec(name) is None:
        return Finding(name, None, "not installed: Gazebo cannot be stepped", _INSTALL_BRIDGE)
    try:
        import_module(f"{name}.srv")
    except ImportError as error:
        return Finding(name, False, f"cannot be imported ({error})", _INSTALL_BRIDGE)
    return Finding(name, True, "installed")


def shared_memory() -> Finding:
    """Look whether pictures fit into shared memory."""
    name = "shared memory"
    try:
        free_mb = shutil.disk_usage(_SHARED_MEMORY).free / 2**20
    except OSError as error:
        return Finding(name, None, f"{_SHARED_MEMORY} cannot be read ({error.strerror})")
    if free_mb >= _NEEDED_SHARED_MB:
        return Finding(name, True, f"{free_mb:.0f} MB free")
    # Only the pictures of ROS go through it.
    works = None if find_spec("rclpy") is None else False
    return Finding(
        name,
        works,
        f"{free_mb:.0f} MB free in {_SHARED_MEMORY}: pictures between nodes will be slow or lost",
        "docker run --shm-size 512m; or: mount -o remount,size=512m /dev/shm",
    )


def _rclpy_version() -> str:
    for name in _RCLPY:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "of unknown version"
