"""Checkpoints: a tree of arrays, numbers and strings, written so that a kill cannot break one."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from f1_rl.errors import advice

_NAME = re.compile(r"step-(\d{12})(?:-(\d{4}))?")
_KEPT = 2


class CheckpointError(RuntimeError):
    """A checkpoint is missing, damaged, or cannot be written."""


class Checkpoints:
    """The checkpoints of a run, the newest last.

    Each is a folder with the arrays in one file and all else in another. It is written under
    another name, flushed to the disk, and renamed to one that is free: whoever is killed in between
    leaves those before untouched, and what was half written is swept away by the next.
    """

    def __init__(self, folder: Path) -> None:
        """Use that folder, which need not exist yet."""
        self.folder = folder

    def steps(self) -> list[int]:
        """Return the environment steps of the complete checkpoints, ascending."""
        return [int(path.name.split("-")[1]) for path in self._complete()]

    def save(self, env_steps: int, tree: dict[str, Any]) -> Path:
        """Write a checkpoint and remove all but the last two.

        Raises:
            CheckpointError: It cannot be written (a full disk, say); the older ones are kept.
        """
        target = self._free_name(env_steps)
        partial = self.folder / f"partial-{env_steps:012d}"
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        try:
            self._sweep()
            partial.mkdir(parents=True)
            values = _take_arrays(tree, arrays)
            with (partial / "arrays.npz").open("wb") as file:
                _write_arrays(file, arrays)
                file.flush()
                os.fsync(file.fileno())
            with (partial / "values.json").open("w", encoding="utf-8") as text:
                json.dump(values, text)
                text.flush()
                os.fsync(text.fileno())
            _flush_folder(partial)
            partial.rename(target)
            _flush_folder(self.folder)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            kept = ", then resume: the one before it is untouched" if self._complete() else ""
            raise CheckpointError(
                f"{target}: the checkpoint cannot be written ({error.strerror}); {advice(error)}"
                f"{kept}."
            ) from error
        for path in self._complete()[:-_KEPT]:
            shutil.rmtree(path, ignore_errors=True)
        return target

    def load_latest(self) -> dict[str, Any]:
        """Read the newest checkpoint, or the one before it where that one is damaged.

        Raises:
            CheckpointError: There is none that can be read.
        """
        reasons = []
        for path in reversed(self._complete()):
            try:
                with np.load(path / "arrays.npz", allow_pickle=False) as arrays:
                    values = json.loads((path / "values.json").read_text(encoding="utf-8"))
                    return dict(_put_arrays(values, arrays))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                reasons.append(f"{path.name}: {error}")
        raise self._unreadable(f" ({'; '.join(reasons)})" if reasons else "")

    def check_any(self) -> None:
        """Refuse a folder without a checkpoint, without reading one.

        Raises:
            CheckpointError: There is none.
        """
        if not self._complete():
            raise self._unreadable()

    def _unreadable(self, detail: str = "") -> CheckpointError:
        return CheckpointError(
            f"{self.folder}: holds no checkpoint that can be read{detail}; start another run."
        )

    def _complete(self) -> list[Path]:
        """Return the folders of the complete checkpoints, the newest last."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def _free_name(self, env_steps: int) -> Path:
        """Return where to write: a checkpoint of the same step stays until this one is whole."""
        name = f"step-{env_steps:012d}"
        matches = (_NAME.fullmatch(path.name) for path in self._complete())
        numbers = [int(m[2] or 0) for m in matches if m and int(m[1]) == env_steps]
        return self.folder / (f"{name}-{max(numbers) + 1:04d}" if numbers else name)

    def _sweep(self) -> None:
        for path in self.folder.glob("partial-*"):
            shutil.rmtree(path, ignore_errors=True)


def _take_arrays(node: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """Return the tree with each array moved to `arrays` and replaced by its key."""
    if isinstance(node, np.ndarray):
        key = f"a{len(arrays)}"
        arrays[key] = node
        return {"__array__": key}
    if isinstance(node, dict):
        return {str(name): _take_arrays(value, arrays) for name, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_take_arrays(value, arrays) for value in node]
    if isinstance(node, np.generic):
        return node.item()
    return node


def _write_arrays(file: IO[bytes], arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays as `np.savez` does, which on a full disk leaves its archive half open."""
    with zipfile.ZipFile(file, "w") as archive:
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(  # type: ignore[no-untyped-call]
                    member, array, allow_pickle=False
                )


def _put_arrays(node: Any, arrays: Any) -> Any:
    if isinstance(node, dict):
        if set(node) == {"__array__"}:
            return arrays[node["__array__"]]
        return {name: _put_arrays(value, arrays) for name, value in node.items()}
    if isinstance(node, list):
        return [_put_arrays(value, arrays) for value in node]
    return node


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
