"""The updates of a run: what is drawn for each, and what the learner makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from f1_rl.learning.augmentation import Augmentation
from f1_rl.learning.demonstrations import Demonstrations, sample_mixed
from f1_rl.learning.learner import Learner
from f1_rl.learning.prioritized_replay import PrioritizedReplay
from f1_rl.learning.replay import Replay
from f1_rl.learning.settings import AgentSettings, TrainingSettings


class Updates:
    """Has an agent learn from batches of its replay and of demonstrations.

    Attributes:
        demonstrations: Recorded drives that are learned from, too; None: there are none.
        loss: Of the last call; not a number before the first.
    """

    def __init__(
        self,
        agent: Learner,
        replay: Replay,
        agent_settings: AgentSettings,
        training: TrainingSettings,
        augmentation: Augmentation,
        demonstrations: Demonstrations | None,
        seed: int,
    ) -> None:
        """Bring together what an update needs.

        Args:
            agent: Learns.
            replay: What it has done.
            agent_settings: The learning rule.
            training: The schedule.
            augmentation: Changes the pictures of every batch.
            demonstrations: Recorded drives to learn from, too.
            seed: Of what is drawn.
        """
        self.demonstrations = demonstrations
        self.loss = float("nan")
        self._agent = agent
        self._replay = replay
        self._rule = agent_settings
        self._schedule = training
        self._augmentation = augmentation
        self._sampling = np.random.default_rng(seed)

    def run(self, share_done: float) -> None:
        """Do the updates of one call.

        Args:
            share_done: How much of the run is done, 0 to 1.

        Raises:
            DivergedError: The loss became infinite or not a number.
        """
        self._anneal(share_done)
        batch = sample_mixed(
            self._replay,
            self.demonstrations,
            self._schedule.demonstration_share,
            self._schedule.updates_per_call,
            self._rule.batch_size,
            self._sampling,
        )
        batch = self._augmentation.apply(batch, self._sampling)
        period, before = self._schedule.reset_every_updates, self._agent.updates
        if isinstance(self._replay, PrioritizedReplay) and batch.priorities is not None:
            self.loss, errors = self._agent.train_weighted(batch, batch.priorities.weights)
            self._replay.update_priorities(batch.priorities.leaves, errors)
        else:
            self.loss = self._agent.train(batch)
        if period and self._agent.updates // period > before // period:
            self._agent.reset_dense_layers()

    def state(self) -> Any:
        """Return the state of what is drawn, for a checkpoint."""
        return self._sampling.bit_generator.state

    def restore(self, state: Any, loss: float) -> None:
        """Take back what `state` returned.

        Args:
            state: From there.
            loss: Of the last call.
        """
        self._sampling.bit_generator.state = state
        self.loss = loss
        # The one in the checkpoint may have been changed since.
        self._agent.set_learning_rate(self._rule.learning_rate)

    def _anneal(self, share_done: float) -> None:
        """Set what changes over the run: learning rate, and how far priorities are corrected."""
        first, final = self._rule.learning_rate, self._rule.final_learning_rate
        if final is not None:
            self._agent.set_learning_rate(first + share_done * (final - first))
        if isinstance(self._replay, PrioritizedReplay):
            self._replay.anneal(share_done)
