"""What a saved policy is worth in episodes that it has never seen."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from f1_rl.learning.environments import make_published_environments
from f1_rl.learning.evaluation import EpisodeEvaluator
from f1_rl.learning.observations import ObservationLayout
from f1_rl.policy import EnvironmentPolicy
from f1_rl.statistics import Estimate, estimate

# That many are played at once at least: short episodes wait for the longest.
_AT_ONCE = 10


@dataclass(frozen=True)
class Episode:
    """One episode.

    Attributes:
        seed: Of its environment.
        episode_return: Sum of its rewards, not discounted.
        steps: Actions that were chosen.
    """

    seed: int
    episode_return: float
    steps: int


@dataclass(frozen=True)
class Summary:
    """The returns of several episodes; `std` is that of the sample.

    Attributes:
        threshold: Mean return from which the environment counts as solved; None: there is none.
        reached: Share of the episodes with at least that.
    """

    episodes: int
    mean: float
    std: float
    median: float
    interquartile_mean: Estimate
    least: float
    most: float
    threshold: float | None
    reached: float | None

    @property
    def solved(self) -> bool:
        """Whether the mean reaches the threshold; True where there is none."""
        return self.threshold is None or self.mean >= self.threshold


def play_episodes(
    policy: EnvironmentPolicy, count: int, seed: int
) -> tuple[list[Episode], float | None]:
    """Play greedily, but for the policy's epsilon, with seeds from `seed` on.

    The environment is the unmodified one.

    Returns:
        The episodes, and the mean return from which the environment counts as solved.

    Raises:
        SettingsError: The environment cannot be made here.
        PolicyError: Its observations are not those the policy was trained with.
    """
    manifest = policy.manifest
    at_once = min(count, max(_AT_ONCE, os.cpu_count() or 1))
    environments = make_published_environments(manifest.env, manifest.env_options, at_once)
    try:
        layout = ObservationLayout(environments.observation_space, environments.frame_stack)
        evaluator = EpisodeEvaluator(environments, layout, seed=seed, epsilon=manifest.epsilon)
        episodes: list[Episode] = []
        while len(episodes) < count:
            first = seed + len(episodes)
            played = zip(*evaluator.play(policy.q_values, first), strict=True)
            episodes += [
                Episode(first + i, float(episode_return), int(steps))
                for i, (episode_return, steps) in enumerate(played)
            ]
    finally:
        environments.vector.close()
    return episodes[:count], environments.reward_threshold


def summarise(episodes: Sequence[Episode], threshold: float | None) -> Summary:
    """Return the statistics of their returns."""
    returns = np.array([episode.episode_return for episode in episodes])
    return Summary(
        episodes=len(returns),
        mean=float(returns.mean()),
        std=float(returns.std(ddof=1)) if len(returns) > 1 else 0.0,
        median=float(np.median(returns)),
        interquartile_mean=estimate(returns.tolist()),
        least=float(returns.min()),
        most=float(returns.max()),
        threshold=threshold,
        reached=None if threshold is None else float((returns >= threshold).mean()),
    )
