"""What a check of `f1-rl doctor` found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: What was checked.
        works: Whether it can be used; None where it is optional and absent.
        detail: What was found.
        remedy: The command that mends it, where there is something to mend.
    """

    name: str
    works: bool | None
    detail: str
    remedy: str = ""
