"""Where the obstacles of Gazebo's worlds are, and how near the cars come to them."""

from dataclasses import replace

import numpy as np
import pytest

from f1_rl.circuits import Poses, load_circuit
from f1_rl.gazebo.slower_cars import lap_ms
from f1_rl.gazebo.world_obstacles import WorldObstacles
from f1_rl.simulation import Simulator, Traffic, load_traffic
from f1_rl.simulation.traffic import place_obstacles

CIRCUIT = load_circuit("simple")
BEGIN = np.zeros(1, np.int64)


def stamp(seconds: float) -> np.ndarray:
    return np.array([round(seconds * 1e9)])


def lane(traffic: Traffic):
    return place_obstacles(traffic, CIRCUIT, np.random.default_rng(traffic.seed))


def before(traffic: Traffic, obstacle: int, distance_m: float) -> Poses:
    """A place so far behind where an obstacle begins, on its lane."""
    placed = lane(traffic)
    arc_m = placed.arc_length_m[obstacle] - distance_m
    return CIRCUIT.pose_at(arc_m, placed.lateral_m[obstacle])


def test_they_are_where_the_simulator_has_them_and_there_again_after_a_lap():
    traffic = replace(load_traffic("mixed"), seed=5)
    simulator = Simulator([CIRCUIT], 1, traffic=traffic)
    world = WorldObstacles(traffic, CIRCUIT, 1)
    np.testing.assert_array_equal(world.poses_m, simulator.obstacles.poses_m)
    for _ in range(30):
        simulator.step(np.zeros((1, 2)))
    lap_s = lap_ms(CIRCUIT, lane(traffic).speed_mps[-1]) / 1000
    for laps in (0, 1, 700):
        world.look(stamp(float(simulator.time_s[0]) + laps * lap_s))
        np.testing.assert_allclose(world.poses_m, simulator.obstacles.poses_m, atol=1e-9)


def test_without_a_seed_they_are_those_of_a_world_by_default():
    ours, theirs = (
        WorldObstacles(Traffic(boxes=3, seed=seed), CIRCUIT, 1).poses_m for seed in (None, 0)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_each_world_has_the_time_of_its_own_car():
    world = WorldObstacles(Traffic(cars=1, seed=2), CIRCUIT, 2)
    world.look(np.array([0, 3_000_000_000]))
    speed_mps = lane(Traffic(cars=1, seed=2)).speed_mps[0]
    arc_m = CIRCUIT.project(Poses(*world.poses_m[:, 0].T)).arc_length_m
    assert (arc_m[1] - arc_m[0]) % CIRCUIT.length_m == pytest.approx(3 * speed_mps, abs=0.01)


def test_a_car_that_drives_into_a_box_has_touched_it_until_it_begins_anew():
    traffic = Traffic(boxes=1, seed=4)
    world = WorldObstacles(traffic, CIRCUIT, 1)
    far, near, inside = (before(traffic, 0, metres) for metres in (3.0, 1.2, 0.5))
    assert np.isinf(world.clearance_m).all()
    world.advance(far, near, stamp(0.1))
    assert 0.0 < world.clearance_m[0] < 1.0
    world.advance(near, inside, stamp(0.2))
    assert world.clearance_m[0] == 0.0
    world.begin(BEGIN)
    assert np.isinf(world.clearance_m).all()


def test_a_standing_car_is_touched_by_a_slower_one_that_comes_from_behind():
    traffic = Traffic(cars=1, car_speed_mps=(2.0, 2.0), seed=4)
    world = WorldObstacles(traffic, CIRCUIT, 1)
    ahead = before(traffic, 0, -3.0)
    world.look(stamp(0.0))
    world.advance(ahead, ahead, stamp(0.1))
    assert world.clearance_m[0] > 1.0
    world.look(stamp(1.2))
    world.advance(ahead, ahead, stamp(1.3))
    assert world.clearance_m[0] == 0.0


def test_room_is_left_by_boxes_and_by_cars_that_are_far_away():
    traffic = Traffic(boxes=1, cars=1, car_speed_mps=(2.0, 2.0), seed=4)
    world = WorldObstacles(traffic, CIRCUIT, 1)
    world.look(stamp(0.0))
    assert world.leave_room(0, before(traffic, 1, 9.0))
    assert world.leave_room(0, before(traffic, 0, 0.0)) == (gap_m(traffic) > 8.0)
    for metres in (7.0, -7.0):
        assert not world.leave_room(0, before(traffic, 1, metres))
    world.look(stamp(8.0))
    assert world.leave_room(0, before(traffic, 1, -7.0))
    assert WorldObstacles(Traffic(), CIRCUIT, 1).leave_room(0, CIRCUIT.pose_at(0.0))


def gap_m(traffic: Traffic) -> float:
    box_m, car_m = lane(traffic).arc_length_m
    half = CIRCUIT.length_m / 2
    return abs((box_m - car_m + half) % CIRCUIT.length_m - half)
