"""The programs of the guide to one's own learner, run as somebody who reads it would."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from f1_rl.benchmark.peers import find_peers

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "gymnasium.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
(LEARNER,) = (block for block in BLOCKS if "stable_baselines3" in block)


def run(python: Path | str, program: str, folder: Path) -> str:
    ended = subprocess.run(
        [str(python), "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240.0,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_what_needs_no_library_runs_block_after_block(tmp_path):
    own = [block for block in BLOCKS if block != LEARNER]
    assert len(own) >= 3
    told = "\nprint(sorted(infos), float(env.unwrapped.task.projection.arc_length_m[0]))"
    shown = run(sys.executable, "\n".join(own) + told, tmp_path)
    assert "'lateral_error_m'" in shown
    assert float(shown.split()[-1]) == pytest.approx(12.0, abs=0.01)


def test_the_learner_is_a_program_that_python_reads():
    compile(LEARNER, "gymnasium.md", "exec")
    assert "total_timesteps=12_000" in LEARNER


def test_the_learner_learns_and_is_tried_where_its_library_is_installed(tmp_path):
    here = None if find_spec("stable_baselines3") is None else sys.executable
    python = here or find_peers()
    if python is None:
        pytest.skip("Stable-Baselines3 is not installed (make peers)")
    program = LEARNER.replace("total_timesteps=12_000", "total_timesteps=320")
    lines = run(python, program, tmp_path).splitlines()
    tried = [line for line in lines if re.fullmatch(r"\w+ (nan|\d+\.\d\d) s", line)]
    assert len(tried) == 8
    assert (tmp_path / "dqn_simple.zip").is_file()
