"""Policies of environments that are not ours: what they say of themselves, and loading them."""

from pathlib import Path
from typing import Any

from msgspec import field

from f1_rl.policy.manifest import FORMAT, PolicyError, find_policy, read_content
from f1_rl.policy.model import SavedQFunction
from f1_rl.settings import Fraction, Settings, SettingsError, build_settings


class EnvironmentManifest(Settings, frozen=True, kw_only=True):
    """The contents of `policy.yaml` where nothing was driven.

    Attributes:
        format: Version of this file.
        env: Gymnasium's id of the environment that it was trained in.
        env_options: What that environment was made with, preprocessing included.
        epsilon: Share of random actions that it is evaluated with.
        training: Environment steps, updates, seconds, seed.
        results: Its evaluation when it was saved.
        versions: Packages and commit that made it.
    """

    format: int = FORMAT
    env: str
    env_options: dict[str, Any] = field(default_factory=dict)
    epsilon: Fraction = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


class EnvironmentPolicy(SavedQFunction):
    """A saved policy of an environment that is not ours."""

    def __init__(self, folder: Path, manifest: EnvironmentManifest) -> None:
        """Load the model; use `load_environment_policy`."""
        super().__init__(folder)
        self.manifest = manifest


def names_environment(folder: Path) -> bool:
    """Return whether a policy folder, or the one in a run folder, is for an environment not ours.

    Raises:
        PolicyError: It is no policy folder, or damaged.
    """
    return "env" in read_content(find_policy(folder))


def load_environment_policy(folder: Path) -> EnvironmentPolicy:
    """Load a policy folder, or the `policy` inside a run folder.

    Raises:
        PolicyError: It is none, it is damaged, it drives, or no TFLite interpreter is installed.
    """
    folder = find_policy(folder)
    content = read_content(folder)
    if "env" not in content:
        raise PolicyError(f"{folder}: was trained to drive circuits, not for an environment.")
    try:
        manifest = build_settings(EnvironmentManifest, content, str(folder))
    except SettingsError as error:
        raise PolicyError(str(error)) from error
    return EnvironmentPolicy(folder, manifest)
