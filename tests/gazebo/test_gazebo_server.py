"""The worlds in a real Gazebo, where there is one."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

import pytest
from gazebo_helpers import ROOT, floats

from f1_rl.circuits import circuit_names, load_circuit
from f1_rl.gazebo import WorldSettings, perturbed, write_world
from f1_rl.gazebo.names import CAR_MODELS


def has_gazebo() -> bool:
    gz = shutil.which("gz")
    if gz is None:
        return False
    outcome = subprocess.run([gz, "sim", "--versions"], capture_output=True, text=True, check=False)
    return outcome.returncode == 0 and outcome.stdout[:1].isdigit()


pytestmark = pytest.mark.skipif(not has_gazebo(), reason="Gazebo (gz sim) is not installed")


def environment(models) -> dict[str, str]:
    """Where Gazebo finds the models, and hears nobody but this test."""
    return os.environ | {
        "GZ_SIM_RESOURCE_PATH": str(models),
        "GZ_PARTITION": f"f1_rl-test-{os.getpid()}",
        "GZ_IP": "127.0.0.1",
    }


def messages(world, models) -> str:
    """What a server says in its first steps of a world, warnings and errors only."""
    outcome = subprocess.run(
        ["gz", "sim", "-s", "-r", "-v", "2", "--iterations", "10", world],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=environment(models),
    )
    return outcome.stdout + outcome.stderr


@contextmanager
def running(world, models) -> Iterator[Callable[..., str]]:
    """A server that runs a world; gives a function that calls `gz topic` on it."""
    server = subprocess.Popen(["gz", "sim", "-s", "-r", world], env=environment(models))

    def topic(*arguments: str) -> str:
        return subprocess.run(
            ["gz", "topic", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env=environment(models),
        ).stdout

    try:
        yield topic
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.mark.slow
@pytest.mark.parametrize("name", circuit_names())
def test_gazebo_loads_every_world_without_a_warning(name):
    assert messages(ROOT / "worlds" / f"{name}.sdf", ROOT / "models") == ""


@pytest.mark.slow
def test_gazebo_loads_the_car_on_wheels_without_a_warning(tmp_path):
    settings = WorldSettings(car="ackermann", real_time_factor=0.0, gui=False)
    world = write_world(load_circuit("oval"), settings, tmp_path)
    assert messages(world, tmp_path / "models") == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["night", "glare", "noise"])
def test_gazebo_loads_worlds_of_perturbations_without_a_warning(name, tmp_path):
    world = write_world(load_circuit("oval"), perturbed(WorldSettings(), name), tmp_path)
    assert messages(world, tmp_path / "models") == ""


@pytest.mark.slow
def test_gazebo_has_the_boxes_where_they_are_written_and_warns_of_nothing(tmp_path):
    settings = WorldSettings(traffic="boxes", traffic_seed=2)
    world = write_world(load_circuit("oval"), settings, tmp_path)
    assert messages(world, tmp_path / "models") == ""
    models = ElementTree.parse(world).iterfind("world/model")
    written = {model.get("name"): floats(model, "pose")[:2] for model in models}
    with running(world, tmp_path / "models") as topic:
        told = topic("-e", "-t", "/world/f1/pose/info", "-n", "1")
    found = re.findall(r'name: "(box_\d)".*?x: (\S+)\s+y: (\S+)', told, re.DOTALL)
    assert len(written) == 6
    assert {name: [float(x), float(y)] for name, x, y in found} == written


@pytest.mark.slow
def test_gazebo_loads_slower_cars_and_misses_only_their_bones(tmp_path):
    settings = WorldSettings(traffic="slow_cars", gui=False)
    world = write_world(load_circuit("oval"), settings, tmp_path)
    told = messages(world, tmp_path / "models")
    complaints = re.findall(r"\[(?:Wrn|Err)\].*", told)
    assert len(complaints) == 3
    assert all("Mesh skeleton in [" in complaint for complaint in complaints)


@pytest.mark.slow
@pytest.mark.parametrize("car", list(CAR_MODELS))
@pytest.mark.parametrize(("speed_mps", "yaw_rate_radps"), [(2.0, 0.8), (4.0, 0.9)])
def test_a_car_drives_as_commanded_within_two_percent(car, speed_mps, yaw_rate_radps, tmp_path):
    world = write_world(load_circuit("oval"), WorldSettings(car=car, gui=False), tmp_path)
    command = f"linear: {{x: {speed_mps}}}, angular: {{z: {yaw_rate_radps}}}"
    deadline = time.monotonic() + 60.0
    with running(world, tmp_path / "models") as topic:
        while True:
            topic("-t", "/cmd_vel", "-m", "gz.msgs.Twist", "-p", command)
            time.sleep(1.0)
            twist = topic("-e", "-t", "/odom", "-n", "1").partition("twist {")[2]
            linear, _, angular = twist.partition("angular {")
            driven = [
                float((re.search(rf"{axis}: (\S+)", part) or [0, "0"])[1])
                for axis, part in (("x", linear), ("z", angular))
            ]
            if driven == pytest.approx([speed_mps, yaw_rate_radps], rel=0.02):
                break
            assert time.monotonic() < deadline, driven
