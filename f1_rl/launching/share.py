"""Where the files are that the package brings beside its code: config/, launch/, worlds/, models/.

ROS 2 finds them through the ament index; pip puts them below the environment's prefix, and leaves
them where they are in an editable installation.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import f1_rl
from f1_rl.launching.errors import LaunchError

PACKAGE = "f1_rl"


def share_folder() -> Path:
    """Return the folder with config/ and launch/.

    A package in the ament index comes first, then the source tree this package is imported from,
    then the environment that pip installed it into.

    Raises:
        LaunchError: It is nowhere.
    """
    for folder in _candidates():
        if (folder / "package.xml").is_file() and (folder / "config").is_dir():
            return folder
    raise LaunchError(
        "the files of f1_rl (config/, launch/) are neither in the ament index nor in "
        f"{sysconfig.get_path('data')}/share/{PACKAGE}; install the package again with pip or "
        "colcon, or source its setup.bash."
    )


def config_file(name: str) -> Path:
    """Return a file of config/.

    Raises:
        LaunchError: There is none of that name.
    """
    path = share_folder() / "config" / name
    if not path.is_file():
        raise LaunchError(f"there is no {path}; install f1_rl again.")
    return path


def ament_prefix(package: str) -> Path | None:
    """Return where the ament index has a package: the prefix with its share/ and lib/."""
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        marker = Path(prefix, "share", "ament_index", "resource_index", "packages", package)
        if marker.is_file():
            return Path(prefix)
    return None


def _candidates() -> Iterator[Path]:
    prefix = ament_prefix(PACKAGE)
    if prefix is not None:
        yield prefix / "share" / PACKAGE
    yield Path(f1_rl.__file__).resolve().parents[1]
    yield Path(sysconfig.get_path("data"), "share", PACKAGE)
