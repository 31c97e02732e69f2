"""The interpreter and the packages, against what the package asks for and what was tested."""

import importlib
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import f1_rl
from f1_rl.cli.checks.finding import Finding, absent, fail, ok, warn

_SOURCE = Path(f1_rl.__file__).parents[1]
_PINS = _SOURCE / "requirements" / f"py3{sys.version_info.minor}.txt"
_OPTIONAL = ("train", "report", "live", "drive", "bags", "games", "window")
_MOST_NAMED = 4


def interpreter() -> Finding:
    """Check the version of Python and the machine that it is for."""
    found = f"{platform.python_version()}, {platform.machine()}, {sys.prefix}"
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        return fail(f"{found}: only 3.10, 3.11 and 3.12 will do", "make setup PYTHON=python3.11")
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return warn(f"{found}: only Linux on x86-64 is tested", "use docker/, see docker/README.md")
    return ok(found)


def packages() -> Finding:
    """Check that what the package cannot do without is installed, in a version that fits."""
    try:
        asked = metadata.requires("f1_rl") or []
    except metadata.PackageNotFoundError:
        return warn("f1_rl is used from its folder, not installed", f"pip install -e {_SOURCE}")
    wrong = list(_unmet(asked, ""))
    if wrong:
        return fail(_named(wrong), "pip install --upgrade f1_rl (in a checkout: make setup)")
    return ok(f"f1_rl {f1_rl.__version__} and what it needs")


def extras() -> Finding:
    """Check which optional parts are installed."""
    try:
        asked = metadata.requires("f1_rl") or []
    except metadata.PackageNotFoundError:
        return absent("unknown, since f1_rl is not installed")
    missing = {name: list(_unmet(asked, name)) for name in _OPTIONAL}
    whole = ", ".join(name for name, wrong in missing.items() if not wrong) or "none"
    lacking = [name for name, wrong in missing.items() if wrong]
    if not lacking:
        return ok(whole)
    remedy = f"pip install 'f1_rl[{','.join(lacking)}]'"
    return absent(f"{whole}; not installed or not whole: {', '.join(lacking)}", remedy)


def pins(file: Path = _PINS) -> Finding:
    """Compare with the versions that were tested together, where there is a checkout.

    Args:
        file: Lines of `name==version`.
    """
    if not file.is_file():
        return absent(f"no {file.name} to compare with, for this is no checkout")
    wanted = dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", file.read_text("utf-8")))
    differing = []
    for name, version in wanted.items():
        found = _version(name)
        if found not in (version, None):
            differing.append(f"{name} {found}, not {version}")
    if differing:
        return warn(_named(differing), "make setup")
    return ok(f"no package differs from {file.relative_to(file.parents[1])}")


def imports(modules: tuple[str, ...], extra: str, *, needed: bool) -> Finding:
    """Import modules of an optional part, for what is installed may yet lack a library.

    Args:
        modules: Their names; the first has the version that is told.
        extra: The part of the package that installs them.
        needed: Whether training needs them.
    """
    remedy = f"pip install --upgrade 'f1_rl[{extra}]'"
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            missing = f"{name} is not installed"
            return fail(missing, remedy) if needed else absent(missing, remedy)
        except Exception as error:  # whatever a broken package raises
            return (fail if needed else warn)(f"{name} cannot be imported ({error})", remedy)
    first = sys.modules[modules[0]]
    return ok(
        ", ".join([f"{modules[0]} {getattr(first, '__version__', '')}".strip(), *modules[1:]])
    )


def _unmet(asked: list[str], extra: str) -> Iterator[str]:
    """Yield what of the requirements of one extra (or of none) is missing or does not fit."""
    try:
        requirements = importlib.import_module("packaging.requirements")
    except ImportError:  # comes with many packages, and is no requirement of ours
        return
    for line in asked:
        requirement = requirements.Requirement(line)
        marker = requirement.marker
        if marker is not None and not marker.evaluate({"extra": extra}):
            continue
        if extra and (marker is None or marker.evaluate({"extra": ""})):
            continue
        found = _version(requirement.name)
        if found is None:
            yield f"{requirement.name} is missing"
        elif not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} {found} is not {requirement.specifier}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _named(parts: list[str]) -> str:
    more = f" and {len(parts) - _MOST_NAMED} more" if len(parts) > _MOST_NAMED else ""
    return ", ".join(parts[:_MOST_NAMED]) + more
