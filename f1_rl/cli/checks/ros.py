"""ROS 2: rclpy and its middleware, the graph, shared memory, and the way to Gazebo."""

import fcntl
import os
import shutil
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

from f1_rl.cli.checks.finding import Finding, absent, fail, ok, warn

_DISTRIBUTION = "jazzy"
_SOURCE = "source /opt/ros/jazzy/setup.bash (without an installed ROS 2: make ros)"
_INSTALL_BRIDGE = "apt install ros-jazzy-ros-gz, then source /opt/ros/jazzy/setup.bash"
_SHARED_MEMORY = Path("/dev/shm")
# Fast DDS takes 8 MiB a process (ros/fastdds.xml): Gazebo's bridge, a node or two for each of some
# cars, the command line's own.
_NEEDED_SHARED_MB = 128

# rclpy comes from apt or from wheels, which call it differently.
_RCLPY = ("rclpy", "ros-rclpy", "ros-jazzy-rclpy")

# Of domains above, some ports are among those that Linux gives to other programs.
_LAST_DOMAIN, _LAST_SAFE_DOMAIN = 232, 101
_RANGES = ("SUBNET", "LOCALHOST", "SYSTEM_DEFAULT", "OFF")
_PROFILES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def ros() -> Finding:
    """Look for rclpy and the middleware that it would use."""
    distribution = os.environ.get("ROS_DISTRO", "")
    try:
        rclpy = import_module("rclpy")
    except ImportError as error:
        if distribution:
            version = ".".join(map(str, sys.version_info[:2]))
            return fail(
                f"{distribution} is sourced, but its rclpy is not for this Python {version} "
                f"({error})",
                "make setup PYTHON=python3.12, then source .venv-3.12/bin/activate",
            )
        return absent(f"not installed ({error})", _SOURCE)
    found = [distribution, f"rclpy {_rclpy_version()}"]
    try:
        found.append(str(rclpy.get_rmw_implementation_identifier()))
    except Exception as error:  # a library that is missing, in the words of whoever missed it
        asked = os.environ.get("RMW_IMPLEMENTATION")
        remedy = f"unset RMW_IMPLEMENTATION, or install {asked}" if asked else _SOURCE
        return fail(f"its middleware cannot be loaded: {error}", remedy)
    text = ", ".join(filter(None, found))
    if distribution not in ("", _DISTRIBUTION):
        return warn(f"{text}: only {_DISTRIBUTION} is tested", _SOURCE)
    return ok(text)


def graph() -> Finding:
    """Check what the environment says of the graph: its domain, and who can join it."""
    if find_spec("rclpy") is None:
        return absent("unknown without ROS 2")
    domain = os.environ.get("ROS_DOMAIN_ID", "") or "0"
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    if not domain.isdecimal() or int(domain) > _LAST_DOMAIN:
        return fail(
            f"ROS_DOMAIN_ID is {domain}, no number to {_LAST_DOMAIN}", "unset ROS_DOMAIN_ID"
        )
    if reach and reach.upper() not in _RANGES:
        return fail(
            f"ROS_AUTOMATIC_DISCOVERY_RANGE is {reach}, none of {', '.join(_RANGES)}",
            "unset ROS_AUTOMATIC_DISCOVERY_RANGE",
        )
    for name in _PROFILES:
        profile = os.environ.get(name)
        if profile and not Path(profile).is_file():
            return fail(f"{name} is {profile}, which is no file", f"unset {name}")
    text = f"domain {domain}, discovery {reach.upper() or 'on this machine alone'}"
    if reach.upper() == "OFF":
        return warn(f"{text}: no node finds another", "unset ROS_AUTOMATIC_DISCOVERY_RANGE")
    if int(domain) > _LAST_SAFE_DOMAIN:
        return warn(
            f"{text}: its ports may be taken by other programs", "export ROS_DOMAIN_ID=0 (to 101)"
        )
    return ok(text)


def leftovers(folder: Path = _SHARED_MEMORY) -> Finding:
    """Look for shared memory that Fast DDS left when a process was killed.

    Each piece has a file beside it, `NAME_el`, on which its process holds a lock as long as it
    lives.

    Args:
        folder: Where shared memory is.
    """
    dead = [lock for lock in sorted(folder.glob("fastrtps_*_el")) if not _is_locked(lock)]
    if not dead:
        return ok("none of processes that are gone")
    sizes = [_size(path) for lock in dead for path in (lock, _piece(lock))]
    text = f"{len(dead)} pieces of processes that are gone, {sum(sizes) / 1e6:.0f} MB"
    mend = f'for l in {folder}/fastrtps_*_el; do flock -n "$l" rm -f "$l" "${{l%_el}}"; done'
    return warn(text, mend)


def bridge() -> Finding:
    """Look for the program that puts Gazebo's topics and services on ROS."""
    name = "ros_gz_bridge"
    if find_spec("ament_index_python") is None:
        return absent("unknown without ROS 2")
    index = import_module("ament_index_python.packages")
    try:
        prefix = Path(index.get_package_prefix(name))
    except (LookupError, OSError):  # not in the index; nothing is sourced
        return absent("not installed: no Gazebo behind ROS topics", _INSTALL_BRIDGE)
    program = prefix / "lib" / name / "parameter_bridge"
    if not os.access(program, os.X_OK):
        return fail(f"{program} is missing", _INSTALL_BRIDGE)
    return ok(str(program))


def gazebo_messages() -> Finding:
    """Look for the messages of Gazebo's services, with which it is stepped and the car reset."""
    name = "ros_gz_interfaces"
    if find_spec(name) is None:
        return absent("not installed: Gazebo cannot be stepped", _INSTALL_BRIDGE)
    try:
        import_module(f"{name}.srv")
    except ImportError as error:
        return fail(f"cannot be imported ({error})", _INSTALL_BRIDGE)
    return ok("installed")


def shared_memory() -> Finding:
    """Look whether pictures fit into shared memory."""
    try:
        free_mb = shutil.disk_usage(_SHARED_MEMORY).free / 2**20
    except OSError as error:
        return absent(f"{_SHARED_MEMORY} cannot be read ({error.strerror})")
    if free_mb >= _NEEDED_SHARED_MB:
        return ok(f"{free_mb:.0f} MB free")
    text = f"{free_mb:.0f} MB free in {_SHARED_MEMORY}"
    remedy = "docker run --shm-size 512m; or: mount -o remount,size=512m /dev/shm"
    if find_spec("rclpy") is None:
        return absent(f"{text}, too little for the pictures of ROS", remedy)
    return fail(f"{text}: pictures between nodes will be slow or lost", remedy)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except OSError:
        # Somebody holds it, or it is another user's and not ours to judge.
        return True


def _piece(lock: Path) -> Path:
    return lock.with_name(lock.name.removesuffix("_el"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _rclpy_version() -> str:
    for name in _RCLPY:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "of unknown version"
