"""The task for many cars: starts, stalling, laps, several circuits, state."""

import numpy as np
import pytest
from driving_helpers import ScriptedCars, ring

from f1_rl.circuits import Poses, load_circuit
from f1_rl.driving.actions import ActionTable
from f1_rl.driving.environment import make_task
from f1_rl.driving.settings import StartSettings, TaskSettings
from f1_rl.driving.task import DrivingTask, Starts
from f1_rl.settings import SettingsError, build_settings

TABLE = ActionTable("test", "", ((5.0, 0.0), (5.0, 2.0), (5.0, -2.0)))


def starts_at(arc_length_m, direction=1, lateral_m=0.0, heading_error_rad=0.0, circuit=0) -> Starts:
    arc_length_m = np.atleast_1d(np.asarray(arc_length_m, float))
    shape = arc_length_m.shape
    return Starts(
        np.broadcast_to(np.asarray(circuit, int), shape).copy(),
        arc_length_m,
        np.broadcast_to(np.asarray(direction, int), shape).copy(),
        np.broadcast_to(np.asarray(lateral_m, float), shape).copy(),
        np.broadcast_to(np.asarray(heading_error_rad, float), shape).copy(),
    )


def scripted(circle, metres, **settings) -> DrivingTask:
    """A task whose one car stands at `metres[step - 1]` along the circle after each step."""
    cars = ScriptedCars([circle], 1, lambda step: circle.pose_at(np.array([metres[step - 1]])))
    task = DrivingTask(build_settings(TaskSettings, settings), cars, TABLE)
    task.begin(np.array([0]), starts_at(0.0))
    return task


def commands(task) -> np.ndarray:
    return np.zeros((task.num_cars, 2))


def test_a_car_that_makes_no_way_stalls_after_its_time(circle):
    task = scripted(circle, np.full(60, 0.05), endings={"stalled_after_s": 1.0})
    reasons = [task.step(commands(task)).reasons[0] for _ in range(10)]
    assert reasons == [""] * 9 + ["stalled"]


def test_coming_forward_puts_stalling_off_and_going_back_does_not(circle):
    # Forward for 0.5 s, back for 0.5 s, forward over the same road again.
    metres = [*np.linspace(0.2, 1.0, 5), *np.linspace(0.8, 0.0, 5), *np.linspace(0.2, 0.95, 9)]
    task = scripted(circle, metres, endings={"stalled_after_s": 1.0})
    reasons = [task.step(commands(task)).reasons[0] for _ in range(len(metres))]
    assert reasons.index("stalled") == 14


def test_previous_commands_begin_with_the_first_ones(circle):
    task = scripted(circle, np.linspace(0.1, 1.0, 10))
    first = task.step(np.array([[5.0, 2.0]])).step
    second = task.step(np.array([[4.0, -1.0]])).step
    np.testing.assert_array_equal(first.previous_commands, [[5.0, 2.0]])
    np.testing.assert_array_equal(second.previous_commands, [[5.0, 2.0]])
    task.cars.steps = 0
    task.begin(np.array([0]), starts_at(0.0))
    np.testing.assert_array_equal(
        task.step(np.array([[1.0, 1.0]])).step.previous_commands, [[1.0, 1.0]]
    )


def test_cars_that_do_not_count_are_commanded_to_stand_and_end_nothing(circle):
    """One of two cars leaves the road shortly before its line and then rolls across it."""
    metres = np.append(np.arange(5.0, 61.0, 5.0), [62.0, 62.5, 63.0, 64.0, 66.0])
    lateral_m = np.where(metres == 62.0, 2.0, 0.0)

    def path(step):
        place = np.array([metres[step - 1], 0.3 * step])
        return circle.pose_at(place, np.array([lateral_m[step - 1], 0.0]))

    cars = ScriptedCars([circle], 2, path)
    commanded = []
    drive = cars.step
    cars.step = lambda given: (commanded.append(given.copy()), drive(given))
    task = DrivingTask(TaskSettings(), cars, TABLE)
    task.begin(np.array([0, 1]), starts_at([0.0, 0.0]))
    active, reasons = np.ones(2, np.bool_), []
    for _ in metres:
        outcome = task.step(np.full((2, 2), 3.0), active)
        active = active & ~outcome.terminated
        reasons.append(outcome.reasons[0])
        assert not outcome.truncated.any()
    assert reasons == [""] * 12 + ["off_road"] + [""] * 4
    np.testing.assert_array_equal(commanded[12], [[3.0, 3.0], [3.0, 3.0]])
    np.testing.assert_array_equal(commanded[13], [[0.0, 0.0], [3.0, 3.0]])
    ended, driving = task.report(0), task.report(1)
    assert (ended.ending, ended.laps, ended.steps) == ("off_road", 0, 13)
    assert np.isnan(ended.lap_time_s)
    assert ended.completion == pytest.approx(62.0 / circle.length_m, abs=1e-3)
    assert (driving.ending, driving.steps) == ("", 17)


@pytest.mark.parametrize(
    ("direction", "expected"), [("forward", {1}), ("backward", {-1}), ("both", {-1, 1})]
)
def test_random_starts_cover_circuits_and_directions_within_the_limits(direction, expected):
    circuits = [ring(10.0), ring(20.0)]
    settings = TaskSettings(
        starts=StartSettings(direction=direction, lateral_m=0.4, heading_rad=0.2)
    )
    task = DrivingTask(settings, ScriptedCars(circuits, 1), TABLE)
    starts = task.random_starts(4000, np.random.default_rng(1))
    assert set(starts.direction) == expected
    assert set(starts.circuit_index) == {0, 1}
    assert 0.37 < np.abs(starts.lateral_m).max() <= 0.4
    assert 0.18 < np.abs(starts.heading_error_rad).max() <= 0.2
    for index, circuit in enumerate(circuits):
        here = starts.arc_length_m[starts.circuit_index == index]
        counts, _ = np.histogram(here, bins=10, range=(0.0, circuit.length_m))
        assert counts.sum() == len(here)
        assert counts.min() > 0.7 * len(here) / 10


def test_random_starts_on_a_narrow_road_keep_to_its_inner_half(circle):
    task = DrivingTask(TaskSettings(), ScriptedCars([ring(10.0), ring(10.0, 0.4)], 1), TABLE)
    starts = task.random_starts(2000, np.random.default_rng(1))
    farthest_m = [np.abs(starts.lateral_m[starts.circuit_index == i]).max() for i in (0, 1)]
    assert 0.45 < farthest_m[0] <= 0.5
    assert 0.18 < farthest_m[1] <= 0.2


def test_without_limits_of_noise_cars_start_on_the_centre_line(circle):
    settings = TaskSettings(starts=StartSettings(lateral_m=0.0, heading_rad=0.0))
    task = DrivingTask(settings, ScriptedCars([circle], 50), TABLE)
    starts = task.random_starts(50, np.random.default_rng(0))
    task.begin(np.arange(50), starts)
    projection = circle.project(task.cars.poses, starts.direction)
    np.testing.assert_allclose(projection.lateral_error_m, 0.0, atol=1e-6)
    np.testing.assert_allclose(projection.heading_error_rad, 0.0, atol=1e-6)


def test_starts_are_placed_where_they_say_in_either_direction():
    circuits = [ring(10.0), ring(20.0)]
    task = DrivingTask(TaskSettings(), ScriptedCars(circuits, 3), TABLE)
    starts = starts_at([5.0, 7.0, 9.0], [1, -1, -1], [0.5, -0.3, 0.0], [0.1, 0.2, -0.2], [0, 1, 0])
    task.begin(np.arange(3), starts)
    np.testing.assert_array_equal(task.cars.circuit_index, [0, 1, 0])
    for car in range(3):
        circuit = circuits[starts.circuit_index[car]]
        seen = circuit.project(task.cars.poses[[car]], int(starts.direction[car]))
        assert seen.arc_length_m[0] == pytest.approx(starts.arc_length_m[car], abs=0.01)
        assert seen.lateral_error_m[0] == pytest.approx(starts.lateral_m[car], abs=0.01)
        assert seen.heading_error_rad[0] == pytest.approx(starts.heading_error_rad[car], abs=0.01)


@pytest.mark.parametrize("direction", [1, -1])
def test_projection_on_several_circuits_is_that_on_each(direction):
    circuits = [load_circuit(name) for name in ("oval", "simple")]
    rng = np.random.default_rng(3)
    index = np.array([0, 1, 1, 0, 1])
    starts = starts_at(
        rng.random(5) * 50, direction, rng.uniform(-1, 1, 5), rng.uniform(-1, 1, 5), index
    )
    several = DrivingTask(TaskSettings(), ScriptedCars(circuits, 5), TABLE)
    several.cars.path = lambda step: several.cars.poses
    several.begin(np.arange(5), starts)
    together = several.step(np.zeros((5, 2))).step
    for car in range(5):
        circuit = circuits[index[car]]
        one = DrivingTask(TaskSettings(), ScriptedCars([circuit], 1), TABLE)
        one.cars.path = lambda step, cars=one.cars: cars.poses
        alone = starts[[car]]
        alone.circuit_index[:] = 0
        one.begin(np.array([0]), alone)
        apart = one.step(np.zeros((1, 2))).step
        for name in vars(together.projection):
            values = getattr(together.projection, name), getattr(apart.projection, name)
            assert values[0][car] == values[1][0], name
        assert together.driven_m[car] == apart.driven_m[0]


def test_laps_end_at_the_start_of_the_episode_wherever_it_is(circle):
    length_m = circle.length_m
    metres = (20.0 + np.arange(1, 200) * 0.5) % length_m
    task = scripted(circle, metres, endings={"laps": 1})
    task.begin(np.array([0]), starts_at(20.0))
    steps = 0
    while True:
        steps += 1
        outcome = task.step(commands(task))
        if outcome.reasons[0]:
            break
    assert outcome.reasons == ["laps"]
    assert outcome.truncated[0]
    assert not outcome.terminated[0]
    assert steps == int(np.ceil(length_m / 0.5))
    assert task.report(0).ending == "laps"
    assert task.report(0).lap_time_s == pytest.approx(length_m / 5.0, abs=1e-6)


def test_state_and_restore_continue_bit_for_bit():
    settings = build_settings(
        TaskSettings,
        {
            "circuits": ["oval", "simple"],
            "vehicle": "single_track",
            "variation": {
                "colour_shift": 20.0,
                "noise_sigma": [0.0, 6.0],
                "action_delay_s": [0.0, 0.08],
            },
        },
    )
    rng = np.random.default_rng(0)
    moves = rng.uniform((2.0, -1.0), (6.0, 1.0), (60, 4, 2))
    everyone = np.ones(4, np.bool_)

    def go_on(task, from_step, to_step):
        seen = []
        for step in range(from_step, to_step):
            outcome = task.step(moves[step], everyone if step % 3 else np.arange(4) != 2)
            seen += [task.observe(np.zeros(4, np.bool_)), outcome.rewards, outcome.step.driven_m]
            if step % 25 == 24:
                task.begin(np.array([1]), starts_at(3.0, -1, circuit=1))
        return seen, [task.report(car).as_dict() for car in range(4)]

    original = make_task(settings, 4)
    original.begin(
        np.arange(4), starts_at([0.0, 10.0, 20.0, 30.0], [1, -1, 1, -1], circuit=[0, 0, 1, 1])
    )
    original.observe(everyone)
    go_on(original, 0, 20)
    copy = make_task(settings, 4)
    copy.restore(original.state())
    np.testing.assert_array_equal(copy.last_frames(), original.last_frames())
    expected, expected_reports = go_on(original, 20, 60)
    given, given_reports = go_on(copy, 20, 60)
    for ours, theirs in zip(given, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert str(given_reports) == str(expected_reports)


def test_a_state_is_a_copy(circle):
    task = make_task(TaskSettings(circuits=("oval",)), 1)
    task.begin(np.array([0]), starts_at(0.0))
    task.observe(np.ones(1, np.bool_))
    state = task.state()
    before = repr(state)
    for _ in range(5):
        task.step(np.array([[5.0, 0.5]]))
        task.observe(np.zeros(1, np.bool_))
    assert repr(state) == before


def test_a_task_with_unknown_rewards_is_refused():
    with pytest.raises(SettingsError, match="no reward rule"):
        DrivingTask(TaskSettings(rewards={"fun": 1.0}), ScriptedCars([ring()], 1), TABLE)


def test_poses_of_the_cars_are_taken_as_they_are(circle):
    cars = ScriptedCars([circle], 1, lambda step: Poses([10.5], [0.0], [np.pi / 2 + 0.1]))
    task = DrivingTask(TaskSettings(), cars, TABLE)
    task.begin(np.array([0]), starts_at(0.0))
    step = task.step(np.zeros((1, 2))).step
    assert step.projection.lateral_error_m[0] == pytest.approx(-0.5, abs=1e-3)
    assert step.projection.heading_error_rad[0] == pytest.approx(0.1, abs=1e-3)


def test_laps_begin_at_the_line_that_is_given_and_not_where_the_car_is_put(circle):
    length_m = circle.length_m
    metres = length_m - 2.0 + np.arange(1, 6)
    cars = ScriptedCars([circle], 1, lambda step: circle.pose_at(np.array([metres[step - 1]])))
    task = DrivingTask(build_settings(TaskSettings, {}), cars, TABLE)
    task.begin(np.array([0]), starts_at(length_m - 2.0), line_arc_length_m=np.zeros(1))
    times_s = []
    for _ in metres:
        task.step(commands(task))
        times_s.append(task.laps.lap_time_s[0])
    period_s = task.cars.control_period_s
    np.testing.assert_allclose(times_s[2:], period_s * np.arange(1, 4), rtol=1e-3)
    assert np.isnan(times_s[0])
    assert task.laps.laps[0] == 0
