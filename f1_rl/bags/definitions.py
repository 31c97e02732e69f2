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
    """The definitions of message types: those of ROS itself, then those of installed packages."""

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
        found = get_types_from_msg(file.read_text(encoding="utf-8"), message_type)
        own = found[message_type]
        for part in _parts(own[1]):
            self._learn(part)
        self._store.register(found)


def _parts(fields: object) -> set[str]:
    """Return the names of message types among a definition's field descriptions."""
    if isinstance(fields, str):
        return {fields} if "/msg/" in fields else set()
    if isinstance(fields, (list, tuple)):
        return set().union(*(_parts(one) for one in fields))
    return set()
