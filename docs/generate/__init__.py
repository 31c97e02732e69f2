"""The reference of the site, written from the code when the site is built.

Git holds its pages and pictures, too, for those who read them without the site; but not those below
`python/`, of which only Sphinx makes something to read.
"""

from pathlib import Path

from generate import (
    circuits,
    commands,
    environments,
    launches,
    nodes,
    perturbations,
    presets,
    python_api,
    tables,
)
from generate import settings as settings_page


def write_reference(folder: Path) -> None:
    """Write all pages and pictures of the reference into a folder.

    Args:
        folder: A folder of the site's sources; what is in there already is replaced.
    """
    pages = {
        "commands": commands.page(),
        "settings": settings_page.page(),
        "presets": presets.page(),
        "circuits": circuits.page(),
        "perturbations": perturbations.page(),
        "actions": tables.actions_page(),
        "rewards": tables.rewards_page(),
        "environments": environments.page(),
        "launches": launches.page(),
        "parameters": nodes.parameters_page(),
        "topics": nodes.topics_page(),
        **{f"python/{name}": text for name, text in python_api.pages().items()},
    }
    (folder / "python").mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        suffix = "rst" if name.startswith("python/") else "md"
        _write(folder / f"{name}.{suffix}", text)
    for name, picture in circuits.pictures().items():
        _write(folder / f"{name}.svg", picture)


def _write(path: Path, text: str) -> None:
    """Write a file unless it is so already, so that Sphinx need not read it again."""
    if not path.is_file() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
