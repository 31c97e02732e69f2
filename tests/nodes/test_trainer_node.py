"""The trainer as a process: what it can be told, what it says, and that it learns to drive laps."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from trainer_helpers import (
    SIMULATOR,
    SIZE,
    Ear,
    checkpoints,
    status_of,
    tiny,
    until,
    values_of,
)

pytest.importorskip("rclpy", reason="rclpy is not installed, or ROS is not sourced")
pytestmark = pytest.mark.tensorflow

Start = Callable[..., Any]


@pytest.fixture
def make_node(domain_id: int) -> Iterator[Callable[..., Any]]:
    """Make a trainer in this process, which nobody spins."""
    import rclpy
    from rclpy.context import Context
    from rclpy.parameter import Parameter

    from f1_rl.nodes.trainer import TrainerNode

    context = Context()
    rclpy.init(context=context)
    nodes = []

    def make(**parameters: Any) -> Any:
        given = [Parameter(name, value=value) for name, value in parameters.items()]
        nodes.append(TrainerNode(context=context, parameter_overrides=given))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_the_parameter_file_holds_parameters_that_exist_with_their_defaults(
    repository: Path,
) -> None:
    from f1_rl.nodes.trainer_parameters import TrainerParameters

    content = yaml.safe_load((repository / "config" / "trainer.yaml").read_text())
    values: dict[str, Any] = content["/**"]["ros__parameters"]
    assert values == {name: getattr(TrainerParameters(), name) for name in values}
    assert {"preset", "seed", "lock_step"} <= set(values)


def test_the_parameters_become_the_settings_of_a_run() -> None:
    from f1_rl.learning.runs import run_settings
    from f1_rl.nodes.trainer_parameters import TrainerParameters

    parameters = TrainerParameters(
        circuit="oval",
        width=320,
        height=240,
        steps=700,
        seed=3,
        settings=("agent.gamma=0.5",),
        namespaces=("left", "/right", ""),
        domain_ids=(-1,),
        lock_step=False,
        first_frame_timeout_s=7.0,
    )
    settings = run_settings("gazebo", parameters.changes("/team"))
    assert settings.is_behind_topics
    assert settings.task.circuits == ("oval",)
    assert (settings.task.camera.width, settings.task.camera.height) == (320, 240)
    assert settings.training.env_steps == 700
    assert settings.training.num_envs == 3
    assert (settings.seed, settings.agent.gamma) == (3, 0.5)
    assert settings.env_options["namespaces"] == ["/team/left", "/right", "/team"]
    assert settings.env_options["domain_ids"] == [None] * 3
    assert settings.env_options["ros"]["lock_step"] is False
    assert settings.env_options["ros"]["recovery_timeout_s"] == 7.0


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"steps": -1}, "parameter steps is -1; give at least 0"),
        ({"stepz": 1}, "no parameter 'stepz' (did you mean 'steps'?); choose from preset, circuit"),
        ({"settings": "[1, 'a']"}, "Sequence should be of same type"),
    ],
)
def test_parameters_that_cannot_be_used_end_it_with_status_2_and_a_sentence(
    start: Start, parameters: dict[str, Any], sentence: str
) -> None:
    process = start("trainer", **parameters)
    assert status_of(process) == 2
    assert sentence in process.output()
    assert "Traceback" not in process.output()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"steps": "many"}, "steps is 'many'; give a whole number"),
        ({"device": "tpu"}, "device is 'tpu'; choose auto or cpu or gpu"),
        ({"step_timeout_s": 0.0}, "step_timeout_s is 0.0; give at least 0.05"),
        ({"domain_ids": [300]}, "domain_ids is 300; give at most 232"),
        ({"report": "maybe"}, "report is 'maybe'; give true or false"),
    ],
)
def test_values_of_another_type_or_out_of_range_are_refused(
    make_node: Callable[..., Any], parameters: dict[str, Any], sentence: str
) -> None:
    from f1_rl.nodes.parameters import ParameterError

    with pytest.raises(ParameterError, match=sentence):
        make_node(**parameters)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"preset": "nope"}, "there is no preset 'nope'; choose from .*cartpole"),
        ({"preset": "cartpole"}, "preset cartpole is made for CartPole-v1; choose gazebo"),
        ({"preset": "embedded"}, "preset embedded is made for f1_rl/F1Camera-v0; choose gazebo"),
        ({"circuit": "atlantis"}, "no circuit 'atlantis'"),
        ({"settings": ["task.circuits=[oval, simple]"]}, "drives in one world, but circuits has 2"),
        ({"settings": ["agent.gama=0.5"]}, "no setting 'agent.gama'"),
        ({"settings": ["agent.gamma"]}, "write it as name=value"),
        ({"resume": "/nowhere"}, "/nowhere: is no run folder"),
        ({"width": 100}, "100 pixels wide cannot be averaged into 64 equal columns"),
        ({"namespaces": ["a", "a"]}, "2 cars behind topics need a namespace or a ROS domain each"),
        ({"domain_ids": [1, 2]}, "domain_ids names 2 cars, num_envs 1"),
    ],
)
def test_a_run_that_cannot_be_made_is_refused_by_a_sentence(
    make_node: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    parameters: dict[str, Any],
    sentence: str,
) -> None:
    from f1_rl.errors import expected_errors

    node = make_node(**parameters)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=sentence) as error:
        node._train()
    assert isinstance(error.value, expected_errors())
    assert list(tmp_path.iterdir()) == []


def test_runs_of_others_are_neither_overwritten_nor_gone_on_with(
    make_node: Callable[..., Any], tmp_path: Path
) -> None:
    from f1_rl.learning.run_folder import RunFolder, RunFolderError
    from f1_rl.learning.runs import run_settings
    from f1_rl.settings import SettingsError

    RunFolder(tmp_path).create(run_settings("embedded", []).as_dict())
    (tmp_path / "policy").mkdir()
    with pytest.raises(RunFolderError, match=f"holds a run already; go on with resume:={tmp_path}"):
        make_node(run_dir=str(tmp_path))._train()
    with pytest.raises(SettingsError, match="go on with f1-rl train --resume"):
        make_node(resume=str(tmp_path))._train()


def test_a_folder_that_cannot_be_one_is_not_called_a_run(
    make_node: Callable[..., Any], tmp_path: Path
) -> None:
    from f1_rl.learning.run_folder import RunFolderError

    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="file: is a file; choose another"):
        make_node(run_dir=str(tmp_path / "file"))._train()


def test_requests_are_refused_while_there_is_nothing_to_ask(make_node: Callable[..., Any]) -> None:
    from std_srvs.srv import Trigger

    node = make_node()
    for state in ("starting", "finishing"):
        node._state = state
        for name in ("pause", "resume", "evaluate", "save"):
            answer = getattr(node, f"_on_{name}")(None, Trigger.Response())
            assert not answer.success
            assert answer.message == f"the trainer is {state}."


@pytest.fixture(scope="module")
def ear(domain_id: int) -> Iterator[Ear]:
    it = Ear()
    yield it
    it.graph.close()


def stays(figure: Callable[[], int], duration_s: float = 1.0) -> bool:
    """Return whether a figure stays the same for a while."""
    before = figure()
    time.sleep(duration_s)
    return figure() == before


def test_one_trainer_learns_from_two_cars_as_it_is_asked_to(
    start: Start, ear: Ear, tmp_path: Path
) -> None:
    """From its start to its report, through pause, evaluation, checkpoint and a new beginning."""
    simulators = [
        start("simulator", "-r", f"__ns:=/{name}", ready="ready", **SIMULATOR)
        for name in ("left", "right")
    ]
    run = tmp_path / "run"
    two = {"namespaces": "['left', 'right']"}
    settings = tiny(training__evaluate_from=100000, training__env_steps=100000)
    trainer = start("trainer", run_dir=run, settings=settings, **SIZE, **two)
    assert ear.ask("pause") == (False, "the trainer is starting.")
    trainer.wait_for("ready: learns to drive simple with 2 cars on the", 90.0)
    until(lambda: ear.step() > 200, trainer.output)
    assert {"env_step", "faults", "epsilon", "loss", "mean_q", "steps_per_s"} <= set(ear.figures())

    def says(text: str) -> bool:
        return bool(ear.diagnostics) and text in ear.diagnostics[-1].message

    until(lambda: says("training"), trainer.output)
    assert ear.diagnostics[-1].level == b"\x00"
    assert ear.diagnostics[-1].name == "/trainer"
    assert values_of(ear.diagnostics[-1])["state"] == "training"

    assert ear.ask("pause") == (True, "paused after the step in hand.")
    until(lambda: says("paused"), trainer.output)
    # Figures of the step in hand may still be on their way.
    until(lambda: stays(ear.step), trainer.output)
    step = ear.step()

    late = Ear()
    try:
        until(lambda: late.step() == step, trainer.output)
        assert late.evaluations == []
        assert ear.ask("evaluate")[0]
        until(lambda: late.evaluations, trainer.output)
    finally:
        late.graph.close()
    evaluation = values_of(ear.evaluations[-1])
    assert evaluation["env_step"] == str(step)
    assert evaluation["episodes"] == "1"
    assert evaluation["best"] == "True"
    assert "full lap" in ear.evaluations[-1].message
    later = Ear()
    try:
        until(lambda: later.evaluations, trainer.output)
    finally:
        later.graph.close()

    assert checkpoints(run) == []
    assert ear.ask("save")[0]
    until(lambda: checkpoints(run), trainer.output)
    until((run / "policy" / "policy.yaml").is_file, trainer.output)
    assert ear.step() == step

    assert ear.ask("resume") == (True, "goes on.")
    until(lambda: ear.step() > step + 50, trainer.output)
    assert trainer.end() == 0
    assert f"stopped and saved: go on with resume:={run}" in trainer.output()
    assert "Traceback" not in trainer.output()

    stopped_at = ear.step()
    again = start("trainer", resume=run, steps=stopped_at + 200)
    assert status_of(again) == 0, again.output()
    assert f"from step {stopped_at} to {stopped_at + 200}" in again.output()
    assert "the best policy's lap" in again.output()
    for name in ("report.html", "lap.csv", "lap.mp4", "policy", "policy-last"):
        assert (run / name).exists(), name
    for simulator in simulators:
        assert simulator.end() == 0


@pytest.mark.slow
def test_it_learns_full_laps_over_topics_in_lock_step(
    start: Start, ear: Ear, tmp_path: Path
) -> None:
    size = {"width": 192, "height": 144}
    simulator = start("simulator", ready="ready", **{**SIMULATOR, **size})
    run = tmp_path / "run"
    ear.forget()
    trainer = start(
        "trainer", run_dir=run, settings="['training.stop_when_solved=true']", report=False
    )
    assert status_of(trainer, 240.0) == 0, trainer.output()
    assert "4 of 4 full laps" in trainer.output()
    assert values_of(ear.evaluations[-1])["successes"] == "4"
    assert ear.figures()["faults"] == "0"
    assert ear.step() <= 1000
    assert simulator.end() == 0


def mount(folder: Path, size: str) -> None:
    """Make a small disk of a folder, or skip the test."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("a disk of a chosen size can be mounted by root only")


@pytest.mark.parametrize("size", ["12k", "60k"])
def test_a_full_disk_ends_the_run_with_status_1_and_a_sentence(
    start: Start, tmp_path: Path, size: str
) -> None:
    """The events are what fails on the smaller one, a checkpoint on the larger."""
    disk = tmp_path / "disk"
    mount(disk, size)
    try:
        simulator = start("simulator", ready="ready", **SIMULATOR)
        settings = tiny(training__checkpoint_every_s=0.5)
        trainer = start("trainer", run_dir=disk / "run", settings=settings, steps=2000, **SIZE)
        assert status_of(trainer) == 1
        assert "Traceback" not in trainer.output()
        (line,) = (line for line in trainer.output().splitlines() if "FATAL" in line)
        assert str(disk) in line
        assert "No space left on device" in line
        assert simulator.end() == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
