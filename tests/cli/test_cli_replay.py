import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from cli_helpers import tell

from f1_rl.cli import replay

pytest.importorskip("rosbags", reason="reading bags needs rosbags")
if find_spec("ai_edge_litert") is None and find_spec("tensorflow") is None:
    pytest.skip("no TFLite interpreter is installed", allow_module_level=True)

DATA = Path(__file__).parents[1] / "data"
SAMPLE = DATA / "bags" / "gazebo_bend"
POLICY = DATA / "policy"


def test_checking_a_bag_prints_what_it_holds_and_what_for():
    told = tell("replay", SAMPLE, "--check")
    assert (told.code, told.err) == (0, "")
    assert "5.0 s, 300 messages" in told.out
    assert "100 of 640 x 480 (rgb8)" in told.out
    assert "offline replay: yes." in told.out
    assert "learning: yes; give the circuit that was driven with --circuit" in told.out


def test_checking_a_bag_prints_json_for_programs():
    told = tell("replay", SAMPLE, "--check", "--policy", POLICY, "--json")
    document = json.loads(told.out)
    assert {topic["name"]: topic["count"] for topic in document["topics"]} == {
        "/cam_f1_left/image_raw": 100,
        "/cmd_vel": 100,
        "/odom": 100,
    }
    assert all(use["possible"] for use in document["uses"])


def test_a_bag_that_cannot_be_replayed_fails_the_check(tmp_path):
    from f1_rl.bags.writer import BagWriter

    BagWriter(tmp_path / "empty").close()
    told = tell("replay", tmp_path / "empty", "--check")
    assert told.code == 1
    assert "offline replay: no: there are no pictures" in told.out


def test_replaying_prints_the_agreement_and_the_files(tmp_path):
    told = tell("replay", SAMPLE, "--policy", POLICY, "--out", tmp_path / "out")
    assert (told.code, told.err) == (0, "")
    assert "gazebo_bend: 100 decisions of data/policy (racing)" in told.out
    assert "same steering" in told.out
    assert re.search(r"a decision takes .* ms \(99 %\), the first left out$", told.out, re.M)
    for name in ("frames.csv", "replay.json", "latency.json", "replay.html"):
        assert str(tmp_path / "out" / name) in told.out
        assert (tmp_path / "out" / name).is_file()


def test_what_was_neither_recorded_nor_chosen_takes_no_room(capsys):
    counts = ((3, 0, 0), (0, 0, 0), (1, 0, 2))
    replay._print_confusion(("left", "straight", "right"), ("left", "straight", "right"), counts)
    shown = capsys.readouterr().out
    assert "left" in shown
    assert "right" in shown
    assert "straight" not in shown


def test_replaying_prints_json_for_programs(tmp_path):
    told = tell("replay", SAMPLE, "--policy", POLICY, "--json")
    document = json.loads(told.out)
    assert document["outcomes"] == {"decided": 100}
    assert document["latency"]["p50_s"] > 0.0


def test_topics_and_tolerance_are_options():
    told = tell(
        "replay",
        SAMPLE,
        "--policy",
        POLICY,
        "--json",
        "--tolerance",
        1,
        "--image-topic",
        "cam_f1_left/image_raw",
        "--command-topic",
        "/cmd_vel",
        "--odometry-topic",
        "/odom",
    )
    document = json.loads(told.out)
    assert document["tolerance_ms"] == 1.0
    assert document["agreement"]["compared"] == 100


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((SAMPLE,), "give a policy to replay the bag with (--policy RUN), or --check"),
        ((SAMPLE, "--policy", POLICY, "--video"), "--video needs a folder"),
        ((SAMPLE, "--check", "--out", "x"), "--check writes nothing; leave out --out, or --check."),
        ((SAMPLE, "--check", "--video"), "--check writes nothing; leave out --video"),
        ((SAMPLE, "--check", "--bag", "x"), "--check writes nothing; leave out --bag"),
        ((SAMPLE, "--check", "--last"), "--last needs the policy that it is about"),
        ((SAMPLE, "--check", "--camera-calibration", "x"), "--camera-calibration needs the policy"),
        (("nowhere", "--check"), "nowhere: does not exist; give the folder of a bag"),
        ((SAMPLE, "--policy", "nowhere"), "nowhere: is no policy folder"),
        ((SAMPLE, "--policy", POLICY, "--image-topic", "/scan"), "has no topic /scan; it has"),
        ((SAMPLE, "--policy", POLICY, "--out", SAMPLE), "into which nothing is written"),
        ((POLICY, "--check"), "is no bag: it holds neither metadata.yaml nor"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(arguments, reason):
    told = tell("replay", *arguments)
    assert told.code == 1
    assert reason in told.err
    assert told.err.count("\n") == 1
    assert "Traceback" not in told.err
