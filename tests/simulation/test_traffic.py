"""Placements of traffic: apart, away from the start, and never closing the road."""

from dataclasses import replace

import numpy as np
import pytest

from f1_rl.circuits import Circuit, circuit_names, load_circuit
from f1_rl.simulation import NO_TRAFFIC, Traffic, load_traffic, traffic_names
from f1_rl.simulation.traffic import Placement, clear_places, place_obstacles

SCENARIOS = [name for name in traffic_names() if name != NO_TRAFFIC]
LIBRARY = [load_circuit(name) for name in circuit_names()]


def drawn(traffic: Traffic, circuit: Circuit, seed: int, start_m: float = 0.0) -> Placement:
    return place_obstacles(traffic, circuit, np.random.default_rng(seed), start_m)


def widest_free_m(circuit: Circuit, intervals: list[tuple[float, float]]) -> float:
    """The widest stretch across the narrowest road that nothing covers, in steps of 1 cm."""
    across = np.arange(-circuit.width_right_m.min(), circuit.width_left_m.min(), 0.01)
    free = np.ones(len(across), bool)
    for low, high in intervals:
        free &= (across < low) | (across > high)
    runs = np.split(free, np.flatnonzero(np.diff(free.astype(int))) + 1)
    return max(0.01 * len(run) for run in runs if run[0])


@pytest.mark.parametrize("name", SCENARIOS)
def test_obstacles_are_apart_and_leave_the_start_free(name: str) -> None:
    traffic = load_traffic(name)
    for circuit in LIBRARY:
        for seed in range(8):
            start_m = 17.0 * seed
            placed = drawn(traffic, circuit, seed, start_m)
            ahead_m = np.sort(np.mod(placed.arc_length_m - start_m, circuit.length_m))
            assert len(ahead_m) == traffic.count
            assert ahead_m[0] >= traffic.start_clear_m - 1e-9
            assert circuit.length_m - ahead_m[-1] >= traffic.start_clear_m - 1e-9
            assert (np.diff(ahead_m) >= traffic.spacing_m - 1e-9).all()


@pytest.mark.parametrize("name", SCENARIOS)
def test_road_is_never_closed_even_where_a_car_passes_a_box(name: str) -> None:
    traffic = load_traffic(name)
    half_m = traffic.sizes_m[:, 1] / 2
    for circuit in LIBRARY:
        for seed in range(8):
            placed = drawn(traffic, circuit, seed)
            sides = list(zip(placed.lateral_m - half_m, placed.lateral_m + half_m, strict=True))
            boxes, cars = sides[: traffic.boxes], sides[traffic.boxes :]
            abreast = [[box, car] for box in boxes for car in cars] or [[one] for one in sides]
            for together in abreast:
                assert widest_free_m(circuit, together) >= traffic.passage_m - 0.02
            for (low, high), (left, right) in (pair for pair in abreast if len(pair) == 2):
                assert high < left or right < low
            edge_m = min(circuit.width_left_m.min(), circuit.width_right_m.min())
            assert (np.abs(placed.lateral_m) + half_m <= edge_m).all()


def test_cars_of_a_world_never_catch_each_other() -> None:
    speeds = [drawn(load_traffic("slow_cars"), LIBRARY[0], seed).speed_mps for seed in range(20)]
    assert all(np.ptp(world) == 0.0 and 1.5 <= world[0] <= 2.5 for world in speeds)
    assert np.ptp([world[0] for world in speeds]) > 0.3


def test_slalom_changes_sides_along_the_road() -> None:
    placed = drawn(load_traffic("slalom"), LIBRARY[0], 3)
    sides = np.sign(placed.lateral_m[np.argsort(placed.arc_length_m)])
    assert (sides[1:] == -sides[:-1]).all()


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("name", SCENARIOS)
def test_places_are_moved_on_as_driven_until_obstacles_are_far_enough(
    name: str, direction: int
) -> None:
    circuit = load_circuit("simple")
    for seed in range(20):
        traffic = replace(load_traffic(name), seed=seed)
        begin_m = direction * drawn(traffic, circuit, seed).arc_length_m
        before_m = np.linspace(0.0, circuit.length_m, 500, endpoint=False)
        after_m = clear_places(traffic, circuit, before_m, np.full(500, direction))
        apart_m = np.mod(begin_m - after_m[:, None], circuit.length_m)
        nearest_m = np.minimum(apart_m, circuit.length_m - apart_m).min(axis=1)
        gaps_m = np.diff(np.sort(begin_m), append=begin_m.min() + circuit.length_m)
        wanted_m = min(traffic.start_clear_m, gaps_m.max() / 2)
        assert nearest_m.min() > wanted_m - 1e-5
        # Those that were far enough stay, the others go no further than they must.
        moved_m = np.mod(after_m - before_m, circuit.length_m)
        was_m = np.mod(begin_m - before_m[:, None], circuit.length_m)
        was_near = np.minimum(was_m, circuit.length_m - was_m).min(axis=1) < wanted_m
        np.testing.assert_array_equal(moved_m[~was_near], 0.0)
        np.testing.assert_allclose(nearest_m[was_near], wanted_m, atol=1e-5)


def test_placements_follow_from_the_seed() -> None:
    traffic = load_traffic("mixed")
    first, again, other = (drawn(traffic, LIBRARY[0], seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.arc_length_m, again.arc_length_m)
    np.testing.assert_array_equal(first.lateral_m, again.lateral_m)
    assert (first.arc_length_m != other.arc_length_m).all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"boxes": -1}, "boxes -1"),
        ({"box_size_m": (0.4, 0.0, 0.3)}, "box_size_m"),
        ({"car_speed_mps": (3.0, 2.0)}, "car_speed_mps"),
        ({"lateral_m": (-0.1, 0.5)}, "lateral_m"),
        ({"spacing_m": -1.0}, "spacing_m"),
        ({"box_colour": (256, 0, 0)}, "box_colour"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_traffic_that_cannot_be_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Traffic(**changes)  # type: ignore[arg-type]


def test_a_circuit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="30 obstacles needs 248 m of road"):
        Traffic(boxes=30).check(load_circuit("simple"))
    with pytest.raises(ValueError, match=r"leaves no passage of 2.9 m on simple"):
        Traffic(boxes=1, passage_m=2.9).check(load_circuit("simple"))


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'rush_hour' is unknown: choose one of none, boxes"):
        load_traffic("rush_hour")
