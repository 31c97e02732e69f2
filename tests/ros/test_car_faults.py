"""What the environments and the replay make of a `CarFault`. Needs no ROS."""

import numpy as np
import pytest

from f1_rl.driving.cars import CarFault
from f1_rl.driving.environment import F1CameraEnv, F1CameraVectorEnv, make_simulator
from f1_rl.driving.settings import TaskSettings
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.replay import Replay

CAMERA = {"width": 64, "height": 48}
OBSERVATION = {"rows": 6, "columns": 8, "nearest_m": 0.5, "farthest_m": 4.0}


class FailingCars:
    """Cars of the embedded simulator that fail at the steps of given numbers."""

    def __init__(self, fails):
        settings = TaskSettings(camera=_camera())
        self._cars = make_simulator(settings, 1)
        self._fails = set(fails)
        self.count = 0

    def step(self, commands):
        self.count += 1
        if self.count in self._fails:
            raise CarFault("the camera is gone.")
        self._cars.step(commands)

    def __getattr__(self, name):
        return getattr(self._cars, name)


def _camera():
    from f1_rl.simulation import Camera

    return Camera(**CAMERA)


def make(kind, fails):
    arguments = {} if kind is F1CameraEnv else {"num_envs": 1}
    return kind(cars=FailingCars(fails), camera=CAMERA, observation=OBSERVATION, **arguments)


def test_a_fault_truncates_the_episode_and_says_why():
    env = make(F1CameraEnv, [3])
    env.reset(seed=0)
    env.step(0)
    seen = env.step(0)[0]
    observation, reward, terminated, truncated, info = env.step(0)
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info == {"fault": "the camera is gone."}
    np.testing.assert_array_equal(observation, seen)
    env.reset()
    assert "fault" not in env.step(0)[4]


def test_the_vector_environment_resets_in_the_call_after_a_fault():
    env = make(F1CameraVectorEnv, [3])
    env.reset(seed=0)
    env.step([0])
    env.step([0])
    _, rewards, terminated, truncated, infos = env.step([0])
    assert (rewards[0], terminated[0], truncated[0]) == (0.0, False, True)
    assert infos["fault"][0] == "the camera is gone."
    assert infos["_fault"].all()
    began, _, terminated, truncated, infos = env.step([0])
    assert not terminated.any()
    assert not truncated.any()
    assert "fault" not in infos
    # The first frame of the episode fills the stack.
    np.testing.assert_array_equal(began[..., 0], began[..., 1])
    assert "fault" not in env.step([0])[4]


@pytest.mark.parametrize("n_step", [1, 3])
def test_no_transition_of_the_replay_holds_a_fault(n_step):
    env = make(F1CameraVectorEnv, range(5, 400, 7))
    replay = Replay(
        2_000,
        1,
        ObservationLayout(env.single_observation_space, env.frame_stack),
        n_step=n_step,
        gamma=0.5,
    )
    random = np.random.default_rng(0)
    observations, _ = env.reset(seed=0)
    replay.begin((observations,))
    faults, resetting = 0, False
    for i in range(300):
        before = observations
        actions = random.integers(0, env.single_action_space.n, 1)
        observations, rewards, terminated, truncated, infos = env.step(actions)
        fault = infos.get("_fault")
        # An action of a faulted step that the sampling would show.
        marked = np.array([99]) if fault is not None else actions
        if resetting:
            marked = np.array([98])
        faults += fault is not None
        resetting = bool(terminated[0] or truncated[0])
        replay.add(marked, rewards + i, terminated, truncated, (observations,), fault)
        assert before.shape == observations.shape
    assert faults > 20
    batch = replay.sample(20, 64, np.random.default_rng(1))
    assert batch.actions.max() < 90
    # A return that went on over a fault would add the rewards of two or more steps beyond it.
    assert np.isfinite(batch.rewards).all()


def test_returns_end_at_the_state_before_a_fault():
    from gymnasium.spaces import Box

    layout = ObservationLayout(Box(0, 255, (1,), np.uint8))
    replay = Replay(50, 1, layout, n_step=3, gamma=0.5)
    no, yes = np.zeros(1, bool), np.ones(1, bool)

    def seen(value):
        return (np.array([[value]], np.uint8),)

    replay.begin(seen(0))
    replay.add(np.zeros(1), np.ones(1), no, no, seen(1))
    replay.add(np.zeros(1), np.ones(1), no, no, seen(2))
    replay.add(np.zeros(1), np.full(1, 50.0), no, yes, seen(77), yes)
    replay.add(np.zeros(1), np.full(1, 50.0), no, no, seen(10))
    for value in range(11, 20):
        replay.add(np.zeros(1), np.ones(1), no, no, seen(value))
    batch = replay.sample(1, 500, np.random.default_rng(0))
    states = batch.observations[0].reshape(-1, 2)
    assert 77 not in states
    assert 2 not in states[:, 0]
    rewards, discounts = batch.rewards.reshape(-1), batch.discounts.reshape(-1)
    by_state = {
        int(first): (int(last), float(reward), float(discount))
        for (first, last), reward, discount in zip(states, rewards, discounts, strict=True)
    }
    assert by_state[0] == (2, 1.5, 0.5)
    assert by_state[1] == (2, 1.0, 1.0)
    assert by_state[10] == (13, 1.75, 0.25)
