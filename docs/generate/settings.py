"""The settings of a run, from their classes: name, type, range, default and meaning."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union

import msgspec
import yaml

from f1_rl.gazebo import WorldSettings
from f1_rl.learning.runs import RunSettings
from f1_rl.learning.settings import CarRacingSettings
from f1_rl.ros.settings import RosCarSettings
from generate import markdown

_WORDS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    type(None): "none",
    Any: "anything",
}
# Beyond this a bound only keeps infinity out.
_HUGE = 1e300

_INTRODUCTION = """
Every setting can be changed with `f1-rl train --set NAME=VALUE`, or in a YAML file given as
`--preset FILE.yaml`; the value is read as YAML. `config.yaml` in a run folder holds them all.
A preset changes the defaults given here: [Presets](presets.md) says how.
"""

_OTHERS = (
    ("env_options.ros", RosCarSettings),
    ("env_options of CarRacing", CarRacingSettings),
    ("Worlds for Gazebo", WorldSettings),
)


def page() -> str:
    """Return the page of all settings."""
    sections = [*_sections("", RunSettings)]
    for title, kind in _OTHERS:
        sections += _sections(title, kind)
    return markdown.page("Settings", _INTRODUCTION, *sections)


def setting_names(kind: type = RunSettings, prefix: str = "") -> Iterator[str]:
    """Return the full names of all settings, as `--set` takes them."""
    for name, hint, _ in _fields(kind):
        yield f"{prefix}{name}"
        below = _settings_class(hint)
        if below is not None:
            yield from setting_names(below, f"{prefix}{name}.")


def _sections(path: str, kind: type) -> Iterator[str]:
    texts = markdown.attributes(kind)
    prefix = f"{path}." if path and " " not in path else ""
    rows = []
    below = []
    for name, hint, default in _fields(kind):
        nested = _settings_class(hint)
        if nested is not None:
            below.append((f"{prefix}{name}", nested))
            shown = "none" if default is None else "see below"
        else:
            shown = markdown.code(_plain(default))
        rows.append([f"`{prefix}{name}`", _type(hint), shown, texts.get(name, "")])
    heading = f"## {markdown.code(path) if prefix else path or 'Of the run'}"
    listed = markdown.table(["setting", "values", "default", "meaning"], rows)
    yield "\n\n".join([heading, markdown.summary(kind), listed])
    for deeper, nested in below:
        yield from _sections(deeper, nested)


def _fields(kind: type) -> Iterator[tuple[str, Any, Any]]:
    """Return name, type and default of each field of a settings class."""
    hints = typing.get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        for item in dataclasses.fields(kind):
            yield item.name, hints[item.name], getattr(kind(), item.name)
        return
    for field in msgspec.structs.fields(kind):
        default = field.default
        if default is msgspec.NODEFAULT:
            default = field.default_factory()
        yield field.name, hints[field.name], default


def _settings_class(hint: Any) -> type | None:
    """Return the settings class that a field holds, also where it may be none."""
    for part in typing.get_args(hint) or (hint,):
        if isinstance(part, type) and (
            issubclass(part, msgspec.Struct) or dataclasses.is_dataclass(part)
        ):
            return part
    return None


def _plain(value: Any) -> str:
    """Return a default as one would write it in YAML."""
    text = yaml.safe_dump(msgspec.to_builtins(value), default_flow_style=True, width=1000)
    return text.removesuffix("\n").removesuffix("\n...").replace("null", "none") or "''"


def _type(hint: Any) -> str:
    """Return a type and its bounds in words."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        bounds = _bounds(hint.__metadata__)
        return ", ".join([_type(parts[0]), *bounds])
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts)
    if origin is tuple and parts[-1] is Ellipsis:
        return f"list, each: {_type(parts[0])}"
    if origin is tuple:
        return f"list of {len(parts)}, each: {_type(parts[0])}"
    if origin is dict:
        return f"mapping of names, each: {_type(parts[1])}"
    if _settings_class(hint) is not None:
        return "settings"
    return _WORDS[hint]


def _bounds(metadata: tuple[Any, ...]) -> Iterator[str]:
    for meta in metadata:
        for name, words in (("gt", "above"), ("ge", "from"), ("le", "to"), ("lt", "below")):
            bound = getattr(meta, name)
            if bound is not None and abs(bound) < _HUGE:
                yield f"{words} {bound:g}" if abs(bound) < 1e6 else f"{words} {bound}"
        if meta.min_length:
            yield f"at least {meta.min_length}"
