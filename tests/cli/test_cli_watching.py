"""`f1-rl train --watch`: what it prints, and what it refuses."""

import json
import socket

import pytest
from cli_helpers import SMALL_PRESET, tell

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def preset(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_PRESET)
    return path


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """The addresses that a browser was asked to open."""
    addresses: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda url: addresses.append(url) or True)
    return addresses


def train(preset, run, *options):
    common = ("train", "--preset", preset, "--run-dir", run, "--device", "cpu", "--no-report")
    return tell(*common, "--steps", "100", *options)


def test_a_watched_run_says_where_and_opens_the_page(preset, tmp_path, opened):
    told = train(preset, tmp_path / "run", "--watch")
    assert told.code == 0, told.err
    assert len(opened) == 1
    assert opened[0].startswith("http://127.0.0.1:")
    assert told.out.splitlines()[0] == f"Watch it at {opened[0]}"


def test_for_programs_the_address_is_kept_apart_from_the_result(preset, tmp_path, opened):
    told = train(preset, tmp_path / "run", "--watch", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["env_steps"] >= 100
    assert f"Watch it at {opened[0]}" in told.err


def test_nothing_is_served_where_nobody_asked(preset, tmp_path, opened):
    told = train(preset, tmp_path / "run")
    assert told.code == 0, told.err
    assert "Watch" not in told.out
    assert opened == []


def test_a_port_that_is_taken_ends_it_before_a_run_is_made(preset, tmp_path, opened):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = train(preset, tmp_path / "run", "--watch-port", port)
    assert told.code == 1
    assert told.err.startswith(f"f1-rl: port {port}: ")
    assert len(told.err.splitlines()) == 1
    assert not (tmp_path / "run").exists()
    assert opened == []
