"""The machine: memory, cores, disk, and where compiled kernels are kept."""

import os
import shutil
import tempfile
from pathlib import Path

from f1_rl.cli.checks.finding import Finding, absent, fail, ok, warn

_CGROUP = Path("/sys/fs/cgroup")
_GB = 1e9
# A run of the default preset takes some 0.1 GB, one with pictures of an Atari game 1 GB.
_ENOUGH_DISK_GB, _LEAST_DISK_GB = 2.0, 0.3
_ENOUGH_TEMPORARY_GB = 0.2
_ENOUGH_MEMORY_GB, _LEAST_MEMORY_GB = 2.0, 0.7


def kernels() -> Finding:
    """Compile the simulator's kernels, or load them, and draw and drive a step."""
    from f1_rl.simulation import warm_up

    try:
        warm_up()
    except Exception as error:  # the check reports whatever goes wrong
        return fail(
            f"the simulator does not run ({type(error).__name__}: {error})",
            "pip install --force-reinstall numba llvmlite numpy",
        )
    return ok("compiled; the simulator draws and drives")


def kernel_cache(folder: Path | None = None) -> Finding:
    """Check that compiled kernels can be kept, or each start compiles them for seconds.

    Args:
        folder: Where they are kept; Numba's choice without it.
    """
    if folder is None:
        from f1_rl.simulation.ground_kernels import sweep_centre_line

        folder = Path(sweep_centre_line.stats.cache_path)
    refusal = _refusal(folder)
    if refusal:
        return warn(
            f"{folder} cannot be written ({refusal}), so each start compiles for some seconds",
            "export NUMBA_CACHE_DIR=$HOME/.cache/numba",
        )
    return ok(str(folder))


def disk(folder: Path | None = None) -> Finding:
    """Check room and permission where runs are written.

    Args:
        folder: Where that is; below the working folder without it.
    """
    folder = folder or Path.cwd()
    refusal = _refusal(folder)
    if refusal:
        return fail(f"{folder} cannot be written ({refusal})", "cd to a folder of yours")
    free = shutil.disk_usage(folder).free / _GB
    text, remedy = f"{free:.1f} GB free in {folder}", f"make room in {folder}, or cd elsewhere"
    if free < _LEAST_DISK_GB:
        return fail(text, remedy)
    return ok(text) if free >= _ENOUGH_DISK_GB else warn(text, remedy)


def temporary() -> Finding:
    """Check room and permission for temporary files."""
    remedy = "export TMPDIR=/a/folder/with/room"
    try:
        folder = Path(tempfile.gettempdir())
        free = shutil.disk_usage(folder).free / _GB
    except OSError as error:
        return fail(f"no folder for temporary files can be used ({error})", remedy)
    text = f"{free:.1f} GB free in {folder}"
    return ok(text) if free >= _ENOUGH_TEMPORARY_GB else warn(text, remedy)


def memory() -> Finding:
    """Check how much memory is free, within what a container is allowed."""
    free = _free_memory_gb()
    if free is None:
        return absent("unknown on this system")
    text = f"{free:.1f} GB free"
    remedy = "end other programs, or train with --set training.replay_capacity=20000"
    if free < _LEAST_MEMORY_GB:
        return fail(text, remedy)
    return ok(text) if free >= _ENOUGH_MEMORY_GB else warn(text, remedy)


def cores() -> Finding:
    """Check how many cores there are for this process, and who else uses them."""
    available = len(os.sched_getaffinity(0))
    allowed = min(float(available), _allowed_cores())
    load = os.getloadavg()[0]
    text = f"{allowed:g} of {os.cpu_count()}, load {load:.1f}"
    if allowed < 2.0:
        return warn(f"{text}: training will be slow", "give it 2 (docker run --cpus 2; taskset)")
    if load > 2.0 * allowed:
        return warn(f"{text}: other programs make it slow", "look at who is busy: top")
    return ok(text)


def _refusal(folder: Path) -> str:
    """Return why nothing can be written into a folder, which is made if need be; or nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _free_memory_gb() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    free = kilobytes * 1024.0
    return (free if limit is None else min(free, limit - (used or 0.0))) / _GB


def _allowed_cores() -> float:
    try:
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="utf-8").split()
        return float(quota) / float(period)
    except (OSError, ValueError):
        return float("inf")


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
