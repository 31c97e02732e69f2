"""What TensorBoard shows of a run, by environment step, written without TensorFlow."""

import contextlib
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto import event_pb2, histogram_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from f1_rl.driving.laps import Drive
from f1_rl.errors import advice
from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.run_folder import RunFolderError
from f1_rl.reporting.driven_map import draw_driven_lines, encode_png

if TYPE_CHECKING:
    from f1_rl.learning.progress import Progress

# What the page of hyper-parameters compares runs by: tag, name, and the columns of an evaluation
# of which its mean is taken.
_RESULTS = (
    ("result/solved_env_step", "steps to solve", ""),
    ("result/lap_time_s", "lap time (s)", "lap_time_s"),
    ("result/lateral_error_m", "lateral error (m)", "mean_lateral_error_m"),
    ("result/episode_return", "return", "episode_return"),
)
_SOLVED = _RESULTS[0][0]
# What is driven, seen, done and rewarded, and how it is learned; not how often that is written.
_HYPER_PARAMETERS = (
    *("env", "seed", "agent.", "training."),
    *("task.circuits", "task.vehicle", "task.actions", "task.observation.", "task.rewards."),
)
_NO_HYPER_PARAMETERS = (
    *("training.log_every_s", "training.checkpoint_every_s", "training.stop_when_solved"),
    *("training.evaluate_every", "training.evaluate_from", "training.evaluation_episodes"),
)
_BUCKETS = 30
_MOST_MAPS = 4


class EventWriter:
    """Writes the rows of the tables as TensorBoard events, and pictures, histograms, settings."""

    def __init__(self, folder: Path) -> None:
        """Write into that folder, which is made with the first values."""
        self._folder = folder
        self._file: IO[bytes] | None = None

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Write the hyper-parameters, and by which results runs are compared.

        Args:
            settings: Nested mappings of names to values.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        # It takes longer to import than to use, and a run begins by it.
        from tensorboard.plugins.hparams import summary_v2

        values = dict(_hyper_parameters(settings))
        experiment = summary_v2.hparams_config_pb(
            [summary_v2.HParam(name) for name in values],
            [summary_v2.Metric(tag, display_name=name) for tag, name, _ in _RESULTS],
        )
        trial = self._folder.resolve().parent.name
        session = summary_v2.hparams_pb(values, trial_id=trial)
        self._write([*experiment.value, *session.value], 0)

    def write_progress(
        self, progress: "Progress", q_values: npt.NDArray[Any] | None = None
    ) -> None:
        """Write a row of metrics.csv, and how the latest values to act by are distributed.

        Args:
            progress: The row.
            q_values: Of all environments and actions, in any shape; none: nothing was done yet.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        values = {
            f"training/{name}": value
            for name, value in vars(progress).items()
            if name not in ("env_step", "wall_time_s")
        }
        summaries = _scalars(values)
        if q_values is not None:
            histogram = _histogram(q_values.ravel())
            summaries.append(summary_pb2.Summary.Value(tag="training/q_values", histo=histogram))
        self._write(summaries, progress.env_step)

    def write_evaluation(self, evaluation: Evaluation, env_step: int, *, best: bool) -> None:
        """Write the means over the episodes of an evaluation; of the best so far its lines, too.

        Args:
            evaluation: What came of it.
            env_step: When it was.
            best: Whether none was better before.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        rows = evaluation.rows
        names = [name for name, value in rows[0].items() if isinstance(value, (int, float))]
        means = {
            name: float(np.nanmean(column))
            for name in names
            if not np.isnan(column := np.array([row[name] for row in rows], float)).all()
        }
        summaries = _scalars({f"evaluation/{name}": value for name, value in means.items()})
        if best:
            summaries += _scalars(
                {tag: means[column] for tag, _, column in _RESULTS if column in means}
            )
            summaries += _maps(evaluation.drives)
        self._write(summaries, env_step)

    def write_solved(self, env_step: int) -> None:
        """Write that the aim was reached for the first time.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        self._write(_scalars({_SOLVED: float(env_step)}), env_step)

    def write_image(self, tag: str, encoded: bytes, size: tuple[int, int], env_step: int) -> None:
        """Write a picture.

        Args:
            tag: Its name.
            encoded: As PNG, JPEG or GIF.
            size: Height and width in pixels.
            env_step: When it was.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        self._write([_image(tag, encoded, size)], env_step)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with self._failures():
                self._file.close()

    def _write(self, values: Sequence[Any], env_step: int) -> None:
        with self._failures():
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = (self._folder / _file_name()).open("wb")
                _append(self._file, file_version="brain.Event:2")
            _append(self._file, step=env_step, summary=summary_pb2.Summary(value=values))

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Say in a sentence that the file cannot be written."""
        try:
            yield
        except OSError as error:
            raise RunFolderError(
                f"{self._folder}: cannot be written ({error.strerror}); {advice(error)}."
            ) from error


def _scalars(values: Mapping[str, float]) -> list[Any]:
    return [
        summary_pb2.Summary.Value(tag=name, simple_value=value)
        for name, value in values.items()
        if not math.isnan(value)
    ]


def _histogram(values: npt.NDArray[Any]) -> Any:
    """Return the distribution of values, each bucket given by its upper end."""
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return histogram_pb2.HistogramProto()
    counts, edges = np.histogram(known, _BUCKETS)
    return histogram_pb2.HistogramProto(
        min=known.min(),
        max=known.max(),
        num=len(known),
        sum=known.sum(),
        sum_squares=np.square(known).sum(),
        # TensorBoard takes the first bucket to begin at minus infinity: an empty one ends it.
        bucket_limit=edges,
        bucket=[0.0, *counts],
    )


def _maps(drives: Sequence[Drive]) -> list[Any]:
    """Return a picture of the driven lines for each of the first circuits."""
    circuits = {drive.circuit.name: drive.circuit for drive in drives}
    images = []
    for name, circuit in list(circuits.items())[:_MOST_MAPS]:
        here = [drive for drive in drives if drive.circuit.name == name]
        picture = draw_driven_lines(
            circuit, [drive.path_m for drive in here], [drive.completed for drive in here]
        )
        tag = f"best_evaluation/{name}"
        images.append(_image(tag, encode_png(picture), picture.shape[:2]))
    return images


def _image(tag: str, encoded: bytes, size: tuple[int, ...]) -> Any:
    image = summary_pb2.Summary.Image(
        height=size[0], width=size[1], colorspace=3, encoded_image_string=encoded
    )
    return summary_pb2.Summary.Value(tag=tag, image=image)


def _hyper_parameters(
    settings: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, bool | float | str]]:
    """Yield the settings of nested mappings that count, by dotted name."""
    for key, value in settings.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from _hyper_parameters(value, f"{name}.")
        elif name.startswith(_HYPER_PARAMETERS) and name not in _NO_HYPER_PARAMETERS:
            yield name, _plain(value)


def _plain(value: Any) -> bool | float | str:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value)
    return "none" if value is None else str(value)


def _file_name() -> str:
    """Return a name that TensorBoard knows and no other process uses."""
    return f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"


def _append(file: IO[bytes], **content: Any) -> None:
    event = event_pb2.Event(wall_time=time.time(), **content)
    RecordWriter(file).write(event.SerializeToString())
    file.flush()
