"""Recording what a person drives: the bag is checked and learned from by the other verbs."""

import json
import shutil
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="no rosbags: install it to write bags")

from session_helpers import Person, Stage

from f1_rl.bags import Bag
from f1_rl.bags.transitions import DemonstrationSettings, convert_bags
from f1_rl.cli.main import main
from f1_rl.driving.settings import TaskSettings
from f1_rl.live.recorder import DriveRecorder
from f1_rl.settings import build_settings

CAMERA = {"width": 192, "height": 144}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path, camera=CAMERA)
    stage.step()
    return stage


def only_bag(folder: Path) -> Path:
    (bag,) = folder.glob("bag-*")
    return bag


def test_a_recording_may_begin_in_the_second_of_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr("f1_rl.live.recorder.time.strftime", lambda _: "bag-20260329-020000")
    recorder = DriveRecorder(tmp_path, 0.05)
    for _ in range(3):
        assert recorder.begin("oval", "person").startswith("Recording into")
        assert recorder.end().startswith("Recorded")
    names = ["bag-20260329-020000", "bag-20260329-020000-2", "bag-20260329-020000-3"]
    assert [bag.name for bag in recorder.bags] == names


def test_a_lap_by_hand_is_checked_and_becomes_transitions(stage, tmp_path, capsys):
    stage.send("record", value=True)
    person = Person(stage)
    recording = person.drive(1.0)[-1].recording
    assert recording.bag == str(only_bag(tmp_path))
    assert recording.duration_s == pytest.approx(1.0)
    person.drive_lap()
    stage.send("record", value=False)
    ended = stage.step()
    assert ended.recording is None
    assert ended.status.startswith("Recorded ")
    bag = only_bag(tmp_path)

    assert main(["replay", str(bag), "--check", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["problems"] == []
    assert all(use["possible"] for use in report["uses"])
    assert report["custom_data"]["f1_rl.note"] == "driven by the person"
    assert report["custom_data"]["f1_rl.circuit"] == "oval"

    task = build_settings(TaskSettings, {"camera": CAMERA, "circuits": ["oval"]})
    episodes, (account,) = convert_bags(DemonstrationSettings(bags=(str(bag),)), task)
    assert account.reward == "circuit"
    assert account.failures == 0
    # The start is slower than any action of the table, and so nothing that it could have done.
    assert account.transitions > 0.8 * account.frames
    assert sum(len(episode) for episode in episodes) == account.transitions
    assert account.mean_reward > 0.5


def test_off_the_road_is_a_failure_in_what_is_learned(stage, tmp_path):
    stage.send("record", value=True)
    stage.hold(2.0, 1.0)
    while "left the road" not in stage.moment.status:
        stage.hold(0.05, 1.0, 0.3)
    stage.wait(2.0)
    Person(stage).drive(5.0)
    stage.session.close()
    task = build_settings(TaskSettings, {"camera": CAMERA, "circuits": ["oval"]})
    settings = DemonstrationSettings(bags=(str(only_bag(tmp_path)),))
    episodes, (account,) = convert_bags(settings, task)
    assert account.failures == 1
    assert [episode.reason for episode in episodes if episode.terminated] == ["off_road"]
    # What came after the car had been put back is another episode.
    assert len(episodes) > 1


@pytest.mark.parametrize("request_", [("circuit", "simple"), ("mode", "manual")])
def test_a_bag_is_of_one_drive(stage, tmp_path, request_):
    stage.send("record", value=True)
    stage.hold(1.0, 1.0)
    kind, value = request_
    stage.send(kind, value=value)
    moment = stage.step()
    assert moment.recording is None
    assert moment.status.startswith("Recorded 1.0 s in")
    with Bag(only_bag(tmp_path)) as bag:
        assert {topic.count for topic in bag.topics.values()} == {20}
        assert not bag.warnings


def test_pausing_leaves_no_gap(stage, tmp_path):
    stage.send("record", value=True)
    stage.hold(0.5, 1.0)
    stage.send("pause", value=True)
    stage.wait(2.0)
    stage.send("pause", value=False)
    stage.hold(0.5, 1.0)
    stage.session.close()
    assert main(["replay", str(only_bag(tmp_path)), "--check"]) == 0
    with Bag(only_bag(tmp_path)) as bag:
        assert (bag.end_ns - bag.start_ns) / 1e9 == pytest.approx(0.95, abs=0.01)


def test_recording_twice_goes_on_with_the_first(stage, tmp_path):
    stage.send("record", value=True)
    stage.step()
    stage.send("record", value=True)
    assert "already" in stage.step().status
    only_bag(tmp_path)


def test_a_folder_that_cannot_hold_a_bag_is_told_and_the_drive_goes_on(stage, tmp_path):
    stage.session.recorder._folder = tmp_path / "file"
    (tmp_path / "file").touch()
    stage.send("record", value=True)
    moment = stage.hold(0.5, 1.0)[-1]
    assert moment.status.startswith("Not recording: ")
    assert "cannot be made" in moment.status
    assert moment.recording is None
    assert moment.speed_mps > 1.0


def test_a_disk_that_is_full_ends_the_recording_in_a_sentence(stage, tmp_path, monkeypatch):
    from f1_rl.bags.errors import BagError
    from f1_rl.bags.writer import BagWriter

    def refuse(*_: object) -> None:
        raise BagError("no room; make room.")

    stage.send("record", value=True)
    stage.step()
    monkeypatch.setattr(BagWriter, "flush", refuse)
    recording = stage.session.recorder._recording
    recording._recording._thread.join(10.0)
    moment = stage.step()
    assert moment.status == "no room; make room."
    assert moment.recording is None


def test_without_rosbags_it_says_how_to_install_it(stage, monkeypatch):
    monkeypatch.setitem(sys.modules, "f1_rl.bags.drive_recording", None)
    stage.send("record", value=True)
    assert "pip install 'f1_rl[bags]'" in stage.step().status


def test_what_was_recorded_survives_a_process_that_is_killed(stage, tmp_path):
    stage.send("record", value=True)
    stage.hold(1.0, 1.0)
    bag = only_bag(tmp_path)
    until_s = time.monotonic() + 20.0
    while "message_count: 60" not in (bag / "metadata.yaml").read_text():
        assert time.monotonic() < until_s, "nothing was flushed"
        time.sleep(0.05)
    # As it lies there when the process is killed now.
    copy = shutil.copytree(bag, tmp_path / "copy")
    with Bag(copy) as rest:
        assert len(list(rest.raw_records(["/cam_f1_left/image_raw"]))) == 20
