"""The errors that a user can do something about: their message says why and what to do."""

import sys

_NAMED = (
    ("f1_rl.circuits", "CircuitError"),
    ("f1_rl.settings", "SettingsError"),
    ("f1_rl.policy", "PolicyError"),
    ("f1_rl.bags.errors", "BagError"),
    ("f1_rl.driving.cars", "CarFault"),
    ("f1_rl.launching", "LaunchError"),
    ("f1_rl.live.errors", "LiveError"),
    ("f1_rl.reporting.run_folder", "ReportError"),
    ("f1_rl.learning.run_folder", "RunFolderError"),
    ("f1_rl.learning.checkpoints", "CheckpointError"),
    ("f1_rl.learning.device", "TensorFlowMissingError"),
    ("f1_rl.learning.device", "NoGpuError"),
    ("f1_rl.learning.agent", "DivergedError"),
    ("f1_rl.benchmark.turns", "BenchmarkError"),
)


def expected_errors() -> tuple[type[Exception], ...]:
    """Return their classes, of the modules that have been imported so far."""
    found = [getattr(sys.modules[module], name) for module, name in _NAMED if module in sys.modules]
    return (OSError, *found)
