"""What `f1-rl doctor` says of Gazebo, told by programs that stand in for `gz`."""

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from f1_rl.cli.checks import gazebo

GPU = "NVIDIA GeForce RTX 4070/PCIe/SSE2"
HARMONIC = '[ "$2" = --versions ] && { echo 8.9.0; exit; }'
SOFTWARE = "llvmpipe (LLVM 15.0.6, 256 bits)"


def gz_that_draws_with(renderer: str, log: str = "ogre2.log") -> str:
    """Return the script of a gz that writes its log as the real one does, where HOME is."""
    return (
        f"{HARMONIC}\n"
        'mkdir -p "$HOME/.gz/rendering"\n'
        f'echo "10:00:28: GL_VENDOR = somebody" > "$HOME/.gz/rendering/{log}"\n'
        f'echo "10:00:28: GL_RENDERER = {renderer}" >> "$HOME/.gz/rendering/{log}"'
    )


def test_without_gazebo_nothing_is_wrong(programs):
    for finding in (gazebo.gazebo(), gazebo.renderer()):
        assert finding.state == "absent"


@pytest.mark.parametrize(
    ("answer", "state", "detail"),
    [
        ("8.9.0", "ok", "gz sim 8.9.0"),
        ("7.7.0\\n8.10.1", "ok", "gz sim 8.10.1"),
        ("6.16.0", "fail", "older than Harmonic"),
        ("9.0.0\\n8.9.0", "fail", "newer than Harmonic"),
        ("Unknown command: sim", "absent", "another Gazebo"),
    ],
)
def test_the_version_has_to_be_harmonic(programs, answer, state, detail):
    gz = programs("gz", f'[ "$*" = "sim --versions" ] && printf "{answer}\\n"')
    finding = gazebo.gazebo()
    assert finding.state == state
    assert detail in finding.detail
    assert str(gz) in finding.detail
    assert bool(finding.remedy) == (state != "ok")


def test_a_gazebo_that_hangs_is_ended(programs, monkeypatch):
    monkeypatch.setattr(gazebo, "_ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(gazebo, "_DRAW_WITHIN_S", 0.3)
    # The child keeps the output open.
    began_s = time.monotonic()
    programs("gz", "sleep 30 & sleep 30")
    assert "does not answer" in gazebo.gazebo().detail
    programs("gz", f"{HARMONIC}\nsleep 30 & sleep 30")
    monkeypatch.setattr(gazebo, "_ANSWER_WITHIN_S", 20.0)
    assert "does not come to an end" in gazebo.renderer().detail
    assert time.monotonic() - began_s < 10.0


@pytest.mark.parametrize(
    ("renderer", "has_gpu", "detail", "has_remedy"),
    [
        (GPU, True, GPU, False),
        (SOFTWARE, False, f"{SOFTWARE}: in software", False),
        (SOFTWARE, True, "in software, though there is a GPU", True),
    ],
)
def test_it_tells_what_draws(programs, renderer, has_gpu, detail, has_remedy):
    programs("gz", gz_that_draws_with(renderer))
    if has_gpu:
        programs("nvidia-smi", "")
    finding = gazebo.renderer()
    assert finding.state == ("warn" if has_remedy else "ok")
    assert finding.detail.endswith(detail)
    assert ("NVIDIA_DRIVER_CAPABILITIES" in finding.remedy) == has_remedy


def test_gazebo_draws_apart_from_others_and_from_the_users_files(programs, tmp_path):
    told, world = tmp_path / "told", tmp_path / "world.sdf"
    write = f'echo "$HOME $GZ_PARTITION $*" > {told}; cp "$last" {world}'
    programs("gz", f"{HARMONIC}\nfor last; do :; done\n{write}")
    assert "tells of no renderer" in gazebo.renderer().detail
    home, partition, *command = told.read_text().split()
    assert not Path(home).exists()
    assert Path(home).name == partition
    assert {"-s", "-r", "--headless-rendering", "--iterations"} < set(command)
    assert ElementTree.parse(world).find(".//sensor").get("type") == "camera"


def test_an_old_gazebo_is_not_asked_what_draws(programs):
    programs("gz", "echo 6.16.0")
    assert gazebo.renderer().state == "absent"


@pytest.mark.skipif(gazebo.gazebo().state != "ok", reason="no Gazebo Harmonic is installed")
def test_a_real_gazebo_tells_what_draws():
    finding = gazebo.renderer()
    assert finding.state == "ok", finding
    assert finding.detail
