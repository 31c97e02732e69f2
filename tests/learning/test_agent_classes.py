"""Ours and TF-Agents' agents make the same updates, ours with fewer passes forward."""

import numpy as np
import pytest
from test_agent import ONE_HOT, chain_batch, make_agent
from tf_agents.agents.categorical_dqn import categorical_dqn_agent
from tf_agents.agents.dqn import dqn_agent
from tf_agents.networks.network import Network

from f1_rl.learning import algorithms

STOCK = {
    "dqn": ("DqnAgent", dqn_agent.DqnAgent),
    "double_dqn": ("DdqnAgent", dqn_agent.DdqnAgent),
    "c51": ("CategoricalDqnAgent", categorical_dqn_agent.CategoricalDqnAgent),
}


@pytest.fixture
def make_stock(monkeypatch):
    """Makes agents of TF-Agents' own classes."""

    def make(algorithm, **changes):
        with monkeypatch.context() as patch:
            patch.setattr(algorithms, *STOCK[algorithm])
            return make_agent(algorithm=algorithm, **changes)

    return make


@pytest.mark.parametrize("algorithm", STOCK)
def test_updates_are_those_of_tf_agents(algorithm, make_stock):
    ours, stock = make_agent(algorithm=algorithm), make_stock(algorithm)
    for seed in range(3):
        losses = [agent.train(chain_batch(10, 24, seed)) for agent in (ours, stock)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for mine, theirs in zip(ours.weights(), stock.weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.fixture
def asked(monkeypatch):
    """Return a list of the networks that are asked, as often as they are."""
    networks = []
    original = Network.__call__

    def ask(network, *arguments, **options):
        networks.append(network)
        return original(network, *arguments, **options)

    monkeypatch.setattr(Network, "__call__", ask)
    return networks


@pytest.mark.parametrize("algorithm", ["dqn", "c51"])
def test_the_target_network_is_asked_once(algorithm, make_stock, asked):
    for agent, times in ((make_agent(algorithm=algorithm), 1), (make_stock(algorithm), 2)):
        asked.clear()
        agent.train(chain_batch(1, 24, 0))
        assert sum(network is agent._agent._target_q_network for network in asked) == times


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"conservative_weight": 0.5},
        {"advice_weight": 0.5},
        {"conservative_weight": 0.5, "advice_weight": 0.5},
    ],
    ids=["plain", "conservative", "advised", "both"],
)
def test_further_terms_of_the_loss_ask_the_network_no_more(weights, asked):
    agent = make_agent(algorithm="dqn", **weights)
    asked.clear()
    agent.train(chain_batch(1, 24, 0))
    assert sum(network is agent._agent._q_network for network in asked) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "dqn"},
        {"algorithm": "double_dqn", "conservative_weight": 0.5},
        {"algorithm": "double_dqn", "advice_weight": 0.5},
        {"algorithm": "c51"},
    ],
    ids=["dqn", "conservative-double", "advised-double", "c51"],
)
def test_xla_makes_the_same_updates(changes):
    plain, compiled = (make_agent(xla=xla, **changes) for xla in (False, True))
    for seed in range(3):
        losses = [agent.train(chain_batch(15, 24, seed)) for agent in (plain, compiled)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert plain.updates == compiled.updates == 45
    np.testing.assert_allclose(
        plain.q_values([ONE_HOT]), compiled.q_values([ONE_HOT]), rtol=1e-3, atol=1e-4
    )


def test_xla_compiles_the_updates_where_it_is_asked_for():
    for xla in (False, True):
        attributes = make_agent(xla=xla)._train_function(False, None).function_def.attr
        assert attributes["_XlaMustCompile"].b is xla
