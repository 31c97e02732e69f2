"""The driver: a lifecycle node that drives a car by its camera and a saved policy.

Topics, all relative and remappable: listens to `cam_f1_left/image_raw` (or, by parameter, to
`cam_f1_left/image_raw/compressed`), `cam_f1_left/camera_info`, `joy` (with `deadman`) and `odom`
(for policies that see the speed, and for the map); publishes `cmd_vel`, or in shadow mode
`proposed_cmd` alone, and `/diagnostics`. While somebody subscribes to them it also publishes
`~/q_values`, `~/debug_image` (the camera's picture with what the network looks at) and
`~/dashboard` (the whole picture of the drive), drawn in a thread of their own. Services:
`~/emergency_stop` (Trigger) stops the car until `~/release_emergency_stop` (Trigger), in every
state.

Configuring loads the policy, runs it a few times and checks it; active, the node commands the
car. The car is stopped, by a zero command at once and again every few hundredths of a second,
while no new frame comes, frames cannot be used, or the emergency stop is set; and by a last one
when the node is deactivated, fails, or its process ends, unless it is killed by SIGKILL or its
machine fails: a car needs a timeout of its own for that, as the simulator has in
`command_timeout_s`. Gazebo's plugins have none.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from std_srvs.srv import Trigger

from f1_rl.calibration import CalibrationError, read_camera
from f1_rl.nodes.autopilot import Frame
from f1_rl.nodes.cockpit import Cockpit
from f1_rl.nodes.driver_diagnostics import description, diagnostic_message, figures
from f1_rl.nodes.driver_parameters import DriverParameters
from f1_rl.nodes.driver_topics import DriverTopics
from f1_rl.nodes.illustrator import Glance, Illustrator
from f1_rl.nodes.lifetime import run_node
from f1_rl.nodes.limiter import STOP, Command
from f1_rl.nodes.parameters import ParameterError, declare_parameters, on_change
from f1_rl.nodes.pilot import Decision, Pilot
from f1_rl.policy import PolicyError, load_policy
from f1_rl.ros.messages import MessageError, read_odometry, stamp_ns
from f1_rl.ros.qos import lossless

UInt8Array = npt.NDArray[np.uint8]
Transition = Callable[["DriverNode", Any], Any]

EMERGENCY_STOP = "emergency_stop"
_DIAGNOSTICS_PERIOD_S = 1.0
_SLOW_CAMERA = 0.8
_SWITCH_INTERVAL_S = 0.0005
_LIMITS = tuple(item.name for item in fields(DriverParameters) if item.name.startswith("max_"))


class StartError(RuntimeError):
    """The node could not start by itself; the reason was logged."""


def _transition(function: Transition) -> Transition:
    """Make a transition that says why it fails: rclpy drops the exception.

    What is expected to go wrong (a policy, a calibration) lets the transition fail, anything else
    leads to the error handling of the lifecycle.
    """

    @functools.wraps(function)
    def wrapper(node: DriverNode, state: Any) -> Any:
        try:
            return function(node, state)
        except (PolicyError, CalibrationError) as error:
            node.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception:
            node.get_logger().error(f"{function.__name__} failed: {traceback.format_exc()}")
            return TransitionCallbackReturn.ERROR

    return wrapper


def _refuse_impossible(
    change_state: Callable[[Any, Any], Any], logger: Any
) -> Callable[[Any, Any], Any]:
    """Make the lifecycle's service answer no to a transition that the state does not allow."""

    def answer(request: Any, response: Any) -> Any:
        try:
            return change_state(request, response)
        except RuntimeError as error:
            logger.error(f"transition {request.transition.id} is not possible now: {error}")
            response.success = False
            return response

    return answer


class DriverNode(LifecycleNode):
    """Drives a car by its camera and a saved policy; see the module.

    Attributes:
        failed: Set when the node has come to its end by an error.
        done: Never set: it drives until it is ended.
    """

    def __init__(self, **arguments: Any) -> None:
        """Declare parameters and offer services; nothing is published on the car's topics yet.

        Args:
            **arguments: Of `rclpy.node.Node`.

        Raises:
            ParameterError: A parameter does not exist or does not fit.
        """
        super().__init__("driver", **arguments)
        self.failed = threading.Event()
        self.done = threading.Event()
        self._settings = declare_parameters(self, DriverParameters)
        on_change(self, DriverParameters, self._change)
        self._state = "unconfigured"
        self._emergency = False
        self._cockpit: Cockpit | None = None
        self._illustrator: Illustrator | None = None
        self._pose: tuple[float, float, float] | None = None
        self._topics: DriverTopics | None = None
        self._others: list[str] = []
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", lossless(10))
        self.create_service(Trigger, "~/emergency_stop", self._on_emergency_stop)
        self.create_service(Trigger, "~/release_emergency_stop", self._on_release)
        # rclpy lets the exception of a transition that is not possible end the executor.
        change_state = self._service_change_state
        change_state.callback = _refuse_impossible(change_state.callback, self.get_logger())
        # Simulated time may stand still; whoever watches the node wants to hear it all the same.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._look_around, clock=steady)

    def start(self) -> None:
        """Configure and activate, if the parameters ask for it.

        Raises:
            StartError: That failed.
        """
        if not self._settings.autostart:
            return
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != TransitionCallbackReturn.SUCCESS:
                raise StartError("the driver ends, for it could not start; see above.")

    @_transition
    def on_configure(self, state: Any) -> Any:
        """Load, warm up and check the policy, and join the topics."""
        parameters = self._settings
        pilot = _make_pilot(parameters)
        topics = DriverTopics(
            self,
            parameters,
            pilot.needs_speed,
            on_image=self._on_image,
            on_camera_info=self._on_camera_info,
            on_odometry=self._on_odometry,
            on_joystick=self._on_joystick,
        )
        self._topics = topics
        self._illustrator = Illustrator(
            pilot,
            topics.debug,
            topics.dashboard,
            circuit=parameters.dashboard_circuit,
            warn=self.get_logger().warning,
        )
        self._cockpit = Cockpit(
            pilot,
            parameters,
            publish=topics.publish_command,
            decode=topics.decode,
            on_change=self._on_hold,
            on_decision=self._on_decision,
            on_failure=self._on_failure,
        )
        if self._emergency:
            self._set_emergency_stop()
        self._warn_of_limits(pilot.fastest)
        self.get_logger().info(
            f"configured with {description(pilot)}; commands go to {topics.command_topic}."
        )
        self._state = "inactive"
        return super().on_configure(state)

    @_transition
    def on_activate(self, state: Any) -> Any:
        """Begin to command the car."""
        self._cockpit_or_error().engage()
        self._state = "active"
        self.get_logger().info("active: the car is driven.")
        return super().on_activate(state)

    @_transition
    def on_deactivate(self, state: Any) -> Any:
        """Stop the car and fall silent."""
        self._cockpit_or_error().disengage()
        self._state = "inactive"
        self.get_logger().info("inactive: the car is stopped.")
        return super().on_deactivate(state)

    @_transition
    def on_cleanup(self, state: Any) -> Any:
        """Leave the topics and drop the policy."""
        self._release()
        self._state = "unconfigured"
        return super().on_cleanup(state)

    @_transition
    def on_shutdown(self, state: Any) -> Any:
        """Stop the car, whatever the state, and leave the topics."""
        self._release()
        self._state = "finalized"
        return super().on_shutdown(state)

    @_transition
    def on_error(self, state: Any) -> Any:
        """Stop the car and go back to the beginning, so that one may configure anew."""
        self._release()
        self._state = "unconfigured"
        return super().on_error(state)

    def halt(self) -> None:
        """Stop the car for good; may be called by any thread."""
        if self._cockpit is not None:
            self._cockpit.helm.close()

    def close(self) -> None:
        """Stop the car, leave the graph."""
        try:
            if self._state != "finalized":
                self.trigger_shutdown()
        finally:
            self._release()
            self.destroy_node()

    def _cockpit_or_error(self) -> Cockpit:
        if self._cockpit is None:
            raise RuntimeError("the driver is not configured.")
        return self._cockpit

    def _release(self) -> None:
        cockpit, self._cockpit = self._cockpit, None
        topics, self._topics = self._topics, None
        illustrator, self._illustrator = self._illustrator, None
        self._pose = None
        try:
            if cockpit is not None:
                cockpit.close()
            if topics is not None:
                topics.repeat_last_stop(STOP)
        finally:
            if illustrator is not None:
                illustrator.close()
            if topics is not None:
                topics.destroy()

    def _warn_of_limits(self, fastest: Command) -> None:
        limits = self._settings.limits
        if fastest.speed_mps > limits.speed_mps or fastest.yaw_rate_radps > limits.yaw_rate_radps:
            self.get_logger().warning(
                f"the policy commands up to {fastest.speed_mps} m/s and {fastest.yaw_rate_radps} "
                f"rad/s, the limits are {limits.speed_mps} m/s and {limits.yaw_rate_radps} rad/s: "
                "it may drive otherwise than it was trained to."
            )

    def _change(self, name: str, value: Any) -> None:
        self._settings = replace(self._settings, **{name: value})
        if name in _LIMITS and self._cockpit is not None:
            self._cockpit.helm.set_limits(self._settings.limits)

    def _on_image(self, message: Any) -> None:
        arrived_s = time.monotonic()
        cockpit = self._cockpit
        if cockpit is None:
            return
        taken_ns = stamp_ns(message.header.stamp)
        age_s = (self.get_clock().now().nanoseconds - taken_ns) / 1e9
        cockpit.see(Frame(message, taken_ns, arrived_s, age_s))

    def _on_camera_info(self, message: Any) -> None:
        if self._cockpit is not None:
            self._cockpit.hear_camera(message.width, message.height, float(message.k[0]))

    def _on_odometry(self, message: Any) -> None:
        try:
            sample = read_odometry(message)
        except MessageError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
            return
        self._pose = (sample.x_m, sample.y_m, sample.yaw_rad)
        if self._cockpit is not None:
            self._cockpit.hear_speed(sample.speed_mps)

    def _on_joystick(self, message: Any) -> None:
        if self._cockpit is not None:
            self._cockpit.hear_joystick(message.buttons)

    def _on_emergency_stop(self, _request: Any, response: Any) -> Any:
        self._emergency = True
        self._set_emergency_stop()
        response.success = True
        response.message = "the car is stopped until ~/release_emergency_stop is called."
        return response

    def _on_release(self, _request: Any, response: Any) -> Any:
        response.success = self._emergency
        response.message = "released." if self._emergency else "there was no emergency stop."
        self._emergency = False
        if self._cockpit is not None:
            self._cockpit.helm.free(EMERGENCY_STOP)
        return response

    def _set_emergency_stop(self) -> None:
        if self._cockpit is not None:
            self._cockpit.helm.hold(
                EMERGENCY_STOP, "the emergency stop is set; call ~/release_emergency_stop to go on."
            )

    def _on_hold(self, reason: str, sentence: str | None) -> None:
        if sentence is None:
            self.get_logger().info(f"no longer held by {reason}.")
        else:
            self.get_logger().error(f"the car is held by {reason}: {sentence}")

    def _on_failure(self, error: Exception) -> None:
        self.halt()
        trace = "".join(traceback.format_exception(error))
        self.get_logger().fatal(f"the autopilot failed, the car is stopped: {trace}")
        self.failed.set()

    def _on_decision(
        self, frame: Frame[Any], picture: UInt8Array, decision: Decision, sent: Command | None
    ) -> None:
        topics, cockpit, illustrator = self._topics, self._cockpit, self._illustrator
        if topics is None or cockpit is None or illustrator is None:
            return
        topics.publish_q_values(decision.q_values)
        illustrator.show(
            lambda: Glance(
                cockpit.autopilot.pilot.as_trained(picture),
                cockpit.autopilot.pilot.observations,
                decision,
                sent,
                tuple(cockpit.helm.holds.values()),
                frame.stamp_ns,
                frame.message.header.frame_id,
                self._pose,
            ),
            time.monotonic(),
        )

    def _look_around(self) -> None:
        cockpit, topics = self._cockpit, self._topics
        holds: dict[str, str] = {EMERGENCY_STOP: "the emergency stop is set."}
        warnings: dict[str, str] = {}
        values: dict[str, object] = {"shadow": self._settings.shadow}
        if cockpit is None or topics is None:
            holds = holds if self._emergency else {}
        else:
            holds = cockpit.helm.holds
            topics.adapt_reliability()
            topics.follow_odometry()
            values.update(figures(cockpit.autopilot, cockpit.helm, time.monotonic()))
            warnings = self._warnings(cockpit, topics)
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(
            diagnostic_message(
                self.get_fully_qualified_name(), self._state, holds, warnings, values, stamp
            )
        )

    def _warnings(self, cockpit: Cockpit, topics: DriverTopics) -> dict[str, str]:
        """Return what somebody should look at although the car drives."""
        warnings: dict[str, str] = {}
        others = topics.other_commanders()
        if others:
            warnings["commanders"] = (
                f"{', '.join(others)} commands the car too, on {topics.command_topic}; end one."
            )
        if others != self._others and others:
            self.get_logger().warning(warnings["commanders"])
        self._others = others
        if self._state != "active":
            return warnings
        period_s = cockpit.autopilot.pilot.control_period_s
        rate_hz = cockpit.autopilot.statistics.received.hz(time.monotonic())
        if 0.0 < rate_hz < _SLOW_CAMERA / period_s:
            warnings["rate"] = (
                f"the camera gives {rate_hz:.1f} frames/s, the policy acts {1 / period_s:.1f} "
                "times a second; set the camera to that rate."
            )
        p99_s = cockpit.autopilot.statistics.latency.percentiles().p99_s
        if p99_s > period_s:
            warnings["latency"] = (
                f"one decision in a hundred takes {1e3 * p99_s:.0f} ms, longer than the control "
                f"period of {1e3 * period_s:.0f} ms; take load off this machine."
            )
        return warnings


def _make_pilot(parameters: DriverParameters) -> Pilot:
    """Load and check the policy, and the calibration of the camera where one is given.

    Raises:
        PolicyError: The policy is missing, damaged, or does not fit.
        CalibrationError: So is the calibration.
    """
    if not parameters.policy:
        raise PolicyError("no policy is given; set the parameter policy to a run or policy folder.")
    calibration = None
    if parameters.camera_calibration:
        calibration = read_camera(Path(parameters.camera_calibration).expanduser())
    return Pilot(load_policy(Path(parameters.policy).expanduser()), calibration)


def main(args: list[str] | None = None) -> int:
    """Run the node until SIGINT, SIGTERM or SIGHUP.

    Args:
        args: The command line; by default the process's own.

    Returns:
        The exit status: 0, 1 after a failure, or 2 for parameters that cannot be used.
    """
    # While a picture is drawn, whoever steers waits for the interpreter no longer than this.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return run_node(DriverNode, args, unusable=(ParameterError,), expected=(StartError,))


if __name__ == "__main__":
    sys.exit(main())
