"""The environments of a run: ours, and those of others."""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from f1_rl.driving.actions import load_action_table
from f1_rl.driving.environment import F1CameraVectorEnv
from f1_rl.driving.registration import CAMERA_ROS_ID
from f1_rl.learning import atari
from f1_rl.learning.runs import RunSettings
from f1_rl.settings import SettingsError, build_settings


@dataclass(frozen=True)
class Environments:
    """Several environments of one kind that act in one call.

    Attributes:
        vector: A Gymnasium vector environment that resets in the step after an episode's end.
        observation_space: Of one environment.
        num_actions: Of one environment.
        frame_stack: Frames stacked along the last axis of a picture.
        reward_threshold: Mean return from which it counts as solved; None: there is none.
        max_episode_steps: After which an episode is cut; None: not before it ends.
        mirrored_actions: Of each action, which one does in the mirror image of a picture what it
            does in the picture, where all else that is observed stays the same; None: not known.
    """

    vector: Any
    observation_space: gym.Space[Any]
    num_actions: int
    frame_stack: int = 1
    reward_threshold: float | None = None
    max_episode_steps: int | None = None
    mirrored_actions: tuple[int, ...] | None = None


def make_environments(settings: RunSettings) -> Environments:
    """Make the environments that a run acts in.

    Raises:
        SettingsError: The environment does not exist or its actions are not discrete.
        CarFault: Gazebo is to be stepped, and ros_gz_interfaces is not installed.
    """
    count = settings.training.num_envs
    if settings.drives:
        return _driving(settings, count)
    if settings.env.startswith(atari.PREFIX):
        return _games(settings, count, training=True)
    return _registered(settings, count)


def make_evaluation_environments(settings: RunSettings) -> Environments:
    """Make one environment for each episode of an evaluation, where the run does not drive.

    They are what results are published for: whatever only helps to learn is left out.

    Raises:
        SettingsError: The environment does not exist or its actions are not discrete.
    """
    count = settings.training.evaluation_episodes
    if settings.env.startswith(atari.PREFIX):
        return _games(settings, count, training=False)
    return _registered(settings, count)


def _games(settings: RunSettings, count: int, *, training: bool) -> Environments:
    """Make games of the Arcade Learning Environment."""
    options = build_settings(atari.AtariOptions, settings.env_options, "env_options")
    vector = atari.AtariGames(settings.env, count, options, training=training)
    return _environments(
        vector, frame_stack=vector.frame_stack, max_episode_steps=vector.max_episode_steps
    )


def _driving(settings: RunSettings, count: int) -> Environments:
    """Make our environments; the speed that is observed is the same in a mirror."""
    mirrored = None
    if settings.agent.augmentation.mirror:
        mirrored = load_action_table(settings.task.actions).mirrored_actions()
    if settings.is_behind_topics:
        vector = _cars_behind_topics(settings, count)
    else:
        vector = F1CameraVectorEnv(count, **settings.task.as_dict())
    return _environments(vector, frame_stack=vector.frame_stack, mirrored_actions=mirrored)


def _registered(settings: RunSettings, count: int) -> Environments:
    """Make environments that are registered with Gymnasium."""
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
    spec = gym.spec(settings.env)
    return _environments(
        vector,
        reward_threshold=spec.reward_threshold,
        max_episode_steps=spec.max_episode_steps,
    )


def _cars_behind_topics(settings: RunSettings, count: int) -> Any:
    try:
        from f1_rl.ros.environment import F1CameraRosVectorEnv
    except ImportError as error:
        raise SettingsError(
            f"env {CAMERA_ROS_ID}: needs ROS 2 ({error}); source it, or install its wheels with "
            "pip install 'f1_rl[ros]'."
        ) from error
    try:
        return F1CameraRosVectorEnv(count, **settings.env_options, **settings.task.as_dict())
    except TypeError as error:
        raise SettingsError(f"env_options: {error}.") from error


def _environments(vector: Any, **facts: Any) -> Environments:
    action_space = vector.single_action_space
    if not isinstance(action_space, gym.spaces.Discrete) or action_space.start != 0:
        raise SettingsError(f"DQN needs discrete actions from 0, this has {action_space}.")
    num_actions = int(str(action_space.n))
    return Environments(vector, vector.single_observation_space, num_actions, **facts)
