"""The images' files held against the repository; there is no Docker in these tests."""

import ast
import os
import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

TARGETS = ("cpu", "gpu", "gui")


@pytest.fixture(scope="module")
def dockerfile(repository: Path) -> list[tuple[str, str]]:
    """The instructions: keyword and arguments, continued lines joined."""
    text = (repository / "docker" / "Dockerfile").read_text("utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def stages(dockerfile: list[tuple[str, str]]) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Each stage's base and instructions, by name."""
    found: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    name = ""
    for keyword, arguments in dockerfile:
        if keyword == "FROM":
            base, _, name = arguments.split()
            found[name] = (base, [])
        elif name:
            found[name][1].append((keyword, arguments))
    return found


def inherited(stages: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """Return the instructions that make a stage, those of its bases first."""
    if name not in stages:
        return []
    base, instructions = stages[name]
    return inherited(stages, base) + instructions


@pytest.fixture(scope="module")
def services(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "docker" / "compose.yaml").read_text())["services"]


def test_the_base_image_is_pinned_by_tag_and_digest(dockerfile):
    image = dict(item.split("=", 1) for keyword, item in dockerfile if keyword == "ARG" and item)
    assert re.fullmatch(r"ros:jazzy-[\w.-]+@sha256:[0-9a-f]{64}", image["ROS_IMAGE"])


def test_what_is_copied_exists_and_is_not_ignored(dockerfile, repository):
    ignore = (repository / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignore if line.startswith("!")}
    copies = [arguments for keyword, arguments in dockerfile if keyword == "COPY"]
    sources = [
        word
        for arguments in copies
        if "--from=" not in arguments
        for word in arguments.split()[:-1]
        if not word.startswith("--")
    ]
    assert "package.xml" in sources
    for source in sources:
        if source != ".":
            assert list(repository.glob(source)), source
            assert source.split("/")[0] in kept, source


def test_the_build_sees_all_that_setup_py_installs(repository):
    ignore = (repository / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignore if line.startswith("!")}
    for statement in ast.parse((repository / "setup.py").read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "SHARED_DIRECTORIES":
            assert set(ast.literal_eval(statement.value)) < kept
            break
    else:
        pytest.fail("setup.py has no SHARED_DIRECTORIES")
    assert {"f1_rl", "resource", "package.xml", "setup.py", "setup.cfg"} < kept


def test_apt_installs_what_package_xml_asks_for(repository, stages):
    script, manifest = repository / "docker" / "apt_packages.py", repository / "package.xml"
    names = subprocess.run(
        ["python3", script, manifest, "jazzy"], check=True, capture_output=True, text=True
    ).stdout.split()
    keys = {item.text for item in ElementTree.parse(manifest).getroot().iter("exec_depend")}
    assert len(names) == len(keys)
    assert {"ros-jazzy-cv-bridge", "ros-jazzy-ros-gz-bridge", "ros-jazzy-ros-gz-sim"} < set(names)
    assert {name for name in names if not name.startswith("ros-jazzy-")} == {
        key for key in keys if key.startswith("python3-")
    }
    assert any("apt_packages.py" in arguments for _, arguments in stages["environment"][1])


def test_the_pins_are_installed_by_the_recipe_that_make_setup_has(stages, repository, tmp_path):
    (command,) = (
        arguments
        for keyword, arguments in stages["environment"][1]
        if keyword == "RUN" and arguments.startswith("make ")
    )
    # The image's interpreter is Python 3.12; here a program that says so is enough.
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\ncase $2 in *print*) echo 3.12;; esac\n")
    python.chmod(0o755)
    venv = tmp_path / "venv"
    words = shlex.split(command.replace("${F1_RL_VENV}", str(venv)))
    words = [word.replace("/usr/bin/python3", str(python)) for word in words]
    words[words.index("/opt/f1_rl/build")] = str(tmp_path)
    shutil.copy(repository / "Makefile", tmp_path)
    (tmp_path / "requirements").symlink_to(repository / "requirements")
    shown = subprocess.run([*words, "--dry-run"], check=True, capture_output=True, text=True).stdout
    assert f"-m venv --system-site-packages {venv}" in shown
    assert "-r requirements/build.txt" in shown
    assert "--require-hashes" in shown
    assert "-r requirements/py312.txt" in shown


def pinned(path: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", path.read_text("utf-8")))


def test_the_gpu_image_adds_cuda_and_changes_nothing_else(stages, repository):
    install = " ".join(arguments for _, arguments in stages["environment-gpu"][1])
    assert "--require-hashes" in install
    assert "requirements/gpu-py312.txt" in install
    cpu = pinned(repository / "requirements" / "py312.txt")
    gpu = pinned(repository / "requirements" / "gpu-py312.txt")
    added = gpu.keys() - cpu.keys()
    assert added
    assert all(name.startswith("nvidia-") for name in added)
    assert {name: cpu[name] for name in gpu.keys() & cpu.keys()} == {
        name: version for name, version in gpu.items() if name not in added
    }


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_runs_as_a_user_and_says_whether_it_is_healthy(target, stages):
    instructions = inherited(stages, target)
    last = dict(instructions)
    assert last["USER"] == "f1"
    assert "healthcheck.sh" in last["HEALTHCHECK"]
    assert last["ENTRYPOINT"] == '["/opt/f1_rl/docker/entrypoint.sh"]'


def test_nvidia_gives_the_gpu_image_graphics_too(stages):
    settings = " ".join(arguments for _, arguments in inherited(stages, "gpu"))
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,graphics,utility" in settings
    for setting in ("GZ_IP=127.0.0.1", "GZ_PARTITION=", "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST"):
        assert setting in settings


def test_the_scripts_that_are_started_exist_and_are_executable(repository, services):
    text = (repository / "docker" / "Dockerfile").read_text() + str(services)
    started = set(re.findall(r"/opt/f1_rl/docker/(\w+\.sh)", text))
    assert {"entrypoint.sh", "healthcheck.sh", "vnc.sh"} <= started
    for name in started - {"environment.sh"}:
        assert os.access(repository / "docker" / name, os.X_OK), name


def test_setuptools_of_the_system_is_left_alone(dockerfile):
    for _, arguments in dockerfile:
        assert not re.search(r"install.*(-U|--upgrade)\b.*setuptools", arguments)
        assert "symlink-install" not in arguments


def launches(services: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [
        (command[3], command[4:])
        for service in services.values()
        if (command := service.get("command")) and command[:3] == ["ros2", "launch", "f1_rl"]
    ]


def test_compose_launches_what_there_is(repository, services):
    assert {name for name, _ in launches(services)} == {"train.launch.py", "drive.launch.py"}
    for name, arguments in launches(services):
        file = repository / "launch" / name
        assert file.is_file(), f"compose.yaml launches {name}, which launch/ has not"
        # Where the file's arguments are declared: in it, or in the modules that it draws on.
        sources = [file, *(repository / "f1_rl").glob("launch*/*.py")]
        text = "".join(path.read_text("utf-8") for path in sources)
        for argument in arguments:
            assert f'"{argument.split(":=")[0]}"' in text, f"{name} has no argument {argument}"


@pytest.mark.skipif(
    any(find_spec(name) is None for name in ("launch", "launch_ros", "rclpy")),
    reason="launch, launch_ros or rclpy is not installed",
)
def test_the_launch_files_accept_what_compose_gives_them(repository, services):
    from launch.launch_description_sources import (
        get_launch_description_from_python_launch_file as read,
    )

    for name, arguments in launches(services):
        description = read(str(repository / "launch" / name))
        declared = {one.name: one for one in description.get_launch_arguments()}
        for argument in arguments:
            key, value = argument.split(":=")
            assert key in declared, name
            assert not declared[key].choices or value in declared[key].choices, argument


def test_every_service_uses_an_image_that_is_built_here(services):
    for name, service in services.items():
        assert service["image"].removeprefix("f1_rl:") in TARGETS, name
        if "build" in service:
            assert service["image"] == f"f1_rl:{service['build']['target']}"
    assert {"train", "drive", "tensorboard", "gui", "vnc"} <= services.keys()


def test_ports_are_open_to_this_machine_alone(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_shared_memory_has_room_for_the_nodes_frames(services, repository):
    profile = (repository / "f1_rl" / "ros" / "fastdds.xml").read_text()
    segment = int(re.search(r"<segment_size>(\d+)<", profile)[1])
    megabytes = int(services["graph"]["shm_size"].removesuffix("m"))
    assert megabytes * 2**20 > 20 * segment
    for name, service in services.items():
        if service.get("network_mode"):
            assert service["ipc"] == "service:graph", name


@pytest.fixture
def image(tmp_path: Path, repository: Path) -> dict[str, str]:
    """The environment of a container: ROS, workspace and virtual environment in a folder."""
    programs = tmp_path / "ros" / "bin"
    packages = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    for folder in (programs, packages, tmp_path / "venv" / "bin", tmp_path / "workspace/install"):
        folder.mkdir(parents=True)
    (tmp_path / "ros" / "setup.bash").write_text(
        f"export PATH={programs}:$PATH PYTHONPATH=/ros/packages\n"
    )
    (tmp_path / "workspace/install/setup.bash").write_text(
        "export PYTHONPATH=/workspace/packages:$PYTHONPATH\n"
    )
    ros2 = programs / "ros2"
    ros2.write_text('#!/bin/sh\n[ "$*" = "node list" ] && printf "/trainer\\n/bridge\\n"\n')
    ros2.chmod(0o755)
    return {
        "PATH": os.environ["PATH"],
        "F1_RL_ROS": str(tmp_path / "ros"),
        "F1_RL_WORKSPACE": str(tmp_path / "workspace"),
        "F1_RL_VENV": str(tmp_path / "venv"),
    }


def run(repository: Path, script: str, *words: str, **environment: str) -> Any:
    return subprocess.run(
        [repository / "docker" / script, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30.0,
    )


def test_the_entrypoint_becomes_the_command_with_the_packages_in_order(repository, image):
    told = run(repository, "entrypoint.sh", "sh", "-c", "echo $PYTHONPATH $PATH; exit 7", **image)
    assert told.returncode == 7, told.stderr
    packages, path = told.stdout.split()
    venv = Path(image["F1_RL_VENV"])
    assert packages.split(":") == [
        "/workspace/packages",
        "/ros/packages",
        str(venv / "lib/python3.12/site-packages"),
    ]
    assert path.startswith(f"{venv / 'bin'}:")
    # Where colcon puts the command f1-rl.
    assert path.endswith("/workspace/install/f1_rl/lib/f1_rl")


@pytest.mark.parametrize(
    ("nodes", "code"), [("", 0), ("/trainer", 0), ("/bridge /trainer", 0), ("/train", 1)]
)
def test_the_health_check_looks_for_the_nodes_named(repository, image, nodes, code):
    told = run(repository, "healthcheck.sh", **image, F1_RL_NODES=nodes)
    assert told.returncode == code, told.stderr
    assert (f"{nodes} is not in the ROS graph; there are: /trainer /bridge" in told.stdout) == code


def test_a_graph_that_cannot_be_asked_is_not_healthy(repository, image):
    (Path(image["F1_RL_ROS"]) / "bin" / "ros2").write_text("#!/bin/sh\nexit 1\n")
    assert run(repository, "healthcheck.sh", **image).returncode != 0


def test_nobody_looks_on_without_a_password(repository):
    told = run(repository, "vnc.sh", "true", PATH=os.environ["PATH"])
    assert told.returncode == 2
    assert "VNC_PASSWORD is not set" in told.stderr
