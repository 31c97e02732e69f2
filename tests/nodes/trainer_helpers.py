"""What the tests of the trainer node share: small runs, and an ear for what it says."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A picture, a network and a schedule with which a run takes a second.
SIZE = {"width": 96, "height": 72}
SIMULATOR = {"start_paused": True, "physics_step_ms": 50, "odometry_period_ms": 50, **SIZE}
TINY = (
    "task.observation={rows: 8, columns: 16, frame_stack: 2}",
    "agent.network={filters: [4], kernels: [[3, 3]], strides: [[2, 2]], units: [16]}",
    "agent.batch_size=16",
    "training.learning_starts=40",
    "training.evaluation_episodes=1",
    "training.log_every_s=0.1",
    "training.checkpoint_every_s=1000.0",
)
SOON_S = 90.0


def tiny(**more: Any) -> str:
    """Return the trainer's parameter `settings` for a small run, with more of them."""
    every = (*TINY, *(f"{name.replace('__', '.')}={value}" for name, value in more.items()))
    return "[" + ", ".join(f"'{text}'" for text in every) + "]"


def until(condition: Callable[[], Any], why: Callable[[], str], timeout_s: float = SOON_S) -> None:
    """Wait for a condition; fail with a reason if it does not come about."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, why()
        time.sleep(0.01)


def status_of(process: Any, timeout_s: float = SOON_S) -> int:
    """Wait for the end of a process and return its exit status."""
    until(lambda: not process.is_running, process.output, timeout_s)
    return int(process._process.returncode)


def checkpoints(run: Path) -> list[str]:
    """Return the names of the complete checkpoints of a run."""
    return sorted(path.name for path in (run / "checkpoints").glob("step-*"))


class Ear:
    """A node that hears what a trainer and its cars say, and asks it."""

    def __init__(self, namespace: str = "") -> None:
        from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
        from geometry_msgs.msg import Twist
        from nav_msgs.msg import Odometry

        from f1_rl.ros.graph import Graph
        from f1_rl.ros.qos import latched, lossless

        self.graph = Graph("ear", namespace=namespace)
        self.progress: list[Any] = []
        self.evaluations: list[Any] = []
        self.diagnostics: list[Any] = []
        self.commands: list[tuple[float, float]] = []
        self.odometry: list[Any] = []
        listen = self.graph.node.create_subscription
        listen(DiagnosticStatus, "trainer/progress", self.progress.append, latched())
        listen(DiagnosticStatus, "trainer/evaluation", self.evaluations.append, latched())
        listen(DiagnosticArray, "/diagnostics", self._diagnose, lossless(50))
        listen(Odometry, "odom", self.odometry.append, lossless(50))
        listen(
            Twist,
            "cmd_vel",
            lambda message: self.commands.append((message.linear.x, message.angular.z)),
            lossless(50),
        )

    def forget(self) -> None:
        """Forget what was heard."""
        for heard in (
            self.progress,
            self.evaluations,
            self.diagnostics,
            self.commands,
            self.odometry,
        ):
            heard.clear()

    def ask(self, name: str) -> tuple[bool, str]:
        """Call a Trigger service of the trainer."""
        from std_srvs.srv import Trigger

        node = self.graph.node
        client = node.create_client(Trigger, f"trainer/{name}")
        try:
            answer = self.graph.call(client, Trigger.Request(), time.monotonic() + SOON_S)
        finally:
            node.destroy_client(client)
        return bool(answer.success), str(answer.message)

    def figures(self) -> dict[str, str]:
        """Return the newest row of the progress."""
        return values_of(self.progress[-1]) if self.progress else {}

    def step(self) -> int:
        """Return the newest environment step heard of."""
        return int(self.figures().get("env_step", 0))

    def _diagnose(self, message: Any) -> None:
        self.diagnostics.extend(item for item in message.status if "trainer" in item.name)


def values_of(status: Any) -> dict[str, str]:
    """Return the figures of a DiagnosticStatus."""
    return {item.key: item.value for item in status.values}
