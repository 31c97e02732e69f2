"""Running the console script, within this process and in one of its own."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from f1_rl.cli.main import main

ROOT = Path(__file__).parents[2]

# A run of some seconds, whatever the presets say.
SMALL_PRESET = """
description: Small, for tests.
task:
  circuits: [oval]
  actions: simple
  observation: {rows: 8, columns: 16, frame_stack: 2}
agent:
  network: {filters: [4], kernels: [[3, 3]], strides: [[2, 2]], units: [16]}
  batch_size: 16
  n_step: 2
training:
  num_envs: 4
  env_steps: 1000000
  replay_capacity: 4000
  learning_starts: 50
  train_every: 4
  updates_per_call: 1
  evaluate_every: 100000
  evaluate_from: 0
  evaluation_episodes: 2
  stop_when_solved: false
  checkpoint_every_s: 0.3
  log_every_s: 0.05
"""


@dataclass
class Told:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


def tell(*arguments: object) -> Told:
    """Run a command within this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return Told(code, out.getvalue(), err.getvalue())


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "f1_rl.cli.main", *(str(argument) for argument in arguments)]


def start(*arguments: object) -> "subprocess.Popen[str]":
    """Start a command as a process of its own."""
    return subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "60"},
    )


def python(statement: str, arguments: Sequence[str] = ()) -> str:
    """Run a statement in a fresh interpreter and return what it printed."""
    ended = subprocess.run(
        [sys.executable, "-c", statement, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout
