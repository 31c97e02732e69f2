"""A car behind ROS 2 topics."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.duration import Duration

from f1_rl.circuits import wrap_angle
from f1_rl.driving.cars import CarFault, CarMisfit
from f1_rl.ros.clockwork import Pose, make_clockwork
from f1_rl.ros.graph import INTERRUPTED, Graph
from f1_rl.ros.messages import (
    NANOSECONDS_PER_MILLISECOND,
    NANOSECONDS_PER_SECOND,
    MessageError,
    OdometrySample,
    twist_message,
    twist_stamped_message,
)
from f1_rl.ros.qos import lossless
from f1_rl.ros.senses import Senses
from f1_rl.ros.settings import RosCarSettings
from f1_rl.simulation import EMPTY_ROAD, Camera, Traffic

_LOG = logging.getLogger(__name__)

# The first frame after a fault, whose stamp nobody knows, is waited for no longer than this before
# it is asked for again: a publisher may not have found us when the first one went out.
_FIRST_FRAME_S = 1.0
_RETRY_AFTER_S = 0.1
# Where time stands and all frames are drawn, nothing more comes for this long.
_QUIET_S = 0.3
# More messages than steps that were left over give: whoever sends more lets the world run.
_MOST_LEFT_OVER = 256
# What comes of a smallest step is waited for no shorter and no longer than this.
_NUDGE_S = (0.05, 0.5)
# A car that is slower stands.
_STANDSTILL_MPS = 0.05
# So often a car may not fit before placing it is given up: a frame may be of a simulator before.
_MISFITS = 3
# How long a last command may take to be heard; one who was killed never hears it.
_HEARD_WITHIN_S = 0.5
# So often it is said that placing is tried again.
_SAY_EVERY_S = 5.0


@dataclass(frozen=True)
class _BegunStep:
    """A step whose frame has not come yet."""

    command: tuple[float, float]
    due_ns: int
    began_s: float


@dataclass(frozen=True)
class StepReport:
    """How a step went in the graph.

    Attributes:
        stamp_ns: Of the frame that came of it.
        wall_s: Time from command to frame and odometry.
        discarded_frames: Frames that came late, twice, or were replaced by newer ones unseen.
        answered: Whether the request for the step was answered.
    """

    stamp_ns: int
    wall_s: float
    discarded_frames: int
    answered: bool


class RosCar:
    """One car behind topics; `RosCars` makes `Cars` for the driving task of it.

    Each step publishes the command, asks the clockwork for one control period, and waits for the
    frame and the odometry stamped one period after the last ones; free-running, it waits for the
    first frame a period later. Whatever comes instead is a `CarFault`, after which the car has to
    be placed. Placing publishes zero commands, teleports, and is done when a frame and an odometry
    sample stamped after the teleport show the car at its pose.

    Attributes:
        camera: Its camera.
        control_period_s: Time that a step takes.
        report: How the last step went.
    """

    def __init__(
        self,
        graph: Graph,
        camera: Camera,
        control_period_ms: int,
        settings: RosCarSettings,
        traffic: Traffic = EMPTY_ROAD,
    ) -> None:
        """Subscribe; nothing is waited for before the car is placed.

        Args:
            graph: The node to do it with; whoever made it closes it.
            camera: The camera of the car.
            control_period_ms: Time that a step takes.
            settings: Where the car is in the graph.
            traffic: The obstacles of its world.

        Raises:
            CarFault: The clockwork cannot be had here.
            ValueError: The control period does not fit the clockwork.
        """
        self.camera = camera
        self.control_period_s = control_period_ms / 1000
        self.report: StepReport | None = None
        self._graph = graph
        self._settings = settings
        self._period_ns = control_period_ms * NANOSECONDS_PER_MILLISECOND
        self._senses = Senses(graph, camera, self._period_ns, settings, self._trouble)
        self._inbox = self._senses.inbox
        self._clockwork = make_clockwork(
            graph, settings, control_period_ms, traffic, self._inbox.poke
        )
        command_kind = TwistStamped if settings.stamped_commands else Twist
        self._commands = graph.node.create_publisher(
            command_kind, settings.command_topic, lossless(1)
        )
        self._usable = False
        self._interrupted = threading.Event()
        self._begun: _BegunStep | None = None
        self._stamp_ns: int | None = None
        self._placed_ns = 0
        self._picture = np.zeros((camera.height, camera.width, 3), np.uint8)
        self._odometry = OdometrySample(0, 0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def odometry(self) -> OdometrySample:
        """Where the car was, and how fast, when the frame was taken."""
        return self._odometry

    @property
    def time_s(self) -> float:
        """Simulated time since the car was placed."""
        stamp_ns = self._placed_ns if self._stamp_ns is None else self._stamp_ns
        return (stamp_ns - self._placed_ns) / NANOSECONDS_PER_SECOND

    @property
    def picture(self) -> npt.NDArray[np.uint8]:
        """The frame `(H, W, 3)` RGB."""
        return self._picture

    def begin_step(self, speed_mps: float, yaw_rate_radps: float) -> None:
        """Command the car and have time begin to run for one control period.

        Raises:
            CarFault: The car has to be placed first, or somebody else moves its time.
        """
        if not self._usable or self._stamp_ns is None:
            raise CarFault("the car is not where it was put; place it before the next step.")
        if self._interrupted.is_set():
            raise CarFault(INTERRUPTED)
        with self._faults():
            self._begin((speed_mps, yaw_rate_radps), self._stamp_ns + self._period_ns)

    def finish_step(self) -> None:
        """Wait for what comes of the step that has begun.

        Raises:
            CarFault: No matching frame and odometry came in time, or they cannot be used.
        """
        with self._faults():
            self._finish()

    def place(self, pose: Pose) -> None:
        """Teleport the car, standing still, and make sure that it is there.

        Raises:
            CarMisfit: It has another camera, or the simulator refuses the pose, period or traffic.
            CarFault: It is not there, although it was tried again for `recovery_timeout_s`.
        """
        give_up_s = time.monotonic() + self._settings.recovery_timeout_s
        said_s, misfits = -math.inf, 0
        while True:
            if self._interrupted.is_set():
                raise CarFault(INTERRUPTED)
            try:
                with self._faults():
                    self._place_once(pose)
                break
            except CarFault as fault:
                if time.monotonic() > give_up_s:
                    raise CarFault(
                        f"the car could not be placed for {self._settings.recovery_timeout_s:g} s: "
                        f"{fault}"
                    ) from fault
                misfits = misfits + 1 if isinstance(fault, CarMisfit) else 0
                if misfits >= _MISFITS:
                    raise
                if time.monotonic() - said_s > _SAY_EVERY_S:
                    said_s = time.monotonic()
                    _LOG.warning("placing the car failed and is tried again: %s", fault)
                self._interrupted.wait(_RETRY_AFTER_S)
        self._placed_ns = self._stamp_ns or 0
        self._usable = True

    def interrupt(self) -> None:
        """Have every step and placing fail from now on, waits too; for whoever wants to end."""
        self._interrupted.set()
        self._inbox.poke()
        self._graph.interrupt()

    def stop(self) -> None:
        """Command the car to stand, as whoever stops driving must: no car times out by itself."""
        for _ in range(2):
            self._publish(0.0, 0.0)

    def leave(self) -> None:
        """Stop, and wait a moment for whoever listens to have heard it, before the node ends."""
        self.stop()
        self._commands.wait_for_all_acked(Duration(seconds=_HEARD_WITHIN_S))

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        """Have the car placed before the next step, unless all goes well."""
        usable, self._usable = self._usable, False
        try:
            yield
        except MessageError as error:
            self._stamp_ns = None
            raise CarFault(str(error)) from error
        except CarFault:
            self._stamp_ns = None
            raise
        self._usable = usable

    def _publish(self, speed_mps: float, yaw_rate_radps: float) -> None:
        if self._settings.stamped_commands:
            now_ns = self._stamp_ns or 0
            message = twist_stamped_message(speed_mps, yaw_rate_radps, now_ns, "base_link")
        else:
            message = twist_message(speed_mps, yaw_rate_radps)
        self._commands.publish(message)

    def _place_once(self, pose: Pose) -> None:
        self._check_commanders()
        self.stop()
        last_ns = self._stamp_ns
        if last_ns is None:
            self._inbox.clear()
        if self._settings.lock_step and not self._clockwork.tells_time:
            last_ns = self._find_time() if last_ns is None else self._brake(last_ns)
        stands_ns = self._clockwork.teleport(pose, time.monotonic() + self._settings.step_timeout_s)
        if not self._settings.lock_step:
            self._see_pose(pose, stands_ns)
        else:
            self._settle(last_ns if stands_ns is None else stands_ns)
        self._check_pose(pose)

    def _settle(self, last_ns: int | None) -> None:
        """Step in place until frame and odometry are of after the teleport."""
        if last_ns is None:
            raise CarFault("nobody says what time it is in the simulator; look whether it runs.")
        for _ in range(self._settings.settle_periods):
            last_ns += self._period_ns
            self._drive((0.0, 0.0), last_ns)

    def _brake(self, last_ns: int) -> int:
        """Step until the car stands, or nearly, and return the time."""
        for _ in range(self._settings.braking_periods):
            last_ns += self._period_ns
            self._drive((0.0, 0.0), last_ns)
            if abs(self._odometry.speed_mps) < _STANDSTILL_MPS:
                break
        return last_ns

    def _find_time(self) -> int:
        """Step until a frame is taken just when time stands still again, and return its stamp.

        Requests that nobody waits for any more may have left steps over, which run first; and a
        world that was paused by somebody may stand between two frames.
        """
        self._ask_for_frame()
        self._wait_until_all_is_drawn()
        shortest_s, longest_s = _NUDGE_S
        within_s = min(max(shortest_s, 2.0 * self._time_until_told()), longest_s)
        self._wait_until_all_is_drawn()
        return self._step_to_frame(self._senses.newest().stamp_ns + self._period_ns, within_s)

    def _time_until_told(self) -> float:
        """Return how long (s) it takes until odometry tells of steps that are asked for."""
        told_ns, began_s = self._senses.told_ns, time.monotonic()
        self._clockwork.begin_step()
        timeout_s = self._settings.step_timeout_s
        self._senses.wait(lambda: self._senses.told_ns > told_ns, "no odometry", timeout_s)
        return time.monotonic() - began_s

    def _ask_for_frame(self) -> None:
        """Step until a frame comes, ever less often if odometry tells that steps are done."""
        give_up_s = time.monotonic() + self._settings.step_timeout_s
        patience_s = _FIRST_FRAME_S
        while time.monotonic() < give_up_s:
            self._clockwork.begin_step()
            within_s = min(patience_s, give_up_s - time.monotonic())
            if self._senses.comes(lambda: self._inbox.frame is not None, within_s):
                return
            if self._inbox.newest_odometry is not None:
                patience_s *= 2
        raise self._senses.overdue("no frame", self._settings.step_timeout_s)

    def _wait_until_all_is_drawn(self) -> None:
        """Wait until nothing of the steps that were asked for is left over."""
        for _ in range(_MOST_LEFT_OVER):
            if self._senses.more_comes(_QUIET_S):
                continue
            if self._senses.is_drawn():
                return
            self._senses.wait(
                self._senses.is_drawn, "no frame with odometry", self._settings.step_timeout_s
            )
        raise CarFault(
            f"frames keep coming on {self._senses.image_topic} although nobody steps; pause the "
            "world, or drive it without lock_step."
        )

    def _step_to_frame(self, due_ns: int, within_s: float) -> int:
        """Step to the frame that is due next, and return its stamp.

        Odometry that comes of one smallest step, within some time, tells what time it is, and so
        how many are missing.
        """
        step_ns = self._settings.physics_step_ms * NANOSECONDS_PER_MILLISECOND
        timeout_s = self._settings.step_timeout_s
        told_ns = self._senses.told_ns
        for _ in range(max(1, (due_ns - told_ns) // step_ns)):
            self._clockwork.nudge(1, time.monotonic() + timeout_s)
            if self._senses.more_comes(within_s):
                break
        self._senses.wait(lambda: self._senses.told_ns > told_ns, "no odometry", timeout_s)
        missing = (due_ns - self._senses.told_ns) // step_ns
        if missing > 0:
            self._clockwork.nudge(missing, time.monotonic() + timeout_s)
        self._senses.wait(lambda: self._senses.is_seen(due_ns), "no frame", timeout_s)
        if not self._senses.comes(
            lambda: self._senses.has_frame_since(due_ns), _QUIET_S + within_s
        ):
            raise CarFault(
                f"no odometry on {self._senses.odometry_topic} has the stamp of a frame; set its "
                "period to a divisor of the frames'."
            )
        return self._senses.newest().stamp_ns

    def _see_pose(self, pose: Pose, stands_ns: int | None) -> None:
        """Wait, time running, for a frame that was taken where the car was put."""
        # A frame of just then may have been taken before the car was put there.
        since_ns = None if stands_ns is None else stands_ns + self._period_ns

        def seen() -> bool:
            nonlocal since_ns
            sample = self._inbox.newest_odometry
            if since_ns is None and sample is not None and self._is_at(pose, sample):
                since_ns = sample.stamp_ns
            return since_ns is not None and self._senses.has_frame_since(since_ns)

        if stands_ns is None:
            self._inbox.clear()
        missing = "no frame with odometry at the car's new pose"
        self._senses.wait(seen, missing, self._settings.step_timeout_s)
        self._take(True, time.monotonic())

    def _drive(self, command: tuple[float, float], expected_ns: int) -> None:
        """Command, step and take what comes of it."""
        self._begin(command, expected_ns)
        self._finish()

    def _begin(self, command: tuple[float, float], expected_ns: int) -> None:
        began_s = time.monotonic()
        if self._settings.lock_step:
            self._senses.check_nothing_came(expected_ns - self._period_ns)
        self._publish(*command)
        if self._settings.lock_step:
            self._clockwork.begin_step()
        self._begun = _BegunStep(command, expected_ns, began_s)

    def _finish(self) -> None:
        begun, self._begun = self._begun, None
        if begun is None:
            raise CarFault("no step has begun; begin one first.")
        expected = f"no frame with odometry stamped {begun.due_ns / NANOSECONDS_PER_SECOND:.3f} s"
        heard = self._inbox.frame is not None
        timeout_s = self._settings.step_timeout_s if heard else _FIRST_FRAME_S
        self._senses.wait(lambda: self._senses.is_due(begun.due_ns), expected, timeout_s)
        answered = not self._settings.lock_step or self._clockwork.end_step(
            begun.command, begun.due_ns
        )
        self._take(answered, begun.began_s)

    def _take(self, answered: bool, began_s: float) -> None:
        """Make the newest frame and its odometry what the car sees and where it is."""
        seen = self._senses.take()
        self._picture, self._odometry, self._stamp_ns = seen.picture, seen.odometry, seen.stamp_ns
        self.report = StepReport(
            stamp_ns=seen.stamp_ns,
            wall_s=seen.arrived_s - began_s,
            discarded_frames=seen.discarded_frames,
            answered=answered,
        )

    def _trouble(self) -> str:
        """Say why it is in vain to wait for frames, if it is."""
        if self._graph.failure is not None:
            return f"the ROS executor ended: {self._graph.failure}"
        if self._interrupted.is_set():
            return INTERRUPTED
        return self._inbox.trouble or self._clockwork.refusal()

    def _check_commanders(self) -> None:
        count = self._graph.node.count_publishers(self._commands.topic_name)
        if self._settings.sole_commander and count > 1:
            raise CarFault(
                f"{count} publishers command the car on {self._commands.topic_name}; stop the "
                "others (one that was killed is forgotten after some seconds)."
            )

    def _check_pose(self, pose: Pose) -> None:
        sample = self._odometry
        if not self._is_at(pose, sample):
            raise CarFault(
                f"the car was put at ({pose.x_m:.2f}, {pose.y_m:.2f}) m, {pose.yaw_rad:.2f} rad "
                f"and stands at ({sample.x_m:.2f}, {sample.y_m:.2f}) m, {sample.yaw_rad:.2f} rad; "
                "look whether something else moves it."
            )

    def _is_at(self, pose: Pose, sample: OdometrySample) -> bool:
        distance_m = math.hypot(sample.x_m - pose.x_m, sample.y_m - pose.y_m)
        turned_rad = abs(float(wrap_angle(sample.yaw_rad - pose.yaw_rad)))
        return (
            distance_m <= self._settings.position_tolerance_m
            and turned_rad <= self._settings.yaw_tolerance_rad
        )
