"""However the trainer's process ends, and whatever its simulator does: saved, said, no hang."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from trainer_helpers import SIMULATOR, SIZE, SOON_S, Ear, checkpoints, status_of, tiny, until

pytest.importorskip("rclpy", reason="rclpy is not installed, or ROS is not sourced")
pytestmark = pytest.mark.tensorflow

Start = Callable[..., Any]
# Of a process that is to end; a busy machine needs seconds to write a policy.
ENDS_WITHIN_S = 30.0
ENDLESS = tiny(training__env_steps=1000000, training__evaluate_from=1000000)
# Hundreds of drives, so that it takes a while.
LONG_EVALUATION = tiny(
    training__env_steps=1000000,
    training__evaluate_from=1000000,
    training__evaluation_episodes=500,
)


@pytest.fixture(scope="module")
def ear(domain_id: int) -> Iterator[Ear]:
    it = Ear()
    yield it
    it.graph.close()


@pytest.fixture
def heard(ear: Ear) -> Ear:
    ear.forget()
    return ear


@pytest.fixture(scope="module")
def simulator(start: Start) -> Any:
    return start("simulator", ready="ready", **SIMULATOR)


def learns(ear: Ear, trainer: Any, steps: int = 60) -> None:
    trainer.wait_for("ready", SOON_S)
    until(lambda: ear.step() >= steps, trainer.output)


def cut_short(trainer: Any) -> bool:
    """Return whether an episode was."""
    return "is not learned from" in trainer.output()


def end(process: Any, how: signal.Signals) -> int:
    process.send(how)
    return status_of(process, ENDS_WITHIN_S)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("state", ["starting", "waiting"])
def test_a_signal_ends_it_before_there_is_any_car(
    start: Start, heard: Ear, tmp_path: Path, state: str, how: signal.Signals
) -> None:
    trainer = start(
        "trainer",
        run_dir=tmp_path / "run",
        settings=ENDLESS,
        namespaces="['nobody']",
        step_timeout_s=60.0,
        **SIZE,
    )
    assert heard.ask("pause")[1]
    if state == "waiting":
        trainer.wait_for("ready", SOON_S)
        until(lambda: any("no frame" in item.message for item in heard.diagnostics), trainer.output)
        assert heard.diagnostics[-1].level == b"\x01"
    assert end(trainer, how) == 0, trainer.output()
    assert "Traceback" not in trainer.output()
    assert f"go on with resume:={tmp_path / 'run'}" in trainer.output()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("state", ["training", "paused", "evaluating", "finishing"])
def test_a_signal_ends_it_with_the_run_saved_and_the_car_told_to_stand(
    start: Start, simulator: Any, heard: Ear, tmp_path: Path, state: str, how: signal.Signals
) -> None:
    run = tmp_path / "run"
    settings = LONG_EVALUATION if state == "evaluating" else ENDLESS
    steps = {"steps": 100} if state == "finishing" else {}
    trainer = start("trainer", run_dir=run, settings=settings, **SIZE, **steps)
    if state == "finishing":
        trainer.wait_for("driving a lap", SOON_S)
    else:
        learns(heard, trainer)
    if state == "paused":
        assert heard.ask("pause")[0]
        until(
            lambda: heard.diagnostics and heard.diagnostics[-1].message == "paused", trainer.output
        )
    if state == "evaluating":
        assert heard.ask("evaluate")[0]
        time.sleep(1.0)
        assert heard.evaluations == []
    assert end(trainer, how) == 0, trainer.output()
    assert "Traceback" not in trainer.output()
    assert len(checkpoints(run)) >= 1
    assert (run / "policy-last" / "policy.yaml").is_file()
    if state != "finishing":
        assert f"stopped and saved: go on with resume:={run}" in trainer.output()
    until(lambda: heard.commands[-1:] == [(0.0, 0.0)], lambda: str(heard.commands[-3:]))


def test_a_killed_trainer_leaves_the_world_standing_and_its_run_to_be_resumed(
    start: Start, simulator: Any, heard: Ear, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    trainer = start("trainer", run_dir=run, settings=ENDLESS, **SIZE)
    learns(heard, trainer)
    assert heard.ask("save")[0]
    until(lambda: checkpoints(run), trainer.output)
    saved_at = int(checkpoints(run)[-1].removeprefix("step-"))
    until(lambda: heard.step() > saved_at + 20, trainer.output)
    trainer.send(signal.SIGKILL)
    assert status_of(trainer) == -signal.SIGKILL
    # What was on its way may still come.
    time.sleep(0.5)
    samples = len(heard.odometry)
    time.sleep(1.0)
    assert len(heard.odometry) == samples
    again = start("trainer", resume=run, steps=saved_at + 100, report=False)
    assert status_of(again, 120.0) == 0, again.output()
    assert f"from step {saved_at} to {saved_at + 100}" in again.output()
    assert int(checkpoints(run)[-1].removeprefix("step-")[:12]) >= saved_at + 100


def test_a_simulator_that_is_killed_and_comes_back_costs_an_episode(
    start: Start, heard: Ear, tmp_path: Path
) -> None:
    namespace = ("-r", "__ns:=/phoenix")
    first = start("simulator", *namespace, ready="ready", **SIMULATOR)
    cars = {"namespaces": "['phoenix']", "step_timeout_s": 1.0}
    trainer = start("trainer", run_dir=tmp_path / "run", settings=ENDLESS, **SIZE, **cars)
    learns(heard, trainer)
    first.send(signal.SIGKILL)
    assert status_of(first) == -signal.SIGKILL
    # It may have been driving or just placing the car for its next episode.
    until(lambda: cut_short(trainer) or "is tried again" in trainer.output(), trainer.output)
    step = heard.step()
    second = start("simulator", *namespace, ready="ready", **SIMULATOR)
    until(lambda: heard.step() > step + 60, trainer.output)
    assert (int(heard.figures()["faults"]) >= 1) == cut_short(trainer)
    assert end(trainer, signal.SIGINT) == 0
    assert second.end() == 0


def test_a_simulator_that_stays_away_ends_the_run_saved_with_status_1(
    start: Start, heard: Ear, tmp_path: Path
) -> None:
    first = start("simulator", "-r", "__ns:=/mortal", ready="ready", **SIMULATOR)
    cars = {"namespaces": "['mortal']", "step_timeout_s": 1.0, "first_frame_timeout_s": 2.0}
    run = tmp_path / "run"
    trainer = start("trainer", run_dir=run, settings=ENDLESS, **SIZE, **cars)
    learns(heard, trainer)
    first.send(signal.SIGKILL)
    assert status_of(trainer) == 1
    assert "Traceback" not in trainer.output()
    assert "the car could not be placed for 2 s: " in trainer.output()
    assert len(checkpoints(run)) == 1


def test_another_camera_than_the_simulators_is_named_at_once(
    start: Start, simulator: Any, heard: Ear, tmp_path: Path
) -> None:
    trainer = start("trainer", run_dir=tmp_path / "run", settings=tiny(), width=192, height=144)
    trainer.wait_for("ready", SOON_S)
    assert status_of(trainer, 20.0) == 1
    sentence = "are 96 x 72, the task's camera 192 x 144; start both with the same size."
    assert sentence in trainer.output()
    assert "Traceback" not in trainer.output()


def test_a_second_commander_is_named(
    start: Start, simulator: Any, heard: Ear, tmp_path: Path
) -> None:
    from geometry_msgs.msg import Twist

    node = heard.graph.node
    publisher = node.create_publisher(Twist, "cmd_vel", 1)
    try:
        trainer = start(
            "trainer",
            run_dir=tmp_path / "run",
            settings=tiny(),
            first_frame_timeout_s=2.0,
            **SIZE,
        )
        assert status_of(trainer) == 1
        assert "2 publishers command the car on /cmd_vel; stop the others" in trainer.output()
    finally:
        node.destroy_publisher(publisher)


def test_a_car_whose_time_goes_on_stands_when_its_trainer_is_ended(
    start: Start, tmp_path: Path, domain_id: int
) -> None:
    running = {**SIMULATOR, "start_paused": False}
    simulator = start("simulator", "-r", "__ns:=/free", ready="ready", **running)
    ear, car = Ear(), Ear("/free")
    trainer = start(
        "trainer",
        run_dir=tmp_path / "run",
        settings=ENDLESS,
        namespaces="['free']",
        lock_step=False,
        **SIZE,
    )
    try:
        learns(ear, trainer, 100)
        until(lambda: car.odometry[-1].twist.twist.linear.x > 0.5, trainer.output)
        assert end(trainer, signal.SIGTERM) == 0, trainer.output()
        until(
            lambda: car.odometry[-1].twist.twist.linear.x == 0.0,
            lambda: f"{car.commands[-5:]}, {len(car.odometry)}, {trainer.output()}",
            5.0,
        )
        car.forget()
        time.sleep(1.0)
        assert all(sample.twist.twist.linear.x == 0.0 for sample in car.odometry)
        assert car.odometry
    finally:
        ear.graph.close()
        car.graph.close()
    assert simulator.end() == 0
