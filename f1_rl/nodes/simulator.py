"""The embedded simulator as a ROS 2 node, on the topics of the Gazebo car.

Topics, all relative and remappable, so a namespace makes another car of it: publishes
`cam_f1_left/image_raw` and `cam_f1_left/camera_info` (every `frame_period_ms`), `odom` (the truth,
every `odometry_period_ms`), `centre_line` (the circuit; who comes later is told it too) and, if
asked, `clock`; listens to `cmd_vel`. Where tf2_msgs is installed, `tf` has the way from `odom` to
`base_link` with every odometry, and `tf_static` the one from there to the camera's optical frame.
Stamps are simulated time, exact multiples of the periods, which never goes back: the car is reset
by teleport, as one does in Gazebo. Like Gazebo's plugins the car follows its last command for
ever, unless `command_timeout_s` says for how long.

With `traffic` there are boxes and slower cars on the road, as in Gazebo's worlds: always the same,
and the slower cars drive on by simulated time while the car is reset. The car drives through them.
With `variation`, picture and delay of the commands are drawn anew, from `seed`, at every reset and
teleport.

The world runs at `rate`, or stands still (`start_paused`, `~/pause`) and moves in steps:
lock-step. Without ROS packages that pip does not have, lock-step goes by std_srvs alone:

* `~/step` (Trigger) pauses the world and moves it by the parameter `step_ms`. It answers when the
  frames and odometry of that time are published. A command that was published before the request,
  from the same process, acts in it.
* `~/reset` (Trigger) finishes the frame period that has begun, so that later frames fall on the
  ends of steps, and puts the car, at rest and commanded to stand, at the parameter `pose`; from
  then on the world pauses or runs as it did before.
* `~/pause` (SetBool) pauses the world, or lets it run.

The answers' `message` is JSON: `stamp_ns`, simulated time now; `command`, the forward speed (m/s)
and yaw rate (rad/s) that act. So a caller knows the stamp of the frame it waits for, and whether
the command it sent acted. The request to change `pose` is answered before `reset` is sent, by the
node's own parameter service, which refuses what is no pose.

Where ros_gz_interfaces is installed, Gazebo's `world/<world>/control` (ControlWorld) and
`world/<world>/set_pose/blocking` (SetEntityPose) are there too.
"""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import SetBool, Trigger

from f1_rl.circuits import Circuit, CircuitError, load_circuit
from f1_rl.gazebo.names import COMMAND_TOPIC
from f1_rl.nodes.parameters import ParameterError, declare_parameters, on_change
from f1_rl.nodes.simulator_gazebo import GazeboServices
from f1_rl.nodes.simulator_parameters import SimulatorParameters, parse_traffic
from f1_rl.nodes.simulator_topics import SimulatorTopics
from f1_rl.nodes.simulator_world import Timing, World
from f1_rl.ros.discovery import limit_discovery
from f1_rl.ros.messages import MessageError, read_twist
from f1_rl.ros.qos import lossless
from f1_rl.settings import SettingsError
from f1_rl.simulation import Camera, Simulator, Traffic, warm_up

# A world that has fallen this far behind runs on from where it is instead of hurrying after.
_GIVE_UP_CATCHING_UP_S = 0.25

# How often a paused world looks whether it is to end.
_LOOK_EVERY_S = 0.1


class SimulatorNode:
    """One car in a world of its own, behind topics and services; see the module.

    Attributes:
        node: The ROS node.
    """

    def __init__(self, **arguments: Any) -> None:
        """Declare parameters, build the world, offer topics and services.

        Args:
            **arguments: Of `rclpy.node.Node`.

        Raises:
            ParameterError: A parameter does not exist or does not fit.
        """
        self.node = Node("simulator", **arguments)
        self._parameters = declare_parameters(self.node, SimulatorParameters)
        self._paused = self._parameters.start_paused
        camera, circuit, self._world, start = _build(self._parameters)
        self._check_change("step_ms", self._parameters.step_ms)
        self.node.set_parameters([Parameter("pose", value=list(start))])
        on_change(self.node, SimulatorParameters, self._check_change)
        self._topics = SimulatorTopics(self.node, self._parameters, camera, circuit)
        self._listen()
        self._next_tick_s = time.monotonic()

    def _listen(self) -> None:
        kind = TwistStamped if self._parameters.stamped_commands else Twist
        self._commands = self.node.create_subscription(
            kind, COMMAND_TOPIC, self._on_command, lossless(1)
        )
        self.node.create_service(Trigger, "~/step", self._on_step)
        self.node.create_service(Trigger, "~/reset", self._on_reset)
        self.node.create_service(SetBool, "~/pause", self._on_pause)
        self._gazebo = GazeboServices(
            self.node, self._parameters.world, self._parameters.entity, self
        )

    @property
    def world(self) -> World:
        """The world."""
        return self._world

    def seconds_to_tick(self) -> float:
        """Return how long nothing is to be done; infinite while the world is paused."""
        if self._paused:
            return math.inf
        return max(0.0, self._next_tick_s - time.monotonic())

    def tick(self) -> None:
        """Move a running world on if it is time to."""
        now_s = time.monotonic()
        if self._paused or now_s < self._next_tick_s:
            return
        timing = self._parameters
        rate = self._current("rate")
        if rate > 0.0:
            self._advance(timing.odometry_period_ms // timing.physics_step_ms)
            self._next_tick_s += timing.odometry_period_ms / 1000 / rate
        else:
            self._advance(timing.frame_period_ms // timing.physics_step_ms)
        if now_s - self._next_tick_s > _GIVE_UP_CATCHING_UP_S or rate == 0.0:
            self._next_tick_s = now_s

    def pause(self, paused: bool) -> None:
        """Pause the world, or let it run."""
        self._paused = paused
        self._next_tick_s = time.monotonic()

    def advance(self, physics_steps: int) -> None:
        """Move the world by physics steps and publish what falls due."""
        self._advance(physics_steps)

    def _advance(self, physics_steps: int) -> None:
        for _ in range(physics_steps):
            self._world.advance()
            self._topics.publish(self._world)

    def _on_command(self, message: Any) -> None:
        try:
            self._world.command(*read_twist(message))
        except MessageError as error:
            self.node.get_logger().error(str(error), throttle_duration_sec=1.0)

    def _take_command(self) -> None:
        """Take a command that came before the request in hand.

        The executor asks all subscriptions whether something came and then all services, so when
        both come in between, it sees the request first: with some steps in a thousand.
        """
        with self._commands.handle:
            taken = self._commands.handle.take_message(self._commands.msg_type, False)
        if taken is not None:
            self._on_command(taken[0])

    def _on_step(self, _request: Any, response: Any) -> Any:
        self.pause(True)
        self._take_command()
        self._advance(self._current("step_ms") // self._parameters.physics_step_ms)
        return self._answer(response)

    def _on_reset(self, _request: Any, response: Any) -> Any:
        self._world.stand()
        self._world.place(*self._current("pose"))
        while not self._world.frame_due:
            self._advance(1)
        return self._answer(response)

    def _on_pause(self, request: Any, response: Any) -> Any:
        self.pause(bool(request.data))
        return self._answer(response)

    def _answer(self, response: Any) -> Any:
        state = {"stamp_ns": self._world.time_ns, "command": self._world.commanded}
        response.success = True
        response.message = json.dumps(state)
        return response

    def _current(self, name: str) -> Any:
        """Return a parameter that may change while the node runs."""
        return self.node.get_parameter(name).value

    def _check_change(self, name: str, value: Any) -> None:
        physics_step_ms = self._parameters.physics_step_ms
        if name == "step_ms" and value % physics_step_ms:
            raise ParameterError(
                f"parameter step_ms is {value}; give a multiple of physics_step_ms "
                f"{physics_step_ms}."
            )
        if name == "traffic":
            self._check_traffic(value)
        if name == "rate":
            # A world that ran slowly would notice only at its next tick.
            self._next_tick_s = time.monotonic()

    def _check_traffic(self, texts: tuple[str, ...]) -> None:
        try:
            asked, own = parse_traffic(texts), self._parameters.read_traffic()
        except ValueError as error:
            raise ParameterError(str(error)) from error
        if asked != own and (asked.count or own.count):
            raise ParameterError(
                f"parameter traffic: the road has {_words(own)}, not {_words(asked)}; start the "
                "simulator with the same traffic."
            )


def _words(traffic: Traffic) -> str:
    if not traffic.count:
        return "no traffic"
    return f"{traffic.boxes} boxes and {traffic.cars} slower cars (seed {traffic.seed})"


def _build(parameters: SimulatorParameters) -> tuple[Camera, Circuit, World, tuple[float, ...]]:
    """Return camera, circuit, world and the pose at which the car begins."""
    try:
        circuit = load_circuit(parameters.circuit, scale=parameters.circuit_scale)
        timing = Timing(
            parameters.physics_step_ms, parameters.odometry_period_ms, parameters.frame_period_ms
        )
        camera = Camera(
            width=parameters.width,
            height=parameters.height,
            horizontal_fov_rad=parameters.horizontal_fov_rad,
        )
        simulator = Simulator(
            [circuit],
            1,
            camera=camera,
            vehicle=parameters.vehicle,
            control_period_s=parameters.physics_step_ms / 1000,
            variation=parameters.read_variation(),
            traffic=parameters.read_traffic(),
            seed=parameters.seed,
        )
        begin = circuit.pose_at(
            np.array([parameters.start_arc_length_m]), direction=parameters.start_direction
        )
        pose = (float(begin.x_m[0]), float(begin.y_m[0]), float(begin.yaw_rad[0]))
        world = World(
            simulator,
            timing,
            late_commands=parameters.command_effect == "next_step",
            command_timeout_s=parameters.command_timeout_s,
            start=pose,
        )
    except (CircuitError, SettingsError, ValueError) as error:
        raise ParameterError(str(error)) from error
    return camera, circuit, world, pose


def run(make_simulator: Callable[[], SimulatorNode], args: list[str] | None = None) -> int:
    """Run a simulator until SIGINT or SIGTERM.

    A signal is noted, and looked for between callbacks. rclpy's own handler would end the context
    in the midst of whatever runs: a publisher fails then, or Fast DDS waits for ever.

    Args:
        make_simulator: Makes it; called when ROS is initialised.
        args: The command line; by default the process's own.

    Returns:
        The exit status: 0, or 2 for parameters that cannot be used.
    """
    # The first time compiling takes seconds, in which Python runs no handlers; and whoever hears
    # "ready" counts on frames.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    warm_up()
    # Not blocked: libraries have threads of their own by now, which would take the signal.
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    limit_discovery()
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        simulator = make_simulator()
        simulator.node.get_logger().info("ready")
        _spin(simulator, ended)
        simulator.node.destroy_node()
    except ParameterError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        rclpy.try_shutdown()
    return 0


def _spin(simulator: SimulatorNode, ended: threading.Event) -> None:
    """Answer, and move the world when it is time, until it is ended."""
    executor = SingleThreadedExecutor(context=simulator.node.context)
    executor.add_node(simulator.node)
    try:
        while not ended.is_set():
            executor.spin_once(timeout_sec=min(simulator.seconds_to_tick(), _LOOK_EVERY_S))
            simulator.tick()
    finally:
        executor.shutdown()


def main(args: list[str] | None = None) -> int:
    """Run the simulator node.

    Args:
        args: The command line; by default the process's own.

    Returns:
        The exit status: 0, or 2 for parameters that cannot be used.
    """
    return run(SimulatorNode, args)


if __name__ == "__main__":
    sys.exit(main())
