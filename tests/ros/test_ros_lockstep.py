"""The simulator node and `RosCar` in lock-step, over the real middleware."""

import math
import signal
import threading
import time

import numpy as np
import pytest

from f1_rl.circuits import Poses, load_circuit
from f1_rl.driving.cars import CarFault
from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.ros.car import RosCar
from f1_rl.ros.cars import RosCars
from f1_rl.ros.graph import Graph
from f1_rl.ros.messages import twist_message
from f1_rl.ros.qos import lossless
from f1_rl.ros.settings import RosCarSettings
from f1_rl.simulation import Camera, Simulator

PERIOD_NS = 50_000_000
CAMERA = Camera(width=160, height=120)
SIZE = {"width": 160, "height": 120, "start_paused": True}
COARSE = {**SIZE, "physics_step_ms": 50, "odometry_period_ms": 50}


@pytest.fixture(scope="module")
def circuit():
    return load_circuit("simple")


@pytest.fixture
def join(domain_id, circuit):
    graphs = []

    def make(namespace="", **settings):
        graphs.append(Graph(f"test_{len(graphs)}", namespace=namespace))
        settings = RosCarSettings(**{"step_timeout_s": 2.0, **settings})
        return RosCars([RosCar(graphs[-1], CAMERA, 50, settings)], circuit)

    yield make
    for graph in graphs:
        graph.close()


def drive(car, commands):
    for command in commands:
        car.step(command)


def start_pose(circuit, arc_length_m=0.0):
    return circuit.pose_at(np.array([arc_length_m]))


def place(car, pose):
    car.place(np.array([0]), np.array([0]), pose)


def until(condition, timeout_s=20.0):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def wandering(count):
    """Commands that change at every step, so that one that comes late shows."""
    return [np.array([[3.0 + math.sin(i), 0.4 * math.cos(1.7 * i)]]) for i in range(count)]


@pytest.fixture(scope="module")
def simulator(start):
    return start(circuit="simple", **COARSE)


def test_every_frame_is_of_its_step_and_the_path_that_of_the_embedded_simulator(
    simulator, join, circuit
):
    car = join()
    pose = start_pose(circuit)
    place(car, pose)
    embedded = Simulator([circuit], 1, camera=CAMERA)
    embedded.place([0], [0], pose)
    embedded.step([[0.0, 0.0]])
    first_ns = car.cars[0].report.stamp_ns
    assert first_ns % PERIOD_NS == 0
    preprocessing = Preprocessing(ObservationSettings(columns=40), CAMERA)
    for i, command in enumerate(wandering(300), start=1):
        car.step(command)
        embedded.step(command)
        assert car.cars[0].report.stamp_ns == first_ns + i * PERIOD_NS
        assert car.cars[0].report.answered
        for name in ("x_m", "y_m"):
            np.testing.assert_allclose(getattr(car.poses, name), getattr(embedded, name), atol=1e-9)
        np.testing.assert_allclose(car.poses.yaw_rad, embedded.yaw_rad, atol=1e-9)
        np.testing.assert_array_equal(car.speed_mps, embedded.speed_mps)
        assert car.time_s == pytest.approx(i * 0.05)
        if i % 10 == 0:
            np.testing.assert_array_equal(car.frame(0), embedded.frame(0))
            view = preprocessing.view
            np.testing.assert_array_equal(car.view(view), view.take(embedded.frame(0)[None]))
    assert car.cars[0].report.discarded_frames == 0


def test_a_reset_shows_the_car_at_its_new_pose(simulator, join, circuit):
    car = join()
    place(car, start_pose(circuit))
    for arc_length_m in (5.0, 20.0, 20.0):
        before_ns = car.cars[0].report.stamp_ns
        for command in wandering(5):
            car.step(command)
        pose = start_pose(circuit, arc_length_m)
        place(car, pose)
        assert car.cars[0].report.stamp_ns > before_ns
        assert car.time_s == 0.0
        np.testing.assert_allclose([car.poses.x_m, car.poses.y_m], [pose.x_m, pose.y_m], atol=1e-6)
        assert car.speed_mps == 0.0
        embedded = Simulator([circuit], 1, camera=CAMERA)
        embedded.place([0], [0], pose)
        np.testing.assert_array_equal(car.frame(0), embedded.frame(0))


def test_a_step_before_the_car_is_placed_is_refused(simulator, join):
    with pytest.raises(CarFault, match="place it before"):
        join().step(np.zeros((1, 2)))


def test_a_pose_that_is_none_is_refused_by_the_simulator(simulator, join):
    car = join(recovery_timeout_s=0.5)
    with pytest.raises(CarFault, match=r"refuses the pose.*give a finite number"):
        place(car, Poses(np.array([math.nan]), np.zeros(1), np.zeros(1)))


def test_somebody_who_commands_too_is_noticed(simulator, join, circuit):
    car = join(recovery_timeout_s=0.5)
    other = join()
    until(lambda: car.cars[0]._graph.node.count_publishers("cmd_vel") == 2)
    with pytest.raises(CarFault, match="2 publishers command the car"):
        place(car, start_pose(circuit))
    other.cars[0]._graph.close()
    car.cars[0]._graph.close()
    car = join()
    place(car, start_pose(circuit))


def test_a_foreign_command_that_acted_is_noticed(simulator, join, circuit):
    car = join(sole_commander=False)
    place(car, start_pose(circuit))
    other = Graph("stranger")
    try:
        node = other.node
        publisher = node.create_publisher(type(twist_message(0, 0)), "cmd_vel", lossless(1))
        until(lambda: publisher.get_subscription_count() == 1)
        stop = threading.Event()

        def shout():
            while not stop.is_set():
                publisher.publish(twist_message(7.0, 0.0))
                time.sleep(0.0002)

        thread = threading.Thread(target=shout)
        thread.start()
        try:
            with pytest.raises(CarFault, match=r"drove with 7\.000"):
                drive(car, wandering(3000))
        finally:
            stop.set()
            thread.join()
    finally:
        other.close()


def test_two_cars_in_two_namespaces_do_not_know_of_each_other(start, join, circuit):
    for name in ("left", "right"):
        start("f1_rl.nodes.simulator", "-r", f"__ns:=/{name}", circuit="simple", **COARSE)
    cars = [join("/left"), join("/right")]
    for car, arc_length_m in zip(cars, (0.0, 10.0), strict=True):
        place(car, start_pose(circuit, arc_length_m))
    stamps_ns = [car.cars[0].report.stamp_ns for car in cars]
    for _ in range(20):
        cars[0].step(np.array([[2.0, 0.0]]))
        cars[1].step(np.array([[4.0, 0.0]]))
    for _ in range(10):
        cars[1].step(np.array([[0.0, 0.0]]))
    moved_ns = [
        car.cars[0].report.stamp_ns - stamp for car, stamp in zip(cars, stamps_ns, strict=True)
    ]
    assert moved_ns == [20 * PERIOD_NS, 30 * PERIOD_NS]
    for car, arc_length_m, distance_m in zip(cars, (0.0, 10.0), (2.0, 4.0), strict=True):
        began = start_pose(circuit, arc_length_m)
        driven_m = math.hypot(
            float(car.poses.x_m[0] - began.x_m[0]), float(car.poses.y_m[0] - began.y_m[0])
        )
        assert driven_m == pytest.approx(distance_m, abs=1e-6)


def test_a_killed_simulator_is_a_fault_and_its_restart_is_waited_for(start, join, circuit):
    first = start("f1_rl.nodes.simulator", "-r", "__ns:=/phoenix", circuit="simple", **COARSE)
    car = join("/phoenix", step_timeout_s=1.0)
    place(car, start_pose(circuit))
    for command in wandering(5):
        car.step(command)
    first.end(signal.SIGKILL)
    began_s = time.monotonic()
    with pytest.raises(CarFault, match=r"no frame .* look whether the simulator runs"):
        car.step(np.zeros((1, 2)))
    assert time.monotonic() - began_s < 3.0
    with pytest.raises(CarFault, match="place it before"):
        car.step(np.zeros((1, 2)))
    restart = threading.Timer(
        1.0,
        lambda: start(
            "f1_rl.nodes.simulator", "-r", "__ns:=/phoenix", ready=None, circuit="simple", **COARSE
        ),
    )
    restart.start()
    place(car, start_pose(circuit, 10.0))
    restart.join()
    stamp_ns = car.cars[0].report.stamp_ns
    for i, command in enumerate(wandering(20), start=1):
        car.step(command)
        assert car.cars[0].report.stamp_ns == stamp_ns + i * PERIOD_NS


def test_a_command_acts_one_physics_step_late_as_in_gazebo_if_asked(start, join, circuit):
    start(
        "f1_rl.nodes.simulator",
        "-r",
        "__ns:=/gazebo",
        circuit="simple",
        command_effect="next_step",
        **{**SIZE, "physics_step_ms": 2, "odometry_period_ms": 10},
    )
    car = join("/gazebo")
    pose = start_pose(circuit)
    place(car, pose)
    car.step(np.array([[4.0, 0.0]]))
    driven_m = math.hypot(
        float(car.poses.x_m[0] - pose.x_m[0]), float(car.poses.y_m[0] - pose.y_m[0])
    )
    assert driven_m == pytest.approx(4.0 * 0.048)
