"""The settings of a run, one line a setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def flat_settings(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the settings of nested mappings as (dotted name, value).

    Args:
        node: What a YAML file holds.
        path: The name that leads to it.
    """
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from flat_settings(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list) and any(isinstance(item, Mapping) for item in node):
        for i, item in enumerate(node):
            yield from flat_settings(item, f"{path}[{i}]")
    else:
        yield path, str(node)
