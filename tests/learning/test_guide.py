"""The guide of a training run: whom it drives, how long, and what it advises."""

import copy

import numpy as np

from f1_rl.driving.environment import F1CameraVectorEnv
from f1_rl.driving.planned_lines import Reserve
from f1_rl.driving.racing_line import RacingLineGuide
from f1_rl.learning.guide import Guidance
from f1_rl.learning.settings import TrainingSettings

CARS = 200
OTHER = np.full(CARS, 99)
RESERVE = Reserve(margin_m=0.4, share=0.1)


def make(share: float, steps: int = 1_000, seed: int = 0) -> tuple[F1CameraVectorEnv, Guidance]:
    env = F1CameraVectorEnv(CARS, circuits=["oval"], actions="racing")
    env.reset(seed=0)
    settings = TrainingSettings(
        num_envs=CARS,
        guide_share=share,
        guide_steps=steps,
        guide_margin_m=RESERVE.margin_m,
        guide_reserve=RESERVE.share,
    )
    return env, Guidance(env.task, settings, seed)


def guided(guidance: Guidance, env_steps: int) -> np.ndarray:
    first = np.tile(np.eye(7, dtype=np.float32)[0], (CARS, 1))
    return guidance.choose(OTHER, first, env_steps) == 0


def test_the_share_of_guided_cars_falls_to_nothing():
    _, guidance = make(0.6)
    assert [guidance.share(step) for step in (0, 500, 1_000, 5_000)] == [0.6, 0.3, 0.0, 0.0]
    drives = np.array([guided(guidance, 0) for _ in range(400)])
    assert abs(drives.mean() - 0.6) < 0.05
    assert abs(drives[0].mean() - 0.6) < 0.1
    drives = np.array([guided(guidance, 500) for _ in range(400)])
    assert abs(drives[80:].mean() - 0.3) < 0.05
    assert not guided(guidance, 1_000).any()


def test_it_drives_a_car_for_two_seconds_on_average():
    env, guidance = make(0.5)
    drives = np.array([guided(guidance, 0) for _ in range(2_000)])
    begins = (~drives[:-1] & drives[1:]).sum()
    # Half of the times that it may let go it goes on.
    stint_s = 0.5 * drives.sum() / begins * env.task.cars.control_period_s
    assert abs(stint_s - 2.0) < 0.1


def test_its_advice_is_what_the_driver_would_do_there():
    env, guidance = make(0.0)
    advice, guide = guidance.advice(), RacingLineGuide(env.task, RESERVE)
    np.testing.assert_array_equal(advice.argmax(axis=1), guide.actions())
    assert len(np.unique(guide.actions())) > 1
    np.testing.assert_allclose(advice.sum(axis=1), 1.0, rtol=1e-6)
    # What costs as much more as is tolerated, has 1 / e of the share.
    lost_s = 0.005 * np.log(advice.max(axis=1, keepdims=True) / np.maximum(advice, 1e-30))
    costs = guide.costs() - guide.costs().min(axis=1, keepdims=True)
    likely = advice > 1e-6
    assert (likely.sum(axis=1) > 1).any()
    np.testing.assert_allclose(lost_s[likely], costs[likely], atol=1e-7)
    np.testing.assert_array_equal(guidance.choose(OTHER, advice, 0), OTHER)


def test_it_goes_on_from_its_state():
    _, guidance = make(0.5)
    guided(guidance, 0)
    state = copy.deepcopy(guidance.state())
    _, other = make(0.5, seed=1)
    other.restore(state)
    for _ in range(30):
        np.testing.assert_array_equal(guided(guidance, 0), guided(other, 0))
