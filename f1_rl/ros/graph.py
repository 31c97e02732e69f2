"""A node of one's own in the ROS graph, spun by one thread in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from f1_rl.ros.discovery import limit_discovery

# How often a service that is not there yet is looked for.
_LOOK_EVERY_S = 0.02
INTERRUPTED = "it was asked to end."
# How long whoever waits for an answer may not notice that he is to end.
_INTERRUPTED_WITHIN_S = 0.1


class NoAnswerError(TimeoutError):
    """A service that is not there, or did not answer in time."""


class Graph:
    """A node on a context of its own, with one executor in one thread.

    Callbacks run in that thread. Everybody else waits for them with a deadline on the steady
    clock, and nobody spins: so no callback can wait for another one, and simulated time, which
    stands still while the simulator does, matters to no deadline.

    Attributes:
        node: The node.
    """

    def __init__(
        self,
        name: str,
        *,
        namespace: str = "",
        remappings: Mapping[str, str] | None = None,
        domain_id: int | None = None,
    ) -> None:
        """Join the graph.

        Args:
            name: Of the node.
            namespace: Of the node, without which it is at the root.
            remappings: New names of topics and services.
            domain_id: The ROS domain; by default the one of the environment.
        """
        limit_discovery()
        self._context = Context()
        # Whoever runs this decides what Ctrl-C does.
        rclpy.init(
            context=self._context,
            domain_id=domain_id,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        arguments = ["--ros-args"] if remappings else []
        for old, new in (remappings or {}).items():
            arguments += ["-r", f"{old}:={new}"]
        self.node = Node(
            name,
            namespace=namespace or None,
            context=self._context,
            cli_args=arguments,
            use_global_arguments=False,
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._failure: BaseException | None = None
        self._interrupted = threading.Event()
        self._thread = threading.Thread(target=self._spin, name=f"{name} executor", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> BaseException | None:
        """What ended the executor's thread, if something did."""
        return self._failure

    @property
    def is_open(self) -> bool:
        """Whether the node is in the graph."""
        return bool(self._context.ok())

    def call(self, client: Any, request: Any, deadline_s: float) -> Any:
        """Call a service and wait for its answer.

        Args:
            client: Of the node.
            request: The request.
            deadline_s: When to give up, on `time.monotonic()`.

        Raises:
            NoAnswerError: The service is not there, or does not answer in time.
        """
        self.wait_for_service(client, deadline_s)
        pending = Pending(client, request)
        while not pending.wait(min(deadline_s - time.monotonic(), _INTERRUPTED_WITHIN_S)):
            self._check_interrupted()
            if time.monotonic() > deadline_s:
                break
        return pending.result(deadline_s)

    def interrupt(self) -> None:
        """Have every call fail from now on, also one that is being waited for."""
        self._interrupted.set()

    def wait_for_service(self, client: Any, deadline_s: float) -> None:
        """Wait until somebody offers a service.

        Raises:
            NoAnswerError: Nobody does before `deadline_s` on `time.monotonic()`.
        """
        while not client.service_is_ready():
            self._check_interrupted()
            if time.monotonic() > deadline_s:
                raise NoAnswerError(
                    f"nobody offers the service {client.srv_name}; start the simulator, and look "
                    "at namespace and ROS_DOMAIN_ID."
                )
            time.sleep(_LOOK_EVERY_S)

    def _check_interrupted(self) -> None:
        if self._interrupted.is_set():
            raise NoAnswerError(INTERRUPTED)

    def close(self) -> None:
        """Leave the graph; may be called twice."""
        if not self._context.ok():
            return
        self._executor.shutdown(timeout_sec=1.0)
        self._thread.join(timeout=5.0)
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass
        except Exception as error:
            self._failure = error
            self.node.get_logger().error(f"the executor ends: {error}")


class Pending:
    """A request on its way."""

    def __init__(self, client: Any, request: Any, then: Callable[[], None] | None = None) -> None:
        """Send it.

        Args:
            client: Of a node that another thread spins.
            request: The request.
            then: Called, in the executor's thread, when the answer has come.
        """
        self._client = client
        self._answered = threading.Event()
        self._future = client.call_async(request)
        self._then = then
        self._future.add_done_callback(self._finish)

    def result(self, deadline_s: float) -> Any:
        """Wait for the answer.

        Raises:
            NoAnswerError: It has not come by `deadline_s` on `time.monotonic()`; it will be
                ignored if it comes later.
        """
        if not self._answered.wait(max(0.0, deadline_s - time.monotonic())):
            self.forget()
            raise NoAnswerError(
                f"the service {self._client.srv_name} does not answer in time; look at the "
                "simulator."
            )
        return self._future.result()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the answer; return whether it has come."""
        return self._answered.wait(max(0.0, timeout_s))

    def answer(self) -> Any:
        """Return the answer if it has come, else None."""
        return self._future.result() if self._answered.is_set() else None

    def forget(self) -> None:
        """Let an answer that comes later go by."""
        self._client.remove_pending_request(self._future)

    def _finish(self, _future: Any) -> None:
        self._answered.set()
        if self._then is not None:
            self._then()
