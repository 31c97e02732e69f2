from dataclasses import dataclass

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from f1_rl.nodes.parameters import ParameterError, declare_parameters, on_change, parameter


@dataclass(frozen=True)
class Some:
    speed_mps: float = parameter(
        2.0, "Forward speed, m/s.", minimum=0.0, maximum=10.0, changeable=True
    )
    frames: int = parameter(3, "How many frames.", minimum=1)
    mode: str = parameter("safe", "How to drive.", choices=("safe", "fast"), changeable=True)
    shadow: bool = parameter(False, "Whether only to watch.")
    pose: tuple[float, ...] = parameter((0.0, 0.0), "Where.", length=2, changeable=True)


@pytest.fixture
def make_node(domain_id):
    context = Context()
    rclpy.init(context=context)
    nodes = []

    def make(*arguments, **overrides):
        given = [Parameter(name, value=value) for name, value in overrides.items()]
        command_line = ["--ros-args", *arguments] if arguments else None
        nodes.append(
            Node("some", context=context, parameter_overrides=given, cli_args=command_line)
        )
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_defaults_and_given_values_are_returned(make_node):
    assert declare_parameters(make_node(), Some) == Some()
    node = make_node("-p", "speed_mps:=3", "-p", "mode:=fast", "-p", "pose:=[1.0, 2.0]")
    values = declare_parameters(node, Some)
    assert values == Some(speed_mps=3.0, mode="fast", pose=(1.0, 2.0))
    assert isinstance(values.speed_mps, float)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("sped_mps", 1.0, "no parameter 'sped_mps' (did you mean 'speed_mps'?); choose"),
        ("speed_mps", -1.0, "speed_mps is -1.0; give at least 0.0"),
        ("speed_mps", 11.0, "speed_mps is 11.0; give at most 10.0"),
        ("speed_mps", float("nan"), "give a finite number"),
        ("speed_mps", "fast", "speed_mps is 'fast'; give a number"),
        ("frames", 1.5, "frames is 1.5; give a whole number"),
        ("frames", True, "frames is True; give a whole number"),
        ("frames", 0, "frames is 0; give at least 1"),
        ("mode", "wild", "mode is 'wild'; choose safe or fast"),
        ("shadow", 1, "shadow is 1; give true or false"),
        ("pose", [1.0], "pose has 1 values; give 2"),
        ("pose", 1.0, "give a list like"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(make_node, name, value, reason):
    with pytest.raises(ParameterError, match="some: ") as error:
        declare_parameters(make_node(**{name: value}), Some)
    assert reason in str(error.value)


def test_tools_see_description_and_range(make_node):
    node = make_node()
    declare_parameters(node, Some)
    speed = node.describe_parameter("speed_mps")
    assert speed.description == "Forward speed, m/s."
    assert not speed.read_only
    assert (speed.floating_point_range[0].from_value, speed.floating_point_range[0].to_value) == (
        0.0,
        10.0,
    )
    frames = node.describe_parameter("frames")
    assert frames.read_only
    assert frames.integer_range[0].from_value == 1
    assert "safe, fast" in node.describe_parameter("mode").additional_constraints


def test_changes_are_checked_and_told(make_node):
    node = make_node()
    declare_parameters(node, Some)
    told = {}

    def accept(name, value):
        if value == (9.0, 9.0):
            raise ParameterError("not there.")
        told[name] = value

    on_change(node, Some, accept)

    def change(name, value):
        return node.set_parameters([Parameter(name, value=value)])[0]

    assert change("speed_mps", 4.0).successful
    assert change("pose", [1.0, 2.0]).successful
    assert told == {"speed_mps": 4.0, "pose": (1.0, 2.0)}
    assert not change("speed_mps", 40.0).successful
    assert not change("frames", 5).successful
    assert "choose safe or fast" in change("mode", "wild").reason
    assert change("pose", [9.0, 9.0]).reason == "not there."
    assert node.get_parameter("speed_mps").value == 4.0
    assert told == {"speed_mps": 4.0, "pose": (1.0, 2.0)}
