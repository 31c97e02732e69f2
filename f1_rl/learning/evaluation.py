"""Greedy evaluation: what a policy is worth without exploration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from f1_rl.driving.cars import Cars
from f1_rl.driving.environment import Observation
from f1_rl.driving.laps import ActionDriver, Drive, LapDrive
from f1_rl.driving.settings import TaskSettings
from f1_rl.learning.environments import Environments
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.settings import BestBy

QFunction = Callable[[Sequence[npt.NDArray[Any]]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation:
    """The episodes of one evaluation.

    Attributes:
        rows: What is written to evaluations.csv of each episode, by column.
        successes: Episodes that reached their aim.
        score: Compares evaluations: the larger the better, element by element.
        summary: One line for people.
        drives: The episodes, where they are drives.
    """

    rows: list[dict[str, Any]]
    successes: int
    score: tuple[float, ...]
    summary: str
    drives: tuple[Drive, ...] = ()

    @property
    def solved(self) -> bool:
        """Whether every episode reached its aim."""
        return self.successes == len(self.rows)


class Evaluator(Protocol):
    """Evaluates a Q-function.

    Attributes:
        moves_training_cars: Whether training has to begin new episodes afterwards, since the
            evaluation drove the same cars.
    """

    moves_training_cars: bool

    def evaluate(self, q_values: QFunction) -> Evaluation:
        """Run all episodes greedily."""


class LapEvaluator:
    """Drives a lap from each of several starts spread over the circuits."""

    def __init__(
        self,
        settings: TaskSettings,
        layout: ObservationLayout,
        starts_per_circuit: int,
        training_cars: Cars | None = None,
        best_by: BestBy = "reward",
    ) -> None:
        """Prepare the cars.

        Args:
            settings: The task.
            layout: Of its observations.
            starts_per_circuit: Starts on each circuit, evenly spread.
            training_cars: The cars that training drives, to evaluate with them; none: cars of
                its own in the embedded simulator.
            best_by: As for `summarise_drives`.
        """
        self._best_by = best_by
        self._drive = LapDrive(settings, starts_per_circuit, cars=training_cars)
        self.moves_training_cars = training_cars is not None
        self._layout = layout

    def evaluate(self, q_values: QFunction) -> Evaluation:
        """Drive from all starts."""

        def best(observations: Observation) -> npt.NDArray[np.int64]:
            return np.asarray(q_values(self._layout.split(observations)).argmax(axis=1))

        drives = self._drive.drive(ActionDriver(self._drive.task, best))
        return summarise_drives(drives, self._best_by)


def summarise_drives(drives: Sequence[Drive], best_by: BestBy = "reward") -> Evaluation:
    """Return the evaluation that these drives make up.

    Args:
        drives: At least one.
        best_by: What is compared after laps completed and distance: the reward a step, or the mean
            lap time.
    """
    completed = sum(drive.completed for drive in drives)
    completion = float(np.mean([drive.report.completion for drive in drives]))
    times = [drive.report.lap_time_s for drive in drives if drive.completed]
    mean_time = float(np.mean(times)) if times else float("inf")
    lateral = float(np.mean([drive.report.mean_lateral_error_m for drive in drives]))
    summary = f"{completed} of {len(drives)} full laps"
    if times:
        summary += f", {mean_time:.2f} s a lap, {lateral:.2f} m from the centre line"
    else:
        summary += f", {completion:.0%} of the way"
    share = completed / len(drives)
    # The reward a step weighs speed against closeness to the centre line as the task does; by
    # lap time, a hundredth of a second excuses any line.
    rates = [drive.report.episode_return / max(drive.report.steps, 1) for drive in drives]
    return Evaluation(
        rows=[drive.as_dict() for drive in drives],
        successes=completed,
        score=(share, completion, float(np.mean(rates)) if best_by == "reward" else -mean_time),
        summary=summary,
        drives=tuple(drives),
    )


class EpisodeEvaluator:
    """Plays whole episodes of any Gymnasium environment."""

    moves_training_cars = False

    def __init__(
        self,
        environments: Environments,
        layout: ObservationLayout,
        *,
        seed: int,
        epsilon: float = 0.0,
    ) -> None:
        """Take one environment for each episode.

        Args:
            environments: The episodes are played all at once.
            layout: Of their observations.
            seed: The same episodes begin every evaluation.
            epsilon: Share of random actions.
        """
        self._envs = environments.vector
        self._layout = layout
        self._episodes = int(environments.vector.num_envs)
        self._seed = seed
        self._epsilon = epsilon
        self._num_actions = environments.num_actions
        self._threshold = environments.reward_threshold
        self._most_steps = environments.max_episode_steps or 100_000

    def evaluate(self, q_values: QFunction) -> Evaluation:
        """Play the episodes and compare by their mean return."""
        returns, lengths = self.play(q_values, self._seed)
        mean = float(returns.mean())
        reached = self._threshold is not None and mean >= self._threshold
        rows = [
            {"episode": i, "episode_return": float(r), "steps": int(n)}
            for i, (r, n) in enumerate(zip(returns, lengths, strict=True))
        ]
        return Evaluation(
            rows=rows,
            successes=len(rows) if reached else 0,
            score=(mean,),
            summary=f"mean return {mean:.1f} over {self._episodes} episodes",
        )

    def play(
        self, q_values: QFunction, seed: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Play an episode in each environment, the i-th with the seed `seed + i`.

        Returns:
            Returns and lengths, each `(N,)`.
        """
        observations, _ = self._envs.reset(seed=seed)
        returns, lengths = np.zeros(self._episodes), np.zeros(self._episodes, np.int64)
        active = np.ones(self._episodes, np.bool_)
        rng = np.random.default_rng(seed)
        for _ in range(self._most_steps):
            greedy = q_values(self._layout.split(observations)).argmax(axis=1)
            drawn = rng.integers(0, self._num_actions, self._episodes)
            actions = np.where(rng.random(self._episodes) < self._epsilon, drawn, greedy)
            observations, rewards, terminated, truncated, _ = self._envs.step(actions)
            returns += np.where(active, rewards, 0.0)
            lengths += active
            active &= ~(terminated | truncated)
            if not active.any():
                break
        return returns, lengths
