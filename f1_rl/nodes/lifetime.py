"""From the start of a node's process to its end, however it ends."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from f1_rl.ros.discovery import limit_discovery

# SIGHUP comes when the terminal is closed.
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_EVERY_S = 0.1


class ManagedNode(Protocol):
    """A node that can be ended safely.

    Attributes:
        failed: Set when it has come to its end by an error.
        done: Set when it has come to its end by itself.
    """

    failed: threading.Event
    done: threading.Event

    def start(self) -> None:
        """Do what comes before the first callback; may raise."""

    def halt(self) -> None:
        """Bring the car to a stop, whatever else goes on; may be called by any thread."""

    def close(self) -> None:
        """Release everything; called once no callback runs any more."""

    def get_logger(self) -> Any:
        """Return the node's logger."""


def run_node(
    make_node: Callable[[], ManagedNode],
    arguments: Sequence[str] | None = None,
    *,
    unusable: tuple[type[Exception], ...] = (),
    expected: tuple[type[Exception], ...] = (),
) -> int:
    """Run a node in this process until a signal, a failure or a shutdown of its own.

    The signals are blocked and waited for, not handled: a handler would interrupt whatever runs,
    and rclpy's own makes every publisher unusable before the last stop could go out.

    Args:
        make_node: Makes the node; called when ROS is initialised.
        arguments: Of the command line; by default the process's.
        unusable: Errors of making the node: what it was given cannot be used.
        expected: Errors of starting it that say all in their message.

    Returns:
        The exit status: 0 after a signal or an orderly end, 1 after a failure, 2 if the node could
        not be made of what it was given.
    """
    # A signal that comes while this thread does not wait for one reaches a thread of some library
    # that was there before the mask; noting it is all that may happen then.
    noted = threading.Event()
    for number in _END_SIGNALS:
        signal.signal(number, lambda *_: noted.set())
    signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)
    limit_discovery()
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    try:
        rclpy.init(
            args=None if arguments is None else list(arguments),
            signal_handler_options=SignalHandlerOptions.NO,
        )
    except RuntimeError as error:
        # Arguments that ROS itself cannot read.
        print(error, file=sys.stderr)
        return 2
    try:
        try:
            node = make_node()
        except unusable as error:
            print(error, file=sys.stderr)
            return 2
        return _run(node, expected, noted)
    finally:
        rclpy.try_shutdown()


def _run(node: ManagedNode, expected: tuple[type[Exception], ...], noted: threading.Event) -> int:
    from rclpy.executors import SingleThreadedExecutor

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    ending, ended = threading.Event(), threading.Event()

    def spin() -> None:
        try:
            executor.spin()
        except Exception as error:
            # On a busy machine the node may be gone before the executor notices its end.
            if ending.is_set():
                return
            node.failed.set()
            node.halt()
            node.get_logger().fatal(f"a callback failed: {error!r}; the node ends.")
        finally:
            ended.set()

    thread = threading.Thread(target=spin, name="executor", daemon=True)
    try:
        node.start()
        thread.start()
        while not (node.failed.is_set() or node.done.is_set() or ended.is_set()):
            if noted.is_set() or signal.sigtimedwait(_END_SIGNALS, _LOOK_EVERY_S) is not None:
                break
    except expected as error:
        node.failed.set()
        node.get_logger().fatal(str(error))
    finally:
        # Another Ctrl-C may come as late as when the interpreter, at its end, drops the handler.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        node.halt()
        ending.set()
        executor.shutdown(timeout_sec=1.0)
        if thread.ident is not None:
            thread.join(timeout=2.0)
        node.close()
    return 1 if node.failed.is_set() else 0
