"""The nodes: their parameters from where they are declared, their topics from their source."""

from f1_rl.nodes.actuators_parameters import ActuatorsParameters
from f1_rl.nodes.driver_parameters import DriverParameters
from f1_rl.nodes.parameters import Rule, parameter_rules
from f1_rl.nodes.player_parameters import PlayerParameters
from f1_rl.nodes.recorder_parameters import RecorderParameters
from f1_rl.nodes.simulator_parameters import SimulatorParameters
from f1_rl.nodes.trainer_parameters import TrainerParameters
from generate import markdown
from generate.topics import Endpoint, find_endpoints

PARAMETERS: dict[str, type] = {
    "simulator": SimulatorParameters,
    "driver": DriverParameters,
    "trainer": TrainerParameters,
    "recorder": RecorderParameters,
    "player": PlayerParameters,
    "actuators": ActuatorsParameters,
}
# The modules that make each node's publishers, subscriptions and services.
_MODULES = {
    "simulator": ("nodes/simulator", "nodes/simulator_topics", "nodes/simulator_gazebo"),
    "driver": ("nodes/driver", "nodes/driver_topics"),
    "trainer": ("nodes/trainer", "ros/car", "ros/clockwork"),
    "recorder": ("nodes/recorder",),
    "player": ("nodes/player",),
    "actuators": ("nodes/actuators", "nodes/actuators_topics"),
}

_PARAMETERS = """
`f1-rl launch` takes them from the files in `config/`; `ros2 param describe /NODE NAME` says the
same as this page. Those that may change while the node runs are marked.
"""
_TOPICS = """
Names without a leading slash are below the node's namespace; `~/` stands for the node's own name.
A name in braces depends on a parameter or on what is there. The recorder subscribes to what its
parameter `topics` lists; the player publishes what is in the bag, commands below `recorded/`.
"""
_KINDS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
}


def parameters_page() -> str:
    """Return the page of all nodes' parameters."""
    sections = [_parameters(name, kind) for name, kind in PARAMETERS.items()]
    return markdown.page("Node parameters", _PARAMETERS, *sections)


def topics_page() -> str:
    """Return the page of all nodes' topics and services."""
    return markdown.page("Topics and services", _TOPICS, *map(_topics, _MODULES))


def _parameters(node: str, kind: type) -> str:
    rows = [
        [f"`{name}`", _values(rule, default), _default(default), _meaning(rule)]
        for name, (rule, default) in parameter_rules(kind).items()
    ]
    return f"## {node}\n\n" + markdown.table(["parameter", "values", "default", "meaning"], rows)


def _topics(node: str) -> str:
    found: list[Endpoint] = []
    for module in _MODULES[node]:
        found += [endpoint for endpoint in find_endpoints(module) if endpoint not in found]
    rows = [[one.kind, f"`{one.name}`", f"`{one.type}`", one.quality] for one in found]
    return f"## {node}\n\n" + markdown.table(["", "name", "type", "quality of service"], rows)


def _values(rule: Rule, default: object) -> str:
    if rule.choices:
        return " or ".join(f"`{choice}`" for choice in rule.choices)
    element = default[0] if isinstance(default, tuple) else default
    words = _KINDS[type(element)]
    if isinstance(default, tuple):
        words = f"list of {rule.length or 'any length'}, each: {words}"
    if rule.minimum is not None:
        words += f", from {rule.minimum:g}"
    if rule.maximum is not None:
        words += f", to {rule.maximum:g}"
    return words


def _default(default: object) -> str:
    if isinstance(default, bool):
        return markdown.code(str(default).lower())
    if isinstance(default, tuple):
        return markdown.code(str(list(default)))
    return markdown.code(str(default)) or "empty"


def _meaning(rule: Rule) -> str:
    return f"{rule.description} (May change.)" if rule.changeable else rule.description
