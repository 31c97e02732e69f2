"""A node's parameters from one dataclass: declared, typed, described and kept in range.

Without ROS the dataclasses can be read, as the documentation does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

from f1_rl.errors import did_you_mean

P = TypeVar("P")

_METADATA = "f1_rl.parameter"
# Those that rclpy itself reads.
_RESERVED = ("use_sim_time", "start_type_description_service")
_RESERVED_PREFIXES = ("qos_overrides.",)


class ParameterError(ValueError):
    """A parameter that does not exist or has a value that cannot be used."""


@dataclass(frozen=True)
class Rule:
    """What a parameter's value must be; see `parameter`."""

    description: str
    minimum: float | None
    maximum: float | None
    choices: tuple[Any, ...]
    length: int | None
    changeable: bool


def parameter(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] = (),
    length: int | None = None,
    changeable: bool = False,
) -> Any:
    """Return a dataclass field that is a node's parameter.

    Args:
        default: Its value where none is given; its type is the parameter's: bool, int, float,
            str, or a tuple of floats or strings (not empty, for ROS must know their type).
        description: One sentence that `ros2 param describe` shows, with the unit.
        minimum: The least number allowed; of an array, of each.
        maximum: The greatest number allowed.
        choices: The values allowed.
        length: How many values an array must have.
        changeable: Whether it may change while the node runs.
    """
    rule = Rule(description, minimum, maximum, choices, length, changeable)
    return field(default=default, metadata={_METADATA: rule})


def declare_parameters(node: Any, kind: type[P]) -> P:
    """Declare all fields of a dataclass as a node's parameters and return their values.

    Every field is made by `parameter`. A whole number serves where a fraction may stand.

    Args:
        node: The node; parameters given for it on the command line or in a file are taken.
        kind: The dataclass.

    Returns:
        The values the node starts with.

    Raises:
        ParameterError: A parameter given for the node does not exist, or its value has another
            type or is out of range.
    """
    rules = parameter_rules(kind)
    # rclpy ignores parameters that nobody declares, so a misspelt name would go unnoticed; it has
    # no public list of those given.
    given = {name: item.value for name, item in getattr(node, "_parameter_overrides", {}).items()}
    for name in given:
        if name not in rules and not _is_reserved(name):
            raise ParameterError(
                f"{node.get_name()}: there is no parameter {name!r}"
                f"{did_you_mean(name, rules)}; choose from {', '.join(rules)}."
            )
    values: dict[str, Any] = {}
    for name, (rule, default) in rules.items():
        try:
            values[name] = check_value(name, given.get(name, default), rule, default)
        except ParameterError as error:
            raise ParameterError(f"{node.get_name()}: {error}") from None
    for name, (rule, default) in rules.items():
        node.declare_parameter(
            name, _plain(values[name]), _descriptor(name, rule, default), ignore_override=True
        )
    return kind(**values)


def on_change(node: Any, kind: type[P], accept: Callable[[str, Any], None]) -> None:
    """Have changes of changeable parameters checked, then by a function of the node's as well.

    Args:
        node: The node, its parameters declared.
        kind: The dataclass they were declared from.
        accept: Called with name and new value; may raise `ParameterError` to refuse it. Another
            parameter of the same request may still be refused, so the value counts only once the
            node has it.
    """
    from rcl_interfaces.msg import SetParametersResult

    rules = parameter_rules(kind)

    def check(parameters: list[Any]) -> Any:
        try:
            known = [item for item in parameters if item.name in rules]
            values = [check_value(item.name, item.value, *rules[item.name]) for item in known]
            for item, value in zip(known, values, strict=True):
                accept(item.name, value)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)


def check_value(name: str, value: Any, rule: Rule, default: Any) -> Any:
    """Return a value as the type of its default.

    Raises:
        ParameterError: It is of another type, out of range or not among the choices.
    """
    if isinstance(default, tuple):
        return _check_array(name, value, rule, default)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise ParameterError(
            f"parameter {name} is {value!r}; give {_TYPE_WORDS[type(default)]}, "
            f"for example {default!r}."
        )
    if rule.choices and value not in rule.choices:
        raise ParameterError(
            f"parameter {name} is {value!r}; choose {' or '.join(map(str, rule.choices))}."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"parameter {name} is {value}; give a finite number.")
    if not isinstance(value, str):
        _check_range(name, value, rule)
    return value


_TYPE_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _check_array(name: str, value: Any, rule: Rule, default: tuple[Any, ...]) -> tuple[Any, ...]:
    if not hasattr(value, "__len__") or isinstance(value, str):
        raise ParameterError(f"parameter {name} is {value!r}; give a list like {list(default)}.")
    if rule.length is not None and len(value) != rule.length:
        raise ParameterError(f"parameter {name} has {len(value)} values; give {rule.length}.")
    return tuple(check_value(name, item, rule, default[0]) for item in value)


def _check_range(name: str, value: float, rule: Rule) -> None:
    if rule.minimum is not None and value < rule.minimum:
        raise ParameterError(f"parameter {name} is {value}; give at least {rule.minimum}.")
    if rule.maximum is not None and value > rule.maximum:
        raise ParameterError(f"parameter {name} is {value}; give at most {rule.maximum}.")


def parameter_rules(kind: type[Any]) -> dict[str, tuple[Rule, Any]]:
    """Return of each parameter of a dataclass what its value must be, and its default."""
    return {item.name: (item.metadata[_METADATA], _default(item)) for item in fields(kind)}


def _default(item: Field[Any]) -> Any:
    if item.default is MISSING:
        raise TypeError(f"{item.name} has no default: make the field with parameter().")
    return item.default


def _descriptor(name: str, rule: Rule, default: Any) -> Any:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    descriptor = ParameterDescriptor(
        name=name, description=rule.description, read_only=not rule.changeable
    )
    if rule.choices:
        descriptor.additional_constraints = f"One of: {', '.join(map(str, rule.choices))}."
    element = default[0] if isinstance(default, tuple) else default
    if rule.minimum is None and rule.maximum is None:
        return descriptor
    # ROS has closed ranges only, with both ends.
    if isinstance(element, float):
        low = -math.inf if rule.minimum is None else rule.minimum
        high = math.inf if rule.maximum is None else rule.maximum
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)
        ]
    elif isinstance(element, int):
        low = -(2**63) if rule.minimum is None else rule.minimum
        high = 2**63 - 1 if rule.maximum is None else rule.maximum
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    return descriptor


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _is_reserved(name: str) -> bool:
    return name in _RESERVED or name.startswith(_RESERVED_PREFIXES)
