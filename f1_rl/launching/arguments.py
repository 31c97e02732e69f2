"""What a launch can be asked for: arguments, and how what was written after `:=` is read."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from f1_rl.launching.errors import LaunchError
from f1_rl.launching.share import config_file

FLAG = ("true", "false")


@dataclass(frozen=True)
class Argument:
    """An argument of a launch.

    Attributes:
        name: Its name.
        description: What it sets, in a sentence.
        default: Its value where none is given. Empty: not set, so that a parameter file, or
            whoever reads it, decides. Of a parameter file: its name in config/.
        kind: What it is: str, bool, int, float, or Path, which is a file that must exist.
        choices: The values allowed, all if empty; an argument with an empty default may be empty
            too.
    """

    name: str
    description: str
    default: str = ""
    kind: type = str
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The texts allowed; all if empty."""
        choices = FLAG if self.kind is bool else self.choices
        return ("", *choices) if choices and not self.default else choices

    def default_text(self) -> str:
        """Return the default as one would write it.

        Raises:
            LaunchError: It is a parameter file that is not installed.
        """
        if self.kind is Path and self.default:
            return str(config_file(self.default))
        return self.default

    def read(self, text: str) -> Any:
        """Return a value of this argument's kind; None for an empty text where one may be.

        Raises:
            LaunchError: The text is no such value.
        """
        if self.allowed and text not in self.allowed:
            choices = " or ".join(choice for choice in self.allowed if choice)
            raise self._refusal(text, f"choose {choices}")
        if not text and self.default:
            raise self._refusal(text, f"give a value, such as {self.default_text()}")
        if not text:
            return None
        if self.kind is bool:
            return text == "true"
        if self.kind is Path:
            path = Path(text).expanduser()
            if not path.is_file():
                raise self._refusal(text, "there is no such file; give the path of one")
            return path
        if self.kind in (int, float):
            return self._number(text)
        return text

    def _number(self, text: str) -> float:
        try:
            value: float = self.kind(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            words = "a whole number" if self.kind is int else "a number"
            raise self._refusal(text, f"give {words}")
        return value

    def _refusal(self, text: str, advice: str) -> LaunchError:
        return LaunchError(f"{self.name}:={text} cannot be used: {advice}.")


def split_words(words: Sequence[str]) -> dict[str, str]:
    """Return names and texts of words like `name:=value`; of two equal names the last counts.

    Raises:
        LaunchError: A word is not like that.
    """
    given = {}
    for word in words:
        name, sign, text = word.partition(":=")
        if not (name and sign):
            raise LaunchError(f"{word!r} is no argument; write name:=value, as in namespace:=car1.")
        given[name] = text
    return given


def read_values(arguments: Sequence[Argument], given: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of all arguments, those not given at their default.

    Args:
        arguments: Those there are.
        given: Names and texts.

    Raises:
        LaunchError: A name is not there, or a text is no value of its argument.
    """
    names = [argument.name for argument in arguments]
    for name in given:
        if name not in names:
            raise LaunchError(f"there is no argument {name!r}; {suggestion(name, names)}.")
    return {
        argument.name: argument.read(
            given[argument.name] if argument.name in given else argument.default_text()
        )
        for argument in arguments
    }


def suggestion(name: str, names: Sequence[str]) -> str:
    """Return what to write instead: the name that may have been meant, or any."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"write {close[0]!r}" if close else f"there are {', '.join(names)}"
