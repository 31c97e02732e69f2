"""`f1-rl launch`: what it says, and real nodes started and ended by it."""

import contextlib
import io
import signal
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from processes import PythonProcess, clean_up, until

from f1_rl.cli.main import main
from f1_rl.launching import LAUNCHES

POLICY = Path(__file__).parents[1] / "data" / "policy"
HAS_ROS = find_spec("rclpy") is not None
HAS_LITERT = find_spec("ai_edge_litert") is not None or find_spec("tensorflow") is not None
needs_ros = pytest.mark.skipif(not HAS_ROS, reason="rclpy is not installed, or ROS is not sourced")
needs_driver = pytest.mark.skipif(
    not (HAS_ROS and HAS_LITERT), reason="rclpy or a TFLite interpreter is not installed"
)


@pytest.mark.parametrize("name", LAUNCHES)
def test_show_args_reads_like_a_manual(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["launch", name, "--show-args"]) == 0
    manual = capsys.readouterr().out
    assert manual.startswith(LAUNCHES[name].summary)
    for argument in LAUNCHES[name].arguments:
        assert f"\n    '{argument.name}':\n        {argument.description}" in manual
    assert manual.count("(default: ") == len(LAUNCHES[name].arguments)


def test_the_manual_names_choices_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    main(["launch", "drive", "-s"])
    manual = capsys.readouterr().out
    assert (
        "car is there already. One of: embedded, gazebo, none.\n        (default: none)" in manual
    )
    assert "config/driver.yaml)" in manual


def test_what_cannot_be_started_is_told_in_one_sentence() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as told:
        assert main(["launch", "drive", "simulator:=gazeboo"]) == 1
    assert told.getvalue() == (
        "f1-rl: simulator:=gazeboo cannot be used: choose embedded or gazebo or none.\n"
    )


@pytest.mark.skipif(HAS_ROS, reason="rclpy is installed")
def test_without_ros_the_sentence_says_what_to_do() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as told:
        assert main(["launch", "simulate"]) == 1
    assert "needs ROS 2, which is not here: `make ros`" in told.getvalue()


@pytest.fixture
def launch(domain_id: int) -> Iterator[Callable[..., PythonProcess]]:
    """Start `f1-rl launch` as a process of its own."""
    started = []

    def begin(*words: str) -> PythonProcess:
        started.append(PythonProcess(["-m", "f1_rl.cli.main", "launch", *words]))
        return started[-1]

    yield begin
    clean_up(started)


def parent_of(process: Path) -> int:
    """Return the parent of a process that runs, 0 of one that does not."""
    try:
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return 0
    return 0 if state == "Z" else int(parent)


def children(pid: int) -> list[Path]:
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [path for path in processes if parent_of(path) == pid]


@needs_driver
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_drive_goes_well_and_leaves_nothing_running(
    launch: Callable[..., PythonProcess], how: signal.Signals
) -> None:
    process = launch("drive", "simulator:=embedded", f"policy:={POLICY}", "circuit:=oval")
    # Only after its first picture; by then the simulator's kernels may have to be compiled.
    process.wait_for("[simulator]: ready", 60.0)
    process.wait_for("the car is driven", 60.0)
    running = children(process.pid)
    assert len(running) == 2
    status = process.end(how)
    assert status == (-how if how == signal.SIGKILL else 0), process.output()
    until(lambda: not any(parent_of(each) for each in running), 10.0, process.output)
    assert "Traceback" not in process.output()


@needs_driver
def test_a_driver_that_cannot_start_ends_all_with_its_sentence_and_status(
    launch: Callable[..., PythonProcess],
) -> None:
    process = launch("drive", "simulator:=embedded")
    running: list[Path] = []
    until(lambda: len(running.extend(children(process.pid)) or running) >= 2, 30.0)
    assert process.wait(60.0) == 1
    assert "no policy is given" in process.output()
    assert "[launch] driver-1 has ended with status 1; the rest is ended." in process.output()
    assert not any(parent_of(each) for each in running)


@needs_ros
def test_a_text_that_looks_like_a_number_stays_a_text(
    launch: Callable[..., PythonProcess],
) -> None:
    process = launch("drive", "policy:=2026")
    assert process.wait(60.0) == 1
    assert "2026: is no policy folder" in process.output()


@needs_ros
def test_an_argument_counts_more_than_the_parameter_file(
    launch: Callable[..., PythonProcess], tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("/lab/simulator: {ros__parameters: {vehicle: boat, seed: 1}}")
    process = launch("simulate", f"params_file:={file}", "namespace:=lab")
    assert process.wait(60.0) == 2
    assert "choose kinematic or single_track" in process.output()
    process = launch(
        "simulate", f"params_file:={file}", "namespace:=lab", "car:=ackermann", "rate:=2"
    )
    process.wait_for("[lab.simulator]: ready", 60.0)
    assert process.end(signal.SIGINT) == 0
