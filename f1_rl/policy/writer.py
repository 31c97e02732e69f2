"""Writing a policy folder."""

import shutil
from pathlib import Path
from typing import Protocol

from f1_rl.errors import advice
from f1_rl.policy.environment import EnvironmentManifest
from f1_rl.policy.manifest import MANIFEST_NAME, PolicyError, PolicyManifest
from f1_rl.policy.model import TFLITE_NAME
from f1_rl.settings import write_yaml

SAVED_MODEL_NAME = "saved_model"


class PolicySource(Protocol):
    """What can be saved: the learner's agent."""

    def save_greedy_policy(self, folder: Path) -> None:
        """Write the greedy policy as a SavedModel."""

    def tflite_model(self) -> bytes:
        """Return the Q-function as a TFLite model."""


def save_policy(
    folder: Path, source: PolicySource, manifest: PolicyManifest | EnvironmentManifest
) -> None:
    """Write SavedModel, TFLite model and `policy.yaml`, replacing the folder as a whole.

    Raises:
        PolicyError: It cannot be written; a policy that was there before is untouched.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    previous = folder.with_name(f"{folder.name}.previous")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        (partial / TFLITE_NAME).write_bytes(source.tflite_model())
        source.save_greedy_policy(partial / SAVED_MODEL_NAME)
        write_yaml(partial / MANIFEST_NAME, manifest.as_dict())
        shutil.rmtree(previous, ignore_errors=True)
        if folder.exists():
            folder.rename(previous)
        partial.rename(folder)
        shutil.rmtree(previous, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if previous.exists() and not folder.exists():
            previous.rename(folder)
        raise PolicyError(
            f"{folder}: the policy cannot be written ({error.strerror or error}); {advice(error)}."
        ) from error
