"""The launch files with the real launch machinery, and their parameter files without it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from f1_rl.launching import LAUNCHES

HAS_ROS = find_spec("rclpy") is not None
HAS_LAUNCH = find_spec("launch_ros") is not None and find_spec("ros2launch") is not None
needs_launch = pytest.mark.skipif(
    not (HAS_ROS and HAS_LAUNCH), reason="launch, launch_ros or ros2launch is not installed"
)

_LAUNCH = """
import sys
from ros2launch.api import launch_a_launch_file
sys.exit(launch_a_launch_file(
    launch_file_path=sys.argv[1], launch_file_arguments=sys.argv[2:], noninteractive=True
))
"""


@pytest.mark.skipif(not HAS_ROS, reason="rclpy is not installed")
@pytest.mark.parametrize("node", ["driver", "simulator"])
def test_parameter_files_hold_parameters_that_exist_with_their_defaults(
    repository: Path, node: str
) -> None:
    from f1_rl.nodes.driver_parameters import DriverParameters
    from f1_rl.nodes.simulator_parameters import SimulatorParameters

    content = yaml.safe_load((repository / "config" / f"{node}.yaml").read_text())
    values: dict[str, Any] = content["/**"]["ros__parameters"]
    default = {"driver": DriverParameters(), "simulator": SimulatorParameters()}[node]
    assert values == {name: getattr(default, name) for name in values}


@pytest.fixture
def prefix(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation of the package as colcon would make it."""
    marker = tmp_path / "share" / "ament_index" / "resource_index" / "packages" / "f1_rl"
    marker.parent.mkdir(parents=True)
    marker.touch()
    share, programs = tmp_path / "share" / "f1_rl", tmp_path / "lib" / "f1_rl"
    share.mkdir()
    programs.mkdir(parents=True)
    for name in ("launch", "config"):
        (share / name).symlink_to(repository / name)
    for node in ("driver", "simulator", "trainer", "recorder", "player", "actuators"):
        program = programs / node
        program.write_text(
            f"#!{sys.executable}\nimport sys\nfrom f1_rl.nodes.{node} import main\n"
            "sys.exit(main())\n"
        )
        program.chmod(0o755)
    before = os.environ.get("AMENT_PREFIX_PATH", "")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path}{os.pathsep}{before}".rstrip(os.pathsep))
    monkeypatch.setenv("PYTHONPATH", f"{repository}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    yield tmp_path
    # A test that failed may have left something running.
    for number in running(tmp_path):
        os.kill(number, signal.SIGKILL)


def launch(prefix: Path, what: str | Path, *arguments: str) -> "subprocess.Popen[str]":
    file = prefix / "share" / "f1_rl" / "launch" / f"{what}.launch.py"
    if isinstance(what, Path):
        file = what
    return subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, str(file), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def running(program: Path) -> list[int]:
    """The processes whose command line has that path."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if (
                process.name.isdigit()
                and str(program).encode() in (process / "cmdline").read_bytes()
            ):
                found.append(int(process.name))
    return found


def is_running(program: Path) -> bool:
    return bool(running(program))


@needs_launch
@pytest.mark.parametrize("name", LAUNCHES)
def test_every_argument_has_a_description_and_a_default(prefix: Path, name: str) -> None:
    from launch.launch_description_sources import (
        get_launch_description_from_python_launch_file as read,
    )

    description = read(str(prefix / "share" / "f1_rl" / "launch" / f"{name}.launch.py"))
    declared = description.get_launch_arguments()
    described = LAUNCHES[name].arguments
    assert [argument.name for argument in declared] == [argument.name for argument in described]
    for argument in declared:
        assert argument.default_value is not None, argument.name
        assert "no description" not in argument.description.lower(), argument.name


@needs_launch
def test_ctrl_c_ends_a_launched_drive_and_leaves_nothing_running(
    prefix: Path, domain_id: int
) -> None:
    policy = Path(__file__).parents[1] / "data" / "policy"
    process = launch(prefix, "drive", f"policy:={policy}", "simulator:=embedded", "circuit:=oval")
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if all(text in "".join(seen) for text in ("ready", "the car is driven")):
            break
    process.send_signal(signal.SIGINT)
    seen += process.communicate(timeout=30.0)[0].splitlines()
    assert any("the car is driven" in line for line in seen), seen
    assert not is_running(prefix / "lib")
    assert not any("SIGKILL" in line for line in seen), seen
    assert process.returncode == 0


@needs_launch
def test_a_driver_that_ends_takes_the_simulator_along(prefix: Path, domain_id: int) -> None:
    process = launch(prefix, "drive", "simulator:=embedded")
    output = process.communicate(timeout=60.0)[0]
    assert "no policy is given" in output
    assert "driver-1 has ended with status 1; the rest is ended." in output
    assert process.returncode == 1
    assert not is_running(prefix / "lib")


@needs_launch
def test_a_text_that_looks_like_a_number_stays_a_text(prefix: Path, domain_id: int) -> None:
    process = launch(prefix, "drive", "policy:=2026")
    assert "2026: is no policy folder" in process.communicate(timeout=60.0)[0]


_OTHER_PROGRAMS = """
from f1_rl.launching import Launch, Plan, Program
from f1_rl.launching.ros2 import as_launch_description

tell = "echo partition $GZ_PARTITION, range $ROS_AUTOMATIC_DISCOVERY_RANGE; sleep 1; exit 3"
bridge = Program("bridge", ("sh", "-c", tell), environment={"GZ_PARTITION": "a"})
world = Program("world", ("sleep", "60.7"))

def generate_launch_description():
    return as_launch_description(Launch("x", "", (), lambda values: Plan(bridge, (world,))))
"""


@needs_launch
def test_other_programs_get_their_variables_and_end_with_the_rest(
    prefix: Path, domain_id: int
) -> None:
    file = prefix / "other.launch.py"
    file.write_text(_OTHER_PROGRAMS)
    process = launch(prefix, file)
    output = process.communicate(timeout=60.0)[0]
    assert "[bridge-1] partition a, range LOCALHOST" in output
    assert "bridge-1 has ended with status 3; the rest is ended." in output
    assert process.returncode == 1
    assert not is_running(Path("60.7"))


@needs_launch
def test_a_misspelt_argument_is_named(prefix: Path, domain_id: int) -> None:
    output = launch(prefix, "drive", "polcy:=x").communicate(timeout=60.0)[0]
    assert "drive has no argument 'polcy' and ignores it; write 'policy'." in output


@needs_launch
def test_the_trainer_is_told_of_its_cars(prefix: Path, domain_id: int) -> None:
    trainer = prefix / "lib" / "f1_rl" / "trainer"
    trainer.write_text(
        f"#!{sys.executable}\nimport rclpy\nrclpy.init()\nnode = rclpy.create_node('trainer')\n"
        "given = {name: item.value for name, item in node._parameter_overrides.items()}\n"
        "print(node.get_fully_qualified_name(), given['namespaces'], given['seed'])\n"
    )
    words = ("instances:=2", "namespace:=lab", "seed:=3")
    process = launch(prefix, "train", *words)
    output = process.communicate(timeout=60.0)[0]
    assert "/lab/trainer ['/lab/car1', '/lab/car2'] 3" in output
    # The trainer is through, and well.
    assert process.returncode == 0, output
    assert not is_running(prefix / "lib")


@needs_launch
@pytest.mark.parametrize(
    ("name", "word", "sentence"),
    [
        ("simulate", "car:=boat", "kinematic"),
        ("simulate", "seed:=much", "seed:=much cannot be used: give a whole number."),
        ("drive", "circuit:=oval", "circuit means nothing with simulator:=none"),
    ],
)
def test_what_cannot_be_started_is_refused(
    prefix: Path, domain_id: int, name: str, word: str, sentence: str
) -> None:
    process = launch(prefix, name, word)
    output = process.communicate(timeout=60.0)[0]
    assert sentence in output
    assert "process started" not in output
    assert process.returncode == 1
