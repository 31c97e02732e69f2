"""What a training run shows of itself."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from f1_rl.driving.environment import F1CameraVectorEnv
from f1_rl.learning.audience import Decision
from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.progress import Progress
from f1_rl.learning.run_folder import Table
from f1_rl.live import spectator as spectator_module
from f1_rl.live.hub import Hub
from f1_rl.live.spectator import TrainingSpectator

import gymnasium as gym  # isort: skip

PROGRESS = Progress(96, 6, 1.5, 64.0, 2, 0, 3.5, 20.0, 0.9, 0.25, float("nan"))
LAPS = Evaluation(
    rows=[
        {"completed": 1, "lap_time_s": 20.0, "episode_return": 9.0},
        {"completed": 1, "lap_time_s": 22.0, "episode_return": 9.0},
        {"completed": 0, "lap_time_s": None, "episode_return": 1.0},
    ],
    successes=2,
    score=(0.67,),
    summary="2 of 3 full laps",
)
EPISODES = Evaluation(
    rows=[{"episode": i, "episode_return": float(r), "steps": 9} for i, r in enumerate((10, 20))],
    successes=0,
    score=(15.0,),
    summary="mean return 15.0 over 2 episodes",
)


EVALUATED = {"table": "evaluations", "env_step": 96, "update": 6}


class Page:
    """What a page that always keeps up has been told."""

    def __init__(self, hub: Hub) -> None:
        self._watcher = hub.join(lambda: None)

    def told(self) -> list[dict]:
        messages = [json.loads(text) for text in self._watcher.take()]
        for message in messages:
            if message["type"] == "moment":
                self._watcher.receive('{"type": "seen"}')
        return messages

    def told_of(self, kind: str) -> dict:
        return [message for message in self.told() if message["type"] == kind][-1]


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def spectator(hub):
    return TrainingSpectator(hub, "run 1: oval", 12_000)


@pytest.fixture
def envs():
    return F1CameraVectorEnv(2, circuits=["oval", "simple"])


def decide(envs, observations, actions=(1, 0)) -> Decision:
    layout = ObservationLayout(envs.single_observation_space, getattr(envs, "frame_stack", 1))
    values = np.arange(2 * envs.single_action_space.n, dtype=np.float32).reshape(2, -1)
    return Decision(envs, layout, layout.split(observations), values, np.array(actions), PROGRESS)


def test_a_decision_shows_the_first_car_as_it_stands(hub, spectator, envs):
    page = Page(hub)
    observations, _ = envs.reset(seed=1)
    observations = envs.step(np.zeros(2, int))[0]
    task = envs.task
    expected = task.cars.frame(0)
    assert spectator.wants
    spectator.see(decide(envs, observations))
    # Drawn later, and still what it was then.
    pose = task.cars.poses
    shown = hub._moment.camera
    envs.step(np.zeros(2, int))
    assert np.array_equal(shown(), expected)
    messages = {message["type"]: message for message in page.told()}
    circuit = task.cars.circuits[int(task.cars.circuit_index[0])]
    assert messages["scene"]["circuit"]["name"] == circuit.name
    assert messages["scene"]["env_steps"] == 12_000
    assert len(messages["scene"]["action_names"]) == len(task.actions)
    moment = messages["moment"]
    assert moment["q_values"] == list(range(len(task.actions)))
    assert moment["action"] == 1
    speed_mps, yaw_rate_radps = task.actions.pairs[1]
    assert moment["command"] == {"speed_mps": speed_mps, "yaw_rate_radps": yaw_rate_radps}
    assert moment["pose"]["x_m"] == pytest.approx(pose.x_m[0])
    assert moment["time_s"] == pytest.approx(0.05)
    assert moment["lap"] == 1
    assert moment["lap_time_s"] == pytest.approx(0.05)
    assert moment["best_lap_s"] is None
    assert moment["observation"].startswith("data:image/png")
    assert moment["training"]["env_step"] == 96
    assert moment["training"]["mean_q"] is None


def test_obstacles_are_those_of_the_first_car(hub, spectator):
    envs = F1CameraVectorEnv(2, circuits=["oval"], traffic="mixed")
    observations, _ = envs.reset(seed=1)
    page = Page(hub)
    spectator.see(decide(envs, observations))
    shown = page.told_of("moment")["obstacles"]
    expected = envs.task.cars.obstacles_around(0)
    assert [each["kind"] for each in shown] == [each.kind for each in expected]
    assert [each["x_m"] for each in shown] == [each.x_m for each in expected]
    assert {"box", "car"} == {each["kind"] for each in shown}


def test_cars_that_live_elsewhere_show_the_picture_that_they_sent(hub, spectator, envs):
    class Elsewhere:
        """Cars that cannot draw later: whose picture is the one that came last."""

        def __init__(self, cars) -> None:
            self._cars = cars

        def __getattr__(self, name: str):
            if name == "frame_later":
                raise AttributeError(name)
            return getattr(self._cars, name)

    behind = F1CameraVectorEnv(2, cars=Elsewhere(envs.task.cars), circuits=["oval", "simple"])
    observations, _ = behind.reset(seed=1)
    spectator.see(decide(behind, observations))
    assert np.array_equal(hub._moment.camera, envs.task.cars.frame(0))
    assert hub._moment.lap == 1


def test_the_scene_follows_the_car_to_another_circuit(hub, spectator, envs):
    page, seen = Page(hub), set()
    for seed in range(8):
        observations, _ = envs.reset(seed=seed)
        spectator.see(decide(envs, observations))
        index = int(envs.task.cars.circuit_index[0])
        scenes = [message for message in page.told() if message["type"] == "scene"]
        if scenes:
            assert scenes[-1]["circuit"]["name"] == envs.task.cars.circuits[index].name
            seen.add(index)
    assert seen == {0, 1}


def test_it_looks_only_while_somebody_is_ready_and_not_too_often(hub, spectator, envs, monkeypatch):
    now = SimpleNamespace(monotonic=lambda: now.time_s, time_s=1000.0)
    monkeypatch.setattr(spectator_module, "time", now)
    assert not spectator.wants
    watcher = hub.join(lambda: None)
    assert spectator.wants
    spectator.see(decide(envs, envs.reset(seed=0)[0]))
    assert not spectator.wants
    now.time_s += 0.11
    assert spectator.wants
    hub.leave(watcher)
    assert not spectator.wants


def test_other_environments_show_what_they_have(hub, spectator):
    page = Page(hub)
    envs = gym.make_vec("CartPole-v1", num_envs=2)
    spectator.see(decide(envs, envs.reset(seed=0)[0]))
    moment = page.told_of("moment")
    assert moment["q_values"] == [0.0, 1.0]
    assert moment["camera"] is None
    assert moment["observation"] is None
    assert moment["pose"] is None
    envs.close()


def test_games_show_the_frames_that_the_network_sees(hub, spectator):
    games = SimpleNamespace(
        single_observation_space=gym.spaces.Box(0, 255, (84, 84, 4), np.uint8),
        single_action_space=gym.spaces.Discrete(3),
        frame_stack=4,
    )
    page = Page(hub)
    spectator.see(decide(games, np.zeros((2, 84, 84, 4), np.uint8)))
    assert hub._moment.observation.shape == (84, 4 * 84 + 3)
    assert page.told_of("moment")["camera"] is None


def test_what_is_shown_is_no_longer_the_trainers(hub, spectator, envs):
    observations, _ = envs.reset(seed=0)
    decision = decide(envs, observations)
    spectator.see(decision)
    before = hub._moment.observation.copy()
    decision.q_values[:] = -1.0
    decision.observations[0][:] = 7
    assert np.array_equal(hub._moment.observation, before)
    assert hub._moment.q_values.min() == 0.0


def test_the_curves_get_a_point_for_each_row_and_evaluation(hub, spectator):
    page = Page(hub)
    spectator.on_progress(PROGRESS)
    spectator.on_evaluation(PROGRESS, LAPS, True)
    spectator.on_evaluation(PROGRESS, EPISODES, False)
    metrics, laps, episodes = page.told_of("curve")["rows"]
    assert metrics["table"] == "metrics"
    assert metrics["env_step"] == 96
    assert metrics["loss"] == 0.25
    assert metrics["mean_q"] is None
    assert laps == {**EVALUATED, "full_laps": 2, "lap_time_s": 21.0}
    assert episodes == {**EVALUATED, "evaluated_return": 15.0}
    assert hub._moment.status == f"Evaluated at step 96: {EPISODES.summary}."


def test_a_resumed_run_shows_the_curves_of_its_past(hub, spectator, tmp_path):
    live = Page(hub)
    metrics, evaluations = Table(tmp_path / "metrics.csv"), Table(tmp_path / "evaluations.csv")
    for step in (32, 64):
        progress = Progress(**{**vars(PROGRESS), "env_step": step})
        spectator.on_progress(progress)
        metrics.write(vars(progress))
    # Before the first environment step, an evaluation is known by its update.
    for update in (3, 6):
        progress = Progress(**{**vars(PROGRESS), "env_step": 0, "update": update})
        spectator.on_evaluation(progress, LAPS, True)
        for row in LAPS.rows:
            evaluations.write({"env_step": 0, "update": update, **row})
    again = Hub()
    TrainingSpectator(again, "resumed", 12_000).recall(tmp_path)
    assert Page(again).told_of("curve") == live.told_of("curve")


def test_a_run_that_only_learns_from_demonstrations_shows_its_figures(hub):
    page = Page(hub)
    spectator = TrainingSpectator(hub, "offline", 0)
    spectator.on_progress(Progress(**{**vars(PROGRESS), "env_step": 0}))
    assert page.told_of("moment")["training"]["update"] == 6
    spectator.on_evaluation(Progress(**{**vars(PROGRESS), "env_step": 0}), LAPS, False)
    messages = {message["type"]: message for message in page.told()}
    assert messages["moment"]["status"] == "Evaluated at update 6: 2 of 3 full laps."
    assert hub.scene.env_steps is None


def test_a_run_without_a_past_has_no_curves(hub, spectator, tmp_path):
    spectator.recall(tmp_path)
    assert {message["type"] for message in Page(hub).told()} == {"scene", "moment"}


def test_it_says_what_else_is_done_and_how_it_ended(hub, spectator):
    page = Page(hub)
    spectator.say("Drives an evaluation ...")
    assert page.told_of("moment")["status"] == "Drives an evaluation ..."
    spectator.end("The run is over.")
    assert page.told_of("end")["status"] == "The run is over."
