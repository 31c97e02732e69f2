"""`f1-rl evaluate --racing-line` and `--classical`: a policy beside other drivers."""

import json

import pytest
from cli_helpers import ROOT, tell

from f1_rl.cli import evaluate_drives
from f1_rl.driving.classical import LineFollower

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


def test_the_classical_driver_remembers_nothing_of_the_repeat_before(monkeypatch) -> None:
    pytest.importorskip("ai_edge_litert")
    speeds_mps = []

    class Watched(LineFollower):
        def commands(self, observations):
            if not hasattr(self, "began"):
                self.began = True
                speeds_mps.append(self._speed_mps.tolist())
            return super().commands(observations)

    monkeypatch.setitem(evaluate_drives.OTHERS, "classical", Watched)
    tell(
        *("evaluate", POLICY, "--circuit", "oval", "--scale", "0.3"),
        *("--starts", "1", "--repeat", "2", "--classical", "--json"),
    )
    assert speeds_mps == [[0.0], [0.0]]
