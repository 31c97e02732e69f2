"""The folder of a training run, and how its tables are written."""

import csv
import fcntl
import logging
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import f1_rl
from f1_rl.errors import advice
from f1_rl.files import check_folder
from f1_rl.learning.checkpoints import Checkpoints
from f1_rl.settings import SettingsError, read_yaml, write_yaml

# Where runs are that were given no folder.
RUNS = Path("runs")

_LOG = logging.getLogger(__name__)


class RunFolderError(RuntimeError):
    """The run folder cannot be used for what was asked."""


class RunExistsError(RunFolderError):
    """There is a run in the folder that another one was to be written to."""


class RunFolder:
    """`config.yaml`, tables, checkpoints, policies, report and video of one run."""

    def __init__(self, path: Path) -> None:
        """Use that folder; `begin` or `claim` comes next."""
        self.path = path
        self._claim: int | None = None

    config = property(lambda self: self.path / "config.yaml")
    metrics = property(lambda self: self.path / "metrics.csv")
    evaluations = property(lambda self: self.path / "evaluations.csv")
    events = property(lambda self: self.path / "events")
    checkpoints = property(lambda self: self.path / "checkpoints")
    demonstrations = property(lambda self: self.path / "demonstrations.npz")
    demonstration_accounts = property(lambda self: self.path / "demonstrations.csv")

    def begin(self) -> None:
        """Make the folder, claim it, and remove what a run has left there that was never saved.

        The claim stays until `release`, so that nobody else begins here in the meantime.

        Raises:
            RunFolderError: There is a run in it already, it cannot be made, or another process
                trains in it.
        """
        self.check_unused()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot be written ({error.strerror}); {advice(error)}."
            ) from error
        self.claim()
        try:
            self.remove_unsaved_run()
            # Again: another run may have ended here before the claim.
            self._check_no_run()
        except BaseException:
            self.release()
            raise

    def remove_empty(self) -> None:
        """Remove the folder if nothing was written there and nobody else trains in it.

        So `RUNS`, where it was the only one there.
        """
        with suppress(OSError, RunFolderError), self.claimed():
            self.path.rmdir()
            if self.path.parent == RUNS:
                RUNS.rmdir()

    def create(self, config: dict[str, Any]) -> None:
        """Make the folder and write the configuration.

        Raises:
            RunFolderError: There is a run in it already, or it cannot be made.
        """
        self.check_unused()
        self.write_config(config)

    def check_unused(self) -> None:
        """Refuse a folder that holds a run, and what cannot be one.

        A run that ended before its first checkpoint cannot go on, so its folder is free again.

        Raises:
            RunExistsError: There is a run in it already.
            RunFolderError: It is a file, nothing can be written there, or another process trains
                in it.
        """
        self.check_place()
        if self._holds_unsaved_run:
            with self.claimed():
                return
        self._check_no_run()

    def _check_no_run(self) -> None:
        if self.config.exists():
            raise RunExistsError(
                f"{self.path}: holds a run already; continue it with --resume {self.path}, "
                "or choose another --run-dir."
            )

    def check_place(self) -> None:
        """Refuse what cannot be a folder to write to.

        Raises:
            RunFolderError: It is a file, or nothing can be written there.
        """
        existing = next(
            path for path in (self.path, *self.path.absolute().parents) if path.exists()
        )
        if not existing.is_dir():
            raise RunFolderError(f"{existing}: is a file; choose another --run-dir.")
        try:
            check_folder(existing)
        except OSError as error:
            raise RunFolderError(
                f"{existing}: cannot be written ({error.strerror}); choose another --run-dir."
            ) from error

    def check_resumable(self) -> None:
        """Refuse a folder whose run cannot go on.

        Raises:
            RunFolderError: There is no run in it, or another process trains in it.
            CheckpointError: It holds no checkpoint.
        """
        self.read_config()
        with self.claimed():
            Checkpoints(self.checkpoints).check_any()

    def remove_unsaved_run(self) -> None:
        """Remove what a run has left that ended before its first checkpoint, if there was one.

        The folder is claimed: what a run has that has just begun looks the same.

        Raises:
            RunFolderError: It cannot be removed.
        """
        if not self._holds_unsaved_run:
            return
        tables = (self.metrics, self.evaluations, self.demonstration_accounts)
        try:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
            for path in (*tables, self.demonstrations):
                path.unlink(missing_ok=True)
            self.config.unlink()
            shutil.rmtree(self.events, ignore_errors=True)
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: what a run has left there cannot be removed "
                f"({error.strerror}); {advice(error)}."
            ) from error

    @property
    def _holds_unsaved_run(self) -> bool:
        """Whether a run has begun here of which neither a checkpoint nor a policy was saved."""
        saved = ("policy", "policy-last")
        return (
            self.config.exists()
            and self.events.is_dir()
            and not Checkpoints(self.checkpoints).steps()
            and not any((self.path / name).exists() for name in saved)
        )

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Claim the folder for a block.

        Raises:
            RunFolderError: Another process trains in it, or it is no folder.
        """
        descriptor = self._lock()
        try:
            yield
        finally:
            os.close(descriptor)

    def claim(self) -> None:
        """Keep others from training in this folder until `release`, or the end of this process.

        Raises:
            RunFolderError: Another process trains in it, or it is no folder.
        """
        if self._claim is None:
            self._claim = self._lock()

    def release(self) -> None:
        """Let others train in this folder, if it was claimed."""
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _lock(self) -> int:
        """Return a descriptor that holds the folder until it is closed."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot be opened ({error.strerror}); {advice(error)}."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise RunFolderError(
                f"{self.path}: another process trains in it; wait for its end or stop it."
            ) from error
        except OSError:
            # A file system without locks: then it has to go without.
            _LOG.debug("%s: cannot be locked", self.path)
        return descriptor

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the configuration in one go, making the folder where there is none.

        Raises:
            RunFolderError: It cannot be written.
        """
        partial = self.config.with_suffix(".partial")
        try:
            # First, since by these two together a folder is known for a run's.
            self.events.mkdir(parents=True, exist_ok=True)
            write_yaml(partial, config)
            partial.replace(self.config)
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot be written ({error.strerror}); {advice(error)}."
            ) from error

    def read_config(self) -> dict[str, Any]:
        """Return the configuration of an existing run.

        Raises:
            RunFolderError: There is no run in it.
        """
        if not self.config.is_file():
            raise RunFolderError(
                f"{self.path}: is no run folder (it has no config.yaml); give one that f1-rl train "
                "wrote."
            )
        try:
            return read_yaml(self.config)
        except SettingsError as error:
            raise RunFolderError(str(error)) from error


def make_new_folder(parent: Path, name: str) -> Path:
    """Make a folder of that name, followed by a number where there is one already, and return it.

    Raises:
        RunFolderError: It cannot be made.
    """
    RunFolder(parent).check_place()
    path, number = parent / name, 1
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            with suppress(FileExistsError):
                # With its parent, which whoever was refused may have removed just now.
                path.mkdir(parents=True)
                return path
            number += 1
            path = parent / f"{name}-{number}"
    except OSError as error:
        raise RunFolderError(
            f"{parent}: cannot be written ({error.strerror}); {advice(error)}."
        ) from error


class Table:
    """A CSV file that grows row by row, readable at any moment."""

    def __init__(self, path: Path) -> None:
        """Append to that file; its columns are those of its first row."""
        self._path = path
        rows = self._rows()
        self._columns: list[str] = rows[0] if rows else []

    def cut_after(self, column: str, limit: float) -> None:
        """Remove the rows beyond `limit`, and a last one that was only half written.

        A resumed run writes them again.
        """
        if not self._path.exists():
            return
        kept = self._rows()
        if kept:
            position = self._columns.index(column)
            kept = [
                self._columns,
                *(
                    row
                    for row in kept[1:]
                    if len(row) == len(self._columns) and float(row[position]) <= limit
                ),
            ]
        partial = self._path.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(kept)
        partial.replace(self._path)

    def write(self, row: dict[str, Any]) -> None:
        """Append a row; None and NaN make an empty cell.

        Raises:
            RunFolderError: The disk is full, or the folder is gone.
        """
        try:
            with self._path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                if not self._columns:
                    self._columns = list(row)
                    writer.writerow(self._columns)
                writer.writerow([_cell(row.get(column)) for column in self._columns])
        except OSError as error:
            raise RunFolderError(
                f"{self._path}: cannot be written ({error.strerror}); {advice(error)}."
            ) from error

    def _rows(self) -> list[list[str]]:
        """Return the rows that were written to their end, the columns first."""
        if not self._path.exists():
            return []
        whole_lines = self._path.read_text(encoding="utf-8").rpartition("\n")[0]
        return list(csv.reader(whole_lines.splitlines()))


def describe_versions() -> dict[str, str]:
    """Return what a run was made with: interpreter, packages, commit."""
    versions = {"f1_rl": f1_rl.__version__, "python": platform.python_version()}
    for package in (
        "tensorflow",
        "tf-agents",
        "numpy",
        "gymnasium",
        "numba",
        "opencv-python-headless",
    ):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    commit = _commit()
    if commit:
        versions["commit"] = commit
    return versions


def _commit() -> str | None:
    """Return the commit of the source tree this package runs from, if it is one."""
    source = Path(f1_rl.__file__).parent.parent
    if not (source / ".git").exists():
        return None
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value
