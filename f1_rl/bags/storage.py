"""What the file of a bag is to those who read it, whatever format it has."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class TopicInfo:
    """A topic of a bag.

    Attributes:
        name: Full name, such as `/cmd_vel`.
        type: Of its messages, such as `geometry_msgs/msg/Twist`.
        count: Of its messages, as far as known before they are read.
        definition: Of the type, as the bag holds it; empty where it holds none.
    """

    name: str
    type: str
    count: int
    definition: str = ""


@dataclass(frozen=True)
class RawRecord:
    """A message as it lies in the bag.

    Attributes:
        topic: Full name of its topic.
        type: Such as `sensor_msgs/msg/Image`.
        received_ns: When the recorder received it.
        data: The message in CDR, as rclpy publishes it too.
    """

    topic: str
    type: str
    received_ns: int
    data: bytes


@dataclass(frozen=True)
class Record:
    """A message, read.

    Attributes:
        topic: Full name of its topic.
        received_ns: When the recorder received it.
        message: With the fields that it has in ROS; `data` of a picture is an array of bytes.
    """

    topic: str
    received_ns: int
    message: Any


class Storage(Protocol):
    """One file of a bag, open.

    Attributes:
        topics: By name.
        start_ns: When its first message was received; 0 where it holds none.
        end_ns: When the last one was.
        warnings: What could not be read of it; grows while it is read.
    """

    topics: dict[str, TopicInfo]
    start_ns: int
    end_ns: int
    warnings: list[str]

    def records(self, topics: Collection[str], start_ns: int) -> Iterator[RawRecord]:
        """Yield the messages of some topics received at that time or later, in that order."""

    def close(self) -> None:
        """Close the file."""
