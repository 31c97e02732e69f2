"""Print the apt packages that package.xml asks for: `apt_packages.py package.xml jazzy`.

What `rosdep install` would install, without asking the network which names those are: ROS packages
are called `ros-<distribution>-<name>`, and Python's, on Ubuntu, like their rosdep keys.
"""

from __future__ import annotations

import sys
from xml.etree import ElementTree

_TAGS = ("depend", "exec_depend")


def apt_packages(manifest: str, distribution: str) -> list[str]:
    """Return the apt packages that a package needs when it runs, in alphabetical order.

    Args:
        manifest: Path of the package.xml.
        distribution: Of ROS 2, for example jazzy.
    """
    root = ElementTree.parse(manifest).getroot()
    keys = {element.text for tag in _TAGS for element in root.iter(tag) if element.text}
    return sorted(
        key if key.startswith("python3-") else f"ros-{distribution}-{key.replace('_', '-')}"
        for key in keys
    )


if __name__ == "__main__":
    print("\n".join(apt_packages(*sys.argv[1:])))
