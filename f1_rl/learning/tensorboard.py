"""Scalars for TensorBoard, by environment step."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from f1_rl.learning.device import import_tensorflow
from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.run_folder import RunFolderError

if TYPE_CHECKING:
    from f1_rl.learning.progress import Progress


class EventWriter:
    """Writes the rows of the tables as TensorBoard events."""

    def __init__(self, folder: Path) -> None:
        """Write into that folder, which is made with the first values."""
        self._tf: Any = import_tensorflow()
        self._folder = folder
        self._writer: Any = None

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
        """Write what is left."""
        if self._writer is not None:
            with self._failures():
                self._writer.close()

    def _write(self, values: dict[str, float], env_step: int) -> None:
        if self._writer is None:
            with self._failures():
                self._writer = self._tf.summary.create_file_writer(str(self._folder))
        with self._failures(), self._writer.as_default(step=env_step):
            for name, value in values.items():
                if not math.isnan(value):
                    self._tf.summary.scalar(name, value)
            self._writer.flush()

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Say in a sentence that the file cannot be written; TensorFlow takes a page for it."""
        try:
            yield
        except self._tf.errors.OpError as error:
            reason = str(error.message).splitlines()[0].rpartition("; ")[2]
            raise RunFolderError(f"{self._folder}: cannot be written ({reason}).") from error
