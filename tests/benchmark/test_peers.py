"""The peers' environment: found, and what is missing named with the command that installs it."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from f1_rl.benchmark import peers, systems
from f1_rl.benchmark.turns import BenchmarkError


def test_without_an_environment_the_peers_are_skipped_with_the_command():
    absent = systems.missing(["ours", "sb3", "sbx"], None)
    assert absent["sb3"] == "Stable-Baselines3 is skipped: install it with make peers."
    assert absent["sbx"] == "SBX (JAX) is skipped: install it with make peers."


def test_an_environment_without_a_module_is_named_with_the_module(monkeypatch):
    system = systems.System("Another", "another", ("json", "no_such_module"), is_peer=True)
    monkeypatch.setattr(systems, "SYSTEMS", {"another": system})
    (sentence,) = systems.missing(["another"], Path(sys.executable)).values()
    assert "Another is skipped" in sentence
    assert f"{sys.executable} has no no_such_module;" in sentence
    assert sentence.endswith("make peers.")


def test_a_system_whose_modules_are_there_is_not_missing(monkeypatch):
    system = systems.System("Another", "another", ("json", "pathlib"), is_peer=True)
    monkeypatch.setattr(systems, "SYSTEMS", {"another": system})
    assert systems.missing(["another"], Path(sys.executable)) == {}


def test_the_environment_beside_this_one_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    python = tmp_path / ".venv-peers" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert peers.find_peers() == python


def test_an_environment_can_be_named_by_its_folder_or_its_interpreter(tmp_path):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    assert peers.find_peers(tmp_path) == peers.find_peers(python) == python


def test_a_named_environment_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BenchmarkError, match=r"holds no interpreter; make one with make peers\.$"):
        peers.find_peers(tmp_path / "nowhere")


def test_the_versions_are_those_of_that_environment():
    assert peers.peers_versions(Path(sys.executable))["numpy"] == version("numpy")
