"""What the driver says of itself on /diagnostics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from f1_rl.nodes.autopilot import Autopilot
from f1_rl.nodes.helm import Helm
from f1_rl.nodes.pilot import Pilot


def diagnostic_message(
    name: str,
    state: str,
    holds: Mapping[str, str],
    warnings: Mapping[str, str],
    values: Mapping[str, object],
    stamp: Any,
) -> Any:
    """Return a `diagnostic_msgs/DiagnosticArray` with one status.

    Args:
        name: Of the status.
        state: The lifecycle state.
        holds: Why the car is held; they count as errors while the node is active.
        warnings: What else somebody should look at.
        values: Of all figures, name and value.
        stamp: Time of the message.
    """
    level, text = DiagnosticStatus.OK, "driving" if state == "active" else state
    if warnings:
        level, text = DiagnosticStatus.WARN, "; ".join(warnings.values())
    if holds:
        text = "the car is held: " + " ".join(holds.values())
        level = DiagnosticStatus.ERROR if state == "active" else DiagnosticStatus.WARN
    status = DiagnosticStatus(level=level, name=name, message=text, hardware_id="f1_car")
    shown = {"state": state, "held_by": ", ".join(holds) or "nobody", **values}
    status.values = key_values(shown)
    message = DiagnosticArray(status=[status])
    message.header.stamp = stamp
    return message


def description(pilot: Pilot) -> str:
    """Return what a configured driver drives by: the policy, and the camera where it is another."""
    text = (
        f"{pilot.policy.folder}: {len(pilot.action_names)} actions every "
        f"{1e3 * pilot.control_period_s:.0f} ms, a decision takes {1e3 * pilot.warm_up_s:.1f} ms"
    )
    if pilot.reprojection is None:
        return text
    return (
        f"{text}; pictures of {pilot.reprojection.source.name} are made those of the training's "
        f"camera, {pilot.reprojection.missing_share:.1%} of the observation lies outside them"
    )


def figures(autopilot: Autopilot[Any], helm: Helm, now_s: float) -> dict[str, object]:
    """Return the figures of a configured driver: latencies, ages, rates and counts."""
    statistics = autopilot.statistics
    latency = statistics.latency.percentiles()
    age = statistics.frame_age.percentiles()
    command = helm.last_command
    return {
        "policy": str(autopilot.pilot.policy.folder),
        "policy_hash": autopilot.pilot.policy.manifest.hash[:12],
        "latency_p50_ms": 1e3 * latency.p50_s,
        "latency_p95_ms": 1e3 * latency.p95_s,
        "latency_p99_ms": 1e3 * latency.p99_s,
        "latency_max_ms": 1e3 * latency.largest_s,
        "time_since_frame_ms": 1e3 * helm.frame_age_s(now_s),
        "picture_age_p50_ms": 1e3 * age.p50_s,
        "picture_age_p99_ms": 1e3 * age.p99_s,
        "frame_rate_hz": statistics.received.hz(now_s),
        "command_rate_hz": statistics.commanded.hz(now_s),
        "expected_rate_hz": 1.0 / autopilot.pilot.control_period_s,
        "speed_mps": command.speed_mps,
        "yaw_rate_radps": command.yaw_rate_radps,
        "frames_received": statistics.received.total,
        "frames_commanded": statistics.commanded.total,
        "frames_replaced": autopilot.replaced,
        "frames_unusable": statistics.unusable,
        **{
            f"frames_{verdict.name.lower()}": count
            for verdict, count in autopilot.gate.counts.items()
            if not verdict.accepted
        },
        "commands_limited": helm.limited,
    }


def key_values(values: Mapping[str, object]) -> list[Any]:
    """Return values by name as messages; a number that is not finite is `none`."""
    return [KeyValue(key=key, value=_text(value)) for key, value in values.items()]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "none"
    return str(value)
