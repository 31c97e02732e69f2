"""Putting a run together: presets, changes, environments of others."""

import gymnasium as gym
import numpy as np
import pytest

from f1_rl.circuits import load_circuit, write_circuit_csv
from f1_rl.driving.registration import CAMERA_ID
from f1_rl.driving.settings import TaskSettings
from f1_rl.learning.environments import make_environments
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.runs import (
    DEFAULT_PRESET,
    GENERAL_PRESET,
    RunSettings,
    check_learnable,
    new_run_folder,
    preset_for,
    preset_names,
    run_settings,
)
from f1_rl.learning.training import make_agent
from f1_rl.settings import SettingsError, build_settings


class Continuous(gym.Env):
    """Takes a force, not one of several actions."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


class FromOne(Continuous):
    """Counts its actions from one."""

    action_space = gym.spaces.Discrete(3, start=1)


@pytest.fixture(scope="module", autouse=True)
def _registered():
    gym.register("f1_rl_tests/Continuous-v0", Continuous)
    gym.register("f1_rl_tests/FromOne-v0", FromOne)
    yield
    for name in ("Continuous", "FromOne"):
        del gym.registry[f"f1_rl_tests/{name}-v0"]


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_fits_and_survives_being_written_out(name):
    settings = run_settings(name, [])
    assert build_settings(RunSettings, settings.as_dict()) == settings


def has_an_environment_here(name):
    return name != GENERAL_PRESET and not run_settings(name, []).is_behind_topics


@pytest.mark.parametrize("name", filter(has_an_environment_here, preset_names()))
def test_every_preset_has_an_environment_that_its_agent_can_act_in(name):
    settings = run_settings(name, [{"training": {"num_envs": 2}}])
    if settings.env.startswith("ALE/"):
        pytest.importorskip("ale_py", reason="ale-py is not installed")
    if settings.env.startswith("CarRacing"):
        pytest.importorskip("Box2D", reason="Box2D is not installed")
    environments = make_environments(settings)
    layout = ObservationLayout(environments.observation_space, environments.frame_stack)
    agent = make_agent(settings, layout, environments.num_actions, "/CPU:0")
    observations, _ = environments.vector.reset(seed=0)
    values = agent.q_values(layout.split(observations))
    assert values.shape == (2, environments.num_actions)
    environments.vector.close()


def test_a_value_in_a_file_of_settings_is_refused_by_the_name_of_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("agent: {gamma: 2.0}\n")
    with pytest.raises(SettingsError, match=rf"{file}: agent.gamma is 2.0"):
        run_settings(str(file), [])
    assert run_settings(str(file), [{"agent": {"gamma": 0.9}}]).agent.gamma == 0.9
    file.write_text("agent: {gamma: 0.9}\n")
    with pytest.raises(SettingsError, match=r"settings: agent\.gamma is 3\.0"):
        run_settings(str(file), [{"agent": {"gamma": 3.0}}])


def test_presets_are_found_for_their_environments():
    assert preset_for(CAMERA_ID) == DEFAULT_PRESET
    assert preset_for("CartPole-v1") == preset_for("CartPole-v2") == "cartpole"
    assert preset_for("CartPole-v0") == "cartpole_v0"
    assert run_settings("cartpole_v0", []).env == "CartPole-v0"
    assert preset_for("MountainCar-v0") == GENERAL_PRESET


def test_the_tutorials_recipe_is_kept_line_by_line():
    """That of TF-Agents' docs/tutorials/1_dqn_tutorial.ipynb, and the defaults of its DqnAgent."""
    settings = run_settings("cartpole_tutorial", [])
    agent, training = settings.agent, settings.training
    assert settings.env == "CartPole-v0"
    assert agent.algorithm == "dqn"
    assert agent.network.filters == ()
    assert agent.network.units == (100,)
    assert (agent.learning_rate, agent.final_learning_rate) == (1e-3, None)
    assert (agent.batch_size, agent.gamma, agent.n_step) == (64, 1.0, 1)
    assert (agent.target_update_period, agent.target_update_tau) == (1, 1.0)
    assert (agent.loss, agent.gradient_clipping, agent.reward_scale) == ("squared", None, 1.0)
    assert (training.num_envs, training.replay_capacity) == (1, 100_000)
    # Steps of the random policy, then an update after every step.
    assert training.random_steps == training.learning_starts == 100
    assert (training.train_every, training.updates_per_call) == (1, 1)
    assert training.env_steps == 100 + 20_000
    assert training.epsilon_start == training.epsilon_end == 0.1
    assert (training.evaluate_every, training.evaluation_episodes) == (1_000, 10)


def test_changes_are_laid_over_a_preset_in_order():
    settings = run_settings(
        DEFAULT_PRESET,
        [{"agent": {"gamma": 0.5, "batch_size": 16}}, {"agent": {"gamma": 0.6}}, {"seed": 3}],
    )
    assert (settings.agent.gamma, settings.agent.batch_size, settings.seed) == (0.6, 16, 3)


def test_a_preset_of_ones_own_is_read_from_a_file_as_is_the_configuration_of_a_run(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("description: Mine.\nseed: 4\nagent: {learning_rate: 1e-4}\nversions: {a: b}\n")
    settings = run_settings(str(path), [])
    assert (settings.seed, settings.agent.learning_rate) == (4, 1e-4)


@pytest.mark.parametrize(
    ("preset", "changes", "reason"),
    [
        (
            "embeded",
            {},
            r"no preset 'embeded' .did you mean 'embedded'\?.; choose from .*, or give a YAML file",
        ),
        ("none.yaml", {}, "none.yaml: cannot be read"),
        ("embedded", {"agnet": {}}, "agnet"),
        ("embedded", {"agent": {"gama": 0.9}}, "gama"),
        ("embedded", {"agent": {"network": {"unit": [3]}}}, "no setting 'agent.network.unit'"),
        ("embedded", {"agent": {"gamma": 1.5}}, "agent.gamma is 1.5; give a number of at most 1"),
        ("embedded", {"agent": {"algorithm": "ppo"}}, "agent.algorithm is 'ppo'; give one of dqn"),
        ("embedded", {"agent": {"min_value": 5, "max_value": 5}}, "agent: min_value must be below"),
        ("embedded", {"agent": {"algorithm": "c51", "conservative_weight": 1.0}}, "not with c51"),
        ("embedded", {"agent": {"algorithm": "c51", "advice_weight": 1.0}}, "not with c51"),
        ("embedded", {"training": {"demonstration_share": 1.5}}, "training.demonstration_share"),
        ("embedded", {"demonstrations": {"reward": "best"}}, "demonstrations.reward"),
        (
            "embedded",
            {"agent": {"max_value": float("nan")}},
            "agent.max_value is nan; give a number that is finite",
        ),
        (
            "embedded",
            {"agent": {"network": {"filters": [8]}}},
            "agent.network: .*one entry for each",
        ),
        ("embedded", {"agent": {"network": {"units": [0]}}}, "agent.network.units.*of at least 1"),
        (
            "embedded",
            {"training": {"env_steps": 0}},
            "training: env_steps and offline_updates are both 0",
        ),
        ("embedded", {"training": {"epsilon_end": -0.1}}, "training.epsilon_end"),
        (
            "embedded",
            {"training": {"epsilon_schedule": "exponential", "epsilon_end": 0.0}},
            "training: epsilon_schedule exponential never comes from or to 0; give",
        ),
        (
            "embedded",
            {"training": {"prioritized_replay": {"alpha": 1.5}}},
            "prioritized_replay.alpha",
        ),
        (
            "embedded",
            {"training": {"prioritized_replay": {"betta": 1}}},
            "prioritized_replay.betta",
        ),
        ("embedded", {"seed": -1}, "seed is -1; give a whole number of at least 0"),
        (
            "embedded",
            {"seed": 2**32},
            "seed is 4294967296; give a whole number of at most 4294967295",
        ),
        ("embedded", {"task": {"camera": {"pitch": 0.1}}}, "no setting 'task.camera.pitch'"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused_by_name(preset, changes, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        run_settings(preset, [changes])
    assert "\n" not in str(caught.value)


def test_our_environment_is_made_as_the_task_says():
    settings = run_settings(
        DEFAULT_PRESET,
        [
            {
                "task": {"circuits": ["oval"], "observation": {"frame_stack": 3, "speed": True}},
                "training": {"num_envs": 5},
            }
        ],
    )
    environments = make_environments(settings)
    assert environments.vector.num_envs == 5
    assert environments.frame_stack == 3
    assert environments.num_actions == len(environments.vector.task.actions)
    assert environments.vector.task.settings == settings.task


def test_other_environments_are_made_with_their_options():
    environments = make_environments(
        RunSettings(env="MountainCar-v0", env_options={"goal_velocity": 0.5})
    )
    assert environments.num_actions == 3
    assert environments.frame_stack == 1
    assert environments.vector.get_attr("goal_velocity")[0] == 0.5


@pytest.mark.parametrize(
    ("env", "options", "reason"),
    [
        ("NoSuch-v0", {}, "env NoSuch-v0: Environment .?NoSuch"),
        ("CartPole-v9", {}, "env CartPole-v9: "),
        ("no_such_module:Some-v0", {}, "env no_such_module:Some-v0: "),
        ("MountainCar-v0", {"gravity_on_mars": 3}, "env MountainCar-v0: .*gravity_on_mars"),
        ("f1_rl_tests/Continuous-v0", {}, "DQN needs discrete actions"),
        ("f1_rl_tests/FromOne-v0", {}, "DQN needs discrete actions from 0"),
    ],
)
def test_environments_that_cannot_be_learned_in_are_refused_in_a_sentence(env, options, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        make_environments(RunSettings(env=env, env_options=options))
    assert "\n" not in str(caught.value)


def test_one_reward_can_be_added_and_the_others_stay():
    added = {"task": {"rewards": {"steering_change": 0.2}}}
    rewards = run_settings(DEFAULT_PRESET, [added]).task.rewards
    assert rewards == {**TaskSettings().rewards, "steering_change": 0.2}


def test_a_run_that_ends_before_it_learns_is_refused():
    short = run_settings(DEFAULT_PRESET, [{"training": {"env_steps": 256}}])
    with pytest.raises(SettingsError, match="nothing is learned in a run of 256 steps"):
        check_learnable(short)
    check_learnable(run_settings(DEFAULT_PRESET, [{"training": {"env_steps": 257}}]))


def test_a_run_on_a_smaller_circuit_is_named_after_the_circuit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_circuit_csv(load_circuit("oval"), tmp_path / "Monza.csv")
    circuits = [f"{tmp_path / 'Monza.csv'}@0.1"]
    settings = run_settings(DEFAULT_PRESET, [{"task": {"circuits": circuits}}])
    folders = [new_run_folder(settings) for _ in range(3)]
    assert all(folder.name.startswith("Monza-") and folder.is_dir() for folder in folders)
    assert len(set(folders)) == 3
