"""What the console script tells in one sentence without a traceback."""

from f1_rl import errors


class CommandError(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def expected_errors() -> tuple[type[Exception], ...]:
    """Return the error classes that need no traceback, of the modules imported so far."""
    return (CommandError, MemoryError, *errors.expected_errors())


def sentence(error: BaseException) -> str:
    """Return an expected error as one sentence: what is wrong, where, and what to do."""
    if isinstance(error, MemoryError):
        reason = f" ({error})" if str(error) else ""
        return (
            f"there is not enough memory for this{reason}; end other programs, or choose a smaller "
            "training.replay_capacity, training.num_envs, circuit or picture."
        )
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{errors.told(error)}."
    return " ".join(str(error).split())
