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


# Types that a node chooses while it runs.
_AT_RUN_TIME = {
    "message_class": "that of the bag",
    "self._ackermann_type": "AckermannDriveStamped",
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
    calls = [node for node in ast.walk(_tree(module)) if isinstance(node, ast.Call)]
    aliases, kinds, bound = _assigned(module)
    for kind in (node for node in ast.walk(_tree(module)) if isinstance(node, ast.ClassDef)):
        for name, given in _given_to(kind, calls):
            bound.setdefault(name, []).append(given)
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        maker = _maker(call, aliases)
        if maker is None or len(call.args) < 2:
            continue
        message, name, *rest = call.args
        is_topic = maker in ("create_publisher", "create_subscription")
        quality = _quality(rest[-1]) if is_topic and rest else ""
        for resolved in _names(name, module, bound):
            yield Endpoint(_MAKERS[maker], resolved, _type(message, kinds), quality)


def _assigned(module: str) -> tuple[dict[str, str], dict[str, str], dict[str, list[str]]]:
    """Return by name the makers, types and texts that a module assigns to one before its use."""
    makers: dict[str, str] = {}
    kinds: dict[str, str] = {}
    texts: dict[str, list[str]] = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if isinstance(value, ast.Attribute) and value.attr in _MAKERS:
                makers[name] = value.attr
            if isinstance(value, ast.IfExp):
                kinds[name] = _type(value, {})
                texts[name] = _names(value, module, {})
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name) and _texts(node.iter):
            texts[node.target.id] = _texts(node.iter)
    return makers, kinds, texts


def _given_to(kind: ast.ClassDef, calls: list[ast.Call]) -> Iterator[tuple[str, str]]:
    """Yield name and text of each argument that is a text where a class is called."""
    parameters = [
        one.arg
        for method in kind.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for one in method.args.args[1:]
    ]
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id == kind.name:
            for name, value in zip(parameters, call.args, strict=False):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield name, value.value


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
    return kinds.get(text) or _AT_RUN_TIME.get(text, text)


def _quality(node: ast.expr) -> str:
    """Return what `f1_rl.ros.qos` calls it, with its depth; nothing where that is chosen later."""
    if not isinstance(node, ast.Call):
        return ""
    depth = f", last {ast.unparse(node.args[0])}" if node.args else ""
    return ast.unparse(node.func).replace("_", " ") + depth


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse((_PACKAGE / f"{module}.py").read_text("utf-8"))
