"""The ground: what simulators of the same roads share, and what they do not."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from f1_rl.circuits import Circuit
from f1_rl.simulation import ground
from f1_rl.simulation.ground import Ground


def test_the_fields_of_the_same_roads_are_computed_once_whatever_is_painted_there(
    circle: Circuit, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    build = ground.build_distance_field

    def counted(circuit: Circuit) -> ground.DistanceField:
        built.append(circuit.name)
        return build(circuit)

    monkeypatch.setattr(ground, "build_distance_field", counted)
    roads = [replace(circle, name="here", line_width_m=width_m) for width_m in (0.12, 0.3)]
    nominal = Ground(roads)
    plain = Ground([road.with_line(0.0) for road in roads])
    assert len(built) == 2
    assert plain.cells is nominal.cells
    assert plain.stripes is nominal.stripes
    units = nominal.scales[:, 3] * nominal.scales[:, 2]
    np.testing.assert_allclose(nominal.scales[:, 4] / units, [0.06, 0.15])
    np.testing.assert_array_equal(plain.scales[:, 4], 0.0)
    np.testing.assert_array_equal(plain.scales[:, :4], nominal.scales[:, :4])


def test_other_roads_have_fields_of_their_own(circle: Circuit) -> None:
    one, two = Ground([circle]), Ground([circle, circle])
    assert len(two.places) == 2
    assert two.cells.size == 2 * one.cells.size


def test_fields_that_nothing_uses_are_forgotten(circle: Circuit) -> None:
    road = replace(circle, name="nowhere else")
    used, other = Ground([road.with_line(0.13)]), Ground([road])
    forgotten = weakref.ref(used.cells)
    del used
    gc.collect()
    assert forgotten() is not None
    del other
    gc.collect()
    assert forgotten() is None
