"""Who may join the graph, and how fast it is: what the environment of ROS processes says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# Where Fast DDS looks for its settings: before version 2.12, and since.
_PROFILES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def discovery_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep the graph to this machine, and frames fast on it.

    On a shared network anybody could command the car otherwise; and Fast DDS's own shared memory is
    too small for a frame.

    Args:
        given: An environment, which has the last word: what it says of these is left to it.
    """
    added = {}
    if "ROS_LOCALHOST_ONLY" not in given and "ROS_AUTOMATIC_DISCOVERY_RANGE" not in given:
        added["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    if not any(name in given for name in (*_PROFILES, "FASTDDS_BUILTIN_TRANSPORTS")):
        added |= dict.fromkeys(_PROFILES, str(Path(__file__).with_name("fastdds.xml")))
    return added


def limit_discovery() -> None:
    """Set those variables for this process, before `rclpy.init`; its children inherit them."""
    os.environ.update(discovery_environment(os.environ))
