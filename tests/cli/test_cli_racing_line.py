"""`f1-rl evaluate --racing-line`: a policy beside the driver that knows the whole circuit."""

import json

import pytest
from cli_helpers import ROOT, tell

POLICY = ROOT / "tests" / "data" / "policy"


def test_the_driver_that_knows_the_circuit_stands_beside_the_policy() -> None:
    pytest.importorskip("ai_edge_litert")
    told = tell(
        *("evaluate", POLICY, "--circuit", "oval", "--starts", "1", "--laps", "2"),
        *("--classical", "--racing-line", "--json"),
    )
    by_driver = {total["driver"]: total for total in json.loads(told.out)["totals"]}
    assert list(by_driver) == ["policy", "classical", "racing line"]
    assert by_driver["racing line"]["completed"] == 1
    ratios = {name: total["to_limit"] for name, total in by_driver.items()}
    assert 1.0 < ratios["racing line"] < 1.02
    assert ratios["racing line"] < min(ratios["classical"], ratios["policy"])
