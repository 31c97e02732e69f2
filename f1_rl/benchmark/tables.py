"""Tables of figures, written as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from f1_rl.statistics import Estimate


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: What is measured, in which unit and how.
        headings: Of the columns.
        rows: As many cells in each; the first names the row.
        notes: Sentences below it.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """Return it as Markdown, numbers to the right."""
        aligned = ["---", *["---:"] * (len(self.headings) - 1)]
        lines = [_line(self.headings), "|" + "|".join(aligned) + "|", *map(_line, self.rows)]
        paragraphs = [f"### {self.title}", "\n".join(lines), *self.notes]
        return "\n\n".join(paragraphs) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def number(value: float) -> str:
    """Return a figure with three digits that mean something, and thousands apart."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def interval(estimate: Estimate) -> str:
    """Return a figure with the bounds of its interval, where it has one."""
    if estimate.low == estimate.high:
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"
