"""The topics and services that a node's source makes, read without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[2] / "f1_rl"

_MAKERS = {
    "create_publisher": "publishes",
    "create_subscription": "subscribes to",
    "create_service": "offers",
    "create_client": "calls",
}


@dataclass(frozen=True)
class Endpoint:
    """A publisher, subscription, service or client of a node.

    Attributes:
        kind: What the node does with it.
        name: Of the topic or service.
        type: Of its messages.
        quality: How it is asked for, of a topic.
    """

    kind: str
    name: str
    type: str
    quality: str


def find_endpoints(module: str) -> Iterator[Endpoint]:
    """Return what a module's source makes, in its order.

    Args:
        module: Its path within the package, without the suffix, as `nodes/driver`.
    """
    tree = _tree(module)
    aliases: dict[str, str] = {}
    kinds: dict[str, str] = {}
    bound: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if isinstance(value, ast.Attribute) and value.attr in _MAKERS:
                aliases[name] = value.attr
            if isinstance(value, ast.IfExp):
                kinds[name] = _type(value, {})
                bound[name] = _names(value, module, {})
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            bound[node.target.id] = _texts(node.iter)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        maker = _maker(call, aliases)
        if maker is None or len(call.args) < 2:
            continue
        message, name, *rest = call.args
        is_topic = maker in ("create_publisher", "create_subscription")
        quality = ast.unparse(rest[-1]) if is_topic and rest else ""
        for resolved in _names(name, module, bound):
            yield Endpoint(_MAKERS[maker], resolved, _type(message, kinds), _words(quality))


def _maker(call: ast.Call, aliases: dict[str, str]) -> str | None:
    if isinstance(call.func, ast.Attribute) and call.func.attr in _MAKERS:
        return call.func.attr
    return aliases.get(call.func.id) if isinstance(call.func, ast.Name) else None


def _names(node: ast.expr, module: str, bound: dict[str, list[str]]) -> list[str]:
    """Return the names that an expression stands for, in braces what is known at run time only."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return _names(node.body, module, bound) + _names(node.orelse, module, bound)
    if isinstance(node, ast.Name):
        return bound.get(node.id) or [_constant(module, node.id) or f"{{{node.id}}}"]
    if isinstance(node, ast.JoinedStr):
        texts = [""]
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            texts = [text + piece for text in texts for piece in _names(inner, module, bound)]
        return texts
    return [f"{{{ast.unparse(node).rpartition('.')[2].lstrip('_')}}}"]


def _constant(module: str, name: str) -> str | None:
    """Return a module's constant, also where it is imported from another one of the package."""
    for statement in _tree(module).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return _names(statement.value, module, {})[0]
        if isinstance(statement, ast.ImportFrom) and any(a.name == name for a in statement.names):
            package, _, path = (statement.module or "").partition(".")
            if package == "f1_rl":
                return _constant(path.replace(".", "/"), name)
    return None


def _texts(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.Tuple) else []
    return [str(one.value) for one in elements if isinstance(one, ast.Constant)]


def _type(node: ast.expr, kinds: dict[str, str]) -> str:
    if isinstance(node, ast.IfExp):
        return f"{_type(node.body, kinds)} or {_type(node.orelse, kinds)}"
    text = ast.unparse(node)
    return kinds.get(text, text)


def _words(quality: str) -> str:
    """Return what `f1_rl.ros.qos` calls it, with its depth."""
    name, _, depth = quality.rstrip(")").partition("(")
    return f"{name.replace('_', ' ')}{f', last {depth}' if depth else ''}"


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse((_PACKAGE / f"{module}.py").read_text("utf-8"))
