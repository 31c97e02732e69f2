"""The Python interface: a page for each package, its modules documented by autodoc."""

import importlib
import pkgutil
import re

import f1_rl
from generate import markdown

# The command line has a page of its own; what measures others is of no use by itself; and what
# Numba compiles is called by what is documented.
_LEFT_OUT = re.compile(r"cli|benchmark|.*_kernels")


def pages() -> dict[str, str]:
    """Return a reStructuredText page for each package, and one for the modules beside them."""
    found = {}
    alone = []
    for each in pkgutil.iter_modules(f1_rl.__path__):
        if _LEFT_OUT.fullmatch(each.name):
            continue
        if not each.ispkg:
            alone.append(f"f1_rl.{each.name}")
            continue
        package = importlib.import_module(f"f1_rl.{each.name}")
        modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
        kept = [f"f1_rl.{each.name}.{name}" for name in modules if not _LEFT_OUT.fullmatch(name)]
        found[each.name] = _page(f"f1_rl.{each.name}", markdown.summary(package), kept)
    found["modules"] = _page("f1_rl", markdown.summary(f1_rl), alone)
    return found


def _page(title: str, introduction: str, modules: list[str]) -> str:
    sections = [f"{name}\n{'-' * len(name)}\n\n.. automodule:: {name}" for name in modules]
    return "\n\n".join([f"{title}\n{'=' * len(title)}", introduction, *sections]) + "\n"
