"""The simulator node by itself: topics, time, services, parameters, and how it ends."""

import math
import signal
import time

import numpy as np
import pytest
import rclpy
from nav_msgs.msg import Odometry
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.context import Context
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import SetBool, Trigger

from f1_rl.circuits import load_circuit
from f1_rl.driving.cars import CarFault
from f1_rl.nodes.parameters import ParameterError
from f1_rl.nodes.simulator import SimulatorNode
from f1_rl.nodes.simulator_gazebo import GazeboServices
from f1_rl.nodes.simulator_world import Timing, World
from f1_rl.ros.car import RosCar
from f1_rl.ros.cars import RosCars
from f1_rl.ros.graph import Graph, NoAnswerError
from f1_rl.ros.messages import (
    compressed_image_message,
    decode_compressed_image,
    decode_image,
    image_message,
    quaternion_of,
    read_odometry,
    stamp_ns,
    twist_message,
)
from f1_rl.ros.qos import lossless
from f1_rl.ros.settings import RosCarSettings
from f1_rl.simulation import Camera, Simulator

SMALL = {"circuit": "simple", "width": 64, "height": 48}
CAMERA = Camera(width=64, height=48)
MILLISECOND = 1_000_000


def test_it_publishes_what_the_gazebo_car_does_in_real_time(start, listen):
    start(
        "f1_rl.nodes.simulator", "-r", "__ns:=/real", compressed=True, publish_clock=True, **SMALL
    )
    listener = listen("/real")
    listener.listen(Image, "cam_f1_left/image_raw")
    listener.listen(CameraInfo, "cam_f1_left/camera_info")
    listener.listen(CompressedImage, "cam_f1_left/image_raw/compressed")
    listener.listen(Odometry, "odom")
    listener.listen(Clock, "clock")
    frames = listener.wait_for("cam_f1_left/image_raw", 5)
    for _ in range(5):
        began_s, before = time.monotonic(), len(frames)
        listener.wait_for("cam_f1_left/image_raw", before + 20)
        rate = (len(frames) - before) / (time.monotonic() - began_s)
        if 17.0 < rate < 23.0:
            break
    assert rate == pytest.approx(20.0, abs=3.0)
    for topic, period_ms in (("cam_f1_left/image_raw", 50), ("odom", 10)):
        stamps = [stamp_ns(message.header.stamp) for message in listener.came[topic]]
        assert set(np.diff(stamps)) == {period_ms * MILLISECOND}
        assert stamps[0] % (period_ms * MILLISECOND) == 0
    info = listener.wait_for("cam_f1_left/camera_info", 1)[0]
    assert info.k[0] == pytest.approx(CAMERA.focal_length_px)
    jpeg = listener.wait_for("cam_f1_left/image_raw/compressed", 1)[0]
    difference = decode_compressed_image(jpeg).astype(int) - decode_image(frames[0])
    assert np.abs(difference).mean() < 10
    assert listener.wait_for("clock", 3)


def test_it_runs_at_the_rate_asked_for_and_as_fast_as_it_can(start, listen):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/fast", rate=2.0, odometry_period_ms=50, **SMALL)
    listener = listen("/fast")
    samples = listener.listen(Odometry, "odom")
    listener.wait_for("odom", 1)

    def measured_until(enough, tries=20):
        """Simulated seconds a second; a busy machine gets some tries."""
        rates = []
        for _ in range(tries):
            first, began_s = samples[-1], time.monotonic()
            time.sleep(0.4)
            simulated_ns = stamp_ns(samples[-1].header.stamp) - stamp_ns(first.header.stamp)
            rates.append(simulated_ns / 1e9 / (time.monotonic() - began_s))
            if enough(rates[-1]):
                break
        return rates[-1]

    assert measured_until(lambda rate: 1.6 < rate < 2.4) == pytest.approx(2.0, abs=0.4)
    request = SetParametersAtomically.Request(
        parameters=[Parameter("rate", value=0.0).to_parameter_msg()]
    )
    name = "simulator/set_parameters_atomically"
    assert listener.call(SetParametersAtomically, name, request).result.successful
    assert measured_until(lambda rate: rate > 6.0) > 6.0
    request.parameters = [Parameter("rate", value=-1.0).to_parameter_msg()]
    assert not listener.call(SetParametersAtomically, name, request).result.successful


def test_pause_holds_time_and_step_moves_it_by_step_ms(start, listen):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/held", step_ms=150, **SMALL)
    listener = listen("/held")
    frames = listener.listen(Image, "cam_f1_left/image_raw")
    listener.wait_for("cam_f1_left/image_raw", 2)
    assert listener.call(SetBool, "simulator/pause", SetBool.Request(data=True)).success
    time.sleep(0.2)
    # Puts the clock on the end of a frame period.
    assert listener.call(Trigger, "simulator/reset", Trigger.Request()).success
    time.sleep(0.2)
    count, last_ns = len(frames), stamp_ns(frames[-1].header.stamp)
    time.sleep(0.3)
    assert len(frames) == count
    assert listener.call(Trigger, "simulator/step", Trigger.Request()).success
    listener.wait_for("cam_f1_left/image_raw", count + 3)
    stamps = [stamp_ns(message.header.stamp) - last_ns for message in frames[count:]]
    assert stamps == [50 * MILLISECOND, 100 * MILLISECOND, 150 * MILLISECOND]
    listener.call(SetBool, "simulator/pause", SetBool.Request(data=False))
    listener.wait_for("cam_f1_left/image_raw", count + 6)


def test_a_command_that_is_no_number_is_ignored_and_said(start, listen):
    process = start("f1_rl.nodes.simulator", "-r", "__ns:=/nan", **SMALL)
    listener = listen("/nan")
    samples = listener.listen(Odometry, "odom")
    publisher = listener.graph.node.create_publisher(
        type(twist_message(0, 0)), "cmd_vel", lossless(1)
    )
    listener.wait_for("odom", 1)
    while publisher.get_subscription_count() == 0:
        time.sleep(0.02)
    publisher.publish(twist_message(2.0, 0.0))
    time.sleep(0.3)
    publisher.publish(twist_message(math.nan, 0.0))
    process.wait_for("is not finite")
    listener.wait_for("odom", len(samples) + 5)
    assert read_odometry(samples[-1]).speed_mps == 2.0


def test_a_car_that_runs_free_is_driven_and_reset(start, listen):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/free", **SMALL)
    listener = listen("/free")
    samples = listener.listen(Odometry, "odom")
    graph = Graph("driver", namespace="/free")
    circuit = load_circuit("simple")
    settings = RosCarSettings(lock_step=False, recovery_timeout_s=20.0, longest_gap=20)
    car = RosCars([RosCar(graph, CAMERA, 50, settings)], circuit)
    try:
        for arc_length_m in (0.0, 30.0):
            pose = circuit.pose_at(np.array([arc_length_m]))
            car.place(np.array([0]), np.array([0]), pose)
            began_ns, began_s = car.cars[0].report.stamp_ns, time.monotonic()
            for _ in range(20):
                before_ns = car.cars[0].report.stamp_ns
                car.step(np.array([[1.0, 0.0]]))
                assert car.cars[0].report.stamp_ns >= before_ns + 50 * MILLISECOND
            simulated_s = (car.cars[0].report.stamp_ns - began_ns) / 1e9
            # A processor that others use, too, makes it slower, never faster.
            assert simulated_s < time.monotonic() - began_s + 0.3
            driven_m = math.hypot(
                float(car.poses.x_m[0] - pose.x_m[0]), float(car.poses.y_m[0] - pose.y_m[0])
            )
            # The command of each step acts until the next one comes.
            assert simulated_s - 0.3 < driven_m <= simulated_s + 0.1
        # Who thinks for too long has lost the thread.
        time.sleep(2.0)
        with pytest.raises(CarFault, match="this process was too slow"):
            car.step(np.array([[1.0, 0.0]]))
        # Its last command would act until somebody places it.
        time.sleep(0.5)
        listener.wait_for("odom", len(samples) + 1)
        assert read_odometry(samples[-1]).speed_mps == 0.0
    finally:
        car.stop()
        graph.close()


def test_a_car_that_runs_free_is_placed_at_once(start, domain_id, caplog):
    """Also where time stands at a frame, which shows the car where it was, all the time."""
    coarse = {"physics_step_ms": 50, "odometry_period_ms": 50}
    start("f1_rl.nodes.simulator", "-r", "__ns:=/coarse", **SMALL, **coarse)
    graph = Graph("driver", namespace="/coarse")
    circuit = load_circuit("simple")
    settings = RosCarSettings(lock_step=False, recovery_timeout_s=20.0, longest_gap=20)
    car = RosCars([RosCar(graph, CAMERA, 50, settings)], circuit)
    try:
        car.place(np.array([0]), np.array([0]), circuit.pose_at(np.zeros(1)))
        caplog.clear()
        for arc_length_m in (30.0, 0.0, 30.0):
            car.step(np.array([[1.0, 0.0]]))
            car.place(np.array([0]), np.array([0]), circuit.pose_at(np.array([arc_length_m])))
        assert "is tried again" not in caplog.text
    finally:
        graph.close()


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_on_a_signal_in_either_state(start, how, paused):
    process = start("f1_rl.nodes.simulator", start_paused=paused, **SMALL)
    assert process.end(how, timeout_s=10.0) == 0
    assert "Traceback" not in process.output()


def test_a_parameter_that_does_not_fit_ends_it_with_a_sentence(start):
    process = start("f1_rl.nodes.simulator", ready=None, widht=64)
    assert process.wait() == 2
    assert "simulator: there is no parameter 'widht' (did you mean 'width'?)" in process.output()
    assert "Traceback" not in process.output()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("width", 0, "parameter width is 0; give at least 8"),
        ("vehicle", "hover", "choose kinematic or single_track"),
        ("frame_period_ms", 55, "is no multiple of odometry_period_ms"),
        ("circuit", "nowhere", "nowhere"),
        ("step_ms", 55, "give a multiple of physics_step_ms"),
    ],
)
def test_values_that_do_not_fit_are_refused(domain_id, name, value, reason):
    context = Context()
    rclpy.init(context=context)
    try:
        with pytest.raises(ParameterError, match=reason):
            SimulatorNode(context=context, parameter_overrides=[Parameter(name, value=value)])
    finally:
        rclpy.shutdown(context=context)


def test_a_request_that_is_refused_in_part_changes_nothing(domain_id):
    context = Context()
    rclpy.init(context=context)
    try:
        simulator = SimulatorNode(context=context)
        begin = simulator.world.odometry()
        result = simulator.node.set_parameters_atomically(
            [Parameter("pose", value=[7.0, 7.0, 0.0]), Parameter("step_ms", value=55)]
        )
        assert not result.successful
        simulator._on_reset(Trigger.Request(), Trigger.Response())
        assert simulator.world.odometry().x_m == begin.x_m
    finally:
        rclpy.shutdown(context=context)


def test_a_step_takes_the_command_that_came_before_it(domain_id):
    """Also where the executor, which is not there to, has not delivered it yet."""
    context = Context()
    rclpy.init(context=context)
    graph = Graph("commander")
    try:
        simulator = SimulatorNode(
            context=context,
            parameter_overrides=[
                Parameter("start_paused", value=True),
                Parameter("width", value=64),
                Parameter("height", value=48),
            ],
        )
        kind = type(twist_message(0, 0))
        publisher = graph.node.create_publisher(kind, "cmd_vel", lossless(1))
        until = time.monotonic() + 20.0
        while simulator.world.odometry().speed_mps != 2.0 and time.monotonic() < until:
            publisher.publish(twist_message(2.0, 0.0))
            answer = simulator._on_step(Trigger.Request(), Trigger.Response())
        assert answer.success
        assert simulator.world.odometry().speed_mps == 2.0
        assert '"command": [2.0, 0.0]' in answer.message
    finally:
        graph.close()
        rclpy.shutdown(context=context)


def test_a_service_that_nobody_offers_is_said_so(listen):
    listener = listen()
    client = listener.graph.node.create_client(Trigger, "nobody/step")
    with pytest.raises(NoAnswerError, match="nobody offers the service"):
        listener.graph.call(client, Trigger.Request(), time.monotonic() + 0.2)


class Reply:
    success = None


class ControlRequest:
    """As `ros_gz_interfaces/srv/ControlWorld` has it, which pip does not."""

    def __init__(self, pause=True, multi_step=0, step=False, reset_all=False):
        class Reset:
            all = reset_all
            time_only = False

        class Control:
            pass

        self.world_control = Control()
        self.world_control.pause, self.world_control.multi_step = pause, multi_step
        self.world_control.step, self.world_control.reset = step, Reset()


class PoseRequest:
    """As `ros_gz_interfaces/srv/SetEntityPose` has it."""

    def __init__(self, name, x_m, y_m, yaw_rad):
        class Holder:
            pass

        self.entity, self.pose, self.pose.position = Holder(), Holder(), Holder()
        self.entity.name = name
        self.pose.position.x, self.pose.position.y = x_m, y_m
        self.pose.orientation = quaternion_of(yaw_rad)


class Target:
    def __init__(self):
        circuit = load_circuit("simple")
        simulator = Simulator([circuit], 1, camera=CAMERA, control_period_s=0.002)
        self.world = World(simulator, Timing(2, 10, 50), late_commands=True, start=(0.0, 0.0, 0.0))
        self.paused = False

    def pause(self, paused):
        self.paused = paused

    def advance(self, physics_steps):
        for _ in range(physics_steps):
            self.world.advance()


def test_gazebos_control_steps_only_where_it_pauses():
    target = Target()
    services = GazeboServices(None, "f1", "f1", target) if not _has_gazebo() else None
    if services is None:
        pytest.skip("ros_gz_interfaces is installed: its real services are there")
    assert services.control(ControlRequest(multi_step=25), Reply()).success
    assert target.paused
    assert target.world.time_ns == 50 * MILLISECOND
    assert services.control(ControlRequest(pause=False, multi_step=25), Reply()).success
    assert not target.paused
    assert target.world.time_ns == 50 * MILLISECOND
    assert not services.control(ControlRequest(reset_all=True), Reply()).success


def test_gazebos_set_pose_moves_the_named_car_and_keeps_its_command():
    target = Target()
    if _has_gazebo():
        pytest.skip("ros_gz_interfaces is installed: its real services are there")
    services = GazeboServices(None, "f1", "f1", target)
    target.world.command(1.0, 0.0)
    assert not services.set_pose(PoseRequest("stone", 1.0, 2.0, 0.5), Reply()).success
    assert not services.set_pose(PoseRequest("f1", math.nan, 2.0, 0.5), Reply()).success
    assert services.set_pose(PoseRequest("f1", 1.0, 2.0, 0.5), Reply()).success
    here = target.world.odometry()
    assert (here.x_m, here.y_m, here.yaw_rad) == pytest.approx((1.0, 2.0, 0.5))
    # The first physics step after a command still follows the one before: standing.
    target.advance(1)
    assert target.world.odometry().speed_mps == 0.0
    target.advance(1)
    assert target.world.odometry().speed_mps == 1.0


def test_a_car_that_is_told_to_stand_moves_no_further_even_where_commands_act_late():
    world = Target().world
    world.command(1.0, 0.5)
    for _ in range(10):
        world.advance()
    assert world.odometry().speed_mps == 1.0
    world.stand()
    world.place(1.0, 2.0, 0.5)
    world.advance()
    here = world.odometry()
    assert (here.x_m, here.y_m, here.yaw_rad) == pytest.approx((1.0, 2.0, 0.5))
    assert (world.commanded, here.speed_mps) == ((0.0, 0.0), 0.0)


def _has_gazebo():
    from importlib.util import find_spec

    return find_spec("ros_gz_interfaces") is not None


def test_frames_are_stamped_and_named():
    frame = np.full((48, 64, 3), 9, np.uint8)
    for message in (image_message(frame, 7, "eye"), compressed_image_message(frame, 7, "eye")):
        assert (stamp_ns(message.header.stamp), message.header.frame_id) == (7, "eye")
