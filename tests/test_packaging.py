import ast
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import EntryPoint, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

import f1_rl

SHARED_DIRECTORIES = ("launch", "worlds", "models", "config", "rviz")
SIMULATION_SIDE = ("f1_rl.circuits", "f1_rl.simulation", "f1_rl.driving", "f1_rl.gazebo")


def modules_after(statement: str, repository: Path) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after a statement."""
    program = f"import json, sys\n{statement}\nprint(json.dumps(list(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name.split(".")[0] for name in json.loads(output.splitlines()[-1])}


def test_importing_the_package_adds_little_to_importing_gymnasium(repository):
    gymnasium_alone = modules_after("import gymnasium", repository)
    added = modules_after("import f1_rl", repository) - gymnasium_alone
    assert added - {"f1_rl"} <= set(sys.stdlib_module_names)
    assert not {"tensorflow", "rclpy", "numba", "scipy", "cv2"} & gymnasium_alone


def test_importing_the_package_registers_the_environment(repository):
    program = (
        "import f1_rl, gymnasium; env = gymnasium.make('f1_rl/F1Camera-v0'); print(env.reset()[1])"
    )
    subprocess.run([sys.executable, "-c", program], cwd=repository, check=True)


@pytest.mark.parametrize("package", SIMULATION_SIDE)
def test_the_simulation_side_needs_neither_tensorflow_nor_ros(package, repository):
    walk = (
        "import importlib, pkgutil\n"
        f"package = importlib.import_module('{package}')\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        # gym and the window are optional, and gym prints a notice.
        "    if not module.name.endswith(('.gym_environment', '.window')):\n"
        "        importlib.import_module(module.name)"
    )
    modules = modules_after(walk, repository)
    assert "numpy" in modules
    assert not modules & {"tensorflow", "tf_agents", "tf_keras", "keras", "rclpy"}


def test_package_xml_and_the_package_agree_on_name_and_version(repository):
    manifest = ElementTree.parse(repository / "package.xml").getroot()
    assert manifest.get("format") == "3"
    assert manifest.findtext("name") == "f1_rl"
    assert manifest.findtext("version") == f1_rl.__version__
    assert manifest.findtext("export/build_type") == "ament_python"


@pytest.mark.parametrize(
    "pins",
    ["build", "py310", "py311", "py312", "gpu-py312", "peers-py310", "peers-py311", "peers-py312"],
)
def test_every_pin_is_exact_and_hashed_and_names_no_index(pins, repository):
    text = (repository / "requirements" / f"{pins}.txt").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[\w.+]+ \\\n\s+--hash=sha256:[0-9a-f]{64}", entry)
    assert "https:" not in text
    assert "http:" not in text


@pytest.mark.parametrize("pins", ["py310", "py311", "py312"])
def test_the_pins_build_with_the_tools_that_are_installed_first(pins, repository):
    def versions(name: str) -> dict[str, str]:
        text = (repository / "requirements" / f"{name}.txt").read_text("utf-8")
        return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", text))

    assert versions("build").items() <= versions(pins).items()


@pytest.fixture(scope="module")
def source(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, because building leaves build/ and the egg-info beside them."""
    source = tmp_path_factory.mktemp("package") / "source"
    for name in ("f1_rl", "resource", *SHARED_DIRECTORIES):
        if (repository / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(repository / name, source / name, ignore=ignore)
    for name in ("LICENSE", "MANIFEST.in", "package.xml", "pyproject.toml"):
        shutil.copy(repository / name, source)
    for path in repository.glob("setup.*"):
        shutil.copy(path, source)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path) -> zipfile.ZipFile:
    directory = source.parent
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--wheel-dir", directory, source),
        ],
        check=True,
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    (path,) = directory.glob("*.whl")
    return zipfile.ZipFile(path)


def test_colcon_makes_programs_for_the_interpreter_on_the_path(source, tmp_path):
    """So that `ros2 run` finds TensorFlow in a virtual environment that is active."""
    shutil.copytree(source, tmp_path / "source")
    prefix = tmp_path / "prefix"
    subprocess.run(
        [
            *(sys.executable, "setup.py", "--quiet", "install", "--prefix", prefix),
            # What colcon's ament_python build gives.
            *("--single-version-externally-managed", "--record", tmp_path / "record"),
        ],
        cwd=tmp_path / "source",
        check=True,
        capture_output=True,
    )
    programs = list((prefix / "lib" / "f1_rl").iterdir())
    assert {"driver", "simulator", "f1-rl"} <= {program.name for program in programs}
    for program in programs:
        assert program.read_text().startswith("#!/usr/bin/env python3\n"), program


def member(wheel: zipfile.ZipFile, name: str) -> str:
    """Return the text of a file of the wheel's metadata."""
    (path,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_the_wheel_holds_every_module_and_data_file(wheel, repository):
    expected = {
        path.relative_to(repository).as_posix()
        for path in (repository / "f1_rl").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= set(wheel.namelist())


def test_the_wheel_holds_what_ros_looks_for_in_share(wheel, repository):
    share = {name.partition(".data/data/share/")[2] for name in wheel.namelist()}
    expected = {"ament_index/resource_index/packages/f1_rl", "f1_rl/package.xml"} | {
        f"f1_rl/{path.relative_to(repository).as_posix()}"
        for directory in SHARED_DIRECTORIES
        for path in (repository / directory).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= share


def normalised(distribution: str) -> str:
    return re.sub("[-_.]+", "-", distribution).lower()


def imported_modules(source: Path) -> set[str]:
    """Return the top-level modules outside the standard library that a Python file imports."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


def test_every_imported_distribution_is_a_declared_dependency(wheel, repository):
    requirements = re.findall(r"(?m)^Requires-Dist: ([\w.-]+)", member(wheel, "METADATA"))
    declared = {normalised(name) for name in requirements}
    # The ROS packages are those of package.xml.
    manifest = ElementTree.parse(repository / "package.xml").getroot()
    declared |= {normalised(element.text) for element in manifest.iter("exec_depend")}
    # llvmlite is Numba's own back end, sbx the module of sbx-rl, in the peers' environment alone.
    declared |= {"f1-rl", "llvmlite", "sbx"}
    distributions = packages_distributions()
    undeclared = {
        f"{source.relative_to(repository)} imports {module}"
        for source in (repository / "f1_rl").rglob("*.py")
        for module in imported_modules(source)
        if not declared & {normalised(name) for name in distributions.get(module, [module])}
    }
    assert not undeclared


@pytest.fixture
def entry_points(wheel) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(member(wheel, "entry_points.txt"))
    return parser


def test_the_wheel_names_the_command_and_the_environments(entry_points):
    assert entry_points["console_scripts"]["f1-rl"] == "f1_rl.cli.main:main"
    function = "f1_rl.driving.registration:register_gym_envs"
    assert entry_points["gym.envs"]["__root__"] == function


def test_every_entry_point_can_be_loaded(entry_points):
    for group in entry_points.sections():
        for name, value in entry_points[group].items():
            if find_spec("rclpy") is None and value.startswith("f1_rl.nodes."):
                continue
            assert callable(EntryPoint(name, value, group).load())


def test_an_unsupported_interpreter_gets_one_sentence_that_says_what_to_do(repository, tmp_path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\ncase $2 in *print*) echo 3.9;; *) exit 1;; esac\n")
    old.chmod(0o755)
    outcome = subprocess.run(
        ["make", "setup", f"PYTHON={old}"],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert outcome.returncode != 0
    assert "no Python 3.10, 3.11 or 3.12" in outcome.stderr
    assert "make again" in outcome.stderr
