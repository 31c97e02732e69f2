"""The blocks of a Markdown page that are marked to be run."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(
    r"^## (?P<heading>.+?)$"
    r"|^(?:<!-- run: (?P<options>[^\n]*?)-->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A block of code, and what the comment before it says of running it.

    Attributes:
        section: Heading of the section that it stands in.
        text: The lines of code.
        language: `bash` or `python`.
        options: Those of the comment `<!-- run: ... -->`, a flag with an empty text: `status=1`
            (it ends so), `file=NAME` (it is saved there), `needs=ros` or `needs=gazebo`,
            `beside=TEXT` (it goes on beside the rest of the section, once it has said so),
            `until=TEXT` (Ctrl-C ends it once it has said so), `seconds=N` (Ctrl-C ends it after
            that time), `alone` (what goes on beside it is ended first), `parse` (its commands are
            read by their parsers, not run).
    """

    section: str
    text: str
    language: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line, comments left out."""
        lines = [shlex.split(line, comments=True) for line in self.text.splitlines()]
        return [words for words in lines if words]


def blocks_to_run(page: Path) -> list[Block]:
    """Return the marked blocks of a page in their order.

    Raises:
        ValueError: A block of commands is not marked.
    """
    section, found = "", []
    for match in _FENCE.finditer(page.read_text("utf-8")):
        section = match["heading"] or section
        if match["heading"]:
            continue
        if match["options"] is not None:
            words = shlex.split(match["options"])
            options = dict(word.partition("=")[::2] for word in words)
            found.append(Block(section, match["text"], match["language"], options))
        elif match["language"] == "bash":
            raise ValueError(f"{page}, {section}: a block of commands is not marked to be run")
    return found
