"""Every error of the package that a user can cause is one sentence: what, where, what to do."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from f1_rl import errors

PACKAGE = Path(errors.__file__).parent
# Those that the console script and the nodes tell in a sentence, and argparse's.
TOLD = {name for _, name in errors._NAMED} | {
    "CommandError",
    "UsageError",
    "ArgumentError",
    "ArgumentTypeError",
    "ParameterError",
    "MessageError",
    "NoAnswerError",
    "StartError",
}
# Of these, argparse makes a sentence, with the option before and its own advice behind.
PARTS = {"ArgumentError", "ArgumentTypeError"}
# Told beside a result, not in place of one.
NOTES = {"UnreadableMessageError"}
GAP = "\N{WHITE SQUARE}"
# A gap that another error's sentence, or the advice, fills.
PASSED_ON = "\N{BLACK SQUARE}"
SENTENCES = re.compile(
    r"\b(error|fault|told|advice|refusal|unknown_setting|suggestion|remedy|"
    r"HOW_TO_INSTALL|_why_nothing|reason|message)\b"
)
# What a sentence tells its reader to do begins with one of these, or says what has to be.
ADVICE = re.compile(
    r"\b(add|allow|begin|build|check|choose|close|convert|correct|copy|drive|end|evaluate|"
    r"free|give|go on|install|leave|look|make|mend|move|must|name|needs?|pause|place|"
    r"play|put|quote|record|remove|rename|replay|resume|return|save|see|send|set|"
    r"source|start|stop|train|unset|upgrade|use|wait|widen|write)\b"
)
CLASS_NAME = re.compile(r"\b[A-Z][A-Za-z]+(Error|Exception|Fault|Misfit)\b")


@dataclass(frozen=True)
class Message:
    """A message as it stands in the source, with gaps for what is filled in."""

    where: str
    kind: str
    text: str

    @property
    def passes_on(self) -> bool:
        """Whether it ends with another error's sentence."""
        return self.text.rstrip(f".{GAP}").endswith(PASSED_ON)


def text_of(node: ast.expr) -> str | None:
    """Return a literal message with gaps; None where it is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else gap(part) for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (text_of(node.left) or GAP) + (text_of(node.right) or GAP)
    return None


def gap(node: ast.expr) -> str:
    return PASSED_ON if SENTENCES.search(ast.unparse(node)) else GAP


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def told_classes(trees: dict[Path, ast.Module]) -> set[str]:
    """Return the classes of such errors and all that are derived from them."""
    classes = [node for tree in trees.values() for node in ast.walk(tree)]
    classes = [node for node in classes if isinstance(node, ast.ClassDef)]
    known = set(TOLD)
    while True:
        more = {node.name for node in classes if {name_of(base) for base in node.bases} & known}
        if more <= known:
            return known - NOTES
        known |= more


def messages() -> Iterator[Message]:
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    known = told_classes(trees)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or name_of(node.func) not in known or not node.args:
                continue
            kind = name_of(node.func)
            text = text_of(node.args[1 if kind == "ArgumentError" else 0])
            if text is not None:
                yield Message(f"{path.relative_to(PACKAGE)}:{node.lineno}", kind, text)


MESSAGES = list(messages())


def test_the_messages_of_the_package_are_found():
    assert len(MESSAGES) > 150
    assert {"CircuitError", "BagError", "LaunchError", "CarMisfit"} <= {m.kind for m in MESSAGES}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.where)
def test_a_message_is_one_sentence_with_advice(message):
    text = message.text
    if message.kind not in PARTS:
        assert text.endswith((".", PASSED_ON)), text
    assert not re.search(r"[.!?] [A-Z]", text), f"more than one sentence: {text}"
    assert "\n" not in text
    assert not CLASS_NAME.search(text), f"the name of a class: {text}"
    assert message.passes_on or ADVICE.search(text), f"says not what to do: {text}"
