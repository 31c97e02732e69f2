"""What the launches `record` and `replay` start; nothing is started here."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from f1_rl.cli.main import main
from f1_rl.launching import LAUNCHES, LaunchError, NodeProcess, Plan
from f1_rl.launching.arguments import split_words

needs_rosbags = pytest.mark.skipif(find_spec("rosbags") is None, reason="no rosbags: install it")
POLICY = Path(__file__).parents[1] / "data" / "policy"


def plan(name: str, *words: str) -> Plan:
    return LAUNCHES[name].plan(split_words(words))


def node(plan: Plan, place: int = 0) -> NodeProcess:
    process = plan.processes[place]
    assert isinstance(process, NodeProcess)
    return process


def test_recording_takes_its_parameters() -> None:
    words = ("output:=there", "topics:=odom, /tf", "ring_s:=5", "namespace:=car1")
    recorder = node(plan("record", *words, "storage:=sqlite3"))
    assert recorder.full_name == "/car1/recorder"
    assert dict(recorder.parameters) == {
        "output": "there",
        "topics": ("odom", "/tf"),
        "ring_s": 5.0,
        "storage": "sqlite3",
    }
    assert recorder.params_file is not None
    assert recorder.params_file.name == "recorder.yaml"


def test_record_is_short_for_launching_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "--show-args"]) == 0
    short = capsys.readouterr().out
    assert main(["launch", "record", "--show-args"]) == 0
    assert capsys.readouterr().out == short
    assert main(["record", "outptu:=x"]) == 1
    assert "write 'output'" in capsys.readouterr().err


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A bag with one compressed picture."""
    from f1_rl.bags.writer import BagWriter, RecordedTopic

    writer = BagWriter(tmp_path / "bag")
    writer.add_topic(RecordedTopic("/front/compressed", "sensor_msgs/msg/CompressedImage"))
    writer.write("/front/compressed", 10**18, bytes(20))
    writer.close()
    return tmp_path / "bag"


@needs_rosbags
def test_a_replay_has_its_driver_in_shadow_mode_with_the_bags_kind_of_picture(bag: Path) -> None:
    two = plan("replay", f"bag:={bag}", f"policy:={POLICY}", "rate:=2", "publish_clock:=true")
    assert two.labels == ("player-1", "driver-2")
    assert dict(node(two).parameters) == {
        "bag": str(bag),
        "wait_for": ("driver",),
        "rate": 2.0,
        "publish_clock": True,
    }
    driver = node(two, 1)
    assert dict(driver.parameters) == {
        "policy": str(POLICY),
        "shadow": True,
        "autostart": True,
        "image_transport": "compressed",
        "deadman": False,
        "use_sim_time": True,
    }
    assert not driver.remappings


@needs_rosbags
def test_a_replay_can_be_recorded(bag: Path) -> None:
    words = (f"bag:={bag}", f"policy:={POLICY}")
    three = plan("replay", *words, "record:=true", "output:=there")
    assert three.labels == ("player-1", "driver-2", "recorder-3")
    assert node(three).parameters["wait_for"] == ("driver", "recorder")
    recorder = node(three, 2)
    assert recorder.parameters["output"] == "there"
    assert {"proposed_cmd", "recorded/cmd_vel"} <= set(recorder.parameters["topics"])
    with pytest.raises(LaunchError, match="add record:=true"):
        plan("replay", *words, "output:=there")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "bag is missing; write bag:=PATH"),
        (("bag:=x",), "policy is missing; write policy:=PATH"),
        pytest.param(
            ("bag:=/nowhere", "policy:=x"), "bag:=/nowhere cannot be played", marks=needs_rosbags
        ),
    ],
)
def test_a_replay_without_a_bag_or_policy_is_refused(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(LaunchError, match=sentence):
        plan("replay", *words)


@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
@needs_rosbags
@pytest.mark.parametrize("name", ["recorder", "player", "actuators"])
def test_parameter_files_hold_parameters_that_exist_with_their_defaults(
    repository: Path, name: str
) -> None:
    from f1_rl.nodes.actuators_parameters import ActuatorsParameters
    from f1_rl.nodes.player_parameters import PlayerParameters
    from f1_rl.nodes.recorder_parameters import RecorderParameters

    content = yaml.safe_load((repository / "config" / f"{name}.yaml").read_text())
    values = content["/**"]["ros__parameters"]
    default = {
        "recorder": RecorderParameters(),
        "player": PlayerParameters(),
        "actuators": ActuatorsParameters(),
    }[name]
    plain = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    assert plain == {key: getattr(default, key) for key in values}
