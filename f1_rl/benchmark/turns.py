"""Workers that take turns: A B C, A B C, ..., so that a busy machine disturbs all alike."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from f1_rl.benchmark.machine import capped_environment

Message = dict[str, Any]
_LAST_WORDS = 2_000


class BenchmarkError(RuntimeError):
    """Something could not be measured; the message says why."""


@dataclass(frozen=True)
class Job:
    """A function that is measured in a process of its own.

    Attributes:
        title: In messages and tables.
        function: `module:name`; called with a `Channel` and the arguments.
        arguments: Plain values.
        python: The interpreter; its environment decides which libraries there are.
    """

    title: str
    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    python: str = sys.executable


class Worker:
    """The running process of a job."""

    def __init__(self, job: Job, processors: Sequence[int]) -> None:
        """Start it, pinned to these processors, with a thread for each in every pool."""
        self._title = job.title
        # Both closed with the process, which is killed and so cannot remove what it left.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._folder = tempfile.TemporaryDirectory(prefix="f1_rl-benchmark-")
        described = {
            "function": job.function,
            "arguments": dict(job.arguments),
            "processors": list(processors),
            "started_s": time.monotonic(),
        }
        self._process = subprocess.Popen(
            [job.python, "-m", "f1_rl.benchmark.worker", json.dumps(described)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=capped_environment(len(processors)) | {"TMPDIR": self._folder.name},
        )

    def receive(self) -> Message:
        """Wait for its next message.

        Raises:
            BenchmarkError: It ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            words = self._log.read().strip()[-_LAST_WORDS:]
            raise BenchmarkError(
                f"{self._title}: its process ended; see its last words, {words!r}."
            )
        return dict(json.loads(line))

    def ask(self, **request: Any) -> Message:
        """Send a request and return the answer."""
        assert self._process.stdin is not None
        # A process that has ended says why when its answer is read.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return self.receive()

    def close(self) -> None:
        """End the process, and remove its temporary files."""
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()
        self._log.close()
        self._folder.cleanup()


@dataclass(frozen=True)
class Turns:
    """What the workers answered.

    Attributes:
        starts: What each said when it was ready, in the order of the jobs.
        rounds: For each repetition the answers of all, in that order.
    """

    starts: tuple[Message, ...]
    rounds: tuple[tuple[Message, ...], ...]

    def of(self, index: int) -> list[Message]:
        """Return the answers of one job, a repetition after the other."""
        return [answers[index] for answers in self.rounds]


def take_turns(
    jobs: Sequence[Job],
    processors: Sequence[int],
    *,
    repetitions: int,
    request: Mapping[str, Any],
    warm_up: Mapping[str, Any] | None = None,
) -> Turns:
    """Start all jobs, one after the other, then measure them in turns.

    Args:
        jobs: Each gets a process of its own, which lives until all are measured.
        processors: That all are pinned to; while one is measured the others wait.
        repetitions: Of the whole round.
        request: Sent for each measurement.
        warm_up: A request whose answer is thrown away, before the first round.

    Raises:
        BenchmarkError: A process ended.
    """
    with contextlib.ExitStack() as stack:
        workers, starts = [], []
        for job in jobs:
            worker = Worker(job, processors)
            stack.callback(worker.close)
            starts.append(worker.receive())
            if warm_up is not None:
                worker.ask(**warm_up)
            workers.append(worker)
        rounds = [tuple(worker.ask(**request) for worker in workers) for _ in range(repetitions)]
    return Turns(tuple(starts), tuple(rounds))
