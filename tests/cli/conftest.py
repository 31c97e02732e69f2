"""Programs that stand in for those of a machine."""

from pathlib import Path

import pytest


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make programs that are the only ones on the path, beside the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name: str, script: str) -> Path:
        program = folder / name
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        program.chmod(0o755)
        return program

    return make
