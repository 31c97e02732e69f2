"""`f1-rl benchmark`: the tracks that need no peers, in small."""

import csv
import json
from pathlib import Path

import pytest
from cli_helpers import tell

from f1_rl.benchmark import peers
from f1_rl.benchmark.tracks import TRACKS
from f1_rl.cli import benchmark


@pytest.fixture(autouse=True)
def no_peers(monkeypatch):
    """As if `make peers` had not been called, wherever the tests run."""
    monkeypatch.setattr(peers, "find_peers", lambda given=None: None)


def quick(track: str, folder: Path) -> dict[str, object]:
    """Run a track in small and return its part of the document, having checked the files."""
    told = tell("benchmark", track, "--quick", "--json", "--output", folder)
    assert told.code == 0, told.err
    document = json.loads(told.out)
    assert document == json.loads((folder / "results.json").read_text())
    assert document["quick"] is True
    assert f"## {track}" in (folder / "tables.md").read_text()
    assert list(folder.glob("*.svg"))
    with (folder / f"{track}.csv").open() as file:
        assert list(csv.DictReader(file))
    return document["tracks"][track]


def test_the_verb_names_every_track():
    assert list(TRACKS) == list(benchmark.TRACKS)


def test_the_simulator_is_measured(tmp_path):
    rates = quick("simulator", tmp_path)
    assert rates["f1_rl, 1 at once"]["value"] > 0.0
    assert rates["direct view, batch of 1"]["value"] > 0.0


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_latency_of_a_decision_is_measured(tmp_path):
    ways = quick("latency", tmp_path)
    assert set(ways) == {"saved_model", "tf_function", "tflite", "ours"}
    for way in ways.values():
        assert 0.0 < way["p50_s"]["value"] <= way["p99_s"]["value"] <= way["max_s"]
    # LiteRT's interpreter needs tens of microseconds, a call into TensorFlow hundreds.
    assert ways["ours"]["p50_s"]["value"] < ways["saved_model"]["p50_s"]["value"]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_engine_is_measured_without_the_peers_that_are_not_installed(tmp_path):
    told = tell("benchmark", "engine", "--quick", "--output", tmp_path)
    assert told.code == 0, told.err
    assert "Stable-Baselines3 is skipped: install it with make peers." in told.err
    assert "| TF-Agents |" in told.out
    rows = json.loads((tmp_path / "results.json").read_text())["tracks"]["engine"]["cartpole"]
    assert [row["system"] for row in rows] == ["ours", "ours", "tf-agents"]
    assert all(row["env_steps_per_s"]["value"] > 0.0 for row in rows)
    assert len({row["parameters"] for row in rows}) == 1


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_time_to_solve_is_measured(tmp_path):
    (env,) = quick("solve", tmp_path).values()
    assert [row["system"] for row in env] == ["ours", "tf-agents"]
    assert all(row["seconds"]["value"] > 0.0 for row in env)


def test_more_threads_than_processors_are_refused(tmp_path):
    told = tell("benchmark", "simulator", "--threads", 4096, "--output", tmp_path)
    assert told.code == 1
    assert "--threads 4096" in told.err


@pytest.mark.parametrize(
    "arguments", [("speed",), ("engine", "--seconds", "0"), ("engine", "--repetitions", "0")]
)
def test_wrong_usage_is_refused(arguments):
    told = tell("benchmark", *arguments)
    assert told.code == 2
    assert "usage: f1-rl benchmark" in told.err
