"""Training that is watched: it learns the same, and nothing that watches can end it."""

import json
import threading

import numpy as np
import pytest
from learning_helpers import TINY, Quiet, read_rows, tiny_settings

from f1_rl.learning.agent import Agent
from f1_rl.learning.checkpoints import Checkpoints
from f1_rl.learning.runs import run_settings
from f1_rl.learning.training import start_run
from f1_rl.live import spectator as spectator_module
from f1_rl.live.hub import Hub
from f1_rl.live.spectator import TrainingSpectator
from f1_rl.settings import merge


@pytest.fixture(autouse=True)
def quick_saving(monkeypatch):
    """Leave the models out of saved policies, which take longer than all else here."""
    monkeypatch.setattr(Agent, "save_greedy_policy", lambda self, folder: folder.mkdir())
    monkeypatch.setattr(Agent, "tflite_model", lambda self: b"")


@pytest.fixture
def every_step(monkeypatch):
    monkeypatch.setattr(spectator_module, "_PERIOD_S", 0.0)


class Page(threading.Thread):
    """Draws and encodes everything it can get, in a thread of its own, as the server does."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._news, self._done = threading.Event(), False
        self._watcher = hub.join(self._news.set)
        self.messages: list[dict] = []
        self.start()

    def run(self) -> None:
        while not self._done:
            self._news.wait()
            self._news.clear()
            self.take()

    def take(self) -> None:
        for text in self._watcher.take():
            self.messages.append(json.loads(text))
            if self.messages[-1]["type"] == "moment":
                self._watcher.receive('{"type": "seen"}')

    def close(self) -> None:
        self._done = True
        self._news.set()
        self.join()
        self.take()

    def of(self, kind: str) -> list[dict]:
        return [message for message in self.messages if message["type"] == kind]


def train(path, settings, spectator=None):
    trainer = start_run(settings, path, Quiet(), device="cpu", spectator=spectator)
    trainer.run()
    trainer.close()
    return trainer


def watch(path, settings) -> Page:
    hub = Hub()
    page = Page(hub)
    try:
        train(path, settings, TrainingSpectator(hub, "run", settings.training.env_steps))
    finally:
        page.close()
    return page


def learned(path) -> list[np.ndarray]:
    state = Checkpoints(path / "checkpoints").load_latest()
    return [np.asarray(value) for value in state["agent"]["variables"]]


def evaluations(path) -> list[dict]:
    return [
        {name: cell for name, cell in row.items() if name != "wall_time_s"}
        for row in read_rows(path / "evaluations.csv")
    ]


def test_a_run_that_is_watched_at_every_step_learns_the_same(tmp_path, every_step):
    settings = tiny_settings(
        task={"variation": {"noise_sigma": [0.0, 5.0]}},
        agent={"augmentation": {"mirror": True, "shift": 1}},
    )
    train(tmp_path / "alone", settings)
    page = watch(tmp_path / "watched", settings)
    assert len(page.of("moment")) > 20
    assert page.of("moment")[-1]["camera"].startswith("data:image/jpeg")
    alone, watched = learned(tmp_path / "alone"), learned(tmp_path / "watched")
    assert len(alone) == len(watched) > 0
    assert all(np.array_equal(a, b) for a, b in zip(alone, watched, strict=True))
    assert evaluations(tmp_path / "alone") == evaluations(tmp_path / "watched")


def test_an_evaluation_says_so_while_it_drives(tmp_path, every_step):
    said = []
    hub = Hub()
    spectator = TrainingSpectator(hub, "run", 600)
    spectator.say = said.append
    train(tmp_path / "run", tiny_settings(), spectator)
    assert any("evaluation" in sentence for sentence in said)
    assert said[-1].startswith("Evaluated at step")


@pytest.mark.parametrize("preset", ["cartpole", "tabular"])
def test_other_runs_are_watched_too(tmp_path, every_step, preset):
    changes = {"training": {**TINY["training"], "env_steps": 300, "evaluate_every": 150}}
    page = watch(tmp_path / "run", run_settings(preset, [merge(changes, {"seed": 1})]))
    moment = page.of("moment")[-1]
    assert len(moment["q_values"]) >= 2
    assert moment["training"]["env_step"] >= 150
    assert (moment["camera"] is None) == (preset == "cartpole")
    rows = [row for message in page.of("curve") for row in message["rows"]]
    assert {row["table"] for row in rows} == {"metrics", "evaluations"}


class Failing:
    """A spectator of which one part fails."""

    def __init__(self, part: str) -> None:
        self._part = part
        self.asked: list[str] = []

    @property
    def wants(self) -> bool:
        self._call("wants")
        return True

    def _call(self, part: str) -> None:
        self.asked.append(part)
        if part == self._part:
            raise ValueError(f"{part} fails")

    def see(self, decision) -> None:
        self._call("see")

    def say(self, sentence) -> None:
        self._call("say")

    def on_progress(self, progress) -> None:
        self._call("on_progress")

    def on_evaluation(self, progress, evaluation, best) -> None:
        self._call("on_evaluation")


@pytest.mark.parametrize("part", ["wants", "see", "say", "on_progress", "on_evaluation"])
def test_a_spectator_that_fails_is_sent_away_and_training_goes_on(tmp_path, caplog, part):
    spectator = Failing(part)
    trainer = train(tmp_path / "run", tiny_settings(), spectator)
    assert trainer.env_steps >= 600
    assert spectator.asked.count(part) == 1
    assert spectator.asked[-1] == part
    assert f"{part} fails" in caplog.text
