"""Every command of the tutorial, run in order in one folder, as somebody who reads it would."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from markdown_blocks import Block, blocks_to_run
from processes import until

from f1_rl.cli.main import build_parser
from f1_rl.cli.score_table import COLUMNS
from f1_rl.launching import LAUNCHES
from f1_rl.launching.arguments import split_words

# A block may train several times on a machine that does other things, too.
pytestmark = [pytest.mark.tensorflow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
BLOCKS = blocks_to_run(ROOT / "docs" / "tutorial.md")
HAS_ROS = find_spec("rclpy") is not None
HAS_GAZEBO = HAS_ROS and shutil.which("gz") is not None and find_spec("ros_gz_interfaces")
MISSING = {
    "ros": "" if HAS_ROS else "rclpy is not installed (make test-ros)",
    "gazebo": "" if HAS_GAZEBO else "Gazebo Harmonic or ros_gz_bridge is not installed",
}


class Workplace:
    """The folder in which the commands are run, and what still goes on in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._beside: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._begun = 0

    def run(self, block: Block) -> None:
        if "alone" in block.options or any(name != block.section for name, _ in self._beside):
            self.end_all()
        if "file" in block.options:
            (self.folder / block.options["file"]).write_text(block.text)
            return
        process, log = self._start(block.text)
        said = block.options.get("beside") or block.options.get("until")
        if said is not None:
            until(lambda: said in log.read_text() or process.poll() is not None, 120.0)
            assert process.poll() is None, log.read_text()
        if "beside" in block.options:
            self._beside.append((block.section, process))
            return
        time.sleep(float(block.options.get("seconds", 0.0)))
        if "until" in block.options or "seconds" in block.options:
            process.send_signal(signal.SIGINT)
        status = process.wait(timeout=840.0)
        assert status == int(block.options.get("status", "0")), log.read_text()

    def end_all(self) -> None:
        for _, process in self._beside:
            process.send_signal(signal.SIGINT)
        statuses = [process.wait(timeout=30.0) for _, process in self._beside]
        self._beside.clear()
        assert not any(statuses)

    def _start(self, text: str) -> tuple["subprocess.Popen[bytes]", Path]:
        self._begun += 1
        log = self.folder / f"{self._begun}.log"
        # A lone command takes the place of the shell, so that Ctrl-C reaches it.
        lines = [line for line in text.splitlines() if line]
        script = f"exec {lines[0]}" if len(lines) == 1 else text
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=self.folder,
                env=self._environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        return process, log


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, domain_id: int) -> Iterator[Workplace]:
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "tests").symlink_to(ROOT / "tests")
    programs = Path(sys.executable).parent
    if not (programs / "f1-rl").exists():
        programs = folder / "bin"
        programs.mkdir()
        (programs / "python").symlink_to(sys.executable)
        (programs / "f1-rl").write_text(
            f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m f1_rl.cli.main "$@"\n'
        )
        (programs / "f1-rl").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    # A display would have the live page opened there.
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        environment.pop(name, None)
    it = Workplace(folder, environment)
    yield it
    it.end_all()


@pytest.mark.parametrize("block", BLOCKS, ids=[f"{i}-{b.section}" for i, b in enumerate(BLOCKS)])
def test_the_commands_do_what_the_tutorial_says(block: Block, workplace: Workplace) -> None:
    missing = MISSING.get(block.options.get("needs", ""), "")
    if missing:
        check_arguments(block, workplace.folder)
        pytest.skip(missing)
    workplace.run(block)


def check_arguments(block: Block, folder: Path) -> None:
    """Have the parsers read the commands, and the launches plan what they would start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in block.commands:
            parsed = build_parser().parse_args(words[1:])
            if hasattr(parsed, "arguments"):
                assert LAUNCHES[parsed.name].plan(split_words(parsed.arguments)).processes


def test_the_printed_tables_have_the_columns_of_today() -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    printed = [line.split("┃") for line in page.splitlines() if line.startswith("┃ circuit ")]
    assert len(printed) == 5
    # On a terminal of 120 columns, whatever goes first where it is narrow is left out.
    shown = [column.short for column in COLUMNS if column.rank < 4]
    assert all([cell.strip() for cell in cells[1:-1]] == shown for cells in printed)


def test_the_tutorial_has_a_section_for_each_of_its_promises() -> None:
    sections = list(dict.fromkeys(block.section for block in BLOCKS))
    assert sections == [
        *("Train", "Drive", "Watch, and race it", "Break it", "Repair it"),
        *("A reward of your own", "A circuit of your own", "ROS 2", "Gazebo", "Bags"),
    ]
