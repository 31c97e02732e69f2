"""Environments of others that cannot be made: one sentence, with the near name."""

import gymnasium as gym
import pytest

from f1_rl.learning.environments import make_environments
from f1_rl.learning.runs import run_settings
from f1_rl.settings import SettingsError


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ("CartPol-v1", r"doesn't exist \(did you mean 'CartPole-v1'\?\); check its name"),
        ("CartPole-v9", "version 'v9' .*; check its name"),
        ("nowhere/Nothing-v0", "Nothing.*; check its name"),
    ],
)
def test_an_environment_that_is_not_there_is_told_in_a_sentence(env, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        make_environments(run_settings("gymnasium", [{"env": env}]))
    message = str(caught.value)
    assert message.startswith(f"env {env}: ")
    assert message.endswith(".")
    assert "`" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("env", "options", "reason"),
    [
        ("FrozenLake-v1", {"map_name": "foo"}, "KeyError.*foo"),
        ("CartPole-v1", {"nothing": 2}, "nothing"),
        ("LunarLander-v3", {"gravity": 5}, "gravity"),
    ],
)
def test_options_that_an_environment_does_not_take_are_told_in_a_sentence(env, options, reason):
    with pytest.raises(SettingsError, match=f"^env {env}: .*{reason}.*check.* env_options") as told:
        make_environments(run_settings("gymnasium", [{"env": env, "env_options": options}]))
    assert "\n" not in str(told.value)


@pytest.mark.filterwarnings("ignore:.*latest versioned")
@pytest.mark.parametrize("env", ["CartPole", "gymnasium:CartPole-v1", "CartPole-v1"])
def test_an_environment_may_be_named_without_version_and_with_its_module(env):
    made = make_environments(run_settings("gymnasium", [{"env": env}]))
    assert (made.reward_threshold, made.max_episode_steps) == (475.0, 500)


def test_the_error_of_an_environment_is_told_by_its_first_sentence():
    gym.register("f1_rl_test/Broken-v0", entry_point="f1_rl.no_such_module:Broken")
    try:
        with pytest.raises(SettingsError, match=r"No module named 'f1_rl\.no_such_module'"):
            make_environments(run_settings("gymnasium", [{"env": "f1_rl_test/Broken-v0"}]))
    finally:
        del gym.registry["f1_rl_test/Broken-v0"]
