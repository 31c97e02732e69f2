"""Ghosts: poses and gaps against computed ones, and the file that keeps them."""

import json
import math
from threading import Thread

import pytest

from f1_rl.circuits import load_circuit
from f1_rl.live.ghosts import Ghosts, Trace, gap_s, track_name
from f1_rl.live.snapshot import Pose

TRACK = "oval, 100.00 m, kinematic"
RADIUS_M = 10.0


def around(speed_mps: float, seconds: float, *, standing_s: float = 0.0) -> Trace:
    """Drive along a circle at one speed, after having stood for a while."""
    trace = Trace()
    for i in range(round(seconds / 0.05) + 1):
        time_s = 0.05 * i
        driven_m = speed_mps * max(0.0, time_s - standing_s)
        angle = driven_m / RADIUS_M
        heading = math.remainder(angle + math.pi / 2, 2 * math.pi)
        trace.add(
            time_s, driven_m, Pose(RADIUS_M * math.cos(angle), RADIUS_M * math.sin(angle), heading)
        )
    return trace


def test_a_ghost_is_where_the_drive_was_at_that_time():
    lap = around(5.0, 12.0)
    # Between two entries, also where the heading goes from pi to -pi.
    for time_s in (0.0, 0.02, 3.14, 7.777):
        pose, angle = lap.pose_at(time_s), 5.0 * time_s / RADIUS_M
        assert pose.x_m == pytest.approx(RADIUS_M * math.cos(angle), abs=1e-3)
        assert pose.y_m == pytest.approx(RADIUS_M * math.sin(angle), abs=1e-3)
        turned = math.remainder(pose.yaw_rad - angle - math.pi / 2, 2 * math.pi)
        assert turned == pytest.approx(0.0, abs=1e-6)
    assert lap.pose_at(99.0) == lap.pose_at(12.0)
    assert lap.pose_at(-1.0) == lap.pose_at(0.0)


def test_who_is_behind_counts_the_seconds_since_the_other_was_here():
    # 20 m at 4 m/s took 5 s; the other was there after 4 s.
    assert gap_s(around(4.0, 5.0), around(5.0, 5.0)) == pytest.approx(1.0)


def test_who_leads_counts_the_seconds_since_it_was_where_the_other_is():
    # The other has come 20 m, where the car was after 4 s.
    assert gap_s(around(5.0, 5.0), around(4.0, 5.0)) == pytest.approx(-1.0)


def test_against_a_whole_lap_the_gap_is_by_the_place():
    lap = around(5.0, 12.0)
    assert gap_s(around(6.0, 5.0), lap) == pytest.approx(5.0 - 30.0 / 5.0)
    assert gap_s(around(4.0, 5.0), lap) == pytest.approx(5.0 - 20.0 / 5.0)


def test_where_the_other_stood_it_counts_from_when_it_first_came_there():
    assert gap_s(around(5.0, 4.0), around(5.0, 8.0, standing_s=2.0)) == pytest.approx(-2.0)
    assert gap_s(around(5.0, 6.0, standing_s=2.0), around(5.0, 8.0)) == pytest.approx(2.0)


def test_driving_back_does_not_make_the_other_come_later():
    lap = Trace()
    for i, driven_m in enumerate([0.0, 2.0, 4.0, 3.0, 5.0]):
        lap.add(float(i), driven_m, Pose(driven_m, 0.0, 0.0))
    assert lap.time_at(3.5) == pytest.approx(1.75)
    assert lap.time_at(4.5) == pytest.approx(3.5)
    assert lap.time_at(6.0) is None


def test_without_a_drive_there_is_no_gap():
    assert gap_s(Trace(), around(5.0, 1.0)) is None


def test_the_best_lap_of_each_driver_survives(tmp_path):
    path = tmp_path / "ghosts.json"
    ghosts = Ghosts(path)
    assert ghosts.best(TRACK) == {}
    assert ghosts.offer(TRACK, "person", around(5.0, 10.0))
    assert ghosts.offer(TRACK, "policy", around(5.0, 9.0))
    assert not ghosts.offer(TRACK, "person", around(5.0, 10.0))
    assert ghosts.offer(TRACK, "person", around(5.0, 9.5))
    again = Ghosts(path)
    assert again.warning == ""
    assert again.best_lap_s(TRACK, "person") == pytest.approx(9.5)
    assert again.best_lap_s(TRACK, "policy") == pytest.approx(9.0)
    assert set(again.best(TRACK)) == {"person", "policy"}
    own = again.best(TRACK)["person"]
    assert own.pose_at(3.3).x_m == pytest.approx(around(5.0, 9.5).pose_at(3.3).x_m, abs=1e-3)
    assert gap_s(around(4.0, 5.0), own) == pytest.approx(1.0, abs=1e-3)
    assert again.best("another") == {}
    assert [file.name for file in tmp_path.iterdir()] == ["ghosts.json"]


def test_two_drives_that_share_a_file_lose_none_of_their_best_laps(tmp_path):
    path = tmp_path / "ghosts.json"
    one, other = Ghosts(path), Ghosts(path)
    assert one.offer(TRACK, "person", around(5.0, 9.0))
    assert other.offer("another", "person", around(5.0, 11.0))
    # The file holds a better one by now, which is driven against from here on.
    assert not other.offer(TRACK, "person", around(5.0, 10.0))
    assert other.best(TRACK)["person"].time_s[-1] == pytest.approx(9.0)
    assert one.offer(TRACK, "policy", around(5.0, 12.0))
    again = Ghosts(path)
    assert again.best_lap_s(TRACK, "person") == pytest.approx(9.0)
    assert again.best_lap_s(TRACK, "policy") == pytest.approx(12.0)
    assert again.best_lap_s("another", "person") == pytest.approx(11.0)
    assert [file.name for file in tmp_path.iterdir()] == ["ghosts.json"]


def offer_laps(path, driver):
    ghosts = Ghosts(path)
    for i in range(20):
        ghosts.offer(f"track {i}", driver, around(5.0, 1.0))


def test_drives_that_save_at_the_same_moment_wait_for_one_another(tmp_path):
    path = tmp_path / "ghosts.json"
    threads = [Thread(target=offer_laps, args=(path, f"driver {i}")) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = Ghosts(path)
    assert {len(again.best(f"track {i}")) for i in range(20)} == {4}
    assert [file.name for file in tmp_path.iterdir()] == ["ghosts.json"]


def damage(content: dict) -> dict[str, str]:
    """Return damaged versions of a file by the reason that is told."""
    laps = content["laps"][TRACK]["person"]

    def changed(**members: object) -> str:
        lap = {**laps, **members}
        return json.dumps({**content, "laps": {TRACK: {"person": lap}}})

    return {
        "truncated": json.dumps(content)[:-40],
        "Expected": changed(lap_time_s=-1.0),
        "differ in length": changed(x_m=laps["x_m"][:-1]),
        "go back": changed(time_s=laps["time_s"][::-1]),
        "unknown field": changed(colour="red"),
        "format": json.dumps({**content, "format": 2}),
    }


@pytest.mark.parametrize(
    "reason", ["truncated", "Expected", "differ in length", "go back", "unknown field", "format"]
)
def test_a_damaged_file_is_told_in_a_sentence_and_put_aside(tmp_path, reason):
    path = tmp_path / "ghosts.json"
    Ghosts(path).offer(TRACK, "person", around(5.0, 10.0))
    text = damage(json.loads(path.read_text()))[reason]
    path.write_text(text)
    ghosts = Ghosts(path)
    assert reason in ghosts.warning
    assert str(path) in ghosts.warning
    assert ghosts.warning.endswith("the best laps begin anew.")
    assert ghosts.best(TRACK) == {}
    assert (tmp_path / "ghosts.json.damaged").read_text() == text
    assert ghosts.offer(TRACK, "person", around(5.0, 11.0))
    assert Ghosts(path).best_lap_s(TRACK, "person") == pytest.approx(11.0)


def test_a_lap_that_cannot_be_saved_is_kept_in_memory(tmp_path):
    ghosts = Ghosts(tmp_path / "nowhere" / "ghosts.json")
    with pytest.raises(OSError, match="nowhere"):
        ghosts.offer(TRACK, "person", around(5.0, 10.0))
    assert ghosts.best_lap_s(TRACK, "person") == pytest.approx(10.0)


def test_a_track_is_a_circuit_of_one_size_and_a_car():
    oval = load_circuit("oval")
    half = load_circuit("oval", scale=0.5)
    names = {
        track_name(oval, "kinematic"),
        track_name(half, "kinematic"),
        track_name(oval, "single_track"),
    }
    assert len(names) == 3
