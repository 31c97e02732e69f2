"""The player: a node that plays a bag to the driver, and can drive no car by it.

Camera, its description and the odometry go out where the driver listens, whatever they are called
in the bag; other measurements under their own names. All else, first of all the recorded
commands, goes below `recorded/`: `recorded/cmd_vel`. A remapping that would take commands out of
there is refused. What is published are the recorded bytes, with their stamps unless `restamp`.

Services: `~/pause` (SetBool), `~/step` (Trigger), which plays up to the next picture while paused.
The parameter `rate` may change while it plays. The first message waits until the driver listens
and is active. After the last one the node waits until all have it, and ends.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.duration import Duration
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from std_srvs.srv import SetBool, Trigger

from f1_rl.bags import Bag, BagError, RawRecord
from f1_rl.bags.drive_topics import find_drive_topics
from f1_rl.nodes.lifetime import run_node
from f1_rl.nodes.parameters import ParameterError, declare_parameters, on_change
from f1_rl.nodes.playback import Playback, restamped
from f1_rl.nodes.player_parameters import PlayerParameters
from f1_rl.nodes.player_topics import (
    CLOCK_TYPE,
    has_header,
    is_harmless,
    is_measurement,
    played_names,
)
from f1_rl.ros.graph import NoAnswerError, Pending
from f1_rl.ros.messages import stamp_message
from f1_rl.ros.qos import latched, lossless

_DEPTH = 10
_LOOK_EVERY_S = 0.05
_ANSWER_WITHIN_S = 2.0
# A node that listens and offers no lifecycle by then has none.
_LIFECYCLE_WITHIN_S = 0.5
_TELL_AGAIN_AFTER_S = 5.0
_ACKNOWLEDGED_WITHIN_S = 5.0
# For the driver to answer the last picture, and a recorder to hear it.
_LINGER_S = 0.25
_LATCHED = "tf_static"
# Of several nodes, each of which latched what it knows of the frames.
_LATCHED_DEPTH = 100


class PlayerNode(Node):
    """Plays a bag; see the module.

    Attributes:
        failed: Set when the bag cannot be read any further.
        done: Set when it has been played.
    """

    def __init__(self, **arguments: Any) -> None:
        """Declare parameters, open the bag and offer its topics.

        Args:
            **arguments: Of `rclpy.node.Node`.

        Raises:
            ParameterError: A parameter does not exist or does not fit.
            BagError: The bag cannot be read, or holds no pictures.
        """
        super().__init__("player", **arguments)
        self.failed = threading.Event()
        self.done = threading.Event()
        self._settings = declare_parameters(self, PlayerParameters)
        if not self._settings.bag:
            raise ParameterError("player: no bag is given; set the parameter bag to its folder.")
        self._bag = Bag(Path(self._settings.bag).expanduser())
        self._drive = find_drive_topics(
            self._bag,
            self._settings.image_topic or None,
            self._settings.command_topic or None,
            self._settings.odometry_topic or None,
        )
        self._begin_ns = self._bag.start_ns + round(1e9 * self._settings.start_offset_s)
        if self._begin_ns > self._bag.end_ns:
            length_s = (self._bag.end_ns - self._bag.start_ns) / 1e9
            raise ParameterError(
                f"player: start_offset_s is {self._settings.start_offset_s:g}, the bag has "
                f"{length_s:.1f} s; give less."
            )
        self._publishers_of = self._offer()
        self._clock_publisher: Any = None
        self._clocks: list[str] = []
        if self._settings.publish_clock:
            self._clock_publisher = self.create_publisher(Clock, "/clock", lossless(1))
            self._clocks = [t.name for t in self._bag.topics.values() if t.type == CLOCK_TYPE]
        self._playback = Playback(
            self._records,
            self._publish,
            is_frame=lambda record: record.topic == self._drive.image_topic,
            rate=self._settings.rate,
            loop=self._settings.loop,
            paused=self._settings.start_paused,
        )
        on_change(self, PlayerParameters, lambda _, rate: self._playback.set_rate(rate))
        self.create_service(SetBool, "~/pause", self._on_pause)
        self.create_service(Trigger, "~/step", self._on_step)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="playback", daemon=True)

    def start(self) -> None:
        """Begin to wait for listeners, then to play."""
        self._thread.start()

    def halt(self) -> None:
        """End playing; there is no car to stop."""
        self._closed.set()
        self._playback.close()

    def close(self) -> None:
        """Close the bag, leave the graph."""
        self.halt()
        if self._thread.ident is not None:
            self._thread.join(timeout=2.0)
        self._bag.close()
        self.destroy_node()

    def _offer(self) -> dict[str, Any]:
        """Return publishers by topic of the bag."""
        publishers = {}
        for topic, name in played_names(self._bag, self._drive).items():
            kind = self._bag.topics[topic].type
            package, _, class_name = kind.partition("/msg/")
            try:
                message_class = getattr(importlib.import_module(f"{package}.msg"), class_name)
            except (ImportError, AttributeError):
                self.get_logger().warning(
                    f"{topic} is not played: {kind} is not installed; install {package}."
                )
                continue
            quality = latched(_LATCHED_DEPTH) if name.endswith(_LATCHED) else lossless(_DEPTH)
            publisher = self.create_publisher(message_class, name, quality)
            if not is_measurement(kind) and not is_harmless(publisher.topic_name):
                raise ParameterError(
                    f"player: the recorded {topic} would go out on {publisher.topic_name}, where "
                    "it might drive a car; leave that remapping out."
                )
            publishers[topic] = publisher
        return publishers

    def _records(self) -> Iterator[RawRecord]:
        topics = [*self._publishers_of, *self._clocks]
        if self._begin_ns > self._bag.start_ns:
            # Who comes later is told what was latched: so must be who begins later.
            early = [topic for topic in self._publishers_of if topic.endswith(_LATCHED)]
            for record in self._bag.raw_records(early):
                if record.received_ns >= self._begin_ns:
                    break
                yield RawRecord(record.topic, record.type, self._begin_ns, record.data)
        yield from self._bag.raw_records(topics, self._begin_ns)

    def _publish(self, record: RawRecord) -> None:
        data = bytes(record.data)
        if record.type == CLOCK_TYPE:
            self._clock_publisher.publish(data)
            return
        if self._clock_publisher is not None and not self._clocks:
            self._clock_publisher.publish(Clock(clock=stamp_message(record.received_ns)))
        if self._settings.restamp and has_header(record.type):
            data = restamped(data, self.get_clock().now().nanoseconds)
        self._publishers_of[record.topic].publish(data)

    def _run(self) -> None:
        try:
            self._wait_for_listeners()
            if self._settings.start_paused:
                self.get_logger().info("paused; call ~/pause with false, or ~/step.")
            else:
                self.get_logger().info(f"playing {self._bag.path}")
            if self._playback.run():
                self._finish()
        except Exception as error:
            reason = str(error) if isinstance(error, BagError) else repr(error)
            self.get_logger().fatal(f"playing failed: {reason}")
            self.failed.set()

    def _finish(self) -> None:
        for publisher in self._publishers_of.values():
            publisher.wait_for_all_acked(Duration(seconds=_ACKNOWLEDGED_WITHIN_S))
        self._closed.wait(_LINGER_S)
        for warning in self._bag.warnings:
            self.get_logger().warning(warning)
        self.get_logger().info(f"played {self._playback.played} messages; that was the end.")
        self.done.set()

    def _wait_for_listeners(self) -> None:
        wanted = [name for name in self._settings.wait_for if name]
        began_s = told_s = time.monotonic()
        waits = {_full_name(self.get_namespace(), name): _Listener(self) for name in wanted}
        while not self._closed.is_set():
            listening = self._listening()
            missing = [
                name
                for name, listener in waits.items()
                if name not in listening or not listener.is_ready(name)
            ]
            now_s = time.monotonic()
            if not missing:
                return
            if now_s - began_s >= self._settings.wait_s:
                self.get_logger().warning(
                    f"{', '.join(missing)} did not begin to listen within "
                    f"{self._settings.wait_s:g} s; playing all the same."
                )
                return
            if now_s - told_s >= _TELL_AGAIN_AFTER_S:
                told_s = now_s
                self.get_logger().info(f"waiting for {', '.join(missing)}")
            self._closed.wait(_LOOK_EVERY_S)

    def _listening(self) -> set[str]:
        """Return the full names of the nodes that listen to the camera."""
        camera = self._publishers_of[self._drive.image_topic].topic_name
        infos = self.get_subscriptions_info_by_topic(camera)
        return {f"{info.node_namespace.rstrip('/')}/{info.node_name}" for info in infos}

    def _on_pause(self, request: Any, response: Any) -> Any:
        self._playback.pause(bool(request.data))
        response.success = True
        response.message = "paused." if request.data else "playing."
        return response

    def _on_step(self, _request: Any, response: Any) -> Any:
        response.success = self._playback.step()
        response.message = (
            "plays up to the next picture."
            if response.success
            else "it is not paused; call ~/pause with true first."
        )
        return response


class _Listener:
    """Finds out whether a node that listens is active, if it has a lifecycle."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._client: Any = None
        self._seen_s = 0.0

    def is_ready(self, name: str) -> bool:
        """Return whether it is, asking it."""
        now_s = time.monotonic()
        if self._client is None:
            self._client = self._node.create_client(GetState, f"{name}/get_state")
            self._seen_s = now_s
        if not self._client.service_is_ready():
            return now_s - self._seen_s > _LIFECYCLE_WITHIN_S
        try:
            answer = Pending(self._client, GetState.Request()).result(now_s + _ANSWER_WITHIN_S)
        except NoAnswerError:
            return False
        return bool(answer.current_state.id == State.PRIMARY_STATE_ACTIVE)


def _full_name(namespace: str, node: str) -> str:
    return node if node.startswith("/") else f"{namespace.rstrip('/')}/{node}"


def main(args: list[str] | None = None) -> int:
    """Run the node until the end of the bag, or SIGINT, SIGTERM or SIGHUP.

    Args:
        args: The command line; by default the process's own.

    Returns:
        The exit status: 0, 1 if the bag could not be played to its end, or 2 for parameters or a
        bag that cannot be used.
    """
    return run_node(PlayerNode, args, unusable=(ParameterError, BagError))


if __name__ == "__main__":
    sys.exit(main())
