"""The script that makes the ablation's table."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.tensorflow

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ablation.py"


@pytest.fixture
def ablation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ablation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_row_changes_the_settings_in_its_own_way(ablation: ModuleType) -> None:
    settings = [str(ablation.settings_of(row, 0).as_dict()) for row in ablation.ROWS]
    assert len(set(settings)) == len(ablation.ROWS)


def test_a_run_notes_each_of_its_evaluations(
    ablation: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = ["training.env_steps=320", "training.evaluate_from=160", "training.evaluate_every=160"]
    monkeypatch.setattr(ablation, "COMMON", [*ablation.COMMON, *short])
    records = ablation.train(("prioritised replay", 1000))
    # Cars that are reset in a step do none, so the last evaluation may come a little later.
    first, last = (record["env_step"] for record in records)
    assert 160 <= first < 192
    assert 320 <= last < 352
    assert all(0.0 <= record["completion"] <= 1.0 for record in records)
