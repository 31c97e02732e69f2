"""Where config/ and launch/ are found, however the package was installed."""

import shutil
import sysconfig
from pathlib import Path

import pytest

import f1_rl
from f1_rl.launching import LaunchError, config_file, share_folder


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch) -> Path:
    """No source tree, no ament index, and an empty environment to install into."""
    monkeypatch.setattr(f1_rl, "__file__", str(tmp_path / "site-packages" / "f1_rl" / "x.py"))
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "venv"))
    return tmp_path / "venv"


def install(repository: Path, prefix: Path) -> Path:
    share = prefix / "share" / "f1_rl"
    share.mkdir(parents=True)
    shutil.copytree(repository / "config", share / "config")
    shutil.copy(repository / "package.xml", share)
    return share


def test_a_source_tree_is_used_as_it_is(repository: Path, monkeypatch) -> None:
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    assert share_folder() == repository
    assert config_file("driver.yaml") == repository / "config" / "driver.yaml"


def test_pip_puts_it_below_the_environments_prefix(repository: Path, prefix: Path) -> None:
    share = install(repository, prefix)
    assert share_folder() == share


def test_the_ament_index_comes_first(
    repository: Path, prefix: Path, tmp_path: Path, monkeypatch
) -> None:
    install(repository, prefix)
    built = tmp_path / "install"
    share = install(repository, built)
    marker = built / "share" / "ament_index" / "resource_index" / "packages" / "f1_rl"
    marker.parent.mkdir(parents=True)
    marker.touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{built}:")
    assert share_folder() == share


def test_without_them_the_sentence_says_what_to_do(prefix: Path) -> None:
    with pytest.raises(LaunchError, match=r"install the package again with pip or colcon"):
        share_folder()
