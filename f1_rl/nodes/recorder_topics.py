"""The topics of the recorder node: listened to as they appear, in the way they are published."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from f1_rl.bags.definitions import MessageDefinitions, UnknownTypeError
from f1_rl.bags.writer import RecordedTopic

_DEPTH = 100


class RecorderTopics:
    """Subscriptions to the bytes of topics, made when somebody publishes them.

    Each takes what every publisher gives: best effort if one offers no more, and what was
    published before (latched) if all keep it.

    Attributes:
        names: Full names of the topics wanted.
    """

    def __init__(
        self,
        node: Any,
        names: Sequence[str],
        on_message: Callable[[RecordedTopic, bytes, int], None],
        on_refusal: Callable[[str], None],
    ) -> None:
        """Listen to nothing yet; `look` does that.

        Args:
            node: The node.
            names: Of topics, as nodes of its namespace see them.
            on_message: Called with each message, in CDR, and when it was received, ns.
            on_refusal: Called once with a sentence about each topic that cannot be recorded.
        """
        self.names = [node.resolve_topic_name(name) for name in names]
        self._node = node
        self._on_message = on_message
        self._on_refusal = on_refusal
        self._definitions = MessageDefinitions()
        self._subscriptions: dict[str, Any] = {}
        self._topics: dict[str, RecordedTopic] = {}
        self._refused: set[tuple[str, str]] = set()

    @property
    def listened_to(self) -> list[str]:
        """Full names of the topics that are listened to."""
        return list(self._subscriptions)

    def look(self) -> None:
        """Listen to what has appeared, and adapt to publishers that offer otherwise."""
        for name in self.names:
            infos = self._node.get_publishers_info_by_topic(name)
            if infos:
                self._adapt(name, infos)

    def _adapt(self, name: str, infos: Sequence[Any]) -> None:
        known = self._topics.get(name)
        kinds = sorted({info.topic_type for info in infos})
        kind = known.type if known is not None else kinds[0]
        for other in kinds:
            if other != kind:
                self._refuse(name, other, f"{name} carries {other} as well as {kind}, which alone")
        offered = [info.qos_profile for info in infos if info.topic_type == kind]
        if not offered:
            return
        topic = RecordedTopic(
            name,
            kind,
            reliable=all(each.reliability == ReliabilityPolicy.RELIABLE for each in offered),
            latched=all(each.durability == DurabilityPolicy.TRANSIENT_LOCAL for each in offered),
        )
        if topic == known or (name, kind) in self._refused:
            return
        try:
            message_class = _message_class(kind)
            self._definitions.find(kind)
        except (ImportError, AttributeError, UnknownTypeError) as error:
            self._refuse(name, kind, f"{name} is not recorded, for {kind} is not known ({error})")
            return
        if known is not None:
            self._node.destroy_subscription(self._subscriptions[name])
        # What a reader is told of the topic stays as it was first.
        callback = functools.partial(self._receive, known or topic)
        self._subscriptions[name] = self._node.create_subscription(
            message_class, name, callback, _quality(topic), raw=True
        )
        self._topics[name] = topic

    def _receive(self, topic: RecordedTopic, data: bytes, information: Mapping[str, int]) -> None:
        # The time at which it arrived here, before it waited for its turn: a command must not seem
        # to come before the picture that it answers. Not every middleware knows it.
        self._on_message(topic, data, information["received_timestamp"] or time.time_ns())

    def _refuse(self, name: str, kind: str, sentence: str) -> None:
        if (name, kind) not in self._refused:
            self._refused.add((name, kind))
            self._on_refusal(sentence)


def _message_class(kind: str) -> Any:
    """Return the class of a type such as `sensor_msgs/msg/Image`.

    Raises:
        ImportError: Its package is not installed.
        AttributeError: The package has no such type.
    """
    package, _, name = kind.partition("/msg/")
    return getattr(importlib.import_module(f"{package}.msg"), name)


def _quality(topic: RecordedTopic) -> Any:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=_DEPTH,
        reliability=(
            ReliabilityPolicy.RELIABLE if topic.reliable else ReliabilityPolicy.BEST_EFFORT
        ),
        durability=(
            DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else DurabilityPolicy.VOLATILE
        ),
    )
