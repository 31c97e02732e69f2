"""Scalars for TensorBoard, by environment step."""

import contextlib
import math
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from f1_rl.errors import advice
from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.run_folder import RunFolderError

if TYPE_CHECKING:
    from f1_rl.learning.progress import Progress


class EventWriter:
    """Writes the rows of the tables as TensorBoard events."""

    def __init__(self, folder: Path) -> None:
        """Write into that folder, which is made with the first values."""
        self._folder = folder
        self._file: IO[bytes] | None = None

    def write_progress(self, progress: "Progress") -> None:
        """Write a row of metrics.csv.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        values = {
            f"training/{name}": value
            for name, value in vars(progress).items()
            if name not in ("env_step", "wall_time_s")
        }
        self._write(values, progress.env_step)

    def write_evaluation(self, evaluation: Evaluation, env_step: int) -> None:
        """Write the means over the episodes of an evaluation.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        columns = [
            name for name, value in evaluation.rows[0].items() if isinstance(value, (int, float))
        ]
        rows = evaluation.rows
        values = {
            f"evaluation/{name}": float(np.nanmean(column))
            for name in columns
            if not np.isnan(column := np.array([row[name] for row in rows], float)).all()
        }
        self._write(values, env_step)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with self._failures():
                self._file.close()

    def _write(self, values: dict[str, float], env_step: int) -> None:
        finite = [
            summary_pb2.Summary.Value(tag=name, simple_value=value)
            for name, value in values.items()
            if not math.isnan(value)
        ]
        with self._failures():
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = (self._folder / _file_name()).open("wb")
                _append(self._file, file_version="brain.Event:2")
            _append(self._file, step=env_step, summary=summary_pb2.Summary(value=finite))

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Say in a sentence that the file cannot be written."""
        try:
            yield
        except OSError as error:
            raise RunFolderError(
                f"{self._folder}: cannot be written ({error.strerror}); {advice(error)}."
            ) from error


def _file_name() -> str:
    """Return a name that TensorBoard knows and no other process uses."""
    return f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"


def _append(file: IO[bytes], **content: Any) -> None:
    event = event_pb2.Event(wall_time=time.time(), **content)
    RecordWriter(file).write(event.SerializeToString())
    file.flush()
