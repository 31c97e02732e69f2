"""A policy for the nominal camera."""

from importlib.util import find_spec
from pathlib import Path

import pytest

POLICY = Path(__file__).parents[1] / "data" / "policy"


@pytest.fixture
def policy() -> Path:
    if find_spec("ai_edge_litert") is None and find_spec("tensorflow") is None:
        pytest.skip("no TFLite interpreter is installed")
    return POLICY
