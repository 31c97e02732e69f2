"""Errors that should not happen: told in a sentence, with the traceback in a file."""

import os
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence

import f1_rl

_LONGEST = 200
_VARIABLE = "F1_RL_DEBUG"


def debugging(words: Sequence[str]) -> bool:
    """Return whether tracebacks are wanted: by `--debug`, or by the environment."""
    return "--debug" in words or os.environ.get(_VARIABLE, "0") not in ("", "0")


def note_unexpected(error: Exception, words: Sequence[str]) -> str:
    """Write the traceback of an error into a file and return the sentence that says where.

    Args:
        error: The error.
        words: What the console script was told to do.
    """
    what = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST].rstrip(".: ")
    return f"an unexpected error ended this ({what}); {_where(_account(error, words))}."


def _account(error: Exception, words: Sequence[str]) -> str:
    return (
        f"f1_rl {f1_rl.__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{shlex.join(['f1-rl', *words])}\n\n"
        f"{''.join(traceback.format_exception(error))}"
    )


def _where(account: str) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="f1-rl-error-",
            suffix=".txt",
            delete=False,
            encoding="utf-8",
            # Words that are no UTF-8 are shown as bytes.
            errors="backslashreplace",
        ) as file:
            file.write(account)
    except OSError:
        # Nowhere to write: then here, so that it is not lost.
        print(account, file=sys.stderr)
        return "report it with the traceback above"
    return f"report it with the file {file.name}, or add --debug to see the traceback here"
