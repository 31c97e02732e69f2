"""The parser of the console script: what it refuses is told in a sentence that helps."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from f1_rl.errors import did_you_mean


class UsageError(Exception):
    """What was written is no command; the message says why and what to write.

    Attributes:
        program: The words up to the verb whose arguments are wrong.
        usage: How these are written, in some lines.
    """

    def __init__(self, sentence: str, program: str, usage: str) -> None:
        super().__init__(sentence)
        self.program = program
        self.usage = usage


class Parser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would end the process, and says what may be meant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the traceback of an unexpected error (or set F1_RL_DEBUG=1)",
        )

    def error(self, message: str) -> NoReturn:
        """Refuse, in one sentence.

        Raises:
            UsageError: Always.
        """
        advice = "" if ";" in message else f"; see {self.prog} --help"
        raise UsageError(
            f"{message.removeprefix('argument ').rstrip('.')}{advice}.",
            self.prog,
            self.format_usage(),
        )

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse, and refuse what is left over: here it is still known whose options there are."""
        namespace, extra = super().parse_known_args(args, namespace)
        if extra:
            self.error(self._unknown(extra))
        return namespace, extra

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(
                action,
                f"there is no {str(value)!r}{did_you_mean(str(value), names)}; "
                f"choose from {', '.join(names)}",
            )

    def _unknown(self, words: Sequence[str]) -> str:
        option = next((word for word in words if word.startswith("-")), None)
        if option is None:
            return f"{words[0]!r} is one word too many; leave it out"
        name = option.partition("=")[0]
        return f"there is no option {name}{did_you_mean(name, self._option_string_actions)}"
