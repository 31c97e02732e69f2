"""The command line, from the parsers."""

import argparse
from collections.abc import Iterator

from f1_rl.cli.main import build_parser
from generate import markdown

_WIDTH = 88


def page() -> str:
    """Return the page of all verbs and their options."""
    parser = build_parser()
    verbs = _subparsers(parser)
    overview = markdown.table(
        ["verb", "what it does"],
        ([f"[`{name}`](#f1-rl-{name})", verb.description or ""] for name, verb in verbs.items()),
    )
    sections = [section for verb in verbs.values() for section in _sections(verb, 2)]
    return markdown.page("Command line", overview, *sections)


def _sections(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """Return the section of a command, and those of its own commands."""
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=_WIDTH)
    heading = f"{'#' * level} {parser.prog}"
    options = markdown.table(["option", "meaning"], _options(parser))
    usage = parser.format_usage().removeprefix("usage: ")
    yield "\n\n".join([heading, parser.description or "", markdown.block(usage), options])
    for below in _subparsers(parser).values():
        yield from _sections(below, level + 1)


def _options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    formatter = parser._get_formatter()
    for action in parser._actions:
        if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
            continue
        value = formatter._metavar_formatter(action, action.dest)(1)[0]
        names = action.option_strings or [value]
        takes_value = bool(action.option_strings) and action.nargs != 0
        shown = ", ".join(
            markdown.code(f"{name} {value}" if takes_value else name) for name in names
        )
        yield shown, formatter._expand_help(action) if action.help else ""


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            described = {choice.dest: choice.help for choice in action._choices_actions}
            for name, below in action.choices.items():
                below.description = below.description or described.get(name)
                found[name] = below
    return found
