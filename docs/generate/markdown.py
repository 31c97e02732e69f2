"""Pieces of Markdown, and of docstrings in Google's style."""

import inspect
import re
from collections.abc import Iterable, Sequence


def page(title: str, *blocks: str) -> str:
    """Return a page of blocks, an empty line between them."""
    return "\n\n".join([f"# {title}", *(block.strip("\n") for block in blocks if block)]) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars and line breaks in the cells are taken care of."""
    lines = [_row(headings), _row(["---"] * len(headings))]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def code(text: str) -> str:
    """Return text as code within a line; an empty text stays empty."""
    return f"`{text}`" if text else ""


def block(text: str, language: str = "text") -> str:
    """Return lines of code."""
    return f"```{language}\n{text.strip()}\n```"


def summary(thing: object) -> str:
    """Return the first paragraph of a docstring, in one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def attributes(kind: type) -> dict[str, str]:
    """Return what a class's docstring says of each attribute, in one line each."""
    found: dict[str, str] = {}
    name = ""
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        begun = re.match(r" {4}(\w+): (.*)", line)
        if begun:
            name = begun[1]
            found[name] = begun[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', chr(92) + '|').split()) for cell in cells)} |"
