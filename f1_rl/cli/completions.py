"""What can stand for an argument of the console script, told to the shells."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shtab

from f1_rl.circuits import circuit_names
from f1_rl.circuits.generator import RANDOM_PREFIX


def add_completions(parser: argparse.ArgumentParser) -> None:
    """Attach to each argument what can be written for it, as shtab reads it."""
    from f1_rl.learning.runs import RunSettings, preset_names
    from f1_rl.setting_refusals import setting_names

    circuits = _words("circuits", [*circuit_names(), RANDOM_PREFIX], "*.csv")
    by_name: dict[str, Any] = {
        "circuit": circuits,
        "preset": _words("presets", preset_names(), "*.yaml"),
        "assignments": _words("settings", [f"{name}=" for name in setting_names(RunSettings)]),
        "demonstrations": shtab.FILE,
        "bag": shtab.FILE,
        "policy": shtab.DIRECTORY,
        "run_dir": shtab.DIRECTORY,
    }
    for action in _actions(parser):
        completion = by_name.get(action.dest)
        if completion is None and action.type is Path and action.nargs != 0:
            completion = shtab.DIRECTORY if action.metavar in ("DIR", "OUT") else shtab.FILE
        if completion is not None:
            action.complete = completion  # type: ignore[attr-defined]


def _actions(parser: argparse.ArgumentParser) -> "list[argparse.Action]":
    found = []
    for action in parser._actions:
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found += _actions(below)
    return found


def _words(name: str, words: Sequence[str], files: str = "") -> dict[str, Any]:
    """Return a completion by some words, and by the files of a pattern where one is given."""
    # shtab has bash mark folders where `file` is in the function's name.
    function = f"_f1_rl_{name}" + ("_or_file" if files else "")
    spaced = " ".join(words)
    bash = [f"compgen -W {shlex.quote(spaced)} -- $1"]
    zsh = [f"compadd -S '' -- {spaced}"]
    fish = f"{spaced} "
    if files:
        bash += [f"compgen -f -X '!{files}' -- $1", "compgen -d -- $1"]
        zsh += [f"_files -g '{files}'"]
        fish += "(__fish_complete_path (commandline -ct))"
    return {
        "bash": function,
        "zsh": function,
        "fish": fish.strip(),
        "tcsh": f"({spaced})",
        "preamble": {
            shell: f"{function}() {{\n  " + "\n  ".join(lines) + "\n}"
            for shell, lines in (("bash", bash), ("zsh", zsh))
        },
    }
