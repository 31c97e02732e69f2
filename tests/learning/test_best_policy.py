"""The best policy of a run: kept when it is evaluated, saved once, taken back from a checkpoint."""

import copy

from f1_rl.learning.best_policy import BestPolicy
from f1_rl.learning.evaluation import Evaluation


class Agent:
    def __init__(self, weights) -> None:
        self._weights = weights

    def weights(self):
        return self._weights

    def set_weights(self, weights) -> None:
        self._weights = weights


class Store:
    def __init__(self) -> None:
        self.saved = []

    def save(self, name, agent, training, results) -> None:
        self.saved.append((name, agent.weights(), training, results["summary"]))


def evaluation(*score) -> Evaluation:
    return Evaluation(rows=[], successes=0, score=score, summary=f"score {score}")


def test_the_best_weights_are_saved_once_and_the_agent_keeps_its_own():
    best, store = BestPolicy(), Store()
    assert best.offer(evaluation(1.0, 5.0), Agent("first"), {"updates": 1})
    assert not best.offer(evaluation(1.0, 5.0), Agent("as good"), {"updates": 2})
    assert best.offer(evaluation(1.0, 6.0), Agent("better"), {"updates": 3})
    agent = Agent("last")
    best.save(agent, store)
    best.save(agent, store)
    assert store.saved == [("policy", "better", {"updates": 3}, "score (1.0, 6.0)")]
    assert agent.weights() == "last"


def test_what_was_not_saved_yet_is_saved_after_a_checkpoint_is_taken_back():
    best, store = BestPolicy(), Store()
    best.offer(evaluation(2.0), Agent("kept"), {})
    resumed = BestPolicy()
    resumed.restore(copy.deepcopy(best.state()))
    assert not resumed.offer(evaluation(1.0), Agent("worse"), {})
    resumed.save(Agent("last"), store)
    assert [weights for _, weights, _, _ in store.saved] == ["kept"]
