"""Circuits from above."""

import numpy as np
import pytest

from f1_rl.circuits import Circuit, load_circuit
from f1_rl.reporting.circuit_picture import draw_from_above

ROAD = (0x8D, 0x92, 0x99)


def reversed_circuit(circuit: Circuit) -> Circuit:
    columns = (circuit.x_m, circuit.y_m, circuit.width_right_m, circuit.width_left_m)
    return Circuit.from_points(circuit.name, *(column[::-1] for column in columns))


@pytest.mark.parametrize("way_round", [lambda circuit: circuit, reversed_circuit])
def test_the_road_is_grey_whichever_way_round_the_circuit_goes(way_round):
    picture = draw_from_above(way_round(load_circuit("oval")))
    share = (np.abs(picture.astype(int) - ROAD).max(axis=2) < 8).mean()
    assert 0.05 < share < 0.5


def test_an_arrow_beside_the_start_line_shows_the_driving_direction():
    circuit = load_circuit("oval")
    dark, turned = (
        draw_from_above(way).max(axis=2) < 60 for way in (circuit, reversed_circuit(circuit))
    )
    # All but arrow and label is alike, and the oval begins to the right.
    columns, turned_columns = (np.nonzero(only)[1] for only in (dark & ~turned, turned & ~dark))
    assert min(len(columns), len(turned_columns)) > 100
    assert columns.mean() > turned_columns.mean() + 40
