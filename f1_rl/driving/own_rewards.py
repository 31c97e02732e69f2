"""Reward rules of the user's own: functions in a Python file, named `FILE.py:FUNCTION`."""

import traceback
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np

from f1_rl.circuits import FloatArray
from f1_rl.driving.step import Step
from f1_rl.settings import SettingsError

_SUFFIX = ".py"


def names_own_rule(name: str) -> bool:
    """Return whether a rule's name is that of a function in a file, as `brave.py:keep_moving`."""
    path, colon, function = name.rpartition(":")
    return bool(colon) and path.endswith(_SUFFIX) and function.isidentifier()


def load_own_rule(name: str) -> Callable[[Step], FloatArray]:
    """Run the file and return the function, its results checked at every step.

    Args:
        name: `FILE.py:FUNCTION`; the file's path is relative to the working directory.

    Raises:
        SettingsError: The file cannot be read or fails, or has no such function.
    """
    path, _, function = name.rpartition(":")
    module = _run_file(Path(path))
    rule = getattr(module, function, None)
    if not callable(rule):
        own = [key for key, value in vars(module).items() if _is_own_function(module, value)]
        raise SettingsError(
            f"rewards: {path} has no function {function!r}; write it there, or choose from those "
            f"that are ({', '.join(own) or 'none'})."
        )

    def checked(step: Step) -> FloatArray:
        try:
            rewards = np.asarray(rule(step), np.float64)
        except Exception as error:
            raise SettingsError(
                f"rewards: {name} failed{_where(error, path)}; correct it."
            ) from error
        shape = step.driven_m.shape
        if rewards.shape != shape:
            raise SettingsError(
                f"rewards: {name} returned an array of shape {rewards.shape} for {shape[0]} cars; "
                f"give one number for each, shape {shape}."
            )
        if not np.isfinite(rewards).all():
            raise SettingsError(
                f"rewards: {name} returned {rewards[~np.isfinite(rewards)][0]}; give finite "
                "numbers alone."
            )
        return rewards

    return checked


def _run_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SettingsError(
            f"rewards: there is no file {path} in {Path.cwd()}; write its path as seen from there."
        )
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"rewards: {path} cannot be run{_where(error, str(path))}; correct the file."
        ) from error
    return module


def _is_own_function(module: ModuleType, value: object) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _where(error: BaseException, path: str) -> str:
    """Return the file's last line that took part in an error, and what the error says."""
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}: {error.msg}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == Path(path).absolute() or frame.filename == path
    ]
    line = f" in line {lines[-1]}" if lines else ""
    return f"{line}: {type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}"
