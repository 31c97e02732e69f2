"""The launch `replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from f1_rl.launching.arguments import Argument
from f1_rl.launching.errors import LaunchError
from f1_rl.launching.launch import (
    LOG_LEVEL,
    NAMESPACE,
    Launch,
    Values,
    given,
    is_default,
    namespace_of,
    parameter,
    params_file,
)
from f1_rl.launching.plan import NodeProcess, Plan, Process
from f1_rl.launching.share import config_file

_BAG = Argument("bag", "Bag to play: its folder, or one .mcap or .db3 file.")
_POLICY = Argument("policy", "Policy folder, or run folder with one, that the driver drives by.")
_TOPICS = (
    parameter("image_topic", "Topic of the bag with the camera's pictures."),
    parameter("command_topic", "Topic of the bag with the recorded commands."),
    parameter("odometry_topic", "Topic of the bag with the odometry."),
)
_PLAYER_PARAMETERS = (
    parameter("rate", "Recorded seconds a second.", float),
    parameter("loop", "Whether to begin anew at the end.", bool),
    parameter("start_offset_s", "How much of the beginning to leave out, seconds.", float),
    parameter("start_paused", "Whether to play only when ~/pause or ~/step is called.", bool),
    parameter("publish_clock", "Whether /clock goes out, and the driver goes by it.", bool),
    parameter("restamp", "Whether headers get the time of playing.", bool),
    *_TOPICS,
)
_RECORD = Argument(
    "record", "Whether to record what the driver proposes into a bag.", "false", kind=bool
)
_OUTPUT = Argument("output", "Folder of that bag, to be made. Empty: bag-DATE-TIME.")
_DRIVER_PARAMS_FILE = Argument(
    "driver_params_file", "YAML file with the parameters of the driver.", "driver.yaml", kind=Path
)
# What a replay is about: the recorded commands, and those proposed.
_RECORDED_TOPICS = (
    "cam_f1_left/image_raw",
    "cam_f1_left/image_raw/compressed",
    "cam_f1_left/camera_info",
    "odom",
    "recorded/cmd_vel",
    "proposed_cmd",
    "/diagnostics",
    "/clock",
)


def _plan(values: Values) -> Plan:
    for argument in (_BAG, _POLICY):
        if values[argument.name] is None:
            raise LaunchError(f"{argument.name} is missing; write {argument.name}:=PATH.")
    if not values["record"] and not is_default(_OUTPUT, values):
        raise LaunchError("output is for recording; add record:=true, or leave it out.")
    common: dict[str, Any] = {
        "namespace": namespace_of(values),
        "log_level": values["log_level"],
    }
    waited_for = ("driver", "recorder") if values["record"] else ("driver",)
    player = NodeProcess(
        "player",
        params_file=values["params_file"],
        parameters={
            "bag": values["bag"],
            "wait_for": waited_for,
            **given(_PLAYER_PARAMETERS, values),
        },
        **common,
    )
    driver = NodeProcess(
        "driver",
        params_file=values["driver_params_file"],
        parameters={
            "policy": values["policy"],
            "shadow": True,
            "autostart": True,
            "image_transport": _image_transport(values),
            # Nobody presses a button in a replay.
            "deadman": False,
            **({"use_sim_time": True} if values["publish_clock"] else {}),
        },
        **common,
    )
    others: list[Process] = [driver]
    if values["record"]:
        others.append(_recorder(values, common))
    return Plan(player, tuple(others))


def _image_transport(values: Values) -> str:
    """Return as what the bag has the pictures.

    Raises:
        LaunchError: The bag cannot be read, or holds no pictures.
    """
    from f1_rl.bags import Bag, BagError
    from f1_rl.bags.drive_topics import find_drive_topics

    try:
        with Bag(Path(values["bag"]).expanduser()) as bag:
            topics = find_drive_topics(bag, **{each.name: values[each.name] for each in _TOPICS})
            kind = bag.topics[topics.image_topic].type
    except BagError as error:
        raise LaunchError(f"bag:={values['bag']} cannot be played: {error}") from error
    return "compressed" if kind.endswith("CompressedImage") else "raw"


def _recorder(values: Values, common: dict[str, Any]) -> NodeProcess:
    parameters: dict[str, Any] = {
        "topics": _RECORDED_TOPICS,
        # A driver without pictures, as while paused, is no fault worth a bag.
        "ring_s": 0.0,
        "note": f"replay of {values['bag']}",
    }
    if values["output"] is not None:
        parameters["output"] = values["output"]
    return NodeProcess(
        "recorder", params_file=config_file("recorder.yaml"), parameters=parameters, **common
    )


REPLAY = Launch(
    "replay",
    "Play a bag to a driver in shadow mode, which proposes commands and drives nothing.",
    (
        _BAG,
        _POLICY,
        *_PLAYER_PARAMETERS,
        _RECORD,
        _OUTPUT,
        NAMESPACE,
        params_file("player.yaml"),
        _DRIVER_PARAMS_FILE,
        LOG_LEVEL,
    ),
    _plan,
)
