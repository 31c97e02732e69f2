"""Why settings are refused, in words: from what msgspec says, to what to write instead."""

import dataclasses
import re
import types
import typing
from typing import Any, Literal

import msgspec

from f1_rl.errors import did_you_mean

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping of names to values",
    "null": "null",
}
_BOUNDS = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}
_EXPECTED = re.compile(r"Expected `([\w |]+)`(?: (of length|[<>]=?) ?(>= )?([^,]*))?(?:, got .*)?$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`$")
_MISSING = re.compile(r"Object missing required field `(.*)`$")
# Bounds as large as this one only keep infinity out.
_HUGE = 1e308
_LONGEST_VALUE = 40


def refusal(error: msgspec.ValidationError, values: Any, kind: type) -> str:
    """Return what is wrong with some settings and what to write, without a full stop.

    Args:
        error: What msgspec says of them.
        values: The settings.
        kind: The class that they should fit.
    """
    reason, _, path = str(error).partition(" - at ")
    where = path.rpartition("$")[2].strip("`.")
    if where.endswith("[...]"):
        where = _entry_at(where.removesuffix("[...]"), str(error), values, kind)
    if unknown := _UNKNOWN.match(reason):
        return unknown_setting(".".join(filter(None, (where, unknown[1]))), kind)
    if missing := _MISSING.match(reason):
        return f"{where or 'it'} lacks {missing[1]!r}; add it"
    wanted = _wanted(reason, where, kind)
    if wanted is None:
        return f"{where}: {reason}".removeprefix(": ").replace("`", "")
    if path.startswith("`key`"):
        return f"a name in {where} is no name; give {wanted}"
    known, value = _value_at(values, where)
    if known and wanted.startswith(_KINDS["array"]) and value.startswith("'"):
        wanted += f", as [{value[1:-1]}]"
    subject = where or "it"
    return f"{subject} is {value}; give {wanted}" if known else f"{subject}: give {wanted}"


def unknown_setting(name: str, kind: type) -> str:
    """Return that there is no such setting, and which may have been meant."""
    names = setting_names(kind)
    hint = did_you_mean(name, names)
    group, _, _ = name.rpartition(".")
    siblings = [each for each in names if each.rpartition(".")[0] == group]
    # A name that is near is enough, and those beside it may be many.
    known = siblings if siblings and not hint else []
    lists = "a run's config.yaml lists them all" if names else "leave it out"
    advice = f"choose from {', '.join(known)}" if known else lists
    return f"there is no setting {name!r}{hint}; {advice}"


def setting_names(kind: Any, prefix: str = "") -> list[str]:
    """Return the dotted names of all settings of a class, those of settings within it included."""
    names: list[str] = []
    if not _has_fields(kind):
        return names
    for name, hint in typing.get_type_hints(kind).items():
        below = next((part for part in _parts(hint) if _has_fields(part)), None)
        names += [f"{prefix}{name}"]
        names += setting_names(below, f"{prefix}{name}.") if below is not None else []
    return names


def _wanted(reason: str, where: str, kind: type) -> str | None:
    """Return what should stand there; None where the reason says it already."""
    if reason.startswith("Invalid enum value"):
        return f"one of {', '.join(map(str, _choices_at(where, kind)))}"
    expected = _EXPECTED.match(reason)
    if expected is None:
        return None
    names, sign, at_least, bound = expected.groups()
    first, *others = (_KINDS[name] for name in names.split(" | "))
    return " or ".join((f"{first}{_bounds(sign, at_least, bound)}", *others))


def _bounds(sign: str | None, at_least: str | None, bound: str) -> str:
    if sign is None:
        return ""
    if sign == "of length":
        entries = "entry" if bound == "1" else "entries"
        return f" of {'at least ' if at_least else ''}{bound} {entries}"
    number = float(bound)
    if abs(number) >= _HUGE:
        return " that is finite"
    return f" {_BOUNDS[sign]} {number:.15g}"


def _entry_at(where: str, sentence: str, values: Any, kind: type) -> str:
    """Return the path of the entry of a mapping that is refused, whose name msgspec leaves out."""
    mapping: Any = values
    names = where.split(".")
    for name in names:
        mapping = mapping.get(name) if isinstance(mapping, dict) else None
    for entry, value in mapping.items() if isinstance(mapping, dict) else ():
        try:
            msgspec.convert(_replaced(values, names, {entry: value}), kind)
        except msgspec.ValidationError as error:
            if str(error) == sentence:
                return f"{where}.{entry}"
    return f"{where}[...]"


def _replaced(values: Any, names: list[str], value: Any) -> Any:
    """Return nested mappings with another value at a path of names."""
    if not names:
        return value
    first, *others = names
    return {**values, first: _replaced(values[first], others, value)}


def _value_at(values: Any, where: str) -> tuple[bool, str]:
    """Return whether there is a value at a path like `a.b[0]`, and it as one would write it."""
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]", where):
        try:
            values = values[int(index)] if index else values[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return False, ""
    text = _written(values)
    return True, text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (str, int, float)):
        return repr(value)
    return _KINDS["object" if isinstance(value, dict) else "array"]


def _choices_at(where: str, kind: Any) -> tuple[Any, ...]:
    """Return the values that a setting with a fixed choice may have."""
    for name in re.sub(r"\[.*?\]", "", where).split("."):
        hints = [typing.get_type_hints(part) for part in _parts(kind) if _has_fields(part)]
        kind = next((each[name] for each in hints if name in each), None)
    for part in _parts(kind):
        if typing.get_origin(part) is Literal:
            return typing.get_args(part)
    return ()


def _parts(hint: Any) -> tuple[Any, ...]:
    """Return the types that a union is of, or the type itself."""
    return typing.get_args(hint) if _is_union(hint) else (hint,)


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _has_fields(hint: Any) -> bool:
    return isinstance(hint, type) and (
        issubclass(hint, msgspec.Struct) or dataclasses.is_dataclass(hint)
    )
