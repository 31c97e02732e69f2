"""Our array of environments behind TF-Agents' interface."""

from typing import Any

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step

from f1_rl.learning.environments import make_environments
from f1_rl.learning.runs import RunSettings
from f1_rl.settings import build_settings


class OurVectorEnvironment(py_environment.PyEnvironment):
    """Cars that drive at once, reset at the same time as ours are."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Make the environments of a run."""
        super().__init__(handle_auto_reset=False)
        run = build_settings(RunSettings, settings)
        environments = make_environments(run)
        self._space = environments.observation_space
        self._num_actions = environments.num_actions
        self._vector = environments.vector
        self._seed = run.seed
        self._ended = np.zeros(self._vector.num_envs, np.bool_)

    @property
    def batched(self) -> bool:
        """Whether it is many environments."""
        return True

    @property
    def batch_size(self) -> int:
        """How many."""
        return int(self._vector.num_envs)

    def observation_spec(self) -> Any:
        """Return the specification of one observation."""
        return array_spec.BoundedArraySpec(self._space.shape, self._space.dtype, 0, 255)

    def action_spec(self) -> Any:
        """Return the specification of one action."""
        return array_spec.BoundedArraySpec((), np.int64, 0, self._num_actions - 1)

    def _reset(self) -> Any:
        self._ended[:] = False
        observations, _ = self._vector.reset(seed=self._seed)
        return time_step.restart(observations, batch_size=self.batch_size)

    def _step(self, actions: Any) -> Any:
        observations, rewards, terminated, truncated, _ = self._vector.step(actions)
        resetting, self._ended = self._ended, terminated | truncated
        kinds = np.where(self._ended, time_step.StepType.LAST, time_step.StepType.MID)
        kinds[resetting] = time_step.StepType.FIRST
        discounts = np.where(terminated, 0.0, 1.0).astype(np.float32)
        return time_step.TimeStep(
            kinds.astype(np.int32), rewards.astype(np.float32), discounts, observations
        )
