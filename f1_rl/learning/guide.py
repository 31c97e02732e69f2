"""A driver that knows the circuit drives some of the training's cars, and advises all of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.driving.planned_lines import Reserve
from f1_rl.driving.racing_line import RacingLineGuide
from f1_rl.driving.task import DrivingTask
from f1_rl.learning.settings import TrainingSettings

IntArray = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float32]

# How long it drives a car, or leaves it alone, on average.
_STINT_S = 2.0


class Guidance:
    """What `RacingLineGuide` would do in place of each car, and that it does so in some of them.

    A guide that acts in place of the policy at first and ever less takes exploration to places
    that chance would not find (Uchendu et al. 2023, "Jump-Start Reinforcement Learning"). Here it
    takes over and lets go anywhere, so that it starts from where the policy came, and the policy
    from where it came. Its advice comes with every step of every car, wherever the policy has taken
    it (Ross et al. 2011, "A Reduction of Imitation Learning and Structured Prediction to No-Regret
    Online Learning"); it is for the learner to take or leave.
    """

    def __init__(self, task: DrivingTask, settings: TrainingSettings, seed: int) -> None:
        """Plan the laps, and choose the first cars.

        Raises:
            TypeError: Nothing is known of the limits of the car.
        """
        reserve = Reserve(settings.guide_margin_m, settings.guide_reserve)
        self._guide = RacingLineGuide(task, reserve)
        self._settings = settings
        self._rng = np.random.default_rng(seed)
        self._changes = task.cars.control_period_s / _STINT_S
        self._guided = self._rng.random(task.num_cars) < settings.guide_share

    def share(self, env_steps: int) -> float:
        """Return the share of the cars that are guided after that many environment steps."""
        settings = self._settings
        return settings.guide_share * max(0.0, 1.0 - env_steps / settings.guide_steps)

    def advice(self) -> Shares:
        """Return the shares (N, A) that actions have in the guide's advice.

        Those that cost `guide_tolerance_s` more than the best one have 1 / e of its share: what
        hardly matters is not insisted on.
        """
        costs = self._guide.costs()
        worse = (costs - costs.min(axis=1, keepdims=True)) / self._settings.guide_tolerance_s
        shares = np.exp(-worse)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)

    def choose(self, actions: IntArray, advice: Shares, env_steps: int) -> IntArray:
        """Return the actions (N,), those of guided cars replaced by what is advised most."""
        share, count = self.share(env_steps), len(actions)
        changes = self._rng.random(count) < self._changes
        self._guided = np.where(changes, self._rng.random(count) < share, self._guided)
        return np.where(self._guided & (share > 0.0), advice.argmax(axis=1), actions)

    def state(self) -> dict[str, Any]:
        """Return what evolves, for a checkpoint."""
        return {"rng": self._rng.bit_generator.state, "guided": self._guided.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self._rng.bit_generator.state = state["rng"]
        self._guided = np.array(state["guided"], np.bool_)
