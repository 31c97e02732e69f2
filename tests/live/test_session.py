"""A live drive: modes, laps, ghosts, put back, paused; real simulator and hub, time by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from session_helpers import PERIOD_S, KeyPresser, Person, Stage, place_of

from f1_rl.circuits import load_circuit, write_circuit_csv
from f1_rl.driving.laps import LapDrive
from f1_rl.driving.settings import TaskSettings
from f1_rl.live.requests import RequestError
from f1_rl.policy import Policy, load_policy
from f1_rl.settings import build_settings, merge


@pytest.fixture(scope="module")
def policy(repository: Path) -> Policy:
    return load_policy(repository / "tests" / "data" / "policy")


def start_race(stage: Stage) -> None:
    """Choose a race and let the countdown pass."""
    stage.send("mode", value="race")
    while "begins in" in stage.step().status or stage.moment.time_s == 0.0:
        pass


def test_the_policy_drives_the_lap_that_it_drives_elsewhere(tmp_path, policy):
    stage = Stage(tmp_path, policy)
    settings = build_settings(
        TaskSettings, merge(policy.task_settings.as_dict(), {"circuits": ["oval"]})
    )
    (elsewhere,) = LapDrive(settings, 1).drive(policy)
    moments = stage.wait(2.1 * elsewhere.report.lap_time_s)
    assert moments[0].mode == "policy"
    assert moments[-1].lap == 3
    assert stage.session.ghosts.best_lap_s(stage.session._track, "policy") == pytest.approx(
        elsewhere.report.lap_time_s, abs=0.2
    )
    first = next(moment for moment in moments if moment.lap == 2)
    assert first.last_lap_s == pytest.approx(elsewhere.report.lap_time_s, abs=1e-9)
    assert first.status == f"The policy drove a lap in {first.last_lap_s:.2f} s, the best so far."
    assert first.lap_time_s < PERIOD_S + 1e-9


def test_the_page_gets_what_the_network_sees_and_thinks(tmp_path, policy):
    stage = Stage(tmp_path, policy)
    moment = stage.wait(1.0)[-1]
    message = json.loads(json.dumps(moment.as_message()))
    assert message["camera"].startswith("data:image/jpeg")
    assert message["observation"].startswith("data:image/png")
    assert message["action"] == int(np.argmax(message["q_values"]))
    assert message["speed_mps"] == pytest.approx(message["command"]["speed_mps"])
    scene = stage.hub.scene.as_message()
    assert scene["modes"] == ["policy", "manual", "race"]
    assert "hairpins" in scene["circuits"]
    assert len(scene["action_names"]) == len(message["q_values"])


def test_a_person_drives_a_lap_whose_ghost_drives_the_next(tmp_path):
    stage = Stage(tmp_path)
    stage.step()
    person = Person(stage)
    first = person.drive_lap()
    assert first.mode == "manual"
    assert first.q_values is None
    assert first.best_lap_s == first.last_lap_s
    # The second lap begins at full speed, and so gains on the ghost, which began standing.
    later = person.drive(5.0)[-1]
    (ghost,) = later.ghosts
    assert ghost.name == "your best lap"
    lap = stage.session.ghosts.best(stage.session._track)["person"]
    progress_m = stage.session.grid.logs[0].lap_trace.progress_m[-1]
    expected_s = later.lap_time_s - np.interp(progress_m, lap.progress_m, lap.time_s)
    assert ghost.gap_s == pytest.approx(expected_s, abs=1e-6)
    assert ghost.gap_s < -0.3
    assert person.drive_lap().last_lap_s < first.last_lap_s
    # It is there again in the next session.
    again = Stage(tmp_path)
    assert [ghost.name for ghost in again.step().ghosts] == ["your best lap"]


def test_a_car_with_inertia_whose_speed_is_observed_too_can_be_driven(tmp_path):
    stage = Stage(tmp_path, vehicle="single_track", observation={"speed": True})
    stage.step()
    moments = KeyPresser(stage).drive(10.0)
    assert not any("left the road" in moment.status for moment in moments)
    assert moments[-1].arc_length_m > 40.0
    assert moments[-1].observation.ndim == 2


def test_a_circuit_can_be_driven_with_keys_alone(tmp_path):
    stage = Stage(tmp_path, circuit="simple")
    stage.step()
    moments = KeyPresser(stage).drive(60.0)
    assert not any("left the road" in moment.status for moment in moments)
    assert moments[-1].lap == 3
    assert moments[-1].best_lap_s < 28.0


def test_who_falls_silent_with_a_key_held_stops(tmp_path):
    stage = Stage(tmp_path)
    driving = stage.hold(1.5, 1.0)[-1]
    assert driving.speed_mps > 5.0
    assert driving.status == "You drive."
    silent = stage.wait(2.5)
    # For half a second it may have been a hiccup.
    assert silent[8].speed_mps > driving.speed_mps
    assert silent[12].speed_mps < silent[10].speed_mps
    assert silent[12].status == "The page that steers has fallen silent: the car brakes."
    assert silent[-1].speed_mps == 0.0
    assert silent[-1].command.speed_mps == 0.0
    assert stage.hold(0.5, 1.0)[-1].speed_mps > 1.0


def test_the_newest_page_that_steers_has_the_wheel_and_the_others_are_told(tmp_path):
    stage = Stage(tmp_path)
    stage.steer(1.0, page="a")
    stage.steer(-1.0, page="b")
    assert stage.step().steered_by == "b"
    stage.steer(1.0, page="a")
    assert stage.step().speed_mps == 0.0


def test_off_the_road_is_said_and_the_car_is_put_back_where_it_left(tmp_path):
    stage = Stage(tmp_path)
    circuit = stage.session.grid.circuit
    moments = stage.hold(1.0, 1.0) + stage.hold(3.0, 1.0, 0.4)
    left = next(i for i, moment in enumerate(moments) if "left the road" in moment.status)
    assert moments[left].status == "You left the road: the car is put back on the road."
    assert moments[left].lap_time_s is None
    back = next(
        i for i in range(left, len(moments)) if circuit.project(place_of(moments[i])).on_road[0]
    )
    assert (back - left) * PERIOD_S == pytest.approx(1.5, abs=1e-9)
    assert moments[back].speed_mps == 0.0
    here = circuit.project(place_of(moments[back]))
    assert here.lateral_error_m[0] == pytest.approx(0.0, abs=1e-6)
    assert here.heading_error_rad[0] == pytest.approx(0.0, abs=1e-6)
    assert here.arc_length_m[0] == pytest.approx(moments[left].arc_length_m, abs=1e-6)


def test_a_lap_on_which_the_car_was_put_back_does_not_count(tmp_path):
    stage = Stage(tmp_path)
    stage.hold(1.0, 1.0)
    while "left the road" not in stage.moment.status:
        stage.hold(PERIOD_S, 1.0, 0.4)
    stage.wait(2.0)
    person = Person(stage)
    while stage.moment.lap_time_s is None:
        moment = person.drive(PERIOD_S)[0]
    # Across the line begins the first lap that counts.
    assert (moment.lap, moment.last_lap_s, moment.ghosts) == (1, None, ())
    assert moment.arc_length_m < 1.0
    finished = person.drive_lap()
    assert finished.lap == 2
    assert finished.last_lap_s > 5.0


def test_the_wrong_way_is_said(tmp_path):
    stage = Stage(tmp_path, circuit="simple", endings={"off_road_margin_m": 50.0})
    stage.hold(0.5, 1.0)
    moments = stage.hold(3.0, 0.2, 1.0)
    assert any("You turned the wrong way" in moment.status for moment in moments)


def test_touching_an_obstacle_is_said(tmp_path):
    closed = {"boxes": 1, "box_size_m": [0.4, 2.8, 0.3], "lateral_m": [0, 0], "passage_m": 0.1}
    stage = Stage(tmp_path, traffic={**closed, "seed": 0})
    moments = Person(stage).drive(35.0)
    assert any("You touched an obstacle" in moment.status for moment in moments)
    (box,) = moments[-1].obstacles
    assert (box.kind, box) == ("box", moments[0].obstacles[0])


def test_who_only_stands_is_left_alone(tmp_path):
    moments = Stage(tmp_path).wait(6.0)
    assert not any("put back" in moment.status for moment in moments)
    assert moments[-1].status.startswith("You drive: press")


def test_a_race_begins_for_both_at_the_same_moment_from_the_same_line(tmp_path, policy):
    stage = Stage(tmp_path, policy)
    stage.wait(3.0)
    stage.send("mode", value="race")
    waiting = stage.step()
    assert waiting.status == "The race begins in 3 s."
    assert waiting.mode == "race"
    (rival,) = waiting.ghosts
    assert (rival.x_m, rival.y_m) == (waiting.pose.x_m, waiting.pose.y_m)
    moments = stage.hold(3.5, 1.0)
    going = [moment for moment in moments if moment.time_s > 0.0]
    assert len(going) == len(moments) - 59
    assert going[0].speed_mps > 0.0
    assert going[0].ghosts[0].gap_s > 0.0
    # By its traces: when was the policy where the car is now?
    last, logs = moments[-1], stage.session.grid.logs
    progress_m = logs[0].race_trace.progress_m[-1]
    rival_trace = logs[1].race_trace
    reached_s = np.interp(progress_m, rival_trace.progress_m, rival_trace.time_s)
    assert last.ghosts[0].name == "the policy"
    assert last.ghosts[0].gap_s == pytest.approx(last.time_s - reached_s, abs=1e-9)


def test_cars_in_a_race_drive_through_one_another(tmp_path, policy):
    alone, racing = Stage(tmp_path / "a", policy), Stage(tmp_path / "b", policy)
    start_race(racing)
    alone.wait(PERIOD_S)
    while racing.moment.time_s < 6.0:
        racing.hold(PERIOD_S, 1.0)
        alone.step()
    ghost = next(ghost for ghost in racing.moment.ghosts if ghost.name == "the policy")
    own = alone.moment.pose
    assert (ghost.x_m, ghost.y_m) == pytest.approx((own.x_m, own.y_m), abs=1e-9)


def test_pausing_stops_time_and_going_on_loses_none(tmp_path, policy):
    stage = Stage(tmp_path, policy)
    before = stage.wait(1.0)[-1]
    stage.send("pause", value=True)
    paused = stage.wait(1.0)[-1]
    assert paused.paused
    assert paused.status == "Paused."
    assert (paused.time_s, paused.pose) == (before.time_s, before.pose)
    stage.send("pause", value=False)
    assert stage.step().time_s == pytest.approx(before.time_s + PERIOD_S)


def test_restarting_puts_the_car_on_the_start_line(tmp_path, policy):
    stage = Stage(tmp_path, policy)
    stage.wait(2.0)
    stage.send("restart")
    moment = stage.step()
    assert moment.time_s == pytest.approx(PERIOD_S)
    arc_length_m = moment.arc_length_m
    assert arc_length_m == pytest.approx(moment.speed_mps * PERIOD_S, rel=0.05)


def test_another_circuit_is_driven_on_demand(tmp_path, policy):
    stage = Stage(tmp_path, policy)
    stage.send("circuit", value="chicanes")
    moment = stage.step()
    circuit = stage.hub.scene.circuit
    assert circuit.name == "chicanes"
    assert circuit.project(place_of(moment)).on_road[0]
    assert "oval" in stage.hub.scene.circuits


def test_a_circuit_that_is_not_offered_is_refused(tmp_path):
    stage = Stage(tmp_path)
    with pytest.raises(RequestError, match="There is no circuit 'nowhere' here; choose one of"):
        stage.send("circuit", value="nowhere")


def test_a_circuit_whose_file_has_gone_is_told_and_the_drive_goes_on(tmp_path):
    path = tmp_path / "mine.csv"
    write_circuit_csv(load_circuit("oval", scale=1.1), path)
    stage = Stage(tmp_path, circuit=str(path))
    stage.send("circuit", value="simple")
    stage.step()
    path.unlink()
    stage.send("circuit", value=str(path))
    assert str(path) in stage.step().status
    assert stage.hub.scene.circuit.name == "simple"


def test_modes_without_a_policy_are_refused(tmp_path):
    stage = Stage(tmp_path)
    assert stage.hub.scene.modes == ("manual",)
    with pytest.raises(RequestError, match="no mode 'race'"):
        stage.send("mode", value="race")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"type": "fly"}',
        '{"type": "input", "throttle": 2, "steer": 0}',
        '{"type": "input", "throttle": "1", "steer": 0}',
        '{"type": "input", "throttle": 1, "steer": 0, "page": 7}',
        '{"type": "input", "throttle": 1, "steer": NaN}',
        '{"type": "pause", "value": 1}',
        '{"type": "record"}',
    ],
)
def test_what_makes_no_sense_is_refused_and_moves_nothing(tmp_path, text):
    stage = Stage(tmp_path)
    with pytest.raises(RequestError):
        stage.page.receive(text)
    moment = stage.wait(0.5)[-1]
    assert (moment.speed_mps, moment.paused, moment.recording) == (0.0, False, None)


def test_a_machine_that_is_too_slow_is_told(tmp_path):
    stage = Stage(tmp_path)
    stage.session._real_time_factor = 0.63
    assert stage.step().status == (
        "This machine is too slow: the drive runs at some 60 % of real time."
    )


def test_best_laps_that_cannot_be_saved_are_told(tmp_path):
    stage = Stage(tmp_path)
    stage.step()
    (tmp_path / ".ghosts.json.part").mkdir()
    assert "ghosts.json: cannot be written" in Person(stage).drive_lap().status


def test_a_damaged_file_of_best_laps_is_told_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr("f1_rl.live.session.time.monotonic", lambda: 100.0)
    (tmp_path / "ghosts.json").write_bytes(b"\xff{")
    assert "ghosts.json: is damaged" in Stage(tmp_path).step().status
