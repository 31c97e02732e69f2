"""Circuits by seed."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit, CircuitError, generator, load_circuit, random_circuit
from f1_rl.circuits.generator import _draw_points

SEEDS = range(300)


@pytest.fixture(scope="module")
def circuits() -> list[Circuit]:
    return [random_circuit(seed) for seed in SEEDS]


def grass_between_stretches_m(circuit: Circuit, step: int = 5) -> float:
    """Least distance between road edges that are more than a quarter of a hairpin apart."""
    s = circuit.arc_length_m[::step]
    x, y = circuit.x_m[::step], circuit.y_m[::step]
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    along = np.abs(s[:, None] - s)
    along = np.minimum(along, circuit.length_m - along)
    # Half a circle of the tightest turn is 8.8 m long and its ends 5.6 m apart.
    return float(distance[along > 8.8].min() - 3.0)


def test_every_seed_keeps_to_the_limits(circuits):
    for seed, circuit in zip(SEEDS, circuits, strict=True):
        assert circuit.name == f"random-{seed}"
        assert circuit.min_radius_m >= 2.8
        assert 120.0 <= circuit.length_m <= 400.0
        assert grass_between_stretches_m(circuit) >= 1.0
        jumps = np.abs(np.diff(circuit.curvature_per_m, append=circuit.curvature_per_m[0]))
        assert jumps.max() < 0.045


def test_circuits_are_varied(circuits):
    lengths = np.array([circuit.length_m for circuit in circuits])
    assert np.percentile(lengths, 10) < 160.0
    assert np.percentile(lengths, 90) > 280.0
    assert len(np.unique(lengths.round(3))) == len(circuits)
    for circuit in circuits:
        assert circuit.curvature_per_m.max() > 0.05
        assert circuit.curvature_per_m.min() < -0.05
    mostly_left = np.mean([circuit.curvature_per_m.sum() > 0.0 for circuit in circuits])
    assert 0.4 < mostly_left < 0.6
    straights = [np.mean(np.abs(circuit.curvature_per_m) < 1e-3) for circuit in circuits]
    assert np.median(straights) > 0.15


def test_a_seed_always_gives_the_same_circuit(circuits):
    assert random_circuit(17) == circuits[17] == load_circuit("random-17")
    assert random_circuit(18) != circuits[17]


def test_large_seeds_and_scales_work_and_negative_seeds_do_not():
    assert random_circuit(2**40).length_m > 120.0
    double = load_circuit("random-5", scale=2.0)
    assert double.length_m == pytest.approx(2.0 * random_circuit(5).length_m, rel=1e-3)
    with pytest.raises(CircuitError, match="negative"):
        random_circuit(-1)


@pytest.mark.parametrize("seed", range(50))
def test_the_tamest_draw_never_fails(seed):
    assert _draw_points("tame", np.random.default_rng(seed), wildness=0.0) is not None


def test_a_draw_whose_roads_come_too_near_is_rejected(monkeypatch):
    first = random_circuit(3)
    monkeypatch.setattr(generator, "MIN_GRASS_M", 7.0)
    assert grass_between_stretches_m(first) < 7.0
    assert random_circuit(3) != first
