"""The environments of a run: ours, and those of others."""

from dataclasses import dataclass
from typing import Any, Literal

import gymnasium as gym

from f1_rl.driving.actions import load_action_table
from f1_rl.driving.environment import F1CameraVectorEnv
from f1_rl.driving.registration import CAMERA_ROS_ID
from f1_rl.learning import atari
from f1_rl.learning.environment_errors import refused
from f1_rl.learning.runs import RunSettings
from f1_rl.learning.settings import CarRacingSettings
from f1_rl.settings import SettingsError, build_settings

Purpose = Literal["training", "evaluation", "publication"]


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
    return _of_others(settings.env, settings.env_options, count, "training")


def make_evaluation_environments(settings: RunSettings) -> Environments:
    """Make one environment for each episode of an evaluation, where the run does not drive.

    Whatever only helps to learn is left out.

    Raises:
        SettingsError: The environment does not exist or its actions are not discrete.
    """
    count = settings.training.evaluation_episodes
    return _of_others(settings.env, settings.env_options, count, "evaluation")


def make_published_environments(env: str, options: dict[str, Any], count: int) -> Environments:
    """Make the unmodified environments of others, for results to be published.

    Raises:
        SettingsError: The environment does not exist or its actions are not discrete.
    """
    return _of_others(env, options, count, "publication")


def _of_others(env: str, options: dict[str, Any], count: int, purpose: Purpose) -> Environments:
    if env.startswith(atari.PREFIX):
        return _game(env, options, count, purpose)
    if env.startswith("CarRacing-v"):
        return _car_racing(env, options, count, purpose)
    return _registered(env, options, count)


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


def _game(env: str, options: dict[str, Any], count: int, purpose: Purpose) -> Environments:
    """Make games of the Arcade Learning Environment."""
    settings = build_settings(atari.AtariOptions, options, "env_options")
    vector = atari.AtariGames(env, count, settings, training=purpose == "training")
    return _environments(
        vector, frame_stack=vector.frame_stack, max_episode_steps=vector.max_episode_steps
    )


def _car_racing(env: str, options: dict[str, Any], count: int, purpose: Purpose) -> Environments:
    """Make CarRacing, drawn quicker unless its results are to be published."""
    settings = build_settings(CarRacingSettings, options, "env_options")
    try:
        spec = gym.spec(env)
        from f1_rl.learning import car_racing
    except (ImportError, gym.error.DependencyNotInstalled) as error:
        raise SettingsError(
            f"env {env}: needs Box2D and pygame; install them with pip install 'f1_rl[games]'."
        ) from error
    except gym.error.Error as error:
        raise refused(env, error) from error
    make = {
        "training": car_racing.training_environment,
        "evaluation": car_racing.quick_environment,
        "publication": car_racing.unmodified_environment,
    }[purpose]
    return _environments(
        car_racing.make_vector(make, env, settings, count),
        frame_stack=settings.frame_stack,
        mirrored_actions=car_racing.MIRRORED_ACTIONS,
        reward_threshold=spec.reward_threshold,
        max_episode_steps=spec.max_episode_steps,
    )


def _registered(env: str, options: dict[str, Any], count: int) -> Environments:
    """Make environments that are registered with Gymnasium."""
    try:
        vector = gym.make_vec(env, num_envs=count, **options)
    except Exception as error:
        # Whatever an environment raises where its options do not fit.
        raise refused(env, error) from error
    mode = vector.metadata.get("autoreset_mode", gym.vector.AutoresetMode.NEXT_STEP)
    if mode != gym.vector.AutoresetMode.NEXT_STEP:
        raise SettingsError(
            f"env {env}: resets in the step that ends an episode; choose AutoresetMode.NEXT_STEP."
        )
    # Not `gym.spec(env)`: the id may name a module, or no version.
    spec = vector.spec or gym.spec(env)
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
        raise SettingsError(f"env_options: {error}; leave it out.") from error


def _environments(vector: Any, **facts: Any) -> Environments:
    action_space = vector.single_action_space
    if not isinstance(action_space, gym.spaces.Discrete) or action_space.start != 0:
        raise SettingsError(f"DQN needs discrete actions from 0, this has {action_space}.")
    num_actions = int(str(action_space.n))
    return Environments(vector, vector.single_observation_space, num_actions, **facts)
