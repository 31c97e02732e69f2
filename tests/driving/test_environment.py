"""The Gymnasium environments: the checker, agreement with each other, seeds, resets, state."""

import copy
import warnings
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from f1_rl.driving.environment import SPEED_UNIT_MPS, F1CameraEnv, F1CameraVectorEnv
from f1_rl.driving.registration import CAMERA_ID
from f1_rl.driving.task import Starts
from f1_rl.settings import SettingsError

VARIED = {
    "circuits": ["oval", "simple"],
    "vehicle": "single_track",
    "variation": {"noise_sigma": [0.0, 6.0], "colour_shift": 15.0, "action_delay_s": [0.0, 0.08]},
}


def start_at(arc_length_m=0.0, direction=1, lateral_m=0.0, heading_error_rad=0.0) -> Starts:
    return Starts(
        np.zeros(1, np.int64),
        np.array([arc_length_m]),
        np.array([direction]),
        np.array([lateral_m]),
        np.array([heading_error_rad]),
    )


def straight(env) -> int:
    return [yaw_rate for _, yaw_rate in env.unwrapped.task.actions.pairs].index(0.0)


@pytest.mark.parametrize("settings", [{}, {"observation": {"speed": True}}], ids=["frames", "dict"])
@pytest.mark.parametrize("render_mode", [None, "rgb_array"])
def test_gymnasium_finds_nothing_wrong(settings, render_mode):
    if render_mode is not None:
        pytest.importorskip("pygame")
    env = gymnasium.make(CAMERA_ID, render_mode=render_mode, **settings)
    # The checker also makes the window, whose library warns of its own affairs on import.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped, skip_render_check=render_mode is None)
    noted = [str(each.message) for each in caught if "WARN" in str(each.message)]
    # The speed has no bounds, which the checker notes of every such space.
    assert [text for text in noted if "infinity" not in text and "precision" not in text] == []
    env.close()


def test_the_human_mode_shows_the_frames_in_a_window():
    pytest.importorskip("pygame")
    env = gymnasium.make(CAMERA_ID, render_mode="human", circuits=["oval"])
    env.reset(seed=0)
    env.step(0)
    assert env.render() is None
    env.close()


def test_make_vec_gives_the_array_version_with_the_same_task():
    many = gymnasium.make_vec(CAMERA_ID, num_envs=3, circuits=["oval"], endings={"laps": 1})
    one = gymnasium.make(CAMERA_ID, circuits=["oval"], endings={"laps": 1})
    assert isinstance(many, F1CameraVectorEnv)
    assert many.num_envs == 3
    assert many.task.settings == one.unwrapped.task.settings
    assert many.single_observation_space == one.observation_space
    assert many.single_action_space == one.action_space
    observations, _ = many.reset(seed=0)
    assert many.observation_space.contains(observations)


def test_observations_are_of_their_space_with_the_speed_beside_them():
    env = F1CameraVectorEnv(2, observation={"speed": True}, circuits=["oval"])
    observations, _ = env.reset(seed=0)
    assert env.observation_space.contains(observations)
    assert (observations["speed"] == 0.0).all()
    fast = env.task.actions.pairs[straight(env)][0]
    observations, *_ = env.step([straight(env)] * 2)
    assert env.observation_space.contains(observations)
    np.testing.assert_allclose(observations["speed"], fast / SPEED_UNIT_MPS, rtol=1e-6)
    np.testing.assert_array_equal(env.last_observations()["frames"], observations["frames"])


@pytest.mark.parametrize("settings", [{}, VARIED], ids=["plain", "varied"])
def test_the_same_seed_gives_the_same_bytes(settings):
    def episode(env):
        made = [env.reset(seed=5)[0].tobytes()]
        actions = np.random.default_rng(0).integers(0, env.single_action_space.n, (40, 3))
        for action in actions:
            observations, rewards, terminated, truncated, _ = env.step(action)
            made += [observations.tobytes(), rewards.tobytes(), terminated.tobytes()]
            made.append(truncated.tobytes())
        return made

    first, second = F1CameraVectorEnv(3, **settings), F1CameraVectorEnv(3, **settings)
    expected = episode(first)
    assert episode(second) == expected
    # Also a second time, after having driven.
    assert episode(first) == expected
    second.reset(seed=6)
    assert second.last_observations().tobytes() != expected[0]


@pytest.mark.parametrize("settings", [{}, VARIED], ids=["plain", "varied"])
def test_one_car_drives_alike_alone_and_in_an_array(settings):
    settings = {**settings, "endings": {"time_limit_s": 1.0}}
    alone, array = F1CameraEnv(**settings), F1CameraVectorEnv(1, **settings)
    observation, _ = alone.reset(seed=3)
    observations, _ = array.reset(seed=3)
    np.testing.assert_array_equal(observation, observations[0])
    rng, endings = np.random.default_rng(0), []
    for _ in range(120):
        action = int(rng.integers(alone.action_space.n))
        observation, reward, terminated, truncated, info = alone.step(action)
        observations, rewards, ended, cut, infos = array.step([action])
        np.testing.assert_array_equal(observation, observations[0])
        assert (reward, terminated, truncated) == (rewards[0], ended[0], cut[0])
        assert infos["ending"][0] == info["ending"]
        assert infos["lateral_error_m"][0] == info["lateral_error_m"]
        if terminated or truncated:
            endings.append(info["ending"])
            observation, _ = alone.reset()
            observations, rewards, ended, cut, infos = array.step([action])
            np.testing.assert_array_equal(observation, observations[0])
            assert [rewards[0], ended[0], cut[0]] == [0.0, False, False]
    assert len(endings) > 2


def test_a_reset_is_masked_in_the_infos_and_gives_no_reward():
    env = F1CameraVectorEnv(2, circuits=["oval"])
    env.reset(options={"starts": two_starts()})
    first = env.step([straight(env)] * 2)
    np.testing.assert_array_equal(first[2], [True, False])
    np.testing.assert_array_equal(first[4]["ending"], ["off_road", ""])
    np.testing.assert_array_equal(first[4]["_ending"], [True, True])
    _, rewards, terminated, truncated, infos = env.step([straight(env)] * 2)
    assert rewards[0] == 0.0
    assert not terminated[0]
    assert not truncated[0]
    assert infos["ending"][0] == ""
    np.testing.assert_array_equal(infos["_ending"], [False, True])
    assert env.task.report(0).steps == 0
    assert env.task.report(1).steps == 2


def test_the_infos_are_those_that_gymnasium_makes_of_lone_cars():
    # A single car, since of several each has random numbers of its own there.
    settings = {"circuits": ["oval"], "endings": {"time_limit_s": 1.0}}
    ours = F1CameraVectorEnv(1, **settings)
    theirs = SyncVectorEnv([lambda: F1CameraEnv(**settings)])
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"]
    ours.reset(seed=3)
    theirs.reset(seed=3)
    ended = 0
    for _ in range(60):
        *_, terminated, truncated, infos = ours.step([0])
        expected = theirs.step(np.zeros(1, np.int64))[4]
        if not expected:
            # There, a car that is reset has no infos; here it may be one of many.
            assert not any(mask.any() for name, mask in infos.items() if name.startswith("_"))
            continue
        assert ("drive" in infos) == (terminated | truncated).any()
        assert_same_infos(infos, expected)
        ended += "drive" in infos
    assert ended > 2


def assert_same_infos(infos, expected) -> None:
    assert infos.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, dict):
            assert_same_infos(infos[name], value)
        else:
            np.testing.assert_array_equal(infos[name], value)


def test_the_metrics_come_with_the_end_of_an_episode_and_with_no_other_step():
    env = F1CameraVectorEnv(2, circuits=["oval"])
    env.reset(options={"starts": two_starts()})
    infos = env.step([straight(env)] * 2)[4]
    np.testing.assert_array_equal(infos["_drive"], [True, False])
    np.testing.assert_array_equal(infos["drive"]["_steps"], [True, False])
    np.testing.assert_array_equal(infos["drive"]["steps"], [1, 0])
    assert infos["drive"]["ending"][0] == "off_road"
    assert "drive" not in env.step([straight(env)] * 2)[4]


def test_gymnasiums_statistics_of_episodes_are_those_of_the_drives():
    env = RecordEpisodeStatistics(F1CameraVectorEnv(3, endings={"time_limit_s": 1.0}))
    env.reset(seed=0)
    rng, ended = np.random.default_rng(0), 0
    for _ in range(80):
        infos = env.step(rng.integers(env.single_action_space.n, size=3))[4]
        if "episode" in infos:
            over = infos["_episode"]
            np.testing.assert_array_equal(over, infos["_drive"])
            drive, episode = infos["drive"], infos["episode"]
            np.testing.assert_array_equal(episode["l"][over], drive["steps"][over])
            np.testing.assert_allclose(episode["r"][over], drive["episode_return"][over])
            ended += over.sum()
    assert ended > 3
    assert len(env.return_queue) == ended


def two_starts() -> Starts:
    """The first car beside the road, the second one on it."""
    zero = np.zeros(2)
    return Starts(zero.astype(int), zero, np.ones(2, int), np.array([5.0, 0.0]), zero)


NOWHERE = {
    "nan": ({"starts": start_at(lateral_m=np.nan)}, "lateral_m is array.*give a number for each"),
    "two": ({"starts": two_starts()}, "give a number for each car"),
    "sideways": ({"starts": replace(start_at(), direction=np.zeros(1, int))}, "give 1 or -1"),
    "elsewhere": ({"starts": replace(start_at(), circuit_index=np.ones(1, int))}, "of 1"),
    "a_number": ({"starts": 3}, "starts is 3; give f1_rl.driving.task.Starts"),
    "misspelt": ({"start": start_at()}, "'start'.*there is starts alone"),
}


@pytest.mark.parametrize(("options", "sentence"), NOWHERE.values(), ids=NOWHERE)
def test_a_start_that_is_none_is_refused(options, sentence):
    env = F1CameraEnv(circuits=["oval"])
    with pytest.raises(ValueError, match=sentence):
        env.reset(options=options)


def test_many_cars_need_a_start_and_an_action_each():
    envs = F1CameraVectorEnv(3, circuits=["oval"])
    with pytest.raises(ValueError, match="give a number for each car"):
        envs.reset(options={"starts": two_starts()})
    envs.reset(seed=0)
    for actions in ([0, 0], [[0, 0, 0]], 0):
        with pytest.raises(ValueError, match="give one for each of 3 cars"):
            envs.step(actions)


@pytest.mark.parametrize(
    ("start", "endings", "expected", "terminates"),
    [
        (start_at(lateral_m=5.0), {}, "off_road", True),
        (start_at(heading_error_rad=3.0), {}, "wrong_way", True),
        (start_at(), {"time_limit_s": 0.5}, "time_limit", False),
    ],
)
def test_failures_terminate_and_cuts_truncate(start, endings, expected, terminates):
    env = F1CameraEnv(circuits=["oval"], endings=endings)
    env.reset(options={"starts": start})
    for _ in range(10):
        _, _, terminated, truncated, info = env.step(straight(env))
        if terminated or truncated:
            break
    assert info["ending"] == expected
    assert (terminated, truncated) == (terminates, not terminates)
    assert info["drive"]["ending"] == expected
    assert info["drive"]["steps"] == (10 if expected == "time_limit" else 1)


def test_rewards_are_the_sum_of_the_terms_in_the_infos():
    env = F1CameraEnv(rewards={"progress": 1.0, "lateral_error": 0.5}, circuits=["oval"])
    env.reset(seed=1)
    _, reward, _, _, info = env.step(straight(env))
    assert info["reward/progress"] != 0.0
    assert reward == pytest.approx(info["reward/progress"] + info["reward/lateral_error"])


def test_pictures_are_those_of_the_camera():
    env = F1CameraEnv(render_mode="rgb_array", circuits=["oval"])
    env.reset(seed=0)
    assert env.render().shape == (480, 640, 3)
    many = F1CameraVectorEnv(2, render_mode="rgb_array", circuits=["oval"])
    many.reset(seed=0)
    assert [picture.shape for picture in many.render()] == [(480, 640, 3)] * 2
    assert F1CameraVectorEnv(1, circuits=["oval"]).render() is None


@pytest.mark.parametrize("kind", [F1CameraEnv, F1CameraVectorEnv])
def test_unknown_settings_and_render_modes_are_refused(kind):
    with pytest.raises(SettingsError, match="circuit"):
        kind(circuit=["oval"])
    with pytest.raises(ValueError, match="render_mode 'ansi'"):
        kind(render_mode="ansi")


@pytest.mark.parametrize("action", [-1, 99])
def test_actions_outside_the_table_are_refused(action):
    one, many = F1CameraEnv(circuits=["oval"]), F1CameraVectorEnv(2, circuits=["oval"])
    one.reset(seed=0)
    many.reset(seed=0)
    with pytest.raises(ValueError, match="action"):
        one.step(action)
    with pytest.raises(ValueError, match="action"):
        many.step([0, action])


def test_state_and_restore_of_the_array_continue_bit_for_bit():
    settings = {**VARIED, "actions": "nine", "endings": {"time_limit_s": 2.0}}
    settings["observation"] = {"speed": True}
    actions = np.random.default_rng(2).integers(0, 9, (120, 4))
    original = F1CameraVectorEnv(4, **settings)
    original.reset(seed=9)
    done, ended = 0, np.zeros(4, np.bool_)
    # The state is taken where some cars are about to be reset, and others are not.
    while done < 10 or ended.all() or not ended.any():
        _, _, terminated, truncated, _ = original.step(actions[done])
        done, ended = done + 1, terminated | truncated
    restored = F1CameraVectorEnv(4, **settings)
    restored.reset(seed=1)
    restored.restore(copy.deepcopy(original.state()))
    for name, part in restored.last_observations().items():
        np.testing.assert_array_equal(part, original.last_observations()[name])
    resets = 0
    for action in actions[done:]:
        ours, theirs = restored.step(action), original.step(action)
        for name, part in ours[0].items():
            np.testing.assert_array_equal(part, theirs[0][name])
        for mine, other in zip(ours[1:4], theirs[1:4], strict=True):
            np.testing.assert_array_equal(mine, other)
        resets += int((ours[2] | ours[3]).sum())
    assert resets > 4


def test_the_id_is_registered_without_a_time_limit_of_gymnasiums_own():
    assert CAMERA_ID in gymnasium.registry
    spec = gymnasium.spec(CAMERA_ID)
    assert spec.max_episode_steps is None
