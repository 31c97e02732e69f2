"""From the bytes of a message to its fields, with rosbags or, where that is missing, with rclpy."""

from __future__ import annotations

from typing import Any, Protocol

from f1_rl.bags.errors import BagError
from f1_rl.bags.storage import RawRecord, Record, TopicInfo


class UnreadableMessageError(BagError):
    """The bytes of a message are not of its type."""


class MessageTypes(Protocol):
    """Reads messages."""

    def read(self, raw: RawRecord, topic: TopicInfo) -> Record:
        """Return a message with its fields.

        Raises:
            BagError: Its type is not known.
            UnreadableMessageError: Its bytes are not of that type.
        """


def message_types() -> MessageTypes:
    """Return what reads messages here."""
    try:
        return RosbagsTypes()
    except ImportError:
        return RosTypes()


class RosbagsTypes:
    """Knows the types of Jazzy, and those whose definition a bag holds."""

    def __init__(self) -> None:
        """Load the types of Jazzy."""
        from rosbags.typesys import Stores, get_typestore

        self._store = get_typestore(Stores.ROS2_JAZZY)

    def read(self, raw: RawRecord, topic: TopicInfo) -> Record:
        """Return a message; see `MessageTypes`."""
        if raw.type not in self._store.fielddefs:
            self._learn(raw.type, topic.definition)
        try:
            message: Any = self._store.deserialize_cdr(raw.data, raw.type)
        except Exception as error:
            # The library's generated code raises whatever the damaged bytes lead it to.
            raise _unreadable(raw, error) from error
        return Record(raw.topic, raw.received_ns, message)

    def _learn(self, name: str, definition: str) -> None:
        from rosbags.typesys import get_types_from_msg

        if not definition:
            raise BagError(
                f"the type {name} is unknown and the bag holds no definition of it; leave out its "
                "topic, or record it with MCAP, which keeps definitions."
            )
        try:
            found = get_types_from_msg(definition, name)
            known = self._store.fielddefs
            self._store.register({key: value for key, value in found.items() if key not in known})
        except Exception as error:
            # A parser's own errors, of several classes.
            raise BagError(
                f"the bag's definition of {name} cannot be read ({error}); leave out its topic."
            ) from error


class RosTypes:
    """Knows the types that the installation of ROS has; not tested, see `reader`."""

    def read(self, raw: RawRecord, topic: TopicInfo) -> Record:
        """Return a message; see `MessageTypes`."""
        from rclpy.serialization import deserialize_message
        from rosidl_runtime_py.utilities import get_message

        try:
            kind = get_message(raw.type)
        except (AttributeError, ModuleNotFoundError, ValueError) as error:
            raise BagError(
                f"the type {raw.type} is not installed ({error}); install its package, or source "
                "the workspace that has it."
            ) from error
        try:
            message = deserialize_message(raw.data, kind)
        except Exception as error:
            # rclpy does not say which.
            raise _unreadable(raw, error) from error
        return Record(raw.topic, raw.received_ns, message)


def _unreadable(raw: RawRecord, error: Exception) -> UnreadableMessageError:
    return UnreadableMessageError(
        f"a message of {raw.topic} received at {raw.received_ns} ns is no {raw.type} "
        f"({str(error) or type(error).__name__}) and is left out."
    )
