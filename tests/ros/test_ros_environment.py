"""`f1_rl/F1CameraRos-v0` with the simulator node."""

import signal
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from f1_rl.driving.registration import CAMERA_ID, CAMERA_ROS_ID, register_gymnasium_envs
from f1_rl.driving.task import Starts
from f1_rl.settings import SettingsError

SIZE = {"width": 160, "height": 120}
TASK = {"camera": SIZE, "observation": {"columns": 40}, "circuits": ["simple"]}
LOCK_STEP = {
    "circuit": "simple",
    "start_paused": True,
    "physics_step_ms": 50,
    "odometry_period_ms": 50,
    **SIZE,
}


@pytest.fixture(scope="module", autouse=True)
def registered():
    register_gymnasium_envs()


@pytest.fixture(scope="module")
def simulator(start):
    return start(**LOCK_STEP)


def start_line():
    return {
        "starts": Starts(
            circuit_index=np.zeros(1, np.int64),
            arc_length_m=np.zeros(1),
            direction=np.ones(1, np.int64),
            lateral_m=np.zeros(1),
            heading_error_rad=np.zeros(1),
        )
    }


def test_registering_imports_no_ros():
    code = (
        "import sys, f1_rl.driving.registration as r; r.register_gymnasium_envs(); "
        "sys.exit('rclpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_environment_keeps_to_gymnasiums_rules(simulator):
    env = gymnasium.make(CAMERA_ROS_ID, **TASK)
    try:
        check_env(env.unwrapped, skip_render_check=True)
    finally:
        env.close()


def test_it_is_the_same_task_as_in_the_embedded_simulator(simulator):
    """An episode of both, action by action."""
    over_topics = gymnasium.make(CAMERA_ROS_ID, disable_env_checker=True, **TASK)
    embedded = gymnasium.make(CAMERA_ID, disable_env_checker=True, **TASK)
    try:
        for env in (over_topics, embedded):
            env.reset(seed=3, options=start_line())
        random = np.random.default_rng(0)
        steps = 0
        while True:
            steps += 1
            action = int(random.integers(embedded.action_space.n))
            seen, reward, terminated, truncated, info = over_topics.step(action)
            expected = embedded.step(action)
            # The embedded camera draws observations without the frame that they are taken from.
            task = embedded.unwrapped.task
            newest = task.preprocessing.apply(task.cars.frame(0))
            np.testing.assert_allclose(seen[..., -1:].astype(int), newest, atol=1)
            assert reward == pytest.approx(expected[1], abs=1e-9)
            assert (terminated, truncated) == expected[2:4]
            assert info["ending"] == expected[4]["ending"]
            assert info["discarded_frames"] == 0
            assert info["answered"]
            assert info["step_wall_s"] < 5.0
            assert info["stamp_ns"] % 50_000_000 == 0
            if terminated or truncated:
                assert info["drive"] == pytest.approx(expected[4]["drive"], nan_ok=True)
                break
        assert steps > 5
    finally:
        over_topics.close()
        embedded.close()


def test_closing_has_the_car_stand(simulator):
    env = gymnasium.make(CAMERA_ROS_ID, disable_env_checker=True, **TASK)
    env.reset(seed=0)
    env.step(0)
    graph = env.unwrapped._connection.graph
    env.close()
    assert not graph.is_open
    again = gymnasium.make(CAMERA_ROS_ID, disable_env_checker=True, **TASK)
    try:
        connection = again.unwrapped._connection
        again.reset(seed=0)
        # Nobody commands in between, so what acts is the last command of the one that closed.
        assert connection.car.speed_mps == 0.0
    finally:
        again.close()


def test_a_fault_truncates_and_the_next_reset_waits_for_the_simulator(start):
    first = start("f1_rl.nodes.simulator", "-r", "__ns:=/frail", **LOCK_STEP)
    env = gymnasium.make_vec(
        CAMERA_ROS_ID, num_envs=1, namespace="/frail", ros={"step_timeout_s": 1.0}, **TASK
    )
    try:
        env.reset(seed=0)
        seen = env.step([0])[0]
        first.end(signal.SIGTERM)
        after, rewards, terminated, truncated, infos = env.step([0])
        assert (rewards[0], terminated[0], truncated[0]) == (0.0, False, True)
        assert infos["_fault"][0]
        assert "look whether the simulator runs" in infos["fault"][0]
        np.testing.assert_array_equal(after, seen)
        start("f1_rl.nodes.simulator", "-r", "__ns:=/frail", ready=None, **LOCK_STEP)
        _, _, terminated, truncated, infos = env.step([0])
        assert not terminated[0]
        assert not truncated[0]
        assert "fault" not in infos
        assert env.step([0])[4]["answered"][0]
        assert env.unwrapped.state() is None
    finally:
        env.close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"circuits": ["simple", "oval"]}, "drives in one world"),
        ({"ros": {"clockwrk": "gazebo"}}, "clockwrk"),
        ({"observation": {"colums": 3}}, "colums"),
    ],
)
def test_settings_that_do_not_fit_are_refused(domain_id, arguments, reason):
    with pytest.raises(SettingsError, match=reason):
        gymnasium.make(CAMERA_ROS_ID, **{**TASK, **arguments})


def test_more_cars_than_one_are_refused(domain_id):
    with pytest.raises(SettingsError, match="one environment drives one"):
        gymnasium.make_vec(CAMERA_ROS_ID, num_envs=2, **TASK)
