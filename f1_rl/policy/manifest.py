"""What a policy says of itself: `policy.yaml`."""

import hashlib
import json
from pathlib import Path
from typing import Any

from msgspec import field

from f1_rl.driving.actions import ActionTable, make_table
from f1_rl.driving.task import DrivingTask
from f1_rl.settings import Settings, SettingsError, build_settings, read_yaml

MANIFEST_NAME = "policy.yaml"
FORMAT = 1


class PolicyError(ValueError):
    """A policy is missing, damaged, or does not fit."""


class ActionsManifest(Settings, frozen=True):
    """The action table, written out.

    Attributes:
        name: Of the table.
        action_names: Of each action, what it does.
        commands: Of each, its speed and yaw rate, or its pedals and steering.
        top_speed_mps: Of pedals, the speed at which throttle does no more; none: of commands.
    """

    name: str
    action_names: tuple[str, ...]
    commands: tuple[tuple[float, float], ...]
    top_speed_mps: float | None = None

    @property
    def table(self) -> ActionTable:
        """The table itself.

        Raises:
            SettingsError: It cannot drive.
        """
        return make_table(self.name, "", self.commands, self.top_speed_mps)


class PolicyManifest(Settings, frozen=True, kw_only=True):
    """The contents of `policy.yaml`.

    Attributes:
        format: Version of this file.
        observation: Rows, columns, channel, stack, camera: what must be equal for the policy to
            see what it has learned to see.
        actions: What each action does.
        control_period_ms: Time between two actions.
        hash: SHA-256 of the three above.
        task: All settings of the driving task it was trained in.
        training: Environment steps, updates, seconds, seed.
        results: Its evaluation when it was saved.
        versions: Packages and commit that made it.
    """

    format: int = FORMAT
    observation: dict[str, Any]
    actions: ActionsManifest
    control_period_ms: int
    hash: str
    task: dict[str, Any]
    training: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def interface_of(
    observation: dict[str, Any],
    commands: tuple[tuple[float, float], ...],
    top_speed_mps: float | None,
    control_period_ms: int,
) -> dict[str, Any]:
    """Return what two sides have to agree on, as plain values."""
    return {
        "observation": observation,
        "commands": [list(pair) for pair in commands],
        # Of commands there is none, as in policies of versions that knew nothing else.
        **({} if top_speed_mps is None else {"top_speed_mps": top_speed_mps}),
        "control_period_ms": control_period_ms,
    }


def interface_hash(interface: dict[str, Any]) -> str:
    """Return the SHA-256 of an interface in canonical JSON."""
    text = json.dumps(_canonical(interface), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """Return the value with whole numbers as integers: 12 metres are 12.0 metres."""
    if isinstance(value, dict):
        return {name: _canonical(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def describe_task(
    task: DrivingTask,
    *,
    training: dict[str, Any],
    results: dict[str, Any],
    versions: dict[str, str],
) -> PolicyManifest:
    """Return the manifest of a policy trained in `task`."""
    actions = task.actions
    interface = interface_of(
        task.preprocessing.as_dict(),
        actions.pairs,
        actions.top_speed_mps,
        task.settings.control_period_ms,
    )
    return PolicyManifest(
        observation=interface["observation"],
        actions=ActionsManifest(
            name=actions.name,
            action_names=actions.action_names,
            commands=actions.pairs,
            top_speed_mps=actions.top_speed_mps,
        ),
        control_period_ms=task.settings.control_period_ms,
        hash=interface_hash(interface),
        task=task.settings.as_dict(),
        training=training,
        results=results,
        versions=versions,
    )


def find_policy(folder: Path) -> Path:
    """Return the policy folder that was meant: the one given, or `policy` in a run folder."""
    inside = folder / "policy"
    if not (folder / MANIFEST_NAME).exists() and (inside / MANIFEST_NAME).exists():
        return inside
    return folder


def read_content(folder: Path) -> dict[str, Any]:
    """Read `policy.yaml`.

    Raises:
        PolicyError: There is none, it is no mapping, cut off, or of a later format.
    """
    path = folder / MANIFEST_NAME
    if not folder.exists():
        raise PolicyError(
            f"{folder}: is no policy folder (it does not exist); give a run folder, or its policy/."
        )
    if not path.is_file():
        raise PolicyError(
            f"{folder}: is no policy folder (it has no {MANIFEST_NAME}); give a run folder, or its "
            "policy/."
        )
    try:
        content = read_yaml(path)
    except SettingsError as error:
        raise PolicyError(str(error)) from error
    if "versions" not in content or not path.read_bytes().endswith(b"\n"):
        # It is written last.
        raise PolicyError(f"{path}: is cut off at its end; copy it again from where it was saved.")
    version = content.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise PolicyError(
            f"{path}: has format {version}, this version of f1_rl reads up to "
            f"{FORMAT}; upgrade f1_rl."
        )
    return content


def read_manifest(folder: Path) -> PolicyManifest:
    """Read and check the `policy.yaml` of a policy that drives.

    Raises:
        PolicyError: There is none, it is damaged, of a later format, of another environment, or
            was edited by hand in a way that its hash does not allow.
    """
    path = folder / MANIFEST_NAME
    content = read_content(folder)
    if "env" in content:
        raise PolicyError(
            f"{folder}: was trained for {content['env']}, not to drive; "
            "play its environment with f1-rl evaluate."
        )
    try:
        manifest = build_settings(PolicyManifest, content, str(path))
    except SettingsError as error:
        raise PolicyError(str(error)) from error
    interface = interface_of(
        manifest.observation,
        manifest.actions.commands,
        manifest.actions.top_speed_mps,
        manifest.control_period_ms,
    )
    if interface_hash(interface) != manifest.hash:
        raise PolicyError(
            f"{path}: its observation, actions or control period were changed after training "
            "(the hash does not fit); use the file as it was saved."
        )
    return manifest
