"""The driving task among boxes and slower cars: collisions end episodes and are counted."""

import gymnasium as gym
import numpy as np
import pytest

import f1_rl  # noqa: F401
from f1_rl.circuits import Poses
from f1_rl.driving.environment import F1CameraEnv, F1CameraVectorEnv
from f1_rl.driving.laps import LapDrive
from f1_rl.driving.settings import TaskSettings
from f1_rl.driving.task import Starts
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Traffic

# On the centre line of the oval's first straight.
IN_THE_WAY = {"boxes": 1, "lateral_m": [0.0, 0.0], "seed": 0}
STRAIGHT_ON = 0


def settings(**changes) -> TaskSettings:
    return build_settings(TaskSettings, {"circuits": ["oval"], "traffic": IN_THE_WAY, **changes})


class Follower:
    """Drives along the centre line, through whatever stands there."""

    def __init__(self, task) -> None:
        self._task = task

    def commands(self, observations) -> np.ndarray:
        at = self._task.projection
        turn = 4.0 * (at.curvature_per_m - 2.0 * at.heading_error_rad - at.lateral_error_m)
        return np.stack([np.full(len(turn), 4.0), turn], axis=1)


def drive(**changes):
    lap_drive = LapDrive(settings(**changes), 1)
    return lap_drive.drive(Follower(lap_drive.task))[0]


def test_driving_into_a_box_ends_the_lap_at_the_box():
    made = drive()
    assert made.report.ending == "collision"
    assert made.report.collisions == 1
    assert not made.completed
    box = LapDrive(settings(), 1).task.cars.obstacles.poses_m[0, 0]
    to_box_m = np.hypot(*(made.path_m[-1] - box[:2]))
    # The nose is 0.9 m before the rear axle, the box 0.4 m long; a step is 0.2 m.
    assert 0.85 < to_box_m <= 1.1


def test_without_the_rule_the_car_drives_through_and_collisions_are_counted():
    made = drive(endings={"collision": False})
    assert made.completed
    assert made.report.collisions == 1


def test_without_traffic_nothing_is_touched():
    made = drive(traffic="none")
    assert made.completed
    assert made.report.collisions == 0


def test_the_environment_terminates_with_the_reason_in_its_info():
    env = F1CameraEnv(circuits=["oval"], traffic=IN_THE_WAY, rewards={"collision": 2.0})
    env.reset(seed=0)
    box = env.task.cars.obstacles.poses_m[0]
    at = env.task.cars.circuits[0].project(Poses(*box.T))
    nothing = np.zeros(1)
    starts = Starts(np.array([0]), at.arc_length_m - 2.0, np.array([1]), nothing, nothing)
    env.reset(options={"starts": starts})
    np.testing.assert_array_equal(env.task.cars.obstacles.poses_m[0], box)
    terminated = False
    while not terminated:
        _, reward, terminated, truncated, info = env.step(STRAIGHT_ON)
    assert not truncated
    assert (info["ending"], info["collided"]) == ("collision", True)
    assert info["reward/collision"] == -2.0
    assert reward == sum(value for name, value in info.items() if name.startswith("reward/"))
    assert info["drive"]["collisions"] == 1


def test_checkpoints_of_an_environment_with_traffic_go_on_exactly():
    def made() -> F1CameraVectorEnv:
        return F1CameraVectorEnv(3, circuits=["oval", "simple"], traffic="mixed")

    env, other = made(), made()
    env.reset(seed=3)
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 7, (60, 3))
    for action in actions[:30]:
        env.step(action)
    other.reset(seed=9)
    other.restore(env.state())
    for action in actions[30:]:
        (seen, rewards, *_), (again, repeated, *_) = env.step(action), other.step(action)
        np.testing.assert_array_equal(seen, again)
        np.testing.assert_array_equal(rewards, repeated)


def test_equal_seeds_give_equal_traffic():
    env = gym.make("f1_rl/F1Camera-v0", traffic="boxes")
    seen = []
    for seed in (5, 5, 6):
        env.reset(seed=seed)
        seen.append(env.unwrapped.task.cars.obstacles.poses_m)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert (seen[0] != seen[2]).any()


def test_traffic_is_a_name_or_what_there_is():
    assert settings(traffic="slalom").traffic == "slalom"
    assert settings(traffic={"boxes": 2}).traffic == Traffic(boxes=2)
    with pytest.raises(SettingsError, match="'rush' is unknown: choose one of none"):
        settings(traffic="rush")
    with pytest.raises(SettingsError, match="boxes -1"):
        settings(traffic={"boxes": -1})
    with pytest.raises(SettingsError, match=r"did you mean 'traffic.boxes'"):
        settings(traffic={"boxs": 1})


def test_where_obstacles_stand_in_set_places_no_car_begins_near_one():
    crowded = settings(circuits=["simple"], traffic={"boxes": 10, "seed": 1})
    env = F1CameraVectorEnv(64, circuits=["simple"], traffic={"boxes": 10, "seed": 1})
    begun = [env.task]
    env.reset(seed=0)
    for shift in (0.0, 0.3):
        lap_drive = LapDrive(crowded, 8, direction=None, shift=shift)
        lap_drive.task.begin(np.arange(8), lap_drive.starts)
        begun.append(lap_drive.task)
    for task in begun:
        task.step(np.zeros((task.num_cars, 2)))
        # A box that is half a metre long, 4 m off or more, and the car's nose.
        assert task.cars.clearance_m.min() > 2.0


def test_starts_stay_where_traffic_is_drawn_around_them_and_where_they_are_given():
    free = LapDrive(settings(traffic="mixed"), 8, direction=None)
    none = LapDrive(settings(traffic="none"), 8, direction=None)
    np.testing.assert_array_equal(free.starts.arc_length_m, none.starts.arc_length_m)
