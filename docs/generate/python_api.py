"""The Python interface: a page for each package, its modules documented by autodoc."""

import importlib
import pkgutil

import f1_rl
from generate import markdown

PACKAGES = (
    "circuits",
    "simulation",
    "driving",
    "policy",
    "learning",
    "bags",
    "reporting",
    "gazebo",
    "ros",
    "nodes",
    "launching",
)
MODULES = ("settings", "messages", "statistics", "errors")
# What Numba compiles has no use of its own.
_LEFT_OUT = ("_kernels",)


def pages() -> dict[str, str]:
    """Return a reStructuredText page for each package, and one for the modules beside them."""
    found = {}
    for name in PACKAGES:
        package = importlib.import_module(f"f1_rl.{name}")
        listed = sorted(each.name for each in pkgutil.iter_modules(package.__path__))
        kept = [f"f1_rl.{name}.{each}" for each in listed if not each.endswith(_LEFT_OUT)]
        found[name] = _page(f"f1_rl.{name}", markdown.summary(package), kept)
    found["modules"] = _page("f1_rl", markdown.summary(f1_rl), [f"f1_rl.{m}" for m in MODULES])
    return found


def _page(title: str, introduction: str, modules: list[str]) -> str:
    sections = [f"{name}\n{'-' * len(name)}\n\n.. automodule:: {name}" for name in modules]
    return "\n\n".join([f"{title}\n{'=' * len(title)}", introduction, *sections]) + "\n"
