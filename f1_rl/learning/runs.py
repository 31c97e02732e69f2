"""Putting a run together: settings, presets, environments, agent, trainer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import gymnasium as gym
from msgspec import Meta, field

from f1_rl.driving.environment import F1CameraVectorEnv
from f1_rl.driving.registration import CAMERA_ID
from f1_rl.driving.settings import TaskSettings
from f1_rl.learning.settings import AgentSettings, TrainingSettings
from f1_rl.settings import Settings, SettingsError, build_settings, merge, read_yaml

PRESETS = Path(__file__).with_name("presets")
DEFAULT_PRESET = "lap"
# For environments that no preset names.
GENERAL_PRESET = "gymnasium"


class RunSettings(Settings, frozen=True):
    """All settings of a run; `config.yaml` holds them.

    Attributes:
        env: Environment id: ours, or any of Gymnasium's with discrete actions.
        env_options: Handed to an environment that is not ours.
        task: The driving task, for our environment.
        agent: The learning rule.
        training: The schedule.
        seed: Of everything that is random.
    """

    env: str = CAMERA_ID
    env_options: dict[str, Any] = field(default_factory=dict)
    task: TaskSettings = field(default_factory=TaskSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    # TensorFlow takes 32 bits.
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0

    @property
    def drives(self) -> bool:
        """Whether this is the driving task."""
        return self.env == CAMERA_ID


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets in the package."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.yaml")))


def preset_for(env: str) -> str:
    """Return the preset made for an environment in any version, or the general one."""
    for name in (DEFAULT_PRESET, *preset_names()):
        made_for = read_yaml(PRESETS / f"{name}.yaml").get("env", CAMERA_ID)
        if _without_version(made_for) == _without_version(env):
            return name
    return GENERAL_PRESET


def run_settings(preset: str, changes: Sequence[dict[str, Any]]) -> RunSettings:
    """Return a preset with changes laid over it, in order.

    Args:
        preset: Name of a preset, or a YAML file.
        changes: Nested mappings of names to values.

    Raises:
        SettingsError: The preset does not exist, or a setting does not fit.
    """
    path = PRESETS / f"{preset}.yaml"
    if preset not in preset_names():
        path = Path(preset)
        if path.suffix not in (".yaml", ".yml"):
            raise SettingsError(
                f"there is no preset {preset!r}; choose from {', '.join(preset_names())}, "
                "or give a YAML file."
            )
    values = read_yaml(path)
    values.pop("description", None)
    values.pop("versions", None)
    # From the defaults on, so that one reward or bound can be changed and the others stay.
    settings = RunSettings().as_dict()
    for change in (values, *changes):
        settings = merge(settings, change)
    return build_settings(RunSettings, settings, "settings")


def _without_version(env: str) -> str:
    return re.sub(r"-v\d+$", "", env)


@dataclass(frozen=True)
class Environments:
    """The environments of a run.

    Attributes:
        vector: A Gymnasium vector environment that resets in the step after an episode's end.
        observation_space: Of one environment.
        num_actions: Of one environment.
        frame_stack: Frames stacked along the last axis of a picture.
    """

    vector: Any
    observation_space: gym.Space[Any]
    num_actions: int
    frame_stack: int


def make_environments(settings: RunSettings) -> Environments:
    """Make the environments that a run acts in.

    Raises:
        SettingsError: The environment does not exist or its actions are not discrete.
    """
    count = settings.training.num_envs
    vector: Any
    if settings.drives:
        vector = F1CameraVectorEnv(count, **settings.task.as_dict())
        return _environments(vector, vector.frame_stack)
    try:
        vector = gym.make_vec(settings.env, num_envs=count, **settings.env_options)
    except (gym.error.Error, TypeError, ImportError) as error:
        raise SettingsError(f"env {settings.env}: {str(error).rstrip('.')}.") from error
    mode = vector.metadata.get("autoreset_mode", gym.vector.AutoresetMode.NEXT_STEP)
    if mode != gym.vector.AutoresetMode.NEXT_STEP:
        raise SettingsError(
            f"env {settings.env}: resets in the step that ends an episode; "
            "choose AutoresetMode.NEXT_STEP."
        )
    return _environments(vector, 1)


def _environments(vector: Any, frame_stack: int) -> Environments:
    action_space = vector.single_action_space
    if not isinstance(action_space, gym.spaces.Discrete) or action_space.start != 0:
        raise SettingsError(f"DQN needs discrete actions from 0, this has {action_space}.")
    num_actions = int(str(action_space.n))
    return Environments(vector, vector.single_observation_space, num_actions, frame_stack)
