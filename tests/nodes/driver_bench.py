"""A camera and an ear beside the driver, and what the tests of the nodes share."""

import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).parents[1]
POLICY = TESTS / "data" / "policy"
HAS_LITERT = find_spec("ai_edge_litert") is not None or find_spec("tensorflow") is not None
PERIOD_S = 0.05


class Bench:
    """A node that plays the camera and hears what the driver says."""

    def __init__(self, pictures: list[np.ndarray]) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        from geometry_msgs.msg import Twist
        from sensor_msgs.msg import CameraInfo, Image, Joy

        from f1_rl.ros.graph import Graph
        from f1_rl.ros.messages import image_message
        from f1_rl.ros.qos import lossless

        self.graph = Graph("bench")
        self.node = self.graph.node
        self.commands: list[tuple[float, float, float]] = []
        self.proposed: list[tuple[float, float, float]] = []
        self.statuses: list[Any] = []
        self.make_message: Callable[[np.ndarray, int], Any] = lambda picture, stamp: image_message(
            picture, stamp, "camera"
        )
        self.change: Callable[[np.ndarray], np.ndarray] = lambda picture: picture
        self.stamp: Callable[[int], int] = lambda now_ns: now_ns
        self.running = threading.Event()
        self._ended = threading.Event()
        self._pictures = pictures
        listen, publisher = self.node.create_subscription, self.node.create_publisher
        listen(Twist, "cmd_vel", lambda m: self._note(self.commands, m), lossless(50))
        listen(Twist, "proposed_cmd", lambda m: self._note(self.proposed, m), lossless(50))
        listen(DiagnosticArray, "/diagnostics", self._diagnostics, lossless(10))
        self._images = publisher(Image, "cam_f1_left/image_raw", lossless(1))
        self.infos = publisher(CameraInfo, "cam_f1_left/camera_info", lossless(1))
        self.joy = publisher(Joy, "joy", lossless(1))
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        """Play the camera as it should be, and forget what was heard."""
        from f1_rl.ros.messages import image_message

        self.make_message = lambda picture, stamp: image_message(picture, stamp, "camera")
        self.change = lambda picture: picture
        self.stamp = lambda now_ns: now_ns
        self.running.set()
        self.commands.clear()
        self.proposed.clear()

    @property
    def drives(self) -> bool:
        """Whether the newest command is a recent one to move."""
        return bool(self.commands) and self.commands[-1][1] > 0.0 and self._recent()

    @property
    def stands(self) -> bool:
        """Whether the newest command is a recent stop."""
        return bool(self.commands) and self.commands[-1][1:] == (0.0, 0.0) and self._recent()

    def status(self) -> dict[str, str]:
        """Return the newest figures of the driver."""
        return {item.key: item.value for item in self.statuses[-1].values}

    def message(self) -> str:
        """Return what the driver said of itself last."""
        return str(self.statuses[-1].message) if self.statuses else ""

    def call(self, kind: Any, name: str, **fields: Any) -> Any:
        """Call a service and return its answer."""
        client = self.node.create_client(kind, name)
        try:
            return self.graph.call(client, kind.Request(**fields), time.monotonic() + 20.0)
        finally:
            self.node.destroy_client(client)

    def transition(self, label: str) -> bool:
        """Ask the driver for a transition of its lifecycle."""
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        number = getattr(Transition, f"TRANSITION_{label.upper()}")
        answer = self.call(ChangeState, "driver/change_state", transition=Transition(id=number))
        return bool(answer.success)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self.graph.close()

    def _recent(self) -> bool:
        return time.monotonic() - self.commands[-1][0] < 0.3

    def _note(self, heard: list[tuple[float, float, float]], message: Any) -> None:
        heard.append((time.monotonic(), message.linear.x, message.angular.z))

    def _diagnostics(self, message: Any) -> None:
        self.statuses.extend(status for status in message.status if status.name == "/driver")

    def _play(self) -> None:
        i = 0
        next_s = time.monotonic()
        while not self._ended.is_set():
            next_s = max(next_s + PERIOD_S, time.monotonic())
            time.sleep(max(0.0, next_s - time.monotonic()))
            if self.running.is_set():
                picture = self.change(self._pictures[i % len(self._pictures)])
                self._images.publish(self.make_message(picture, self.stamp(time.time_ns())))
                i += 1
