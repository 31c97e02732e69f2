"""CarRacing: quicker pictures that are the same, what is made of them, and what training cuts."""

import sys

import gymnasium as gym
import numpy as np
import pytest

from f1_rl.learning.environments import (
    make_environments,
    make_evaluation_environments,
    make_published_environments,
)
from f1_rl.learning.runs import preset_for, run_settings
from f1_rl.learning.settings import CarRacingSettings
from f1_rl.settings import SettingsError

ENV = "CarRacing-v3"
MISSING = "needs Box2D and pygame: pip install 'f1_rl[games]'"
GAS = 3


def car_racing():
    """Return the module, where the game is installed."""
    try:
        from f1_rl.learning import car_racing
    except (ImportError, gym.error.DependencyNotInstalled):
        pytest.skip(MISSING)
    return car_racing


def original():
    car_racing()
    return gym.make(ENV, continuous=False)


def drive(count, seed=0):
    """Return actions that drive, turn, slide and leave the road."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.choice(5, count // 5, p=(0.1, 0.2, 0.2, 0.45, 0.05)), 5)


class Scripted(gym.Env):
    """Returns rewards and endings as they were told, and pictures of one shade each step."""

    observation_space = gym.spaces.Box(0, 255, (96, 96, 3), np.uint8)
    action_space = gym.spaces.Discrete(5)

    def __init__(self, rewards, *, terminates=False, lap_finished=False) -> None:
        self._rewards = rewards
        self._terminates, self._lap_finished = terminates, lap_finished
        self.actions: list[int] = []

    def _picture(self):
        return np.full((96, 96, 3), 10 * len(self.actions), np.uint8)

    def reset(self, *, seed=None, options=None):
        self.actions = []
        return self._picture(), {}

    def step(self, action):
        self.actions.append(action)
        last = len(self.actions) == len(self._rewards)
        info = {"lap_finished": self._lap_finished} if last and self._terminates else {}
        reward = self._rewards[len(self.actions) - 1]
        return self._picture(), reward, last and self._terminates, last, info


def test_the_quick_pictures_are_those_of_the_original_to_the_pixel():
    theirs, ours = original(), car_racing().QuickCarRacing()
    for seed in (0, 7):
        np.testing.assert_array_equal(ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0])
        for step, action in enumerate(drive(40, seed)):
            if step == 5:
                # The view is far above the track for a second, and close to it from then on.
                theirs.unwrapped.t = ours.t = 1.0
            expected, seen = theirs.step(action), ours.step(action)
            np.testing.assert_array_equal(seen[0], expected[0])
            assert seen[1:] == expected[1:]


def test_the_quick_pictures_are_the_same_where_the_field_ends():
    theirs, ours = original().unwrapped, car_racing().QuickCarRacing()
    for env in (theirs, ours):
        env.reset(seed=1)
        env.car.hull.position = (320.0, 300.0)
        env.t = 2.0
    np.testing.assert_array_equal(ours.step(0)[0], theirs.step(0)[0])


def test_pictures_in_between_are_not_drawn(monkeypatch):
    game = car_racing()
    drawn = []
    draw = game.QuickCarRacing._draw
    monkeypatch.setattr(
        game.QuickCarRacing, "_draw", lambda self: drawn.append(self.t) or draw(self)
    )
    env = game.QuickCarRacing(every=4)
    env.reset(seed=0)
    pictures = [env.step(GAS)[0] for _ in range(8)]
    assert len(drawn) == 3
    assert pictures[3] is not pictures[2]
    assert pictures[4] is pictures[3]


def test_an_episode_is_the_same_in_the_quick_and_the_unmodified_environment():
    game, settings = car_racing(), CarRacingSettings(frame_skip=4, frame_stack=3)
    quick = game.quick_environment(ENV, settings)
    unmodified = game.unmodified_environment(ENV, settings)
    np.testing.assert_array_equal(quick.reset(seed=3)[0], unmodified.reset(seed=3)[0])
    for action in drive(10):
        seen, expected = quick.step(action), unmodified.step(action)
        np.testing.assert_array_equal(seen[0], expected[0])
        assert seen[1:] == expected[1:]


def test_the_unmodified_environment_is_gymnasiums_own():
    env = car_racing().unmodified_environment(ENV, CarRacingSettings())
    assert type(env.unwrapped).__module__ == "gymnasium.envs.box2d.car_racing"
    assert env.unwrapped.spec.id == ENV
    assert isinstance(env.env, gym.wrappers.TimeLimit)
    assert env.env.spec.max_episode_steps == 1000


def test_actions_are_repeated_rewards_summed_and_pictures_stacked():
    settings = CarRacingSettings(frame_skip=3, frame_stack=2)
    env = car_racing().SmallPictures(Scripted([1.0, 2.0, 3.0, 4.0, 5.0]), settings)
    first, _ = env.reset()
    assert first.shape == (48, 48, 2)
    assert (first == 0).all()
    second, reward, _, truncated, _ = env.step(2)
    assert (reward, truncated) == (6.0, False)
    assert set(np.unique(second[:42, :, 0])) == {0}
    assert set(np.unique(second[:42, :, 1])) == {30}
    third, reward, _, truncated, _ = env.step(1)
    assert (reward, truncated) == (9.0, True)
    assert set(np.unique(third[:42, :, 0])) == {30}
    assert set(np.unique(third[:42, :, 1])) == {50}
    assert env.unwrapped.actions == [2, 2, 2, 1, 1]


def test_the_gauge_of_speed_is_on_both_sides_and_the_score_on_none():
    env = car_racing().quick_environment(ENV, CarRacingSettings(frame_stack=1))
    env.reset(seed=0)
    for _ in range(20):
        observation = env.step(GAS)[0]
    bar = observation[42:, :, 0]
    assert (bar[:, :6] == 0).all()
    assert bar[:, 6:8].any()
    np.testing.assert_array_equal(bar[:, 40:42], bar[:, 6:8][:, ::-1])


def test_mirrored_actions_move_the_gauge_of_steering_to_opposite_sides():
    game = car_racing()
    sides = []
    for action in (1, game.MIRRORED_ACTIONS[1]):
        env = game.quick_environment(ENV, CarRacingSettings(frame_stack=1))
        env.reset(seed=0)
        bar = [env.step(action) for _ in range(3)][-1][0][42:, :, 0].astype(int)
        sides.append((bar[:, 8:24].sum(), bar[:, 24:40].sum()))
    assert min(sides[0]) < 0.1 * max(sides[0])
    assert sides[1] == pytest.approx(sides[0][::-1], rel=0.2, abs=200)


def test_a_training_episode_is_cut_when_nothing_is_gained():
    env = car_racing().TrainingEpisodes(Scripted([-0.1, -0.1, 3.0, *[-0.1] * 9]), patience=4)
    for _ in range(2):
        env.reset()
        assert [env.step(0)[3] for _ in range(7)] == [False] * 6 + [True]


@pytest.mark.parametrize("lap_finished", [True, False])
def test_a_completed_lap_is_cut_and_leaving_the_field_ends(lap_finished):
    inner = Scripted([3.0], terminates=True, lap_finished=lap_finished)
    env = car_racing().TrainingEpisodes(inner, patience=9)
    env.reset()
    _, _, terminated, truncated, _ = env.step(0)
    assert terminated is not lap_finished
    assert truncated


def test_a_run_acts_in_processes_and_is_evaluated_without_cuts():
    car_racing()
    settings = run_settings(
        preset_for(ENV),
        [{"training": {"num_envs": 2, "evaluation_episodes": 1}, "env_options": {"patience": 2}}],
    )
    for make, cut in ((make_environments, True), (make_evaluation_environments, False)):
        environments = make(settings)
        try:
            assert environments.reward_threshold == 900
            assert environments.num_actions == 5
            count = environments.vector.num_envs
            observations, _ = environments.vector.reset(seed=0)
            assert observations.shape == (count, 48, 48, environments.frame_stack)
            nothing = np.zeros(count, np.int64)
            cuts = [environments.vector.step(nothing)[3].any() for _ in range(6)]
            assert any(cuts) is cut
        finally:
            environments.vector.close()


def test_without_the_game_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.delattr("f1_rl.learning.car_racing", raising=False)
    monkeypatch.setitem(sys.modules, "f1_rl.learning.car_racing", None)
    with pytest.raises(SettingsError, match=r"pip install 'f1_rl\[games\]'"):
        make_published_environments(ENV, {}, 1)


@pytest.mark.parametrize(
    ("env", "options", "reason"),
    [
        (ENV, {"frame_skip": 0}, "env_options.*frame_skip"),
        (ENV, {"colour": "red"}, "env_options.*colour"),
        ("CarRacing-v9", {}, "CarRacing-v9"),
    ],
)
def test_what_cannot_be_made_is_refused(env, options, reason):
    with pytest.raises(SettingsError, match=reason):
        make_published_environments(env, options, 1)
