"""The reference is complete: what the code declares, the pages list."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from generate import write_reference
from generate.nodes import PARAMETERS
from generate.perturbations import contact_sheet
from generate.settings import setting_names
from generate.topics import find_endpoints

from f1_rl.circuits import circuit_names, load_circuit
from f1_rl.cli.main import VERBS, build_parser
from f1_rl.driving.actions import action_table_names
from f1_rl.driving.perturbations import perturbations
from f1_rl.driving.registration import CAMERA_ID, CAMERA_ROS_ID
from f1_rl.driving.rewards import RULES
from f1_rl.launching import LAUNCHES
from f1_rl.learning.runs import preset_names
from f1_rl.nodes.parameters import parameter_rules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    write_reference(folder)
    return folder


def rows(page: Path, section: str = "") -> list[list[str]]:
    """Return the cells of the tables of a page, or of one section of it."""
    text = page.read_text("utf-8")
    if section:
        text = re.split(rf"^#+ {section}$", text, maxsplit=1, flags=re.MULTILINE)[1]
        text = re.split(r"^#", text, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in text.splitlines() if re.match(r"\|.*\w", line)]
    return [re.split(r" ?(?<!\\)\| ?", line)[1:-1] for line in lines]


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_there_with_all_its_options(verb: str, reference: Path) -> None:
    verbs = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    text = " ".join(row[0] for row in rows(reference / "commands.md", f"f1-rl {verb}"))
    listed = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text))
    assert options(verbs.choices[verb]) - {"-h", "--help"} <= listed


def test_commands_of_commands_have_sections_too(reference: Path) -> None:
    text = (reference / "commands.md").read_text("utf-8")
    assert "### f1-rl circuit import" in text
    assert "--from-car METRES" in text


@pytest.mark.parametrize("node", PARAMETERS)
def test_every_parameter_is_there_with_range_default_and_meaning(
    node: str, reference: Path
) -> None:
    listed = {row[0].strip("`"): row for row in rows(reference / "parameters.md", node)}
    for name, (rule, _) in parameter_rules(PARAMETERS[node]).items():
        _, values, default, meaning = listed[name]
        assert values
        assert default
        assert meaning.startswith(rule.description)
        if rule.maximum is not None:
            assert f"to {rule.maximum:g}" in values


def test_every_setting_is_there_with_a_meaning(reference: Path) -> None:
    listed = {row[0].strip("`"): row for row in rows(reference / "settings.md")}
    names = list(setting_names())
    assert {"task.rewards", "agent.network.units", "training.prioritized_replay.alpha"} < set(names)
    for name in names:
        assert listed[name][3], f"{name} has no description"
    assert listed["agent.gamma"][1:3] == ["number, from 0, to 1", "`0.85`"]


@pytest.mark.parametrize("launch", LAUNCHES)
def test_every_launch_argument_is_there(launch: str, reference: Path) -> None:
    listed = {row[0].strip("`") for row in rows(reference / "launches.md", launch)}
    assert {argument.name for argument in LAUNCHES[launch].arguments} <= listed


def test_files_of_the_installation_are_named_without_their_place(reference: Path) -> None:
    for page in reference.rglob("*.md"):
        assert str(ROOT) not in page.read_text("utf-8"), page.name


def test_the_pages_in_the_repository_are_what_the_code_says(reference: Path) -> None:
    kept = ROOT / "docs" / "reference"
    pages = {page.name: page.read_text("utf-8") for page in reference.glob("*.md")}
    outdated = [
        name
        for name, text in pages.items()
        if not (kept / name).is_file() or (kept / name).read_text("utf-8") != text
    ]
    assert outdated == [], "write them anew with make docs"
    assert {path.name for path in kept.glob("*.md")} == set(pages)


def test_the_pictures_in_the_repository_are_those_of_the_circuits(reference: Path) -> None:
    kept = ROOT / "docs" / "reference"
    drawn = {path.name: path.read_text("utf-8") for path in reference.glob("*.svg")}
    assert {path.name for path in kept.glob("*.svg")} == set(drawn)
    for name, text in drawn.items():
        before = (kept / name).read_text("utf-8")
        number = r"\d+\.\d+"
        assert re.sub(number, "", before) == re.sub(number, "", text), name
        # Another machine may round the last digit otherwise.
        places = [np.array(re.findall(number, each), float) for each in (before, text)]
        assert np.allclose(*places, rtol=0.0, atol=0.11), name


def test_every_link_of_the_documentation_leads_somewhere_in_the_repository() -> None:
    docs = ROOT / "docs"
    pages = [*docs.glob("*.md"), *docs.glob("guides/*.md"), *docs.glob("reference/*.md")]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


def test_circuits_are_measured_and_drawn(reference: Path) -> None:
    listed = {re.findall(r"\w+", row[0])[0]: row for row in rows(reference / "circuits.md")}
    for name in circuit_names():
        assert listed[name][2] == f"{load_circuit(name).length_m:.0f}"
        assert listed[name][4] == f"{load_circuit(name).min_radius_m:.1f}"
        picture = (reference / f"{name}.svg").read_text("utf-8")
        assert ("#e00000" in picture) == load_circuit(name).has_line


def test_presets_tables_rules_and_environments_are_there(reference: Path) -> None:
    for page, names in (
        ("presets", preset_names()),
        ("actions", action_table_names()),
        ("rewards", RULES),
        ("perturbations", perturbations()),
        ("environments", (CAMERA_ID, CAMERA_ROS_ID, "Box(0, 255, (24, 64, 2), uint8)")),
    ):
        text = (reference / f"{page}.md").read_text("utf-8")
        assert [name for name in names if name not in text] == []


def test_the_picture_of_the_perturbations_shows_them_all() -> None:
    kept = cv2.imread(str(ROOT / "docs" / "images" / "perturbations.png"))
    drawn = contact_sheet()
    assert kept.shape == drawn.shape
    # Written anew after one of them has changed.
    assert np.abs(kept.astype(int) - drawn).mean() < 1.0


def test_topics_and_services_are_read_from_the_source(reference: Path) -> None:
    driver = [(one.kind, one.name) for one in find_endpoints("nodes/driver_topics")]
    assert ("publishes", "cmd_vel") in driver
    assert ("publishes", "proposed_cmd") in driver
    assert ("subscribes to", "cam_f1_left/image_raw/compressed") in driver
    trainer = rows(reference / "topics.md", "trainer")
    assert ["offers", "`~/save`", "`Trigger`", ""] in trainer


def test_every_module_of_a_package_is_documented(reference: Path) -> None:
    text = (reference / "python" / "driving.rst").read_text("utf-8")
    paths = (ROOT / "f1_rl" / "driving").glob("*.py")
    modules = {path.stem for path in paths if not path.stem.endswith("_kernels")} - {"__init__"}
    assert set(re.findall(r"automodule:: f1_rl\.driving\.(\w+)", text)) == modules


def test_the_reference_is_written_without_ros_and_tensorflow(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('rclpy', 'rcl_interfaces', 'tensorflow', 'tf_agents'):\n"
        "    sys.modules[name] = None\n"
        f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'docs')!r}]\n"
        "from pathlib import Path\n"
        "from generate import write_reference\n"
        f"write_reference(Path({str(tmp_path)!r}))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert (tmp_path / "settings.md").is_file()
