"""Run a plan without `ros2 launch`: start all, show what they say, and end all when one ends.

One thread, which sleeps until a process says something or ends, or a signal comes. Every process
gets a session of its own, so that a Ctrl-C at the terminal reaches this one alone, and it ends the
others in order. If it is killed itself, the kernel sends them SIGTERM, which lets a driver stop its
car.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from f1_rl.launching.errors import LaunchError
from f1_rl.launching.plan import NodeProcess, Plan, Process
from f1_rl.ros.discovery import discovery_environment

# What a process is told, one after the other, if it does not end within so many seconds. After the
# first it may save, which takes long on a busy machine.
_END_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
_GRACE_S = (60.0, 10.0, 10.0)

# SIGHUP comes when the terminal is closed.
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# How a process may end that was told to.
_ORDERLY = (0, -signal.SIGINT, -signal.SIGTERM)

# Loaded here, since between fork and exec as little as possible should happen.
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_READ_BYTES = 65536


def run_plan(plan: Plan, out: BinaryIO | None = None) -> int:
    """Run processes until one of them ends, or a signal comes; none is left afterwards.

    To be called in the main thread, because of the signals.

    Args:
        plan: What to run.
        out: Where to write what they say, each line marked; by default standard output.

    Returns:
        The exit status. Of the first to end, if it failed; otherwise of the main process. After
        SIGINT, SIGTERM or SIGHUP it is 0 if all ended as they should. Whoever was killed counts as
        128 and the signal's number.

    Raises:
        LaunchError: Something that is to run is not installed. Nothing was started then.
    """
    with tempfile.TemporaryDirectory(prefix="f1_rl-launch-") as folder, _Signals() as signals:
        commands = [
            _command_line(process, Path(folder, f"{label}.yaml"))
            for process, label in zip(plan.processes, plan.labels, strict=True)
        ]
        supervisor = _Supervisor(signals, _Output(out or sys.stdout.buffer))
        try:
            for process, label, command in zip(plan.processes, plan.labels, commands, strict=True):
                supervisor.start(label, command, process.environment)
            return supervisor.run()
        finally:
            supervisor.kill()


def _command_line(process: Process, overrides: Path) -> list[str]:
    """Return what starts a process.

    Args:
        process: The process.
        overrides: Parameter file to write, if it needs one.
    """
    if not isinstance(process, NodeProcess):
        return process.command_line()
    if find_spec("rclpy") is None:
        raise LaunchError(
            f"the {process.executable} needs ROS 2, which is not here: `make ros` makes .venv-ros "
            "with it; where ROS 2 is installed, source its setup.bash."
        )
    command = [sys.executable, "-m", f"f1_rl.nodes.{process.executable}", "--ros-args"]
    command += ["--log-level", process.log_level, "-r", f"__ns:={process.namespace}"]
    for old, new in process.remappings.items():
        command += ["-r", f"{old}:={new}"]
    if process.params_file is not None:
        command += ["--params-file", str(process.params_file)]
    if process.parameters:
        _refuse_other_than_utf8(process.parameters)
        # Under the node's full name, since one of `-p name:=value` yields to that in a file. JSON
        # is YAML in which a text can be taken for nothing else.
        document = {process.full_name: {"ros__parameters": dict(process.parameters)}}
        overrides.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        command += ["--params-file", str(overrides)]
    return command


def _refuse_other_than_utf8(parameters: Mapping[str, Any]) -> None:
    """Refuse texts that no parameter file can hold, such as names of files in another encoding."""
    for name, value in parameters.items():
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise LaunchError(
                f"{name}:={value!a} cannot be used: parameters are UTF-8; write it in UTF-8."
            ) from error


@dataclass
class _Child:
    """A process that was started, and what it said of a line so far."""

    label: str
    process: subprocess.Popen[bytes]
    said: bytes = b""
    status: int | None = None


class _Supervisor:
    """The processes of one plan, the first of them the main one."""

    def __init__(self, signals: _Signals, output: _Output) -> None:
        self._signals = signals
        self._output = output
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(signals, selectors.EVENT_READ)
        self._asked_to_end = False
        # How often all were told to end, and when to tell them again.
        self._told = 0
        self._patience_until_s = 0.0
        self._first: _Child | None = None

    def start(self, label: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a process."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                **discovery_environment(os.environ),
                # What they say is to be seen when they say it.
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
            start_new_session=True,
            preexec_fn=functools.partial(_end_with, os.getpid()),
        )
        child = _Child(label, process)
        self._children.append(child)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)

    def run(self) -> int:
        """Wait until all have ended, and return the exit status."""
        while self._running():
            timeout_s = None
            if self._told:
                timeout_s = max(0.0, self._patience_until_s - time.monotonic())
            for key, _ in self._selector.select(timeout_s):
                if key.data is None:
                    self._heed(self._signals.received())
                else:
                    self._read(key.data)
            self._bury()
            if self._output.closed and not self._told:
                self._asked_to_end = True
                self._tell_to_end()
            if self._told and time.monotonic() >= self._patience_until_s:
                self._tell_to_end()
        return self._status()

    def kill(self) -> None:
        """End whoever is left, which is nobody after an orderly end."""
        for child in self._running():
            child.process.terminate()
        for child in self._running():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(_GRACE_S[1])
            _kill_session(child.process.pid)
            child.process.wait()
        for child in self._children:
            if child.process.stdout is not None:
                child.process.stdout.close()
        self._selector.close()

    def _running(self) -> list[_Child]:
        return [child for child in self._children if child.status is None]

    def _heed(self, numbers: set[int]) -> None:
        if not numbers.intersection(_END_SIGNALS):
            return
        if not self._told:
            self._asked_to_end = True
            self._output.say("all are told to end; once more hurries them.")
        # Who asks twice does not want to wait.
        self._tell_to_end()

    def _tell_to_end(self) -> None:
        turn = min(self._told, len(_END_BY) - 1)
        how = _END_BY[turn]
        self._told += 1
        self._patience_until_s = time.monotonic() + _GRACE_S[turn]
        for child in self._running():
            if self._told > 1:
                self._output.say(f"{child.label} has not ended yet: {how.name}.")
            if how is signal.SIGKILL:
                _kill_session(child.process.pid)
            else:
                child.process.send_signal(how)

    def _bury(self) -> None:
        """Note who has ended."""
        for child in self._running():
            pid = child.process.pid
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            # Whatever it started; its own number is free for others only after the wait.
            _kill_session(pid)
            child.status = child.process.wait()
            while self._read(child):
                pass
            self._output.show(child, b"\n" if child.said else b"")
            if not self._told:
                self._first = child
                self._output.say(f"{child.label} {_words(child.status)}; the rest is ended.")
                self._tell_to_end()
            elif child.status not in _ORDERLY:
                self._output.say(f"{child.label} {_words(child.status)}.")

    def _read(self, child: _Child) -> bool:
        """Show what a process has said, and return whether there may be more."""
        stream = child.process.stdout
        assert stream is not None
        try:
            said = os.read(stream.fileno(), _READ_BYTES)
        except BlockingIOError:
            return False
        if not said:
            with contextlib.suppress(KeyError):
                self._selector.unregister(stream)
            return False
        self._output.show(child, said)
        return True

    def _status(self) -> int:
        main = self._children[0]
        statuses = [child.status or 0 for child in (self._first or main, main)]
        if self._asked_to_end:
            statuses = [child.status or 0 for child in self._children]
            statuses = [status for status in statuses if status not in _ORDERLY]
        failed = next((status for status in statuses if status), 0)
        return 128 - failed if failed < 0 else failed


class _Output:
    """Where lines go, each marked with who says it.

    Attributes:
        closed: Whether nobody reads any more.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.closed = False

    def say(self, text: str) -> None:
        """Write a line of the supervisor's own."""
        self._write(f"[launch] {text}\n".encode())

    def show(self, child: _Child, said: bytes) -> None:
        """Write the lines that a process has finished, and keep the rest of what it said."""
        *lines, child.said = (child.said + said).split(b"\n")
        mark = child.label.encode()
        self._write(b"".join(b"[%s] %s\n" % (mark, line) for line in lines))

    def _write(self, text: bytes) -> None:
        if self.closed or not text:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            self.closed = True
            # Otherwise the interpreter would try, and fail, to flush it at its end.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())


class _Signals:
    """The signals that came, to be waited for like something to read."""

    def __enter__(self) -> _Signals:
        """Catch those that end all, and those that tell of a process's end."""
        self._near, self._far = socket.socketpair()
        for end in (self._near, self._far):
            end.setblocking(False)
        self._previous_wakeup = signal.set_wakeup_fd(self._far.fileno(), warn_on_full_buffer=False)
        self._previous = {
            number: signal.signal(number, lambda *_: None)
            for number in (*_END_SIGNALS, signal.SIGCHLD)
            # With nohup a terminal that is closed is to end nothing.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
        }
        return self

    def __exit__(self, *_: object) -> None:
        """Let them be as they were."""
        for number, handler in self._previous.items():
            signal.signal(number, handler or signal.SIG_DFL)
        signal.set_wakeup_fd(self._previous_wakeup)
        self._near.close()
        self._far.close()

    def fileno(self) -> int:
        """Return what can be read when a signal has come."""
        return self._near.fileno()

    def received(self) -> set[int]:
        """Return the numbers of those that came since."""
        try:
            return set(self._near.recv(_READ_BYTES))
        except BlockingIOError:
            return set()


def _end_with(parent: int) -> None:
    """Have this process, just forked, told to end when its parent is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have gone before.
    if os.getppid() != parent:
        os._exit(1)


def _kill_session(pid: int) -> None:
    """Kill a process and whatever it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _words(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"has ended with status {status}"
