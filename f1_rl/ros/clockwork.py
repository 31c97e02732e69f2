"""What moves a car's simulated time and teleports it: our simulator's services, or Gazebo's."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from f1_rl.driving.cars import CarFault, CarMisfit
from f1_rl.ros.graph import Graph, NoAnswerError, Pending
from f1_rl.ros.messages import NANOSECONDS_PER_MILLISECOND, quaternion_of
from f1_rl.ros.settings import RosCarSettings
from f1_rl.settings import assignments
from f1_rl.simulation import Traffic

# A step is over when its frame is there; so long its answer, which comes with the frame, is
# waited for to know whether the command acted.
_ANSWER_AFTER_FRAME_S = 0.25
_SAME_COMMAND = 1e-9


@dataclass(frozen=True)
class Pose:
    """Where a car is to stand.

    Attributes:
        x_m, y_m, yaw_rad: In the world.
    """

    x_m: float
    y_m: float
    yaw_rad: float


class Clockwork(Protocol):
    """Moves simulated time and the car.

    Attributes:
        tells_time: Whether `teleport` says when the car stands, and brings it to a stand; else
            command and momentum survive it.
    """

    tells_time: bool

    def nudge(self, smallest_steps: int, deadline_s: float) -> None:
        """Move time by so many of the smallest steps there are, and wait for the answer.

        It may be lost, and says no more than that the request has come.

        Args:
            smallest_steps: How many.
            deadline_s: When to wait no longer, on `time.monotonic()`.
        """

    def begin_step(self) -> None:
        """Ask for one control period. Its frame says when it is over, not the answer."""

    def refusal(self) -> str:
        """Return why the step will not be done, once that is known, else nothing."""

    def end_step(self, command: tuple[float, float], expected_ns: int) -> bool:
        """Look at the step's answer, after its frame has come.

        Args:
            command: Forward speed (m/s) and yaw rate (rad/s) that should have acted.
            expected_ns: The stamp of the frame.

        Returns:
            Whether it was answered.

        Raises:
            CarFault: Another command acted, or time went on further.
        """

    def teleport(self, pose: Pose, deadline_s: float) -> int | None:
        """Put the car elsewhere.

        Returns:
            The simulated time in nanoseconds at which it stands there, or None if that is not
            known.

        Raises:
            CarMisfit: It was refused.
            CarFault: It was not answered by `deadline_s` on `time.monotonic()`.
        """


def make_clockwork(
    graph: Graph, settings: RosCarSettings, control_period_ms: int, traffic: Traffic, poke: Any
) -> Clockwork:
    """Return the clockwork that the settings name.

    Args:
        graph: For its services.
        settings: Of the car.
        control_period_ms: Simulated time of a step.
        traffic: The obstacles that the world should have.
        poke: Called when an answer has come.

    Raises:
        CarFault: Gazebo's services cannot be called without ros_gz_interfaces.
        ValueError: The control period is no multiple of the physics step.
    """
    if settings.clockwork == "simulator":
        return SimulatorClockwork(graph, settings, control_period_ms, traffic, poke)
    return GazeboClockwork(graph, settings, control_period_ms, poke)


class _Steps:
    """The request for a step that is on its way, of either clockwork."""

    def __init__(self, client: Any, poke: Any) -> None:
        self._client = client
        self._poke = poke
        self._pending: Pending | None = None

    def begin(self, request: Any) -> None:
        if self._pending is not None:
            self._pending.forget()
        self._pending = Pending(self._client, request, self._poke)

    def answer(self, wait_s: float = 0.0) -> Any:
        if self._pending is None:
            return None
        answer = self._pending.answer()
        if answer is None and wait_s > 0.0:
            try:
                answer = self._pending.result(time.monotonic() + wait_s)
            except NoAnswerError:
                self._pending = None
        return answer


class SimulatorClockwork:
    """The services of our simulator node, std_srvs and parameters only; see its module."""

    tells_time = True

    def __init__(
        self,
        graph: Graph,
        settings: RosCarSettings,
        control_period_ms: int,
        traffic: Traffic,
        poke: Any,
    ) -> None:
        """Make the clients.

        Args:
            graph: The node that calls.
            settings: Of the car.
            control_period_ms: Simulated time of a step.
            traffic: The obstacles that the world should have.
            poke: Called when an answer has come.
        """
        node, simulator = graph.node, settings.simulator
        self._graph = graph
        self._lock_step = settings.lock_step
        self._period_ms = control_period_ms
        self._traffic = assignments(asdict(traffic))
        self._steps = _Steps(node.create_client(Trigger, f"{simulator}/step"), poke)
        self._reset = node.create_client(Trigger, f"{simulator}/reset")
        self._pause = node.create_client(SetBool, f"{simulator}/pause")
        self._set = node.create_client(
            SetParametersAtomically, f"{simulator}/set_parameters_atomically"
        )

    def nudge(self, smallest_steps: int, deadline_s: float) -> None:
        """See `Clockwork`: a step is the smallest there is."""
        for _ in range(smallest_steps):
            self._steps.begin(Trigger.Request())
            self._steps.answer(deadline_s - time.monotonic())

    def begin_step(self) -> None:
        """See `Clockwork`."""
        self._steps.begin(Trigger.Request())

    def refusal(self) -> str:
        """See `Clockwork`."""
        answer = self._steps.answer()
        return "" if answer is None or answer.success else str(answer.message)

    def end_step(self, command: tuple[float, float], expected_ns: int) -> bool:
        """See `Clockwork`."""
        answer = self._steps.answer(_ANSWER_AFTER_FRAME_S)
        if answer is None:
            return False
        state = json.loads(answer.message)
        if state["stamp_ns"] >= expected_ns + self._period_ms * NANOSECONDS_PER_MILLISECOND:
            raise CarFault(
                f"a step that should have ended at {expected_ns / 1e9:.3f} s ended at "
                f"{state['stamp_ns'] / 1e9:.3f} s: somebody else steps; stop that one."
            )
        acted = state["command"]
        if math.dist(acted, command) > _SAME_COMMAND:
            raise CarFault(
                f"the car was told {command[0]:.3f} m/s, {command[1]:.3f} rad/s and drove with "
                f"{acted[0]:.3f}, {acted[1]:.3f}: the command came late or somebody else drives; "
                "look at who publishes commands."
            )
        return True

    def teleport(self, pose: Pose, deadline_s: float) -> int | None:
        """See `Clockwork`."""
        wanted = [
            Parameter("pose", value=[pose.x_m, pose.y_m, pose.yaw_rad]),
            Parameter("step_ms", value=self._period_ms),
            # Refused where the simulator has other traffic.
            Parameter("traffic", value=self._traffic),
        ]
        request = SetParametersAtomically.Request(
            parameters=[item.to_parameter_msg() for item in wanted]
        )
        try:
            if self._lock_step:
                # Otherwise it might run on between the reset and the first step.
                self._graph.call(self._pause, SetBool.Request(data=True), deadline_s)
            result = self._graph.call(self._set, request, deadline_s).result
            if not result.successful:
                raise CarMisfit(
                    f"the simulator refuses the pose, period or traffic: {result.reason}"
                )
            answer = self._graph.call(self._reset, Trigger.Request(), deadline_s)
        except NoAnswerError as error:
            raise CarFault(str(error)) from error
        if not answer.success:
            raise CarFault(f"the simulator refuses to reset: {answer.message}")
        return int(json.loads(answer.message)["stamp_ns"])


class GazeboClockwork:
    """Gazebo's services, as ros_gz_bridge offers them."""

    tells_time = False

    def __init__(
        self, graph: Graph, settings: RosCarSettings, control_period_ms: int, poke: Any
    ) -> None:
        """Make the clients.

        Args:
            graph: The node that calls.
            settings: Of the car.
            control_period_ms: Simulated time of a step.
            poke: Called when an answer has come.

        Raises:
            CarFault: ros_gz_interfaces is not installed.
            ValueError: The control period is no multiple of the physics step.
        """
        if find_spec("ros_gz_interfaces") is None:
            raise CarFault(
                "Gazebo cannot be stepped without ros_gz_interfaces; install "
                "ros-jazzy-ros-gz-interfaces and source ROS, or drive our simulator node."
            )
        from ros_gz_interfaces.srv import ControlWorld, SetEntityPose

        if control_period_ms % settings.physics_step_ms:
            raise ValueError(
                f"a control period of {control_period_ms} ms is no multiple of physics_step_ms "
                f"{settings.physics_step_ms}."
            )
        self._graph = graph
        self._settings = settings
        self._physics_steps = control_period_ms // settings.physics_step_ms
        world = f"world/{settings.world}"
        self._control, self._pose = ControlWorld, SetEntityPose
        self._steps = _Steps(graph.node.create_client(ControlWorld, f"{world}/control"), poke)
        self._teleports = graph.node.create_client(SetEntityPose, f"{world}/set_pose/blocking")

    def nudge(self, smallest_steps: int, deadline_s: float) -> None:
        """See `Clockwork`: steps of physics."""
        self._request(smallest_steps)
        self._steps.answer(deadline_s - time.monotonic())

    def begin_step(self) -> None:
        """See `Clockwork`."""
        # Command and request reach Gazebo by different ways, which nothing puts in order.
        time.sleep(self._settings.command_barrier_ms / 1000)
        self._request(self._physics_steps)

    def _request(self, physics_steps: int) -> None:
        request = self._control.Request()
        # Gazebo steps only where the same request leaves the world paused.
        request.world_control.pause = True
        request.world_control.multi_step = physics_steps
        self._steps.begin(request)

    def refusal(self) -> str:
        """See `Clockwork`."""
        answer = self._steps.answer()
        return "" if answer is None or answer.success else "Gazebo refuses to step"

    def end_step(self, command: tuple[float, float], expected_ns: int) -> bool:
        """See `Clockwork`. Gazebo's answer says nothing of the command."""
        return self._steps.answer() is not None

    def teleport(self, pose: Pose, deadline_s: float) -> int | None:
        """See `Clockwork`."""
        request = self._pose.Request()
        request.entity.name = self._settings.entity
        request.entity.type = request.entity.MODEL
        request.pose.position.x, request.pose.position.y = pose.x_m, pose.y_m
        request.pose.orientation = quaternion_of(pose.yaw_rad)
        try:
            answer = self._graph.call(self._teleports, request, deadline_s)
        except NoAnswerError as error:
            raise CarFault(str(error)) from error
        if not answer.success:
            raise CarMisfit(
                f"Gazebo does not put {self._settings.entity!r} elsewhere; look whether the "
                "world holds a model of that name."
            )
        return None
