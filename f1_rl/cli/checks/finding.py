"""What a check of `f1-rl doctor` found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "absent"]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        state: `ok`; `warn`: works, but not as it should; `fail`: something that is required does
            not work; `absent`: optional, and not there.
        detail: What was found.
        remedy: The command that mends it, where there is something to mend.
    """

    state: State
    detail: str
    remedy: str = ""


def ok(detail: str) -> Finding:
    """Return that something works."""
    return Finding("ok", detail)


def warn(detail: str, remedy: str) -> Finding:
    """Return that something works, but not as it should."""
    return Finding("warn", detail, remedy)


def fail(detail: str, remedy: str) -> Finding:
    """Return that something that is required does not work."""
    return Finding("fail", detail, remedy)


def absent(detail: str, remedy: str = "") -> Finding:
    """Return that something optional is not there."""
    return Finding("absent", detail, remedy)
