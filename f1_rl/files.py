"""Writing files so that a full disk takes nothing away."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


@contextmanager
def new_file(path: str | Path, mode: str = "w", **options: Any) -> Iterator[IO[Any]]:
    """Open a file that takes the place of one at `path` when it is whole, and not before.

    What is no plain file, a pipe or `/dev/stdout`, is written directly.

    Args:
        path: The file.
        mode: `w` or `wb`.
        options: For `open`; text is UTF-8.

    Raises:
        OSError: It cannot be written; `filename` is its path, what was there before is untouched.
    """
    path = Path(path)
    if mode == "w":
        options.setdefault("encoding", "utf-8")
    direct = _is_written_directly(path)
    target = path if direct else path.resolve()
    partial = target if direct else target.with_name(f".{target.name}.part")
    try:
        with partial.open(mode, **options) as file:
            yield file
        if not direct:
            partial.replace(target)
    except OSError as error:
        # Of an error while writing the operating system does not say the file.
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        if not direct:
            _remove(partial)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process has a file locked, and lock it; a killed process locks nothing.

    What is locked is a file beside it, which is there meanwhile: `new_file` replaces the file
    itself. Where the file system has no locks, it goes without.

    Args:
        path: The file, which need not exist.

    Raises:
        OSError: Nothing can be made beside it.
    """
    beside = path.with_name(f".{path.name}.lock")
    descriptor = _locked_file(beside)
    try:
        yield
    finally:
        beside.unlink(missing_ok=True)
        os.close(descriptor)


def check_folder(folder: Path) -> None:
    """Refuse a folder in which nothing can be made, by making something there.

    What permissions say is not enough: a file system may be full, or take no files at all.

    Raises:
        OSError: Nothing can be made there.
    """
    with tempfile.TemporaryDirectory(prefix=".f1_rl-", dir=folder):
        pass


def check_place(path: Path | None) -> None:
    """Refuse a file that `new_file` could not write, before the work that it shall hold.

    Args:
        path: The file; None is always right.

    Raises:
        OSError: It is a folder, or nothing can be written where it would be; `filename` is what is
            to blame.
    """
    if path is None or _is_written_directly(path):
        return
    target = path.resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    try:
        check_folder(target.parent)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path.parent)) from error


def _is_written_directly(path: Path) -> bool:
    """Say whether there is something that is neither a plain file nor a folder.

    Of the path itself: what it resolves to has no place where `/dev/stdout` leads to a pipe.
    """
    return path.exists() and not path.is_file() and not path.is_dir()


def _locked_file(path: Path) -> int:
    """Return a descriptor of a file, made and locked, that nobody has removed meanwhile."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


def _remove(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        # The folder itself is no folder or gone: then there is nothing to remove.
        return
