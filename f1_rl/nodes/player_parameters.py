"""The parameters of the player node."""

from __future__ import annotations

from dataclasses import dataclass

from f1_rl.nodes.parameters import parameter


@dataclass(frozen=True)
class PlayerParameters:
    """The parameters of the player node; each says what it is where it is declared."""

    bag: str = parameter("", "Bag to play: its folder, or one .mcap or .db3 file.")
    rate: float = parameter(
        1.0, "Recorded seconds a second.", minimum=0.01, maximum=100.0, changeable=True
    )
    loop: bool = parameter(False, "Whether it begins anew at the end.")
    start_offset_s: float = parameter(
        0.0, "How much of the beginning to leave out, seconds.", minimum=0.0, maximum=1e6
    )
    start_paused: bool = parameter(
        False, "Whether to play only when ~/pause or ~/step is called for it."
    )
    publish_clock: bool = parameter(
        False, "Whether /clock goes out: as recorded, otherwise the time of receipt."
    )
    restamp: bool = parameter(
        False, "Whether headers get the time of playing instead of that of recording."
    )
    image_topic: str = parameter(
        "", "Topic of the bag that is played as the car's camera. Empty: found by type and name."
    )
    command_topic: str = parameter(
        "", "Topic of the bag with the recorded commands. Empty: found by type and name."
    )
    odometry_topic: str = parameter(
        "", "Topic of the bag with the odometry. Empty: found by type and name."
    )
    wait_for: tuple[str, ...] = parameter(
        ("driver",),
        "Nodes that the first picture waits for, until they listen and are active. Empty text: "
        "nobody.",
    )
    wait_s: float = parameter(
        60.0,
        "How long it waits, seconds; then it plays all the same.",
        minimum=0.0,
        maximum=3600.0,
    )
