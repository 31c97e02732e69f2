"""What others may ask of a run, learning beside the step, and cars that fail in a run."""

import threading
import time

import numpy as np
import pytest
from learning_helpers import Quiet, read_rows, tiny_settings

from f1_rl.driving.cars import CarFault
from f1_rl.driving.environment import F1CameraVectorEnv
from f1_rl.learning.agent import Agent
from f1_rl.learning.checkpoints import Checkpoints
from f1_rl.learning.control import TrainingControl
from f1_rl.learning.training import start_run
from f1_rl.policy.manifest import read_manifest

SOON_S = 60.0


@pytest.fixture(autouse=True)
def quick_saving(monkeypatch):
    """Leave the models out of saved policies, which take longer than all else here."""
    monkeypatch.setattr(Agent, "save_greedy_policy", lambda self, folder: folder.mkdir())
    monkeypatch.setattr(Agent, "tflite_model", lambda self: b"")


def newest(path) -> dict:
    return Checkpoints(path / "checkpoints").load_latest()


def until(condition) -> None:
    deadline_s = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


class Running:
    """A run in a thread of its own."""

    def __init__(self, path, settings, listener=None) -> None:
        self.trainer = start_run(settings, path, listener or Quiet(), device="cpu")
        self.control = self.trainer.control
        self._thread = threading.Thread(target=self.trainer.run)
        self._thread.start()

    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def end(self) -> None:
        self.trainer.request_stop()
        self._thread.join(SOON_S)
        assert self.has_ended()


def test_requests_are_taken_once_and_wake_whoever_waits_in_a_pause():
    control = TrainingControl()
    assert not control.paused
    assert not control.stopping
    control.wait()
    control.evaluate()
    control.save()
    assert control.take_evaluation()
    assert control.take_save()
    assert not control.take_evaluation()
    assert not control.take_save()
    for request in (control.go_on, control.evaluate, control.save, control.stop):
        control.pause()
        waiter = threading.Thread(target=control.wait)
        waiter.start()
        waiter.join(0.05)
        assert waiter.is_alive()
        request()
        waiter.join(SOON_S)
        assert not waiter.is_alive()
        control.take_evaluation()
        control.take_save()


@pytest.fixture
def paused(tmp_path):
    """A run of more steps than a test waits for, standing still."""
    listener = Quiet()
    settings = tiny_settings(
        training={"env_steps": 10**6, "evaluate_every": 10**6, "log_every_s": 1000.0}
    )
    running = Running(tmp_path / "run", settings, listener)
    until(lambda: running.trainer.env_steps > 0)
    running.control.pause()
    # Whoever pauses says so with a row.
    until(lambda: listener.progress)
    yield running, listener, tmp_path / "run"
    running.end()


def test_a_paused_run_stands_still_and_its_time_too(paused):
    running, listener, path = paused
    steps = running.trainer.env_steps
    time.sleep(1.0)
    assert running.trainer.env_steps == steps
    paused_s = listener.progress[-1].wall_time_s
    began_s = time.monotonic()
    running.control.go_on()
    until(lambda: running.trainer.env_steps > steps + 100)
    running.end()
    ended_s = float(read_rows(path / "metrics.csv")[-1]["wall_time_s"])
    # Had the pause been counted, a second would have been added.
    assert ended_s - paused_s < time.monotonic() - began_s + 0.5


def test_an_evaluation_and_a_checkpoint_are_had_in_a_pause_too(paused):
    running, listener, path = paused
    steps = running.trainer.env_steps
    running.control.evaluate()
    until(lambda: listener.evaluations)
    assert listener.evaluations[0][0].env_step == steps
    assert Checkpoints(path / "checkpoints").steps() == []
    running.control.save()
    until(lambda: Checkpoints(path / "checkpoints").steps() == [steps])
    until(lambda: (path / "policy" / "policy.yaml").is_file())
    assert running.trainer.env_steps == steps
    assert running.control.paused


def test_a_stop_ends_a_pause_with_everything_saved(paused):
    running, _, path = paused
    steps = running.trainer.env_steps
    running.end()
    assert running.trainer.env_steps == steps
    assert Checkpoints(path / "checkpoints").steps() == [steps]


def train(path, settings):
    trainer = start_run(settings, path, Quiet(), device="cpu")
    trainer.run()
    return newest(path)


def assert_same(ours, theirs, where="checkpoint"):
    """Compare two trees of a checkpoint bit for bit, but for times."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for name in ours.keys() - {"wall_time_s"}:
            assert_same(ours[name], theirs[name], f"{where}.{name}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same(*pair, f"{where}[{index}]")
    elif isinstance(ours, np.ndarray):
        np.testing.assert_array_equal(ours, theirs, err_msg=where)
    else:
        assert ours == theirs or str(ours) == str(theirs), where


def test_learning_beside_the_step_leaves_nothing_to_chance(tmp_path):
    """Two runs of a seed end alike, whichever of the two threads is the faster one."""
    settings = tiny_settings(training={"overlap": True})
    first, second = (train(tmp_path / name, settings) for name in ("first", "second"))
    assert_same(first, second)
    assert any(array.any() for array in first["agent"]["variables"])


def test_an_error_in_the_step_is_raised_after_the_update_beside_it(tmp_path, monkeypatch):
    step = F1CameraVectorEnv.step

    def failing(self, actions):
        if trainer.env_steps > 200:
            raise ZeroDivisionError("on purpose")
        return step(self, actions)

    monkeypatch.setattr(F1CameraVectorEnv, "step", failing)
    trainer = start_run(
        tiny_settings(training={"overlap": True}), tmp_path / "run", Quiet(), device="cpu"
    )
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        trainer.run()


def fail_after(monkeypatch, steps):
    """Have cars go away for good after so many calls of the environment."""
    step, calls = F1CameraVectorEnv.step, []

    def failing(self, actions):
        calls.append(1)
        if len(calls) > steps:
            raise CarFault("the car could not be placed for 60 s: the simulator is gone.")
        return step(self, actions)

    monkeypatch.setattr(F1CameraVectorEnv, "step", failing)


def test_cars_that_cannot_be_brought_back_end_the_run_with_a_checkpoint_to_resume(
    tmp_path, monkeypatch
):
    path = tmp_path / "run"
    with monkeypatch.context() as patch:
        fail_after(patch, 40)
        trainer = start_run(tiny_settings(), path, Quiet(), device="cpu")
        with pytest.raises(CarFault, match="simulator is gone"):
            trainer.run()
    assert Checkpoints(path / "checkpoints").steps() == [trainer.env_steps]
    assert int(read_rows(path / "metrics.csv")[-1]["env_step"]) == trainer.env_steps
    resumed = start_run(tiny_settings(), path, Quiet(), device="cpu", resume=True)
    resumed.run()
    assert resumed.env_steps >= 600


def test_cars_that_fail_since_the_run_is_to_end_are_no_error(tmp_path, monkeypatch):
    path = tmp_path / "run"
    fail_after(monkeypatch, 0)
    trainer = start_run(tiny_settings(), path, Quiet(), device="cpu")
    trainer.request_stop()
    trainer.control.stop()
    trainer.run()
    assert Checkpoints(path / "checkpoints").steps() == [0]


def test_an_evaluation_that_is_broken_off_is_done_by_whoever_resumes(tmp_path, monkeypatch):
    """Without it a run that ends there would have no best policy."""
    path = tmp_path / "run"
    settings = tiny_settings(training={"env_steps": 120})
    with monkeypatch.context() as patch:
        trainer = start_run(settings, path, Quiet(), device="cpu")

        def stopped(_q_values):
            trainer.request_stop()
            raise CarFault("it was asked to end.")

        patch.setattr(trainer._evaluator, "evaluate", stopped)
        trainer.run()
    assert not (path / "policy").exists()
    listener = Quiet()
    start_run(settings, path, listener, device="cpu", resume=True).run()
    assert len(listener.evaluations) == 1
    assert read_manifest(path / "policy").training["env_steps"] >= 120


def test_a_run_stopped_before_its_first_step_can_be_resumed(tmp_path):
    """Cars behind topics may not have come yet: then there is nothing but the settings."""
    path = tmp_path / "run"
    settings = tiny_settings(training={"env_steps": 120})
    trainer = start_run(settings, path, Quiet(), device="cpu")

    def nobody_there(**_):
        trainer.control.stop()
        raise CarFault("it was asked to end.")

    trainer._envs.reset = nobody_there
    trainer.run()
    assert Checkpoints(path / "checkpoints").steps() == [0]
    resumed = start_run(settings, path, Quiet(), device="cpu", resume=True)
    resumed.run()
    assert resumed.env_steps >= 120


def test_resuming_waits_for_no_car(tmp_path, monkeypatch):
    """The run can be asked to end while its cars are waited for: `start_run` must not wait."""
    path = tmp_path / "run"
    monkeypatch.setattr(F1CameraVectorEnv, "state", lambda self: None)
    settings = tiny_settings(training={"env_steps": 200})
    train(path, settings)
    longer = tiny_settings(training={"env_steps": 400})

    def never(self, **_):
        raise AssertionError("reset before the run")

    with monkeypatch.context() as patch:
        patch.setattr(F1CameraVectorEnv, "reset", never)
        trainer = start_run(longer, path, Quiet(), device="cpu", resume=True)
    trainer.run()
    assert trainer.env_steps >= 400
