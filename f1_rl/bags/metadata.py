"""What a recording says of itself, in rosbag2's custom data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PREFIX = "f1_rl."


def describe_recording(
    *,
    policy: str = "",
    circuit: str = "",
    car: str = "",
    note: str = "",
    versions: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return what to note in a bag; what is not known is left out.

    Args:
        policy: Policy folder, or run folder with one; its hash is noted too where it can be read.
        circuit: Name of the circuit.
        car: Of the car.
        note: Anything.
        versions: Of packages, and the commit.
    """
    noted = {"policy": policy, "circuit": circuit, "car": car, "note": note}
    if policy:
        noted["policy_hash"] = _policy_hash(policy)
    for name, version in (versions or {}).items():
        noted[name if name == "commit" else f"version.{name}"] = version
    return {f"{PREFIX}{name}": text for name, text in noted.items() if text}


def _policy_hash(policy: str) -> str:
    from f1_rl.policy.manifest import PolicyError, find_policy, read_manifest

    try:
        return read_manifest(find_policy(Path(policy).expanduser())).hash
    except (PolicyError, OSError):
        return ""
