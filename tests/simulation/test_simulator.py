import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from f1_rl.circuits import Circuit, Poses, load_circuit
from f1_rl.simulation import Simulator, SingleTrackCar, Traffic, Variation, View

VIEW = View((245, 260, 300), 64, ((1.0, 0.0, 0.0),))


@pytest.fixture(scope="module")
def circuits(circle: Circuit) -> list[Circuit]:
    return [circle, load_circuit("simple")]


def build(circuits: list[Circuit], **changes: Any) -> Simulator:
    arguments: dict[str, Any] = {"num_cars": 3, "variation": Variation.domain(), "seed": 4}
    return Simulator(circuits, **{**arguments, **changes})


def run(simulator: Simulator, steps: int, seed: int) -> list[np.ndarray]:
    """Drive at random and place a car now and then; everything seen on the way."""
    rng = np.random.default_rng(seed)
    seen = []
    for step in range(steps):
        if step % 5 == 2:
            poses = simulator.circuits[1].pose_at(rng.uniform(0, 50, 1))
            simulator.place([step % simulator.num_cars], [1], poses)
        simulator.step(rng.uniform([0, -1], [6, 1], (simulator.num_cars, 2)))
        poses = simulator.poses
        seen.append(np.concatenate([poses.x_m, poses.y_m, poses.yaw_rad, simulator.time_s]))
        seen.append(simulator.view(VIEW))
    return seen


def test_cars_begin_at_rest_on_the_start_line(circuits: list[Circuit]) -> None:
    simulator = build(circuits)
    start = circuits[0].pose_at(0.0)
    np.testing.assert_allclose(simulator.x_m, start.x_m.item())
    np.testing.assert_allclose(simulator.yaw_rad, start.yaw_rad.item())
    assert not simulator.speed_mps.any()


def test_step_drives_the_commanded_arc(circuits: list[Circuit]) -> None:
    """At the circle's own curvature the car stays on the centre line."""
    simulator = build(circuits, variation=Variation())
    simulator.place(np.arange(3), 0, circuits[0].pose_at([0.0, 20.0, 40.0]))
    for _ in range(40):
        simulator.step(np.tile([3.0, 0.3], (3, 1)))
    np.testing.assert_allclose(np.hypot(simulator.x_m, simulator.y_m), 10.0, atol=1e-3)
    np.testing.assert_allclose(simulator.time_s, 2.0)
    np.testing.assert_allclose(simulator.speed_mps, 3.0)
    np.testing.assert_allclose(simulator.yaw_rate_radps, 0.3)


def test_place_moves_only_the_chosen_cars_and_stops_them(circuits: list[Circuit]) -> None:
    simulator = build(circuits, variation=Variation())
    simulator.step(np.ones((3, 2)))
    before = simulator.poses
    simulator.place([2, 0], [1, 0], Poses(np.array([7.0, 8]), np.zeros(2), np.array([4.0, 0])))
    np.testing.assert_array_equal(simulator.x_m, [8.0, before.x_m[1], 7.0])
    np.testing.assert_array_equal(simulator.circuit_index, [0, 0, 1])
    np.testing.assert_array_equal(simulator.speed_mps, [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(simulator.time_s, [0.0, 0.05, 0.0])
    assert simulator.yaw_rad[2] == pytest.approx(4.0 - 2 * np.pi)


def test_place_draws_a_new_appearance_for_the_chosen_cars(circuits: list[Circuit]) -> None:
    simulator = build(circuits)
    before = simulator.appearance
    simulator.place([1], [0], circuits[0].pose_at(0.0))
    changed = (simulator.appearance.palette != before.palette).any(axis=(1, 2))
    np.testing.assert_array_equal(changed, [False, True, False])


def test_noise_changes_from_step_to_step_but_not_within_one(circuits: list[Circuit]) -> None:
    simulator = build(circuits, variation=Variation(noise_sigma=(8.0, 8.0)))
    first = simulator.view(VIEW)
    np.testing.assert_array_equal(first, simulator.view(VIEW))
    simulator.step(np.zeros((3, 2)))
    assert (simulator.view(VIEW) != first).mean() > 0.5
    assert (first[0] != first[1]).mean() > 0.5


@pytest.mark.parametrize("vehicle", ["kinematic", "single_track"])
def test_equal_seeds_give_equal_runs(circuits: list[Circuit], vehicle: str) -> None:
    first, second = (run(build(circuits, vehicle=vehicle), 12, seed=1) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    other = run(build(circuits, vehicle=vehicle, seed=5), 12, seed=1)
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_reseeding_repeats_the_draws(circuits: list[Circuit]) -> None:
    simulator = build(circuits)
    palettes = []
    for _ in range(2):
        simulator.reseed(11)
        simulator.place([0], [0], circuits[0].pose_at(0.0))
        palettes.append(simulator.appearance.palette[0])
    np.testing.assert_array_equal(*palettes)


@pytest.mark.parametrize("vehicle", ["kinematic", "single_track"])
def test_restored_state_goes_on_exactly(circuits: list[Circuit], vehicle: str) -> None:
    original = build(circuits, vehicle=vehicle)
    run(original, 7, seed=2)
    saved = pickle.loads(pickle.dumps(original.state()))
    expected = run(original, 9, seed=3)
    resumed = build(circuits, vehicle=vehicle, seed=99)
    resumed.restore(saved)
    for a, b in zip(expected, run(resumed, 9, seed=3), strict=True):
        np.testing.assert_array_equal(a, b)
    # Restoring took copies: the same state serves again.
    resumed.restore(saved)
    np.testing.assert_array_equal(expected[0], run(resumed, 9, seed=3)[0])


@pytest.mark.parametrize("delay_ms", [0, 50, 75, 120])
def test_a_late_picture_shows_where_the_car_was(circuits: list[Circuit], delay_ms: int) -> None:
    late = Variation(image_delay_s=(delay_ms / 1000, delay_ms / 1000))
    delayed, prompt = (build(circuits, variation=v) for v in (late, Variation()))
    commands = np.tile([3.0, 0.4], (3, 1))
    shown = [prompt.frame(0)]
    for _ in range(6):
        for simulator in (delayed, prompt):
            simulator.step(commands)
        shown.append(prompt.frame(0))
    assert delayed.image_delay_s[0] == delay_ms / 1000
    periods, rest_ms = divmod(delay_ms, 50)
    if rest_ms == 0:
        np.testing.assert_array_equal(delayed.frame(0), shown[-1 - periods])
        return
    # Between two periods: on the arc, to a millimetre.
    halfway = build(circuits, variation=Variation())
    x_m, y_m = delayed._here.x_m[0], delayed._here.y_m[0]
    for _ in range(5 - periods):
        halfway.step(commands)
    share = 1.0 - rest_ms / 50
    halfway.vehicle.advance(halfway._motion, commands, np.full(3, share * 0.05))
    np.testing.assert_allclose((x_m, y_m), (halfway.x_m[0], halfway.y_m[0]), atol=1e-3)
    assert delayed._here.yaw_rad[0] == pytest.approx(halfway.yaw_rad[0], abs=1e-9)


def test_a_late_picture_shows_the_slower_cars_of_then(circuits: list[Circuit]) -> None:
    ahead = Traffic(cars=3, lateral_m=(0.0, 0.5), seed=2)
    late = Variation(image_delay_s=(0.1, 0.1))
    delayed, prompt = (build(circuits, variation=v, traffic=ahead) for v in (late, Variation()))
    shown = []
    for _ in range(6):
        for simulator in (delayed, prompt):
            simulator.step(np.tile([4.0, 0.4], (3, 1)))
        shown.append(prompt.view(VIEW))
    np.testing.assert_array_equal(delayed.view(VIEW), shown[-3])
    assert (shown[-1] != shown[-3]).any()


def test_a_late_picture_turns_the_short_way_round(circuits: list[Circuit]) -> None:
    late = Variation(image_delay_s=(0.025, 0.025))
    simulator = build(circuits, variation=late)
    simulator.place([0], [0], Poses(np.array([10.0]), np.zeros(1), np.array([np.pi - 0.01])))
    simulator.step(np.tile([0.0, 1.0], (3, 1)))
    assert np.cos(simulator._here.yaw_rad[0] - (np.pi + 0.015)) == pytest.approx(1.0, abs=1e-9)


def test_before_the_first_late_picture_the_start_is_shown(circuits: list[Circuit]) -> None:
    simulator = build(circuits, variation=Variation(image_delay_s=(0.1, 0.1)))
    for _ in range(4):
        simulator.step(np.tile([5.0, 1.0], (3, 1)))
    simulator.place([1], [1], circuits[1].pose_at(20.0))
    start = simulator.frame(1)
    for expected_same in (True, True, False):
        simulator.step(np.tile([5.0, 1.0], (3, 1)))
        assert np.array_equal(simulator.frame(1), start) == expected_same


def test_where_a_picture_is_lost_the_last_one_stays(circuits: list[Circuit]) -> None:
    loses = Variation(dropped_frames=(0.4, 0.4), noise_sigma=(5.0, 5.0))
    simulator = build(circuits, num_cars=1, variation=loses)
    seen = [simulator.view(VIEW)]
    for _ in range(300):
        simulator.step(np.array([[3.0, 0.3]]))
        seen.append(simulator.view(VIEW))
        np.testing.assert_array_equal(seen[-1], simulator.view(VIEW))
    stayed = [np.array_equal(a, b) for a, b in pairwise(seen)]
    assert np.mean(stayed) == pytest.approx(0.4, abs=0.1)
    assert simulator.time_s[0] == pytest.approx(15.0)


def test_late_and_lost_pictures_go_on_from_a_state(circuits: list[Circuit]) -> None:
    late = Variation(image_delay_s=(0.0, 0.12), dropped_frames=(0.0, 0.5), rain=(0.0, 1.0))
    original = build(circuits, variation=late)
    run(original, 7, seed=2)
    saved = pickle.loads(pickle.dumps(original.state()))
    expected = run(original, 9, seed=3)
    resumed = build(circuits, variation=late, seed=99)
    resumed.restore(saved)
    for a, b in zip(expected, run(resumed, 9, seed=3), strict=True):
        np.testing.assert_array_equal(a, b)
    longer = build(circuits, variation=Variation(image_delay_s=(0.0, 0.3)))
    with pytest.raises(ValueError, match="same cars, period and variation"):
        longer.restore(saved)


def test_a_state_from_before_there_were_effects_still_serves(circuits: list[Circuit]) -> None:
    original = build(circuits)
    run(original, 4, seed=2)
    saved = original.state()
    del saved["appearance"]["effects"], saved["shutter"]
    expected = run(original, 3, seed=3)
    resumed = build(circuits, seed=99)
    resumed.restore(saved)
    for a, b in zip(expected, run(resumed, 3, seed=3), strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_of_another_number_of_cars_is_refused(circuits: list[Circuit]) -> None:
    with pytest.raises(ValueError, match="same cars"):
        build(circuits).restore(build(circuits, num_cars=4).state())


@pytest.mark.parametrize("delay_ms", [0, 2, 50, 70, 120])
def test_commands_act_after_the_delay(circuits: list[Circuit], delay_ms: int) -> None:
    """A car told to drive 2 m/s from now on has covered 2 m/s times what is left."""
    delay_s = delay_ms / 1000
    simulator = build(circuits, variation=Variation(action_delay_s=(delay_s, delay_s)))
    start_m = simulator.y_m.copy()
    for step in range(1, 7):
        simulator.step(np.tile([2.0, 0.0], (3, 1)))
        expected_m = 2.0 * max(0.05 * step - delay_s, 0.0)
        np.testing.assert_allclose(simulator.y_m - start_m, expected_m, atol=1e-9)
    np.testing.assert_array_equal(simulator.action_delay_s, delay_s)


def test_delays_differ_from_car_to_car(circuits: list[Circuit]) -> None:
    simulator = build(circuits, num_cars=20, variation=Variation(action_delay_s=(0.0, 0.08)))
    start_m = simulator.y_m.copy()
    for _ in range(4):
        simulator.step(np.tile([1.0, 0.0], (20, 1)))
    np.testing.assert_allclose(simulator.y_m - start_m, 0.2 - simulator.action_delay_s, atol=1e-9)
    assert len(np.unique(simulator.action_delay_s)) > 5


def test_placing_forgets_commands_still_under_way(circuits: list[Circuit]) -> None:
    simulator = build(circuits, variation=Variation(action_delay_s=(0.1, 0.1)))
    for _ in range(3):
        simulator.step(np.tile([5.0, 0.0], (3, 1)))
    simulator.place(np.arange(3), 0, circuits[0].pose_at(np.zeros(3)))
    here = simulator.poses
    simulator.step(np.tile([5.0, 0.0], (3, 1)))
    np.testing.assert_array_equal(simulator.x_m, here.x_m)


def test_frame_shows_what_the_view_shows(circuits: list[Circuit]) -> None:
    simulator = build(circuits, variation=Variation())
    simulator.place([1], [1], circuits[1].pose_at(5.0))
    frame = simulator.frame(1)
    assert frame.shape == (480, 640, 3)
    difference = VIEW.take(frame[None]).astype(int) - simulator.view(VIEW)[1:2]
    assert np.abs(difference).mean() < 0.5


def test_nan_command_is_refused_before_anything_moves(circuits: list[Circuit]) -> None:
    simulator = build(circuits)
    before = simulator.state()
    commands = np.ones((3, 2))
    commands[2, 1] = np.nan
    with pytest.raises(ValueError, match="car 2"):
        simulator.step(commands)
    np.testing.assert_array_equal(simulator.state()["commands"], before["commands"])
    np.testing.assert_array_equal(simulator.x_m, before["motion"]["x_m"])


@pytest.mark.parametrize("period_s", [0.0, -0.05, 0.0005, 0.0333333, np.nan])
def test_periods_that_are_no_whole_milliseconds_are_refused(
    circuits: list[Circuit], period_s: float
) -> None:
    with pytest.raises(ValueError, match="multiple"):
        build(circuits, control_period_s=period_s)


@pytest.mark.parametrize("period_s", [0.001, 0.033, 0.05, 0.1])
def test_any_whole_number_of_milliseconds_is_a_period(
    circuits: list[Circuit], period_s: float
) -> None:
    simulator = build(circuits, control_period_s=period_s, variation=Variation())
    start_m = simulator.y_m.copy()
    simulator.step(np.tile([2.0, 0.0], (3, 1)))
    np.testing.assert_allclose(simulator.y_m - start_m, 2 * period_s)


def test_unusable_placements_are_refused(circuits: list[Circuit]) -> None:
    simulator = build(circuits)
    pose = circuits[0].pose_at(0.0)
    with pytest.raises(ValueError, match="of 3 cars"):
        simulator.place([3], [0], pose)
    with pytest.raises(ValueError, match="there are 2"):
        simulator.place([0], [2], pose)
    with pytest.raises(ValueError, match="as many"):
        simulator.place([0, 1], [0, 0], pose)
    with pytest.raises(ValueError, match="finite"):
        simulator.place([0], [0], Poses(np.array([np.nan]), np.zeros(1), np.zeros(1)))


def test_vehicle_is_chosen_by_name_or_given(circuits: list[Circuit]) -> None:
    assert isinstance(build(circuits, vehicle="single_track").vehicle, SingleTrackCar)
    car = SingleTrackCar(friction=0.5)
    assert build(circuits, vehicle=car).vehicle is car
    with pytest.raises(ValueError, match="kinematic, single_track"):
        build(circuits, vehicle="hovercraft")
