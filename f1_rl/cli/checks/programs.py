"""Asking other programs: they may hang, crash, or be missing."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        status: Its exit status; negative: the signal that killed it.
        out: What it printed.
        err: What it printed on the error stream.
    """

    status: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Why it failed: its last words, or the signal that killed it."""
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        lines = (self.err or self.out).strip().splitlines()
        return lines[-1].strip() if lines else f"exit status {self.status}"


def ask(
    command: Sequence[str], timeout_s: float, changes: Mapping[str, str] | None = None
) -> Ended | None:
    """Run a program and return how it ended.

    Args:
        command: Its path and arguments.
        timeout_s: How long it may take; with all that it has started, it is killed then.
        changes: To the environment.

    Returns:
        How it ended; None where it did not in time, or could not be started.
    """
    try:
        process = subprocess.Popen(
            command,
            env=os.environ | dict(changes or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Of its own, so that what it has started ends with it.
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None
    return Ended(process.returncode, out, err)


def ask_python(code: str, timeout_s: float) -> Ended | None:
    """Run Python code in an interpreter of its own, so that a crash does not end this one."""
    return ask([sys.executable, "-c", code], timeout_s)
