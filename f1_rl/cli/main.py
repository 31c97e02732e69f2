"""The console script `f1-rl`."""

import importlib
import os
import select
import sys
from collections.abc import Sequence

import f1_rl
from f1_rl.cli import options
from f1_rl.cli.errors import expected_errors, sentence
from f1_rl.cli.parser import Parser, UsageError
from f1_rl.cli.unexpected import debugging, note_unexpected

# Each verb is a module of this package with SUMMARY, add_arguments(parser) and run(arguments).
VERBS = (
    "train",
    "evaluate",
    "drive",
    "report",
    "record",
    "replay",
    "circuit",
    "calibrate",
    "launch",
    "benchmark",
    "determinism",
    "doctor",
    "completion",
)

_PROGRAM = "f1-rl"
_EPILOG = (
    "With --json a verb prints exactly one JSON document on standard output, or, where it fails, "
    'one like {"error": "what is wrong, where, and what to do"}. Exit status: 0; 1 where the verb '
    "failed or did not reach its aim; 2 where the command was written wrongly; 130 after Ctrl-C."
)


def build_parser() -> Parser:
    """Return the parser of all verbs."""
    parser = Parser(
        prog=_PROGRAM,
        description="Teach a Formula 1 car to drive from its camera.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"f1_rl {f1_rl.__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name in VERBS:
        module = importlib.import_module(f"f1_rl.cli.{name}")
        verb = verbs.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb.

    Returns:
        0; 1 where the verb failed; 2 where the command was written wrongly; 130 after Ctrl-C.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _run(words)
    except UsageError as error:
        return _refuse(words, str(error), 2, error.program, error.usage)
    except KeyboardInterrupt:
        return _refuse(words, "interrupted.", 130)
    except BrokenPipeError as error:
        return 1 if _nobody_reads() else _refuse(words, sentence(error))
    except expected_errors() as error:
        return _refuse(words, sentence(error))
    except Exception as error:
        if debugging(words):
            raise
        return _refuse(words, note_unexpected(error, words))


def _run(words: Sequence[str]) -> int:
    parsed = build_parser().parse_args(words)
    status = int(parsed.run(parsed) or 0)
    # Now, while it can still be told that it failed.
    sys.stdout.flush()
    return status


def _refuse(
    words: Sequence[str], why: str, status: int = 1, program: str = _PROGRAM, usage: str = ""
) -> int:
    """Say why not, to people on the error stream or to programs, and return the exit status."""
    if "--json" in words:
        options.print_json({"error": why})
    else:
        print(f"{usage}{program}: {why}", file=sys.stderr)
    return status


def _nobody_reads() -> bool:
    """Return whether the other end of standard output is closed, and be silent from then on."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    poll = select.poll()
    poll.register(output, 0)
    if not poll.poll(0):
        return False
    # Otherwise the interpreter would try, and fail, to flush it at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


if __name__ == "__main__":
    sys.exit(main())
