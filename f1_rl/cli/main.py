"""The console script `f1-rl`."""

import argparse
import importlib
import sys
from collections.abc import Sequence

import f1_rl
from f1_rl.cli.errors import CommandError, expected_errors

# Each verb is a module of this package with SUMMARY, add_arguments(parser) and run(arguments).
VERBS = (
    "train",
    "evaluate",
    "drive",
    "report",
    "record",
    "replay",
    "circuit",
    "launch",
    "benchmark",
    "determinism",
    "doctor",
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="f1-rl", description="Teach a Formula 1 car to drive from its camera."
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
        0; 1 where the verb failed for a reason it can name; 130 after Ctrl-C.
    """
    parsed = build_parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed) or 0)
    except KeyboardInterrupt:
        print("f1-rl: interrupted.", file=sys.stderr)
        return 130
    except expected_errors() as error:
        print(f"f1-rl: {_sentence(error)}", file=sys.stderr)
        return 1


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, CommandError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}."
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
