"""The actuators: a node that turns commands into an RC car's steering and throttle.

Listens to `cmd_vel`; publishes, by the parameter `output`, `actuators` (Joy), `cmd_angle` (Twist)
or `drive` (AckermannDriveStamped). The car is in neutral until `~/arm` (Trigger) is called, from
`~/disarm` (Trigger) on, while no command comes for longer than `timeout_s`, and when the process
ends, unless it is killed by SIGKILL or its machine fails: the electronics need a fail-safe of their
own for that.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

from rclpy.node import Node
from std_srvs.srv import Trigger

from f1_rl.calibration import CalibrationError
from f1_rl.calibration.actuators import Actuation, Actuators, read_actuators
from f1_rl.nodes.actuators_parameters import ActuatorsParameters
from f1_rl.nodes.actuators_topics import ActuatorsTopics
from f1_rl.nodes.helm import Helm, Ticker
from f1_rl.nodes.lifetime import run_node
from f1_rl.nodes.limiter import STOP, Command, CommandLimiter, CommandLimits
from f1_rl.nodes.parameters import ParameterError, declare_parameters, on_change
from f1_rl.nodes.watchdog import Watchdog
from f1_rl.ros.messages import MessageError, read_twist

DISARMED = "disarmed"
_LONGEST_TICK_S = 0.05
_SILENCE = ("command", "see that the driver is active, and what holds it")


class ActuatorsNode(Node):
    """Tells an RC car's electronics what is commanded; see the module.

    Attributes:
        failed: Set when the node has come to its end by an error.
        done: Never set: it goes on until it is ended.
    """

    def __init__(self, **arguments: Any) -> None:
        """Declare parameters, read the car and join the topics, disarmed.

        Args:
            **arguments: Of `rclpy.node.Node`.

        Raises:
            ParameterError: A parameter does not exist or does not fit.
            CalibrationError: The car's file cannot be used.
        """
        super().__init__("actuators", **arguments)
        self.failed = threading.Event()
        self.done = threading.Event()
        parameters = declare_parameters(self, ActuatorsParameters)
        if not parameters.car:
            raise ParameterError("actuators: no car is given; set the parameter car to its file.")
        car = read_actuators(Path(parameters.car).expanduser())
        self._actuators = Actuators(car, parameters.max_speed_mps)
        self._topics = ActuatorsTopics(self, parameters, self._on_command)
        self._helm = Helm(
            self._publish,
            CommandLimiter(CommandLimits(), parameters.timeout_s),
            Watchdog(parameters.timeout_s),
            self._on_hold,
            silence=_SILENCE,
        )
        on_change(self, ActuatorsParameters, self._change)
        self._hold_disarmed()
        self.create_service(Trigger, "~/arm", self._on_arm)
        self.create_service(Trigger, "~/disarm", self._on_disarm)
        self._ticker: Ticker | None = None
        self._tick_s = min(_LONGEST_TICK_S, parameters.timeout_s / 4)

    def start(self) -> None:
        """Tell the electronics neutral, again and again, until a command may pass."""
        self._helm.engage(time.monotonic())
        self._ticker = Ticker(self._tick, self._tick_s, "watchdog")
        self.get_logger().info(
            f"disarmed: {self._topics.topic} is neutral until ~/arm is called; the tightest turn "
            f"has a radius of {self._actuators.tightest_radius_m:.2f} m."
        )

    def halt(self) -> None:
        """Put the car in neutral for good; may be called by any thread."""
        self._helm.close()

    def close(self) -> None:
        """Put the car in neutral, leave the graph."""
        self._helm.close()
        if self._ticker is not None:
            self._ticker.close()
        self._topics.repeat_neutral(lambda: self._actuation(STOP))
        self.destroy_node()

    def _tick(self) -> None:
        self._helm.tick(time.monotonic())

    def _actuation(self, command: Command) -> Actuation:
        return self._actuators.command(*command, time.monotonic())

    def _publish(self, command: Command) -> None:
        self._topics.publish(self._actuation(command))

    def _on_command(self, message: Any) -> None:
        now_s = time.monotonic()
        try:
            wanted = Command(*read_twist(message))
        except MessageError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            return
        self._helm.steer(wanted, now_s, now_s)

    def _on_arm(self, _request: Any, response: Any) -> Any:
        self._helm.free(DISARMED)
        response.success = True
        response.message = "armed: the car does what is commanded."
        return response

    def _on_disarm(self, _request: Any, response: Any) -> Any:
        self._hold_disarmed()
        response.success = True
        response.message = "disarmed: the car is in neutral until ~/arm is called."
        return response

    def _hold_disarmed(self) -> None:
        self._helm.hold(DISARMED, "nobody has armed the car; call ~/arm to let it drive.")

    def _change(self, name: str, value: Any) -> None:
        if name == "max_speed_mps":
            self._actuators.max_speed_mps = value

    def _on_hold(self, reason: str, sentence: str | None) -> None:
        if sentence is None:
            self.get_logger().info(f"no longer held by {reason}.")
        else:
            self.get_logger().warning(f"in neutral: {sentence}")


def main(args: list[str] | None = None) -> int:
    """Run the node until SIGINT, SIGTERM or SIGHUP.

    Args:
        args: The command line; by default the process's own.

    Returns:
        The exit status: 0, 1 after a failure, or 2 for parameters that cannot be used.
    """
    return run_node(ActuatorsNode, args, unusable=(ParameterError, CalibrationError))


if __name__ == "__main__":
    sys.exit(main())
