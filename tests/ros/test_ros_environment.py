"""`f1_rl/F1CameraRos-v0` with the simulator node."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from nav_msgs.msg import Odometry

from f1_rl.driving.cars import CarFault
from f1_rl.driving.registration import CAMERA_ID, CAMERA_ROS_ID, register_gymnasium_envs
from f1_rl.driving.task import Starts
from f1_rl.ros.graph import Graph
from f1_rl.ros.messages import read_odometry
from f1_rl.settings import SettingsError

ROOT = Path(__file__).parents[2]
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
    graphs = env.unwrapped._connection._graphs
    env.close()
    assert not any(graph.is_open for graph in graphs)
    again = gymnasium.make(CAMERA_ROS_ID, disable_env_checker=True, **TASK)
    try:
        again.reset(seed=0)
        # Nobody commands in between, so what acts is the last command of the one that closed.
        assert again.unwrapped.task.cars.speed_mps[0] == 0.0
    finally:
        again.close()


LEAVING = """
import gymnasium, sys, time
from f1_rl.driving.registration import register_gymnasium_envs
register_gymnasium_envs()
env = gymnasium.make(
    "f1_rl/F1CameraRos-v0", disable_env_checker=True, namespace=sys.argv[2],
    camera={"width": 160, "height": 120}, observation={"columns": 40}, circuits=["simple"],
    ros={"lock_step": False, "longest_gap": 1000},
)
env.reset(seed=0)
env.step(3)
print("driving", flush=True)
time.sleep(60 if sys.argv[1] == "wait" else 0)
"""


@pytest.mark.parametrize("how", ["exception", "end"])
def test_a_script_that_ends_without_closing_leaves_the_car_standing(start, how, tmp_path):
    start("f1_rl.nodes.simulator", "-r", f"__ns:=/{how}", circuit="simple", **SIZE)
    script = tmp_path / "leaving.py"
    script.write_text(LEAVING)
    graph = Graph("watcher", namespace=f"/{how}")
    speeds = []
    graph.node.create_subscription(
        Odometry, "odom", lambda message: speeds.append(read_odometry(message).speed_mps), 10
    )
    process = subprocess.Popen(
        [sys.executable, str(script), "wait" if how == "exception" else "go", f"/{how}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "driving\n"
        if how == "exception":
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20.0)
        assert ("KeyboardInterrupt" in errors) == (how == "exception")
        assert process.returncode in (0, 130, -signal.SIGINT, 1)
        # What was commanded last acts for ever: without a stop it would drive on.
        time.sleep(0.3)
        speeds.clear()
        deadline_s = time.monotonic() + 20.0
        while len(speeds) < 20:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        assert max(speeds) == 0.0
    finally:
        process.kill()
        process.communicate()
        graph.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_simulator_that_is_ended_right_after_a_step_does_not_hang(start, how):
    """With rclpy's own signal handler about every sixth did."""
    namespace = f"/ended_{how}"
    simulator = start("f1_rl.nodes.simulator", "-r", f"__ns:={namespace}", **LOCK_STEP)
    env = gymnasium.make(CAMERA_ROS_ID, disable_env_checker=True, namespace=namespace, **TASK)
    try:
        env.reset(seed=0)
        env.step(0)
        assert simulator.end(how, timeout_s=20.0) == 0
        assert "Traceback" not in simulator.output()
    finally:
        env.close()


def test_the_car_of_a_killed_script_is_taken_over(start, tmp_path):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/left", circuit="simple", **SIZE)
    script = tmp_path / "leaving.py"
    script.write_text(LEAVING)
    process = subprocess.Popen(
        [sys.executable, str(script), "wait", "/left"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "driving\n"
    finally:
        process.kill()
        process.communicate()
    env = gymnasium.make(CAMERA_ROS_ID, disable_env_checker=True, namespace="/left", **TASK)
    try:
        env.reset(seed=0)
        stamp_ns = env.step(0)[4]["stamp_ns"]
        assert env.step(0)[4]["stamp_ns"] == stamp_ns + 50_000_000
    finally:
        env.close()


def test_a_fault_truncates_and_the_next_reset_waits_for_the_simulator(start):
    first = start("f1_rl.nodes.simulator", "-r", "__ns:=/frail", **LOCK_STEP)
    env = gymnasium.make_vec(
        CAMERA_ROS_ID, num_envs=1, namespaces=["/frail"], ros={"step_timeout_s": 1.0}, **TASK
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
        (
            {"traffic": {"boxes": 40}},
            "environment: traffic: Traffic of 40 obstacles needs 328 m of road",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(domain_id, arguments, reason):
    with pytest.raises(SettingsError, match=reason):
        gymnasium.make(CAMERA_ROS_ID, **{**TASK, **arguments})


@pytest.mark.skipif(
    find_spec("ros_gz_interfaces") is not None, reason="ros_gz_interfaces is installed"
)
def test_gazebo_without_its_interfaces_is_refused_with_what_to_install(domain_id):
    with pytest.raises(CarFault, match="install ros-jazzy-ros-gz-interfaces"):
        gymnasium.make(CAMERA_ROS_ID, ros={"clockwork": "gazebo"}, **TASK)


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ({}, "2 cars behind topics need a namespace or a ROS domain each"),
        ({"namespaces": ["/a", "/a"]}, "need a namespace or a ROS domain each"),
        ({"namespaces": ["/a"]}, "namespaces names 1 cars, num_envs 2"),
        ({"domain_ids": [1, 2, 3]}, "domain_ids names 3 cars, num_envs 2"),
        ({"namespaces": ["/a", "/b c"]}, "'/b c' is no namespace; write it of letters"),
    ],
)
def test_cars_that_would_be_the_same_or_nowhere_are_refused(domain_id, places, sentence):
    with pytest.raises(SettingsError, match=sentence):
        gymnasium.make_vec(CAMERA_ROS_ID, num_envs=2, **places, **TASK)
