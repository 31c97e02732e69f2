"""Training with a car over the real middleware: whose frames it sees, and what faults do to it."""

import time

import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from f1_rl.driving.cars import CarFault
from f1_rl.ros.environment import F1CameraRosVectorEnv
from f1_rl.ros.graph import Graph

pytestmark = pytest.mark.tensorflow

PERIOD_NS = 50_000_000
SIZE = {"width": 64, "height": 48}
SIMULATOR = {
    "start_paused": True,
    "physics_step_ms": 50,
    "odometry_period_ms": 50,
    **SIZE,
}
SETTINGS = {
    "env_options": {"ros": {"step_timeout_s": 1.0, "recovery_timeout_s": 20.0}},
    "task": {"camera": SIZE, "observation": {"rows": 6, "columns": 16}},
    "agent": {
        "network": {"filters": [4], "kernels": [[3, 3]], "strides": [[2, 2]], "units": [16]},
        "batch_size": 16,
    },
    "training": {
        "env_steps": 300,
        "replay_capacity": 5_000,
        "learning_starts": 50,
        "evaluate_from": 150,
        "evaluate_every": 150,
        "evaluation_episodes": 2,
    },
}


class Recorder:
    """Keeps what every step of a training environment gave, and says it as a listener."""

    def __init__(self, monkeypatch):
        self.steps = []
        self.evaluations = []
        step = F1CameraRosVectorEnv.step

        def recording(env, actions):
            resets = env._ended.copy()
            observations, *rest = step(env, actions)
            self.steps.append((resets, observations.copy(), *rest))
            return (observations, *rest)

        monkeypatch.setattr(F1CameraRosVectorEnv, "step", recording)

    def on_progress(self, progress):
        pass

    def on_evaluation(self, progress, evaluation, best):
        # An evaluation drives the same car: after it comes another episode.
        self.evaluations.append(len(self.steps))


def settings_of(**changes):
    from f1_rl.learning.runs import run_settings

    return run_settings("gazebo", [SETTINGS, changes])


def train(path, recorder, settings):
    from f1_rl.learning.training import start_run

    trainer = start_run(settings, path, recorder, device="cpu")
    try:
        trainer.run()
    finally:
        trainer.close()
    return trainer


@pytest.fixture
def quick_saving(monkeypatch):
    from f1_rl.learning.agent import Agent

    monkeypatch.setattr(Agent, "save_greedy_policy", lambda self, folder: folder.mkdir())
    monkeypatch.setattr(Agent, "tflite_model", lambda self: b"")


@pytest.mark.usefixtures("quick_saving")
def test_no_step_of_a_run_uses_a_stale_frame(start, tmp_path, monkeypatch):
    """Of two cars that learn together, evaluations and restarts of episodes in between."""
    for name in ("left", "right"):
        start("f1_rl.nodes.simulator", "-r", f"__ns:=/{name}", **SIMULATOR)
    recorder = Recorder(monkeypatch)
    cars = {"namespaces": ["/left", "/right"]}
    training = {"num_envs": 2, "env_steps": 600}
    trainer = train(tmp_path / "run", recorder, settings_of(env_options=cars, training=training))
    assert trainer.env_steps >= 600
    assert len(recorder.evaluations) >= 3
    last_ns = np.zeros(2, np.int64)
    steps = 0
    for i, (resets, _, _, _, _, infos) in enumerate(recorder.steps):
        assert "fault" not in infos
        passed_ns = infos["stamp_ns"] - last_ns
        # Where a car was placed it stood for a period or more; else exactly one has passed.
        placed = resets | (i in (0, *recorder.evaluations))
        assert (passed_ns[~placed] == PERIOD_NS).all()
        assert (passed_ns > 0).all()
        assert (infos["stamp_ns"] % PERIOD_NS == 0).all()
        assert infos["answered"].all()
        assert not infos["discarded_frames"].any()
        last_ns = infos["stamp_ns"]
        steps += int((~placed).sum())
    assert steps > 500


class Faults:
    def __init__(self):
        self.graph = Graph("faults")
        self._set = self.graph.node.create_client(SetParameters, "simulator/set_parameters")

    def begin(self, name, after):
        wanted = [Parameter("fault", value=name), Parameter("after", value=after)]
        request = SetParameters.Request(parameters=[item.to_parameter_msg() for item in wanted])
        answer = self.graph.call(self._set, request, time.monotonic() + 20.0)
        assert all(result.successful for result in answer.results)


@pytest.fixture(scope="module")
def faults(start):
    start("faulty_simulator.py")
    made = Faults()
    yield made
    made.graph.close()


@pytest.mark.usefixtures("quick_saving")
@pytest.mark.parametrize("fault", ["step_twice", "truncated", "refused", "black"])
def test_no_transition_with_a_fault_is_learned_from(faults, tmp_path, monkeypatch, fault):
    """Every episode of the run ends by a fault after seven steps, if not before."""
    from f1_rl.learning.agent import Agent
    from f1_rl.learning.training import start_run

    faults.begin(fault, after=8)
    recorder = Recorder(monkeypatch)
    training = {"env_steps": 150, "evaluate_from": 10**6, "learning_starts": 20}
    batches = []
    learn = Agent.train
    monkeypatch.setattr(
        Agent, "train", lambda agent, batch: (batches.append(batch), learn(agent, batch))[1]
    )
    trainer = start_run(settings_of(training=training), tmp_path / "run", recorder, device="cpu")
    try:
        # The last evaluation cannot be driven either: no lap takes seven steps.
        with pytest.raises(CarFault):
            trainer.run()
    finally:
        trainer.close()
        faults.begin("", after=8)
    faulted = [step for step in recorder.steps if "fault" in step[-1]]
    assert len(faulted) > 10
    assert all(step[-1]["_fault"].all() for step in faulted)
    assert len(batches) > 20
    replay = trainer._replay
    starts = np.flatnonzero(~replay._final[: replay._written, 0])
    # No slot that a transition starts from holds the reward, nor an action, of a fault or a reset.
    meant = [not step[0][0] and "fault" not in step[-1] for step in recorder.steps]
    assert set(starts) <= set(np.flatnonzero(meant))
    assert len(starts) > 60


@pytest.mark.usefixtures("quick_saving")
def test_a_run_with_faults_goes_on_and_counts_them(faults, tmp_path, monkeypatch, caplog):
    from f1_rl.learning.training import start_run

    faults.begin("step_twice", after=8)
    recorder = Recorder(monkeypatch)
    training = {"env_steps": 100, "evaluate_from": 10**6}
    trainer = start_run(settings_of(training=training), tmp_path / "run", recorder, device="cpu")
    step = F1CameraRosVectorEnv.step

    def mended(env, actions):
        if trainer._counters["faults"] == 3:
            faults.begin("", after=8)
        return step(env, actions)

    monkeypatch.setattr(F1CameraRosVectorEnv, "step", mended)
    try:
        trainer.run()
    finally:
        trainer.close()
        faults.begin("", after=8)
    assert trainer.env_steps >= 100
    assert len(recorder.evaluations) == 1
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("faults")
    assert rows[-1].split(",")[column] == "3"
    said = [line for line in caplog.messages if "is not learned from" in line]
    assert len(said) == 3
    assert all("somebody else steps" in line for line in said)
