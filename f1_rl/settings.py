"""Settings: frozen, checked, read from YAML and the command line, written back the same."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml
from msgspec import Meta

from f1_rl.errors import advice
from f1_rl.files import new_file
from f1_rl.setting_refusals import refusal, unknown_setting

PositiveInt = Annotated[int, Meta(gt=0)]
NonNegativeInt = Annotated[int, Meta(ge=0)]
# The largest float as a bound keeps infinity out, and not-a-number is within no bounds.
FiniteFloat = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
PositiveFloat = Annotated[float, Meta(gt=0.0, le=sys.float_info.max)]
NonNegativeFloat = Annotated[float, Meta(ge=0.0, le=sys.float_info.max)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]


class SettingsError(ValueError):
    """A setting that does not exist or has a value that cannot be used."""


class _TwiceError(yaml.YAMLError):
    """A name that stands twice in a mapping, of which YAML would keep the last one alone."""

    def __init__(self, name: str, line: int) -> None:
        super().__init__(name, line)
        self.name = name
        self.line = line


class _Loader(yaml.SafeLoader):
    """Reads YAML, and `1e-3` and `1.5e3` as the numbers that they are in YAML 1.2."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping, in which no name may stand twice."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for name, _ in node.value:
            if isinstance(name, yaml.ScalarNode):
                if (name.tag, name.value) in seen:
                    raise _TwiceError(name.value, name.start_mark.line + 1)
                seen.add((name.tag, name.value))
        return node


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads back the same."""


_FLOAT = (
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver(*_FLOAT)
_Dumper.add_implicit_resolver(*_FLOAT)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all settings: immutable, and a misspelt name is an error."""

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain lists, numbers and strings, ready for YAML."""
        return dict(msgspec.to_builtins(self))


S = TypeVar("S")


def build_settings(kind: type[S], values: Any, source: str = "settings") -> S:
    """Check `values` and return them as settings of that kind.

    Args:
        kind: The settings class (or a dataclass that serves as one).
        values: Nested mapping of names to values.
        source: Where the values come from, for the message.

    Raises:
        SettingsError: A name is unknown or a value does not fit; the message names the first.
    """
    try:
        settings = msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{source}: {refusal(error, values, kind)}.") from error
    unknown = _unknown_name(values, msgspec.to_builtins(settings))
    if unknown is not None:
        raise SettingsError(f"{source}: {unknown_setting(unknown, kind)}.")
    return settings


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes` laid over it, mapping by mapping."""
    merged = dict(base)
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def parse_assignment(text: str) -> dict[str, Any]:
    """Turn `"agent.gamma=0.9"` into `{"agent": {"gamma": 0.9}}`; the value is read as YAML.

    The dot in `FILE.py:FUNCTION`, the name of a reward rule, separates nothing.

    Raises:
        SettingsError: There is no `=` or no name before it, or the value is not YAML.
    """
    name, separator, value = text.partition("=")
    keys = re.split(r"\.(?!py:)", name.strip())
    if not separator or not all(keys):
        raise SettingsError(f"--set {text}: write it as name=value, for example agent.gamma=0.9.")
    try:
        tree: Any = yaml.load(value, _Loader)
    except _TwiceError as error:
        raise SettingsError(
            f"--set {text}: has {error.name!r} twice in one mapping; write it once."
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        # A ValueError is of what looks like a date and is none.
        raise SettingsError(f"--set {text}: the value is not valid YAML; quote it.") from error
    for key in reversed(keys):
        tree = {key: tree}
    return dict(tree)


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Return values by name as `parse_assignment` reads them, one text for each."""
    return [f"{name}={json.dumps(value)}" for name, value in values.items()]


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises:
        SettingsError: The file is missing, unreadable, not YAML, or not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); {advice(error)}."
        ) from error
    except _TwiceError as error:
        raise SettingsError(
            f"{path}: has {error.name!r} twice in one mapping, the second in line {error.line}; "
            "write it once."
        ) from error
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" (line {error.problem_mark.line + 1})"
        raise SettingsError(f"{path}: is not valid YAML{line}; correct it.") from error
    except (yaml.YAMLError, ValueError) as error:
        # A ValueError is of bytes that are no UTF-8, or of what looks like a date and is none.
        raise SettingsError(f"{path}: is not valid YAML; correct it or give another.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: holds no mapping of names to values; write name: value.")
    return content


def write_yaml(path: Path, content: dict[str, Any]) -> None:
    """Write a mapping as YAML, in its own order."""
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=100)
    with new_file(path) as file:
        file.write(text)


def _unknown_name(values: Any, known: Any, prefix: str = "") -> str | None:
    """Return the first name in `values` that conversion dropped (dataclasses ignore strangers)."""
    if not (isinstance(values, dict) and isinstance(known, dict)):
        return None
    for name, value in values.items():
        if name not in known:
            return f"{prefix}{name}"
        found = _unknown_name(value, known[name], f"{prefix}{name}.")
        if found is not None:
            return found
    return None
