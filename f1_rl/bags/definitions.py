"""What messages are made of, as bags carry it along for readers that do not know them."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from f1_rl.bags.errors import BagError


class UnknownTypeError(BagError):
    """A message type that nothing here defines."""


class MessageDefinitions:
    """The definitions of message types: of ROS itself, those added, of installed packages."""

    def find(self, message_type: str) -> tuple[str, str]:
        """Return the definition and the hash (REP-2011) of a type.

        Args:
            message_type: Such as `sensor_msgs/msg/Image`.

        Raises:
            UnknownTypeError: Nothing here knows the type.
        """
        self._learn(message_type)
        text, _ = self._store.generate_msgdef(message_type, ros_version=2)
        return text, self._store.hash_rihs01(message_type)

    def add(self, message_type: str, definition: str) -> None:
        """Learn a type that is not known yet from the definition that a bag holds of it.

        Args:
            message_type: Such as `sensor_msgs/msg/Image`.
            definition: Of it and of what it is made of; empty: nothing happens.

        Raises:
            UnknownTypeError: The definition cannot be read, or nothing here knows a type that it
                is made of.
        """
        if message_type in self._store.fielddefs or not definition:
            return
        try:
            self._register(message_type, definition)
        except UnknownTypeError:
            raise
        except Exception as error:
            # A parser's own errors, of several classes.
            reason = " ".join(str(error).split())
            raise UnknownTypeError(
                f"the bag's definition of {message_type} cannot be read ({reason}); install its "
                "package, or source the workspace that has it."
            ) from error

    @cached_property
    def _store(self) -> Typestore:
        distribution = f"ROS2_{os.environ.get('ROS_DISTRO', 'jazzy').upper()}"
        return get_typestore(Stores.__members__.get(distribution, Stores.ROS2_JAZZY))

    def _learn(self, message_type: str) -> None:
        """Read a type that the store lacks, and those it is made of, from their packages."""
        if message_type in self._store.fielddefs:
            return
        package, _, name = message_type.partition("/msg/")
        relative = Path("share", package, "msg", f"{name}.msg")
        prefixes = filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
        candidates = (Path(prefix, relative) for prefix in prefixes)
        file = next((path for path in candidates if path.is_file()), None)
        if file is None:
            raise UnknownTypeError(
                f"no definition of {message_type} is here; install the package {package}, or "
                "source the workspace that has it."
            )
        self._register(message_type, file.read_text(encoding="utf-8"))

    def _register(self, message_type: str, definition: str) -> None:
        """Take a definition, once all that it is made of is known."""
        known = self._store.fielddefs
        found = get_types_from_msg(definition, message_type)
        found = {name: parts for name, parts in found.items() if name not in known}
        for _, fields in found.values():
            for part in _parts(fields) - found.keys():
                self._learn(part)
        self._store.register(found)


def _parts(fields: object) -> set[str]:
    """Return the names of message types among a definition's field descriptions."""
    if isinstance(fields, str):
        return {fields} if "/msg/" in fields else set()
    if isinstance(fields, (list, tuple)):
        return set().union(*(_parts(one) for one in fields))
    return set()
