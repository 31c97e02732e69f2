"""Loading a saved policy and driving by it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from f1_rl.driving.environment import Observation
from f1_rl.driving.own_rewards import names_own_rule
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import DrivingTask
from f1_rl.policy.manifest import (
    PolicyError,
    PolicyManifest,
    find_policy,
    interface_hash,
    interface_of,
    read_manifest,
)
from f1_rl.policy.model import SavedQFunction
from f1_rl.settings import SettingsError, build_settings


class Policy(SavedQFunction):
    """A saved policy that drives: from observations to action values, actions and commands."""

    def __init__(self, folder: Path, manifest: PolicyManifest) -> None:
        """Load the model; use `load_policy`."""
        super().__init__(folder)
        self.manifest = manifest
        try:
            self.actions = manifest.actions.table
        except SettingsError as error:
            raise PolicyError(f"{folder}: {error}") from error

    @property
    def command_table(self) -> npt.NDArray[np.float64]:
        """(A, 2) speed and yaw rate of each action.

        Raises:
            PolicyError: The actions are pedals, which have them only at a speed.
        """
        if self.actions.needs_speed:
            raise PolicyError(
                f"{self.folder}: drives by pedals, whose commands depend on the car's speed; use "
                "a policy of commands."
            )
        return self.actions.commands

    @property
    def task_settings(self) -> TaskSettings:
        """The driving task that the policy was trained in, without reward rules of one's own.

        A policy drives without them, also where their files are not, and runs no code of whoever
        made it.
        """
        task = dict(self.manifest.task)
        rewards = task.pop("rewards", {})
        kept = {name: weight for name, weight in rewards.items() if not names_own_rule(name)}
        task |= {"rewards": kept} if kept else {}
        try:
            return build_settings(TaskSettings, task, str(self.folder))
        except SettingsError as error:
            raise PolicyError(str(error)) from error

    def observation_values(self, observations: Observation) -> npt.NDArray[np.float32]:
        """Return the action values `(N, A)` of observations as the environment gives them."""
        if isinstance(observations, dict):
            return self.q_values([observations[name] for name in sorted(observations)])
        return self.q_values([observations])

    def greedy_actions(self, observations: Observation) -> npt.NDArray[np.int64]:
        """Return the action `(N,)` of the largest value for each observation."""
        return np.asarray(self.observation_values(observations).argmax(axis=1))

    def commands(self, observations: Observation) -> npt.NDArray[np.float64]:
        """Return the greedy commands `(N, 2)`, speed and yaw rate.

        Raises:
            PolicyError: The actions are pedals, whose commands depend on the car's speed.
        """
        return np.asarray(self.command_table[self.greedy_actions(observations)])

    def check_fits(self, task: DrivingTask) -> None:
        """Refuse a task in which the policy would see or act otherwise than it has learned.

        Raises:
            PolicyError: Observation, actions or control period differ; the message names which.
        """
        interface = interface_of(
            task.preprocessing.as_dict(),
            task.actions.pairs,
            task.actions.top_speed_mps,
            task.settings.control_period_ms,
        )
        if interface_hash(interface) == self.manifest.hash:
            return
        own = {
            "commands": [list(pair) for pair in self.manifest.actions.commands],
            "top_speed_mps": self.manifest.actions.top_speed_mps,
            "control_period_ms": self.manifest.control_period_ms,
            **{f"observation.{key}": value for key, value in self.manifest.observation.items()},
        }
        other = {
            "commands": interface["commands"],
            "top_speed_mps": task.actions.top_speed_mps,
            "control_period_ms": interface["control_period_ms"],
            **{f"observation.{key}": value for key, value in interface["observation"].items()},
        }
        names = sorted(set(own) | set(other))
        differing = [name for name in names if own.get(name) != other.get(name)]
        first = differing[0]
        raise PolicyError(
            f"{self.folder}: was trained with {first} = {own.get(first)}, "
            f"this task has {other.get(first)}"
            + (f" (and {len(differing) - 1} more differ)" if len(differing) > 1 else "")
            + "; drive it in the task it was trained for."
        )


def load_policy(folder: Path) -> Policy:
    """Load a policy folder, or the `policy` inside a run folder.

    Raises:
        PolicyError: It is none, it is damaged, or no TFLite interpreter is installed.
    """
    folder = find_policy(folder)
    return Policy(folder, read_manifest(folder))
