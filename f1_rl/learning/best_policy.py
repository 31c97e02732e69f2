"""The best policy of a run so far."""

from __future__ import annotations

from typing import Any, Protocol

from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.learner import Learner


class PolicyStore(Protocol):
    """Keeps policies."""

    def save(self, name: str, agent: Learner, training: dict[str, Any], results: Any) -> None:
        """Save the agent's policy under a name, `policy` or `policy-last`."""


class BestPolicy:
    """Keeps the weights that were evaluated best, and saves them when it is time."""

    def __init__(self) -> None:
        """Begin with none."""
        self._score: tuple[float, ...] = ()
        self._kept: dict[str, Any] = {}
        self._unsaved = False

    def offer(self, evaluation: Evaluation, agent: Learner, training: dict[str, Any]) -> bool:
        """Keep the agent's weights if they are the best, and return whether they are.

        Args:
            evaluation: Of these weights.
            agent: Has them.
            training: Facts of the training until then.
        """
        best = evaluation.score > self._score
        if best:
            self._score = evaluation.score
            self._kept = {
                "weights": agent.weights(),
                "training": training,
                "results": {"summary": evaluation.summary, "episodes": evaluation.rows},
            }
            self._unsaved = True
        return best

    def save(self, agent: Learner, policies: PolicyStore) -> None:
        """Save it if it is newer than the saved one; the agent keeps the weights that it has."""
        if not self._unsaved:
            return
        current = agent.weights()
        agent.set_weights(self._kept["weights"])
        policies.save("policy", agent, self._kept["training"], self._kept["results"])
        agent.set_weights(current)
        self._unsaved = False

    def state(self) -> dict[str, Any]:
        """Return everything, for a checkpoint."""
        return {
            "best_score": list(self._score),
            "best": self._kept,
            "unsaved_best": self._unsaved,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned, of a mapping that may hold more."""
        self._score = tuple(state["best_score"])
        self._kept = state["best"]
        self._unsaved = bool(state["unsaved_best"])
