"""What unseen episodes say of a saved policy."""

import numpy as np
import pytest

from f1_rl.learning.episodes import Episode, play_episodes, summarise
from f1_rl.policy.environment import EnvironmentManifest


class Balances:
    """Pushes the cart to where the pole falls: enough for some seconds on most seeds."""

    manifest = EnvironmentManifest(env="CartPole-v1", env_options={"max_episode_steps": 60})

    def q_values(self, parts):
        leaning = parts[0][:, 2] + parts[0][:, 3]
        return np.stack((-leaning, leaning), axis=1)


def test_episodes_depend_on_their_seed_alone():
    episodes, threshold = play_episodes(Balances(), 13, 40)
    assert threshold == 475
    assert [episode.seed for episode in episodes] == list(range(40, 53))
    assert all(episode.episode_return == episode.steps for episode in episodes)
    alone, _ = play_episodes(Balances(), 1, 52)
    assert alone == episodes[-1:]


def test_a_summary_has_the_statistics_of_the_returns():
    returns = [0.0, 10.0, 20.0, 30.0, 100.0, 40.0, 50.0, 60.0]
    summary = summarise([Episode(i, r, 1) for i, r in enumerate(returns)], 50.0)
    assert (summary.episodes, summary.least, summary.most) == (8, 0.0, 100.0)
    assert summary.mean == pytest.approx(38.75)
    assert summary.std == pytest.approx(np.std(returns, ddof=1))
    assert summary.median == pytest.approx(35.0)
    assert summary.interquartile_mean.value == pytest.approx(35.0)
    assert summary.reached == pytest.approx(3 / 8)
    assert not summary.solved


@pytest.mark.parametrize(("threshold", "solved"), [(None, True), (7.0, True), (7.1, False)])
def test_one_episode_has_a_summary_and_no_threshold_is_reached_by_all(threshold, solved):
    summary = summarise([Episode(0, 7.0, 3)], threshold)
    assert (summary.std, summary.solved) == (0.0, solved)
