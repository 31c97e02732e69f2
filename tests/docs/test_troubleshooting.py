"""Every message that the page quotes is one that the package prints."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
QUOTED = [text.strip() for text in re.findall(r"^```none\n(.*?)^```$", PAGE, re.M | re.S)]
# How much of a sentence the source says by itself: less would fit any sentence.
LEAST_LITERAL = 0.15


def literal(node: ast.AST) -> str | None:
    """Return a text of the source as a pattern: anything may stand where a value is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) or ".+?" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = literal(node.left), literal(node.right)
        return None if left is None and right is None else f"{left or '.*?'}{right or '.*?'}"
    return None


@pytest.fixture(scope="module")
def patterns() -> dict[re.Pattern[str], int]:
    """The texts of the package as patterns, and how many letters of each are its own."""
    found = {}
    for path in (ROOT / "f1_rl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            pattern = literal(node)
            if pattern is not None:
                bare = re.sub(r"\.[+*]\?", "", pattern)
                found[re.compile(pattern)] = len(re.sub(r"\\(.)", r"\1", bare))
    return found


def is_printed(message: str, patterns: dict[re.Pattern[str], int]) -> bool:
    least = LEAST_LITERAL * len(message)
    return any(own >= least and text.fullmatch(message) for text, own in patterns.items())


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_in_the_source(
    message: str, patterns: dict[re.Pattern[str], int]
) -> None:
    assert is_printed(message, patterns)


@pytest.mark.parametrize("changed", [("install it", "fetch it"), ("TensorFlow", "PyTorch")])
def test_a_message_that_nobody_prints_is_found_out(
    changed: tuple[str, str], patterns: dict[re.Pattern[str], int]
) -> None:
    assert not is_printed(QUOTED[0].replace(*changed), patterns)
