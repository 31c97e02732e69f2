"""Running a plan without `ros2 launch`: what is shown, what comes of it, and that nothing stays."""

import ast
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from processes import PythonProcess, clean_up, until

from f1_rl.launching import LaunchError, NodeProcess, Plan, Program
from f1_rl.launching import supervisor as supervisor_module
from f1_rl.launching.supervisor import run_plan

WAIT = "import time; print('here', flush=True); time.sleep(60)"
# Ends by SIGINT as if that were an order, with a status of its own.
OBEY = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit({status}))
print("here", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
time.sleep(60)
"""


def python(name: str, program: str, **environment: str) -> Program:
    return Program(name, (sys.executable, "-c", program), environment=environment)


def ran(plan: Plan) -> tuple[int, list[str]]:
    out = io.BytesIO()
    status = run_plan(plan, out)
    return status, out.getvalue().decode().splitlines()


def test_each_line_is_marked_with_who_says_it() -> None:
    speak = (
        "import sys; print('one\\ntwo'); print('three', file=sys.stderr); sys.stdout.write('end')"
    )
    status, lines = ran(Plan(python("speaker", speak)))
    assert status == 0
    assert [line for line in lines if line.startswith("[speaker-1] ")] == [
        "[speaker-1] one",
        "[speaker-1] two",
        "[speaker-1] three",
        "[speaker-1] end",
    ]
    assert lines[-1] == "[launch] speaker-1 has ended with status 0; the rest is ended."


def test_a_process_has_its_own_variables_and_the_limits_of_discovery(monkeypatch) -> None:
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE", raising=False)
    monkeypatch.delenv("ROS_LOCALHOST_ONLY", raising=False)
    monkeypatch.setenv("ROS_DOMAIN_ID", "5")
    tell = (
        "import os; print(os.environ['ROS_DOMAIN_ID'], "
        "os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'], os.environ['FASTDDS_DEFAULT_PROFILES_FILE'])"
    )
    _, lines = ran(Plan(python("a", tell, ROS_DOMAIN_ID="6")))
    assert lines[0].startswith("[a-1] 6 LOCALHOST /")
    assert lines[0].endswith("fastdds.xml")


@pytest.mark.parametrize(
    ("main", "other", "status"),
    [
        ("pass", OBEY.format(status=0), 0),
        ("raise SystemExit(3)", OBEY.format(status=4), 3),
        ("import os; os.kill(os.getpid(), 9)", OBEY.format(status=0), 137),
        (OBEY.format(status=0), "raise SystemExit(5)", 5),
        # It ended well, but too early; then the main one says how it went.
        (OBEY.format(status=6), "pass", 6),
    ],
)
def test_whoever_ends_takes_the_rest_along_and_failures_come_out(
    main: str, other: str, status: int
) -> None:
    # The one that ends waits for the other to listen.
    late = "import time; time.sleep(0.5)\n"
    programs = [text if "here" in text else late + text for text in (main, other)]
    began_s = time.monotonic()
    found, lines = ran(Plan(python("a", programs[0]), (python("b", programs[1]),)))
    assert found == status, lines
    assert time.monotonic() - began_s < 5.0


def test_whoever_does_not_listen_is_killed(monkeypatch) -> None:
    monkeypatch.setattr(supervisor_module, "_GRACE_S", (0.3, 0.3, 0.3))
    late = "import time; time.sleep(0.5)"
    status, lines = ran(Plan(python("a", late), (python("deaf", STUBBORN),)))
    assert status == 0
    assert lines[-3:] == [
        "[launch] deaf-2 has not ended yet: SIGTERM.",
        "[launch] deaf-2 has not ended yet: SIGKILL.",
        "[launch] deaf-2 was killed by SIGKILL.",
    ]


def test_whoever_is_still_saving_is_left_in_peace(monkeypatch) -> None:
    patience_s, *_ = supervisor_module._GRACE_S
    assert patience_s >= 60.0
    monkeypatch.setattr(supervisor_module, "_GRACE_S", (patience_s, 0.0, 0.0))
    saves = OBEY.format(status="time.sleep(0.5) or print('saved')")
    late = "import time; time.sleep(0.5)"
    _, lines = ran(Plan(python("a", late), (python("trainer", saves),)))
    assert "[trainer-2] saved" in lines
    assert not any("has not ended yet" in line for line in lines)


def test_what_a_process_has_started_ends_with_it() -> None:
    start = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {WAIT!r}]).pid)"
    _, lines = ran(Plan(python("a", start)))
    pid = int(lines[0].split()[-1])
    until(lambda: not is_alive(pid))


def test_nothing_is_started_if_something_is_not_installed(tmp_path: Path) -> None:
    touch = python("a", f"open({str(tmp_path / 'started')!r}, 'w')")
    with pytest.raises(LaunchError, match="needs the program 'no-such-program'"):
        run_plan(Plan(touch, (Program("b", ("no-such-program",)),)))
    assert not (tmp_path / "started").exists()


@pytest.mark.skipif(find_spec("rclpy") is not None, reason="rclpy is installed")
def test_without_ros_the_sentence_says_what_to_do() -> None:
    with pytest.raises(LaunchError, match=r"needs ROS 2, which is not here: `make ros`"):
        run_plan(Plan(NodeProcess("simulator")))


@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
def test_a_node_gets_its_parameters_as_they_were_meant(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("/lab/trainer: {ros__parameters: {seed: 1, device: cpu}}")
    parameters = {"seed": 2, "circuit": "12", "namespaces": ("/lab/car1", "é"), "rate": 1e-5}
    node = NodeProcess("trainer", "/lab", file, {**parameters, "report": False, "run_dir": ""})
    _, _, _, *arguments = supervisor_module._command_line(node, tmp_path / "overrides.yaml")
    tell = (
        "import rclpy, sys; rclpy.init(args=sys.argv); node = rclpy.create_node('trainer')\n"
        "print(dict(sorted((k, v.value) for k, v in node._parameter_overrides.items())))"
    )
    told = subprocess.run(
        [sys.executable, "-c", tell, *arguments], check=True, capture_output=True, text=True
    )
    assert ast.literal_eval(told.stdout) == {
        **parameters,
        "namespaces": ["/lab/car1", "é"],
        "device": "cpu",
        "report": False,
        "run_dir": "",
    }


@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
@pytest.mark.parametrize("parameters", [{"output": "b\udce9"}, {"topics": ("odom", "\udce9")}])
def test_a_text_that_is_no_utf8_is_refused_in_a_sentence(parameters: dict[str, object]) -> None:
    (name,) = parameters
    with pytest.raises(LaunchError, match=rf"^{name}:=.*\\udce9.* cannot be used: .*UTF-8\.$"):
        run_plan(Plan(NodeProcess("recorder", parameters=parameters)))


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def supervise() -> Iterator[Callable[[str], PythonProcess]]:
    """Start a supervisor of two processes that run a program and print their ids."""
    started = []

    def begin(program: str) -> PythonProcess:
        program = f"import os; print('pid', os.getpid(), flush=True)\n{program}"
        started.append(
            PythonProcess(
                [
                    "-c",
                    "import sys\n"
                    "from f1_rl.launching import Plan, Program\n"
                    "from f1_rl.launching.supervisor import run_plan\n"
                    f"one = Program('one', (sys.executable, '-c', {program!r}))\n"
                    "sys.exit(run_plan(Plan(one, (one,))))",
                ]
            )
        )
        until(lambda: started[-1].output().count("here") == 2, 30.0, started[-1].output)
        return started[-1]

    yield begin
    clean_up(started)


def children(process: PythonProcess) -> list[int]:
    lines = process.output().splitlines()
    return [int(line.split()[-1]) for line in lines if " pid " in line]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_in_order(supervise, how: signal.Signals) -> None:
    if signal.getsignal(how) == signal.SIG_IGN:
        pytest.skip(f"{how.name} is ignored here, as below nohup, and so it is by what is started")
    process = supervise(OBEY.format(status=0))
    assert process.end(how) == 0, process.output()
    assert "[launch] all are told to end" in process.output()
    assert not any(is_alive(pid) for pid in children(process))


def test_whoever_fails_to_end_well_shows_after_a_signal(supervise) -> None:
    process = supervise(OBEY.format(status=7))
    assert process.end(signal.SIGINT) == 7
    assert "[launch] one-2 has ended with status 7." in process.output()


def test_three_signals_end_even_the_stubborn_at_once(supervise) -> None:
    process = supervise(STUBBORN)
    pids = children(process)
    for text in ("all are told to end", "SIGTERM.", "SIGKILL."):
        process.send(signal.SIGINT)
        process.wait_for(text)
    assert process.wait(3.0) == 137
    assert not any(is_alive(pid) for pid in pids)


def test_a_killed_supervisor_leaves_nobody_behind(supervise) -> None:
    process = supervise(WAIT)
    pids = children(process)
    assert len(pids) == 2
    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not any(is_alive(pid) for pid in pids), 5.0)


def test_a_killed_child_ends_the_rest(supervise) -> None:
    process = supervise(WAIT)
    first, second = children(process)
    os.kill(second, signal.SIGKILL)
    assert process.wait(5.0) == 137
    assert "was killed by SIGKILL; the rest is ended." in process.output()
    assert not is_alive(first)


def test_if_nobody_reads_any_more_all_end(repository: Path) -> None:
    chatter = "import time\nwhile True: print('still here', flush=True); time.sleep(0.01)"
    program = (
        "import sys\n"
        "from f1_rl.launching import Plan, Program\n"
        "from f1_rl.launching.supervisor import run_plan\n"
        f"run_plan(Plan(Program('one', (sys.executable, '-c', {chatter!r}))))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=repository, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"[one-1] still here\n"
        process.stdout.close()
        assert process.wait(10.0) == 0
