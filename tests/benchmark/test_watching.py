"""The script that measures what the live page costs."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.tensorflow

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "watching.py"


@pytest.fixture
def watching() -> ModuleType:
    spec = importlib.util.spec_from_file_location("watching", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_three_runs_take_turns_and_a_page_watches_one(
    watching: ModuleType,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # For the page's process, where the package is not installed.
    monkeypatch.setenv("PYTHONPATH", str(repository))
    settings = watching.settings_for("tabular")
    took_ms = watching.measure(settings, rounds=2, turn_s=0.5, warm_up_s=0.5)
    assert took_ms.shape == (2, len(watching.NAMES), 2)
    assert ((took_ms > 0.0) & (took_ms < 1_000.0)).all()
    watching.print_table(took_ms)
    said = capfd.readouterr().out
    assert "watched by a page" in said
    assert int(said.partition("was sent ")[2].partition(" ")[0]) > 2
