"""A copy of a bag with the commands that a policy would have given."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from rosbags.typesys import Stores, get_typestore

from f1_rl.bags.definitions import MessageDefinitions, UnknownTypeError
from f1_rl.bags.offline import ReplayedFrame
from f1_rl.bags.reader import Bag
from f1_rl.bags.storage import RawRecord
from f1_rl.bags.writer import BagWriter, RecordedTopic

PROPOSED_TOPIC = "/proposed_cmd"
_TYPE = "geometry_msgs/msg/TwistStamped"
_FRAME_ID = "base_link"


class Proposals:
    """The policy's commands: forty bytes each, kept until the bag is copied."""

    def __init__(self) -> None:
        """Begin empty."""
        self._times_ns = array("q")
        self._commands = array("d")

    def __len__(self) -> int:
        """Return their number."""
        return len(self._times_ns) // 2

    def add(self, replayed: ReplayedFrame) -> None:
        """Take the command of a frame, if the policy decided on it."""
        if replayed.decision is not None:
            self._times_ns.extend((replayed.frame.received_ns, replayed.frame.stamp_ns))
            self._commands.extend(replayed.decision.command)

    def messages(self, topic: str) -> Iterator[RawRecord]:
        """Yield them as messages, received as their picture was and with its stamp."""
        store = get_typestore(Stores.ROS2_JAZZY)
        types = store.types
        stamped, twist = types[_TYPE], types["geometry_msgs/msg/Twist"]
        vector, header = types["geometry_msgs/msg/Vector3"], types["std_msgs/msg/Header"]
        time = types["builtin_interfaces/msg/Time"]
        for i in range(len(self)):
            received_ns, stamp_ns = self._times_ns[2 * i : 2 * i + 2]
            speed_mps, yaw_rate_radps = self._commands[2 * i : 2 * i + 2]
            stamp = time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
            message = stamped(
                header=header(stamp=stamp, frame_id=_FRAME_ID),
                twist=twist(
                    linear=vector(x=speed_mps, y=0.0, z=0.0),
                    angular=vector(x=0.0, y=0.0, z=yaw_rate_radps),
                ),
            )
            yield RawRecord(topic, _TYPE, received_ns, bytes(store.serialize_cdr(message, _TYPE)))


def write_with_proposals(bag: Bag, proposals: Proposals, folder: Path) -> str:
    """Write a new bag: what the old one holds, and the policy's commands beside it.

    Args:
        bag: The old one; it is only read.
        proposals: The commands.
        folder: The new one, which must not exist.

    Returns:
        The topic of the commands.

    Raises:
        BagError: The folder exists, or cannot be written.
    """
    topic = PROPOSED_TOPIC
    while topic in bag.topics:
        topic += "_offline"
    custom_data = {**bag.custom_data, "proposals": topic}
    definitions = MessageDefinitions()
    writer = BagWriter(folder, custom_data=custom_data, definitions=definitions)
    try:
        kept = _declare(writer, bag, definitions)
        writer.add_topic(RecordedTopic(topic, _TYPE))
        sources = (bag.raw_records(kept), proposals.messages(topic))
        last_ns = 0
        for record in heapq.merge(*sources, key=lambda item: item.received_ns):
            # Of a damaged bag the messages need not be in order.
            last_ns = max(last_ns, record.received_ns)
            writer.write(record.topic, last_ns, record.data)
        writer.close()
    except BaseException:
        writer.abandon()
        raise
    return topic


def _declare(writer: BagWriter, bag: Bag, definitions: MessageDefinitions) -> Sequence[str]:
    """Declare the topics whose types are known, here or to the bag, and return their names."""
    kept = []
    for info in bag.topics.values():
        try:
            definitions.add(info.type, info.definition)
            writer.add_topic(RecordedTopic(info.name, info.type))
        except UnknownTypeError as error:
            bag.warnings.append(f"{info.name} is not copied: {error}")
            continue
        kept.append(info.name)
    return kept
