"""The worlds in a real Gazebo, where there is one."""

import os
import shutil
import subprocess

import pytest
from gazebo_helpers import ROOT

from f1_rl.circuits import circuit_names, load_circuit
from f1_rl.gazebo import WorldSettings, write_world


def has_gazebo() -> bool:
    gz = shutil.which("gz")
    if gz is None:
        return False
    outcome = subprocess.run([gz, "sim", "--versions"], capture_output=True, text=True, check=False)
    return outcome.returncode == 0 and outcome.stdout[:1].isdigit()


pytestmark = pytest.mark.skipif(not has_gazebo(), reason="Gazebo (gz sim) is not installed")


def messages(world, models) -> str:
    """What a server says in its first steps of a world, warnings and errors only."""
    environment = os.environ | {
        "GZ_SIM_RESOURCE_PATH": str(models),
        "GZ_PARTITION": f"f1_rl-test-{os.getpid()}",
        "GZ_IP": "127.0.0.1",
    }
    outcome = subprocess.run(
        ["gz", "sim", "-s", "-r", "-v", "2", "--iterations", "10", world],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=environment,
    )
    return outcome.stdout + outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", circuit_names())
def test_gazebo_loads_every_world_without_a_warning(name):
    assert messages(ROOT / "worlds" / f"{name}.sdf", ROOT / "models") == ""


@pytest.mark.slow
def test_gazebo_loads_the_car_on_wheels_without_a_warning(tmp_path):
    settings = WorldSettings(car="ackermann", real_time_factor=0.0, gui=False)
    world = write_world(load_circuit("oval"), settings, tmp_path)
    assert messages(world, tmp_path / "models") == ""
