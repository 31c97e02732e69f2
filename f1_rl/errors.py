"""The errors that a user can do something about: their message says why and what to do."""

import difflib
import errno
import sys
from collections.abc import Iterable

_NAMED = (
    ("f1_rl.circuits", "CircuitError"),
    ("f1_rl.settings", "SettingsError"),
    ("f1_rl.policy", "PolicyError"),
    ("f1_rl.bags.errors", "BagError"),
    ("f1_rl.calibration.errors", "CalibrationError"),
    ("f1_rl.driving.cars", "CarFault"),
    ("f1_rl.launching", "LaunchError"),
    ("f1_rl.live.errors", "LiveError"),
    ("f1_rl.reporting.run_folder", "ReportError"),
    ("f1_rl.learning.run_folder", "RunFolderError"),
    ("f1_rl.learning.checkpoints", "CheckpointError"),
    ("f1_rl.learning.device", "TensorFlowMissingError"),
    ("f1_rl.learning.device", "NoGpuError"),
    ("f1_rl.learning.device", "DeviceMemoryError"),
    ("f1_rl.learning.agent", "DivergedError"),
    ("f1_rl.benchmark.turns", "BenchmarkError"),
)

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def expected_errors() -> tuple[type[Exception], ...]:
    """Return their classes, of the modules that have been imported so far."""
    found = [getattr(sys.modules[module], name) for module, name in _NAMED if module in sys.modules]
    return (OSError, *found)


def told(error: OSError) -> str:
    """Return what the operating system says and what to do: `No space left on device; ...`."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason.rstrip('.')}; {advice(error)}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` with the one of some names that is near, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def advice(error: OSError) -> str:
    """Return what to do about an error of the operating system."""
    number = error.errno
    if number in _NO_ROOM:
        return "make room there or choose another place"
    if number in _NOT_ALLOWED:
        return "check its permissions or choose another place"
    if number == errno.EISDIR:
        return "give a file"
    if number == errno.EMFILE:
        return "allow more open files with ulimit -n"
    if number == errno.EADDRINUSE:
        return "end what uses it or choose another"
    return "check the path"
