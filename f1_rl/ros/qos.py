"""How messages are delivered: one place for every topic of the car."""

from __future__ import annotations

from typing import Any

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)


def lossless(depth: int = 1) -> Any:
    """Return the quality of service under which no message is lost, as the bridge publishes.

    In lock-step each frame is waited for. A depth of 1 keeps the newest.
    """
    return _profile(ReliabilityPolicy.RELIABLE, depth)


def newest_only() -> Any:
    """Return the quality of service that takes the newest message of any publisher.

    Whoever drives in real time wants no old frame sent again, and a best-effort subscription also
    hears a reliable publisher.
    """
    return _profile(ReliabilityPolicy.BEST_EFFORT, 1)


def latched(depth: int = 1) -> Any:
    """Return the quality of service under which who comes later is told the last messages too."""
    return _profile(ReliabilityPolicy.RELIABLE, depth, DurabilityPolicy.TRANSIENT_LOCAL)


def _profile(reliability: Any, depth: int, durability: Any = DurabilityPolicy.VOLATILE) -> Any:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )
