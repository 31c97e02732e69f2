"""The recorder: a node that writes a drive into a rosbag2 bag, as it was published.

It listens to the topics of the parameter `topics` as soon as somebody publishes them, with any
quality of service, and writes their bytes as they came. Services: `~/save_ring` (Trigger) writes
the last `ring_s` seconds into a bag of their own, beside the recording, which also happens when
the driver reports an ERROR on /diagnostics. `/diagnostics` says how much was written and dropped.

A recording that is killed can be read up to its last second. When the disk is full, the node says
so and ends; what was written stays.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import Trigger

from f1_rl.bags.errors import BagError
from f1_rl.bags.metadata import PREFIX, describe_recording
from f1_rl.bags.recording import Recording
from f1_rl.bags.ring import Message
from f1_rl.bags.writer import RecordedTopic
from f1_rl.learning.run_folder import describe_versions
from f1_rl.nodes.driver_diagnostics import key_values
from f1_rl.nodes.lifetime import run_node
from f1_rl.nodes.parameters import ParameterError, declare_parameters
from f1_rl.nodes.recorder_parameters import RecorderParameters
from f1_rl.nodes.recorder_topics import RecorderTopics
from f1_rl.ros.qos import lossless

_LOOK_EVERY_S = 0.5
_DIAGNOSTICS_PERIOD_S = 1.0
_TELL_WHO_IS_MISSING_AFTER_S = 10.0


class RecorderNode(Node):
    """Records topics; see the module.

    Attributes:
        failed: Set when the bag cannot be written any further.
        done: Never set: it records until it is ended.
    """

    def __init__(self, **arguments: Any) -> None:
        """Declare parameters, make the bag and listen.

        Args:
            **arguments: Of `rclpy.node.Node`.

        Raises:
            ParameterError: A parameter does not exist or does not fit.
            BagError: The bag cannot be made.
        """
        super().__init__("recorder", **arguments)
        self.failed = threading.Event()
        self.done = threading.Event()
        self._settings = parameters = declare_parameters(self, RecorderParameters)
        parameters.check()
        self._recording = Recording(
            _folder(parameters.output),
            parameters.bag_format,
            parameters.limits,
            describe_recording(
                policy=parameters.policy,
                circuit=parameters.circuit,
                car=parameters.car,
                note=parameters.note,
                versions=describe_versions(),
            ),
            continuous=parameters.continuous,
            on_ring=self._on_ring,
            on_failure=self._on_failure,
        )
        self._topics = RecorderTopics(
            self, parameters.topics, self._on_message, self.get_logger().warning
        )
        self._faults = FaultWatch(parameters.ring_s)
        self._dropped = 0
        self._began_s = time.monotonic()
        self._told_who_is_missing = False
        self._driver = ""
        if parameters.driver:
            self._driver = _full_name(self.get_namespace(), parameters.driver)
            self.create_subscription(
                DiagnosticArray, "/diagnostics", self._on_diagnostics, lossless(10)
            )
        self.create_service(Trigger, "~/save_ring", self._on_save_ring)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", lossless(10))
        # Simulated time may stand still; what happens meanwhile is recorded all the same.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_LOOK_EVERY_S, self._look_around, clock=steady)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._tell, clock=steady)

    def start(self) -> None:
        """Listen to what is there already."""
        self._topics.look()
        if self._settings.continuous:
            self.get_logger().info(f"recording into {self._recording.folder}")
        else:
            self.get_logger().info(
                f"the last {self._settings.ring_s:g} s are written when something happens, "
                f"to {self._recording.folder}-ring-1 and so on"
            )

    def halt(self) -> None:
        """There is no car to stop."""

    def close(self) -> None:
        """Write what waits, finish the bag, leave the graph."""
        if self._faults.waits and self._settings.ring_s > 0.0 and not self.failed.is_set():
            self._recording.save_ring()
        self._recording.close()
        recording = self._recording
        if self._settings.continuous:
            self.get_logger().info(
                f"{recording.written} messages are in {recording.folder}, {recording.dropped} "
                "were dropped since the disk was too slow"
            )
        self.destroy_node()

    def _on_message(self, topic: RecordedTopic, data: bytes, received_ns: int) -> None:
        self._recording.put(Message(topic, received_ns, data))

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            if status.name == self._driver:
                self._faults.hear(status.level == DiagnosticStatus.ERROR)
                if not self._settings.policy:
                    self._note_policy(status)

    def _note_policy(self, status: Any) -> None:
        for item in status.values:
            if item.key in ("policy", "policy_hash"):
                self._recording.note(f"{PREFIX}{item.key}", item.value)

    def _look_around(self) -> None:
        self._topics.look()
        if self._settings.ring_s > 0.0 and self._faults.due(time.monotonic()):
            folder = self._recording.save_ring()
            self.get_logger().warning(
                f"{self._driver} reports a fault: the last {self._recording.ring.duration_s:.0f} "
                f"s go to {folder}"
            )
        self._tell_who_is_missing()

    def _tell_who_is_missing(self) -> None:
        """Say once who does not publish, where nobody publishes anything."""
        late = time.monotonic() - self._began_s > _TELL_WHO_IS_MISSING_AFTER_S
        others = {name for name in self._topics.listened_to if name != "/diagnostics"}
        if late and not others and not self._told_who_is_missing:
            self._told_who_is_missing = True
            self.get_logger().warning(
                f"nobody publishes {', '.join(self._topics.names)}; look at namespace, topics and "
                "ROS_DOMAIN_ID."
            )

    def _tell(self) -> None:
        recording, ring = self._recording, self._recording.ring
        level, text = DiagnosticStatus.OK, "recording"
        lost = recording.dropped - self._dropped
        self._dropped = recording.dropped
        if lost:
            level = DiagnosticStatus.WARN
            text = (
                f"the disk of {recording.folder} is too slow: {lost} messages were dropped in the "
                "last second; record less, or elsewhere."
            )
            self.get_logger().warning(text)
        elif ring.cut:
            level = DiagnosticStatus.WARN
            text = (
                f"the last {self._settings.ring_s:g} s need more than ring_max_mb "
                f"({self._settings.ring_max_mb:g} MB); {ring.duration_s:.0f} s are kept."
            )
        status = DiagnosticStatus(
            level=level, name=self.get_fully_qualified_name(), message=text, hardware_id="f1_car"
        )
        status.values = key_values(
            {
                "bag": str(recording.folder),
                "topics": len(self._topics.listened_to),
                "messages_written": recording.written,
                "messages_dropped": recording.dropped,
                "ring_s": ring.duration_s,
                "ring_mb": ring.size_bytes / 1e6,
            }
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _on_save_ring(self, _request: Any, response: Any) -> Any:
        if self._settings.ring_s == 0.0:
            response.success = False
            response.message = "nothing is kept in memory: the parameter ring_s is 0."
            return response
        folder = self._recording.save_ring()
        response.success = True
        response.message = f"the last seconds go to {folder}"
        return response

    def _on_ring(self, folder: Path, count: int) -> None:
        self.get_logger().info(f"{count} messages of the last seconds are in {folder}")

    def _on_failure(self, sentence: str) -> None:
        self.get_logger().fatal(sentence)
        self.failed.set()


class FaultWatch:
    """Decides when a fault has the last seconds written: once for each, and not all the time.

    A fault that comes within `ring_s` of the last writing is written when that time is over, so no
    two bags overlap and none is left out.
    """

    def __init__(self, ring_s: float) -> None:
        """Begin without a fault.

        Args:
            ring_s: How much is remembered.
        """
        self.waits = False
        self._faulty = False
        self._ring_s = ring_s
        self._not_before_s = 0.0

    def hear(self, faulty: bool) -> None:
        """Take note of how the driver is."""
        if faulty and not self._faulty:
            self.waits = True
        self._faulty = faulty

    def due(self, now_s: float) -> bool:
        """Return whether to write now; the fault is then dealt with."""
        if not self.waits or now_s < self._not_before_s:
            return False
        self.waits = False
        self._not_before_s = now_s + self._ring_s
        return True


def _folder(output: str) -> Path:
    if output:
        return Path(output).expanduser()
    return Path(datetime.now().strftime("bag-%Y%m%d-%H%M%S"))


def _full_name(namespace: str, node: str) -> str:
    return node if node.startswith("/") else f"{namespace.rstrip('/')}/{node}"


def main(args: list[str] | None = None) -> int:
    """Run the node until SIGINT, SIGTERM or SIGHUP.

    Args:
        args: The command line; by default the process's own.

    Returns:
        The exit status: 0, 1 if the bag could not be written to its end, or 2 for parameters that
        cannot be used.
    """
    return run_node(RecorderNode, args, unusable=(ParameterError, BagError))


if __name__ == "__main__":
    sys.exit(main())
